"""Solutions stand between markers; what students get instead still parses and says what to do."""

import ast

import nbformat
import pytest

from instructor.release.markers import MarkerError, regions, solution_lines, strip
from instructor.release.proof import written_functions
from kit.assignment import EDITABLE, MODULES
from kit.paths import KIT

MODULE = """
def area(width, height):
    \"\"\"The area.\"\"\"
    # Hint: multiply.
    ### BEGIN SOLUTION
    result = width * height  # easy
    ### END SOLUTION
    return result
"""


def notebook(*cells):
    return nbformat.writes(nbformat.v4.new_notebook(cells=list(cells)))


def test_a_stub_keeps_docstring_hint_markers_and_what_follows():
    stub = strip(MODULE, "visualizers/area.py")
    assert stub == MODULE.replace("result = width * height  # easy", 'raise NotImplementedError("not implemented yet")')
    with pytest.raises(NotImplementedError, match="not implemented yet"):
        exec(stub + "\narea(1, 2)", {})


def test_putting_the_lines_back_gives_the_module_again():
    stub = strip(MODULE, "visualizers/area.py")
    assert stub.replace('raise NotImplementedError("not implemented yet")', "result = width * height  # easy") == MODULE


def test_a_stripped_notebook_has_no_answers_and_no_outputs():
    code = nbformat.v4.new_code_cell("### BEGIN SOLUTION\nx = 1\n### END SOLUTION", execution_count=3)
    code.outputs = [nbformat.v4.new_output("stream", text="1")]
    prose = "**Question.** Why?\n\n<!-- ### BEGIN SOLUTION -->\nBecause.\n<!-- ### END SOLUTION -->\n\n**Next.**"
    stripped = nbformat.reads(
        strip(notebook(code, nbformat.v4.new_markdown_cell(prose)), "notebooks/a.ipynb"), as_version=4
    )
    assert stripped.cells[0].source.split("\n")[1] == 'raise NotImplementedError("not implemented yet")'
    assert stripped.cells[0].outputs == []
    assert stripped.cells[0].execution_count is None
    assert stripped.cells[1].source == "**Question.** Why?\n\n\n**Next.**"


def test_in_the_report_a_prompt_takes_the_place_of_an_answer():
    report = "::: answer\n<!-- ### BEGIN SOLUTION -->\nBecause.\n<!-- ### END SOLUTION -->\n:::\n"
    assert strip(report, "writeup/writeup.md") == "::: answer\n[Your answer]{.prompt}\n:::\n"


@pytest.mark.parametrize(
    ("lines", "complaint"),
    [
        ("### BEGIN SOLUTION\nx = 1", "line 1: this region does not end"),
        ("x = 1\n### END SOLUTION", "line 2: '### END SOLUTION' ends what has not begun"),
        ("### BEGIN SOLUTION\nx = 1\n### BEGIN SOLUTION\n### END SOLUTION\n### END SOLUTION", "line 3: .* do not nest"),
        ("### BEGIN SOLUTION\nx = 1\n    ### END SOLUTION", "line 3: .* does not match"),
        ("### BEGIN SOLUTION\n\n### END SOLUTION", "line 3: nothing stands"),
        ("## BEGIN SOLUTION\nx = 1\n### END SOLUTION", "line 1: '## BEGIN SOLUTION' is not a marker"),
        ("### BEGIN SOLUTION\nx = 1\n### END SOLUTIONS", "line 3: '### END SOLUTIONS' is not a marker"),
        ("### Begin Solution\nx = 1\n### End Solution", "line 1: .* is not a marker"),
        ("###BEGIN SOLUTION\nx = 1\n###END SOLUTION", "line 1: .* is not a marker"),
        (
            "f(\n    ### BEGIN SOLUTION\n    1,\n    ### END SOLUTION\n)",
            "line 3: without its solution it does not",
        ),
        ("if x:\n    y = 1\n### BEGIN SOLUTION\nelse:\n    y = 2\n### END SOLUTION\nz = [", "does not parse"),
    ],
)
def test_markers_that_are_not_in_order_are_an_error_with_file_and_line(lines, complaint):
    with pytest.raises(MarkerError, match=rf"^visualizers/area\.py, {'.*' if complaint[0] == 'd' else ''}{complaint}"):
        strip(lines, "visualizers/area.py")


def test_an_error_in_a_notebook_names_the_cell():
    cells = (nbformat.v4.new_markdown_cell("Prose"), nbformat.v4.new_code_cell("### BEGIN SOLUTION\nx = 1"))
    with pytest.raises(MarkerError, match=r"^notebooks/a\.ipynb, cell 2, line 1: this region does not end"):
        strip(notebook(*cells), "notebooks/a.ipynb")


@pytest.mark.parametrize("name", ["tests/test_area.py", "data/model.py", "README.md"])
def test_solutions_elsewhere_are_an_error(name):
    with pytest.raises(MarkerError, match=rf"^{name}, line 1: solutions stand in"):
        strip("### BEGIN SOLUTION\nx = 1\n### END SOLUTION\n", name)


def test_the_lines_of_solutions_are_found_in_modules_notebooks_and_the_report():
    code = nbformat.v4.new_code_cell("a = 0\n### BEGIN SOLUTION\nx = 1\n### END SOLUTION")
    assert solution_lines(notebook(code), "notebooks/a.ipynb") == ["x = 1"]
    assert solution_lines(MODULE, "visualizers/area.py") == ["result = width * height  # easy"]


# ---------------------------------------------------------------------------------------------------- the kit's own


@pytest.mark.parametrize("name", EDITABLE)
def test_every_file_that_students_write_has_its_markers_in_order(name):
    source = (KIT / name).read_text("utf-8")
    assert strip(source, name) != source


@pytest.mark.parametrize(("function", "path"), written_functions())
def test_a_function_with_a_solution_becomes_one_that_is_not_written(function, path):
    tree = ast.parse(strip((KIT / path).read_text("utf-8"), path))
    (definition,) = (node for node in tree.body if getattr(node, "name", None) == function)
    assert any(isinstance(node, ast.Raise) and "not implemented" in ast.unparse(node) for node in ast.walk(definition))


def test_solutions_stand_in_no_other_file():
    marked = {
        path.relative_to(KIT).as_posix()
        for folder in ("visualizers", "style_transfer", "sanity_checks", "data", "kit", "writeup", "notebooks")
        for path in (KIT / folder).rglob("*.*")
        if path.suffix in (".py", ".md", ".ipynb")
        and solution_lines(path.read_text("utf-8"), path.relative_to(KIT).as_posix())
    }
    assert marked == set(EDITABLE)


def test_every_module_of_the_table_has_a_solution():
    assert {path for _, path in written_functions()} == set(MODULES)


def test_regions_are_found_in_order():
    text = "### BEGIN SOLUTION\na\n### END SOLUTION\nb\n### BEGIN SOLUTION\nc\n### END SOLUTION"
    assert [(region.begin, region.end, region.lines) for region in regions(text, "a")] == [
        (0, 2, ("a",)),
        (4, 6, ("c",)),
    ]
