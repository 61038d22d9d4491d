"""In a real kernel, the next cell sees what was saved, whatever was saved and however."""

import ast
import os
import re
import shutil

import nbformat
import pytest

from instructor.tests.support.kernels import Kernel
from kit.paths import KIT

pytestmark = pytest.mark.long

CALLS = {
    "visualizers/saliency.py": "compute_saliency_maps(X, y, net)",
    "visualizers/guided_backprop.py": "guided_backprop(X, y, net)",
    "visualizers/grad_cam.py": "guided_grad_cam(X, y, net)",
    "visualizers/fooling.py": "make_fooling_image(X, 2, net, max_iter=1)",
    "visualizers/class_visualization.py": "class_visualization_update_step(X, 2, net, 0.0, 1.0)",
    "style_transfer/content_loss.py": "content_loss(1.0, X, X)",
    "style_transfer/style_loss.py": "style_loss([X], [0], [torch.zeros(1, 3, 3)], [1.0])",
    "style_transfer/tv_loss.py": "tv_loss(X, 1.0)",
    "visualizers/rank_correlation.py": "rank_correlation(X[:, 0], X[:, 1])",
}
SALIENCY, TV_LOSS = "visualizers/saliency.py", "style_transfer/tv_loss.py"
SETTING = """
import torch
from style_transfer import content_loss, style_loss, tv_loss
from visualizers import class_visualization_update_step, guided_backprop, guided_grad_cam, make_fooling_image
from visualizers import rank_correlation
torch.manual_seed(0)
net = torch.nn.Sequential(torch.nn.Conv2d(3, 4, 3), torch.nn.ReLU(), torch.nn.AdaptiveAvgPool2d(1))
net = net.append(torch.nn.Flatten()).append(torch.nn.Linear(4, 3))
X, y = torch.randn(1, 3, 16, 16), torch.tensor([1])
"""
SOLUTION = re.compile(r"^( *)### BEGIN SOLUTION\n.*?### END SOLUTION\n", re.DOTALL | re.MULTILINE)
STUB = 'raise NotImplementedError("not implemented yet")'


def solution(module):
    return (KIT / module).read_text("utf-8")


def with_body(module, statement):
    """The module with the statement in place of every solution."""
    return SOLUTION.sub(lambda found: f"{found[1]}{statement}\n", solution(module))


def stub(module):
    return with_body(module, STUB)


def first_cell():
    notebook = nbformat.read(KIT / "notebooks" / "01_saliency_maps.ipynb", as_version=4)
    return next(cell.source for cell in notebook.cells if cell.cell_type == "code")


def unwrite(kit):
    """Every module as students get it; guided backprop is there, since guided Grad-CAM needs it."""
    for module in CALLS:
        (kit / module).write_text((solution if "guided" in module else stub)(module), "utf-8")


@pytest.fixture(scope="module")
def kit(tmp_path_factory):
    kit = tmp_path_factory.mktemp("alive")
    for package in ("kit", "data", "style_transfer", "visualizers", "sanity_checks", "notebooks"):
        shutil.copytree(KIT / package, kit / package, ignore=shutil.ignore_patterns("__pycache__", "weights"))
    shutil.copy(KIT / "pyproject.toml", kit)
    unwrite(kit)
    return kit


@pytest.fixture(scope="module")
def running(kit):
    """A kernel in which the first cell of notebook 1 has run, and no other."""
    kernel = Kernel(kit)
    assert not kernel.run(f"{first_cell()}\n{SETTING}")
    yield kernel
    kernel.stop()


@pytest.fixture
def run(running, kit):
    """Runs a cell in that kernel; afterwards every module is unwritten again."""
    yield running.run
    unwrite(kit)


@pytest.mark.parametrize("beginning", [first_cell(), "%load_ext autoreload\n%autoreload 2"], ids=["ours", "autoreload"])
def test_what_is_saved_right_after_the_first_cell_is_seen(kit, beginning):
    """In a kernel of its own, since only the first edit comes this early."""
    kernel = Kernel(kit)
    try:
        assert not kernel.run(f"{beginning}\nfrom visualizers import compute_saliency_maps\n{SETTING}")
        for module in CALLS:
            (kit / module).write_text(solution(module), "utf-8")
        said = {module: kernel.run(f"{call}; print('done')") for module, call in CALLS.items()}
        for module in CALLS:
            (kit / module).write_text(with_body(module, "raise ArithmeticError('again')"), "utf-8")
        later = {module: kernel.run(call) for module, call in CALLS.items()}
    finally:
        kernel.stop()
        unwrite(kit)
    assert said == dict.fromkeys(CALLS, "done")
    assert not {module for module, words in later.items() if not words.endswith("ArithmeticError: again")}


