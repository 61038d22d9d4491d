"""What the notebooks say agrees with what the code is: names, links, numbers."""

import re
from functools import cache

import nbformat
import pytest

from data.examples import CLASS_NAMES
from kit.assignment import TABLE
from kit.paths import KIT
from style_transfer import PRESETS
from visualizers.class_visualization import create_class_visualization
from visualizers.fooling import make_fooling_image

NOTEBOOKS = sorted(KIT.glob("notebooks/[0-9][0-9]_*.ipynb"))
each_notebook = pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
PACKAGES = ("data", "kit", "visualizers", "style_transfer", "sanity_checks")
DREAM = create_class_visualization.__kwdefaults__
PAINTERLY, COURSE = PRESETS["painterly"], PRESETS["starry_night"]
# what a notebook says, and the number that it must be
NUMBERS = {
    "01_saliency_maps": {"150,528": f"{3 * 224 * 224:,}", "the 1000 classes": f"the {len(CLASS_NAMES)} classes"},
    "03_fooling_images": {
        r"\eta = 10 .": rf"\eta = {make_fooling_image.__defaults__[0]:.0f} .",
        "within a hundred steps": {100: "within a hundred steps"}.get(make_fooling_image.__defaults__[1]),
    },
    "04_class_visualization": {
        "up to 16 pixels": f"up to {DREAM['max_jitter']} pixels",
        "your step a hundred times": {100: "your step a hundred times"}.get(DREAM["num_iterations"]),
        "every tenth iteration": {10: "every tenth iteration"}.get(DREAM["blur_every"]),
    },
    "05_style_transfer": {
        "for 200 iterations, with a rate of 3.0 that falls to 0.1 for the last 20": (
            f"for {COURSE.num_iterations} iterations, with a rate of {COURSE.learning_rate} that falls to "
            f"{COURSE.final_learning_rate} for the last {COURSE.num_iterations - COURSE.decay_at}"
        ),
        "at 0.3 of the picture's size first": f"at {PAINTERLY.scales[0]} of the picture's size first",
        "then at 0.55 and at full size": f"then at {PAINTERLY.scales[1]} and at full size",
    },
}


def sources(path, kind):
    return [cell.source for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == kind]


def prose(path):
    return "\n\n".join(sources(path, "markdown"))


@cache
def vocabulary():
    """Every word of the kit's code, and of the notebooks' code cells."""
    texts = [path.read_text("utf-8") for package in PACKAGES for path in (KIT / package).rglob("*.py")]
    texts += [source for path in NOTEBOOKS for source in sources(path, "code")]
    return set(re.findall(r"\w+", "\n".join(texts)))


@each_notebook
def test_a_name_in_the_prose_is_a_name_in_the_code(path):
    spans = [span for span in re.findall(r"(?<!`)`([^`\n]+)`(?!`)", prose(path)) if "/" not in span]
    names = {word for span in spans for word in re.findall(r"[A-Za-z_]\w{2,}", span)}
    assert not names - vocabulary()


@each_notebook
def test_a_file_in_the_prose_exists(path):
    text = prose(path)
    linked = re.findall(r"\]\(([^)#:]+)\)", text)
    assert linked
    assert not [link for link in linked if not (path.parent / link).exists()]
    assert not [file for file in re.findall(r"`([\w/]+\.(?:py|ipynb|md|toml))`", text) if not (KIT / file).exists()]


@pytest.mark.parametrize(
    ("notebook", "said", "true"),
    [(notebook, said, true) for notebook, pairs in NUMBERS.items() for said, true in pairs.items()],
)
def test_a_number_in_the_prose_is_the_number_in_the_code(notebook, said, true):
    assert said == true
    assert said in prose(KIT / "notebooks" / f"{notebook}.ipynb")


@each_notebook
def test_a_notebook_opens_with_a_question_and_a_picture_and_ends_with_what_to_read(path):
    cells = nbformat.read(path, as_version=4).cells
    assert re.match(r"# \d · [^\n]+\n\n\*\*[^\n]+\?\*\*\n\n!\[[^\]]+\.\]\(", cells[0].source)
    assert cells[-1].source.startswith("## Read next\n")


@each_notebook
def test_a_prediction_is_asked_for_before_the_code_that_shows_the_answer(path):
    cells = nbformat.read(path, as_version=4).cells
    asked = [place for place, cell in enumerate(cells) if "**Predict first" in cell.source]
    assert asked
    assert all(any(cell.cell_type == "code" for cell in cells[place + 1 :]) for place in asked)


@each_notebook
def test_questions_are_numbered_in_their_order(path):
    numbers = re.findall(r"\*\*Question (\d+)\.\*\*", prose(path))
    assert numbers == [str(number) for number in range(1, len(numbers) + 1)]


@pytest.mark.parametrize("notebook", TABLE["notebooks"])
def test_a_notebook_has_one_explorer(notebook):
    cells = nbformat.read(KIT / "notebooks" / f"{notebook}.ipynb", as_version=4).cells
    assert any(re.search(r"explorations\.\w+\(", cell.source) for cell in cells if cell.cell_type == "code")