@pytest.mark.parametrize("module", CALLS)
def test_each_of_several_edits_is_seen_by_the_very_next_cell(kit, run, module):
    call = f"{CALLS[module]}; print('done')"
    for text, expected in [
        (solution(module), "done"),
        (with_body(module, "raise ArithmeticError('first')"), "ArithmeticError: first"),
        (with_body(module, "raise ArithmeticError('other')"), "ArithmeticError: other"),
        (stub(module), "Not implemented yet"),
        (solution(module), "done"),
    ]:
        (kit / module).write_text(text, "utf-8")
        assert expected in run(call)


@pytest.mark.parametrize("module", CALLS)
def test_what_stands_outside_the_functions_comes_and_goes_with_its_line(kit, run, module):
    added = "\nEXTRA = 7\n\n\ndef helper():\n    return EXTRA + 1\n\n\nprint('imported')\n"
    using = with_body(module, "raise ArithmeticError(str(helper()))")
    (kit / module).write_text(using + added, "utf-8")
    said = run(CALLS[module])
    assert "imported" in said
    assert "ArithmeticError: 8" in said
    (kit / module).write_text(using, "utf-8")
    said = run(CALLS[module])
    assert "imported" not in said
    assert "NameError: name 'helper' is not defined" in said


@pytest.mark.parametrize("module", CALLS)
def test_a_syntax_error_lets_no_cell_run_until_it_is_mended(kit, run, module):
    (kit / module).write_text(solution(module), "utf-8")
    assert run(f"{CALLS[module]}; print('done')") == "done"
    line = solution(module).count("\n") + 1
    (kit / module).write_text(solution(module) + "def broken(:\n", "utf-8")
    expected = f"{module}, line {line}: SyntaxError: invalid syntax. No cell runs until this is fixed and saved."
    assert [run(f"{CALLS[module]}; print('done')"), run("print('done')")] == [expected, expected]
    (kit / module).write_text(solution(module), "utf-8")
    assert run(f"{CALLS[module]}; print('done')") == "done"


def test_a_module_that_fails_when_it_is_imported_is_named_with_its_line(kit, run):
    (kit / TV_LOSS).write_text("import torch\nscale = 1 / 0\n", "utf-8")
    expected = f"{TV_LOSS}, line 2: ZeroDivisionError: division by zero. No cell runs until this is fixed and saved."
    assert [run("print('done')"), run("print('done')")] == [expected, expected]
    (kit / TV_LOSS).write_text(solution(TV_LOSS), "utf-8")
    assert run("tv_loss(X, 1.0); print('done')") == "done"


def test_a_function_that_was_taken_out_is_missed_where_it_is_imported(kit, run):
    (kit / TV_LOSS).write_text("import torch\n", "utf-8")
    assert "cannot import name 'tv_loss'" in run("print('done')")


def test_what_is_saved_while_a_cell_runs_is_seen_by_the_next(kit, run):
    writing = f"open({str(kit / TV_LOSS)!r}, 'w', encoding='utf-8').write({solution(TV_LOSS)!r})"
    assert "Not implemented yet" in run(f"_ = {writing}\ntv_loss(X, 1.0)")
    assert run("tv_loss(X, 1.0); print('done')") == "done"


def test_a_file_that_an_editor_puts_in_the_place_of_the_old_one_is_seen(kit, run):
    (kit / "new").write_text(solution(TV_LOSS), "utf-8")
    os.replace(kit / "new", kit / TV_LOSS)
    assert run("tv_loss(X, 1.0); print('done')") == "done"


def test_an_edit_that_changes_neither_the_time_nor_the_size_of_the_file_is_seen(kit, run):
    """As on file systems that count whole seconds."""
    for word in ("one", "two", "six"):
        (kit / TV_LOSS).write_text(with_body(TV_LOSS, f"raise ArithmeticError('{word}')"), "utf-8")
        os.utime(kit / TV_LOSS, (1_000_000_000, 1_000_000_000))
        assert f"ArithmeticError: {word}" in run("tv_loss(X, 1.0)")


def test_functions_that_a_list_or_a_lambda_holds_are_the_new_ones(kit, run):
    run("held = {'tv': tv_loss, 'later': lambda: tv_loss(X, 1.0)}")
    (kit / TV_LOSS).write_text(with_body(TV_LOSS, "raise ArithmeticError('new')"), "utf-8")
    assert "ArithmeticError: new" in run("held['tv'](X, 1.0)")
    assert "ArithmeticError: new" in run("held['later']()")


def test_a_decorator_that_is_added_and_taken_away_is_seen(kit, run):
    decorated = solution(TV_LOSS).replace("def tv_loss", "@torch.no_grad()\ndef tv_loss")
    for text, expected in [(solution(TV_LOSS), True), (decorated, False), (solution(TV_LOSS), True)]:
        (kit / TV_LOSS).write_text(text, "utf-8")
        assert run("print(tv_loss(X.clone().requires_grad_(), 1.0).requires_grad)") == str(expected)


def test_an_edit_reaches_the_modules_that_import_the_edited_one(kit, run):
    (kit / "visualizers" / "grad_cam.py").write_text(solution("visualizers/grad_cam.py"), "utf-8")
    wrong = with_body("visualizers/guided_backprop.py", "raise ArithmeticError('inside')")
    (kit / "visualizers" / "guided_backprop.py").write_text(wrong, "utf-8")
    assert "ArithmeticError: inside" in run("guided_grad_cam(X, y, net)")


def test_an_error_is_shown_with_the_line_as_it_is_now(kit, run):
    """After lines were added above it, too."""
    text = with_body(SALIENCY, "raise ArithmeticError('here')")
    for added in range(3):
        moved = "# a comment\n" * added + text
        (kit / SALIENCY).write_text(moved, "utf-8")
        line = next(number for number, words in enumerate(moved.splitlines(), 1) if "'here'" in words)
        said = run("compute_saliency_maps(X, y, net)")
        assert f"--> {line} " in said.replace("---> ", "--> ").replace("----> ", "--> "), said
        assert "_contextlib" not in said
        (kit / SALIENCY).write_text("# a comment\n" * added + stub(SALIENCY), "utf-8")
        line = next(
            number for number, words in enumerate((kit / SALIENCY).read_text("utf-8").splitlines(), 1) if STUB in words
        )
        assert f"compute_saliency_maps in {SALIENCY}, line {line}." in run("compute_saliency_maps(X, y, net)")


def test_an_error_below_given_code_is_shown_without_the_lines_of_libraries(kit, run):
    """Decorators of torch's are no part of what a student wrote."""
    (kit / TV_LOSS).write_text(with_body(TV_LOSS, "img.nowhere"), "utf-8")
    (kit / SALIENCY).write_text(with_body(SALIENCY, "torch.autograd.grad(scores, scores.shape)"), "utf-8")
    for call in (f"torch.no_grad()(lambda: {CALLS[TV_LOSS]})()", CALLS[SALIENCY]):
        said = run(call)
        assert re.search(r"-> \d+ +(img.nowhere|torch.autograd.grad)", said), said
        assert "site-packages" not in said
        assert "Error retrieving" not in said


def test_an_error_quotes_the_lines_that_run_when_the_file_was_saved_since(kit, run):
    """As in a cell that takes long."""
    wrong = with_body(TV_LOSS, "raise ArithmeticError('here')")
    (kit / TV_LOSS).write_text(wrong, "utf-8")
    saving = f"_ = open({str(kit / TV_LOSS)!r}, 'w', encoding='utf-8').write('# emptied')"
    assert re.search(r"-> \d+ +raise ArithmeticError\('here'\)", run(f"{saving}\n{CALLS[TV_LOSS]}"))


def test_functions_that_students_write_carry_no_decorator():
    """IPython's own autoreload, which some will use, cannot replace what a decorator has wrapped."""
    for module in CALLS:
        for node in ast.walk(ast.parse(solution(module))):
            assert not (isinstance(node, ast.FunctionDef) and node.decorator_list), f"{module}: {node.name}"
