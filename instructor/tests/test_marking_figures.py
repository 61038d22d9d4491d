"""Figures are drawn anew from the submitted code, and one that cannot come from it is noted for a person."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from instructor.grading.intake.submission import read_submission
from instructor.marking import redrawing
from instructor.marking.by_look import BY_LOOK
from instructor.marking.desk import Drawing
from instructor.marking.drawings import MINUTES, RECIPES, Code, drawn, scenes
from instructor.marking.intake import take_in
from instructor.marking.pages import NOT_DRAWN
from instructor.marking.records import open_records
from instructor.marking.scheme import load_scheme
from instructor.marking.similarity import least, resemblance, similarity
from instructor.marking.telling import figure_lines
from instructor.mistakes.catalogue import mutants
from instructor.release.markers import strip
from instructor.tests.support.fresh import said_by
from instructor.tests.support.marking import files, pack, picture
from kit.assignment import FIGURES, MODULES, NOTEBOOKS, QUESTIONS
from kit.paths import KIT
from kit.report.figures import Picture, small_copy
from visualizers import figures

SALIENCY = "visualizers/saliency.py"


def test_a_picture_is_like_itself_however_it_was_stored_and_unlike_others():
    assert similarity(picture(1), picture(1)) == 1
    assert similarity(picture(1), picture(1, quality=60)) > 0.95
    assert similarity(picture(1), picture(1, size=(480, 162))) > 0.95
    assert similarity(picture(1), picture(2)) < 0.2
    assert similarity(picture(1), picture(1, size=(80, 240))) == 0
    assert similarity(picture(1), b"no picture") == 0


def test_recipes_are_those_of_figures_that_notebooks_save():
    saved = "".join(
        "".join(cell["source"])
        for name in NOTEBOOKS
        for cell in json.loads((KIT / name).read_text("utf-8"))["cells"]
        if cell["cell_type"] == "code"
    )
    for name in (*RECIPES, *MINUTES, *BY_LOOK):
        assert name in FIGURES
        assert f'"{name}"' in saved


def test_every_figure_of_the_report_is_drawn_anew_or_the_page_says_why_not():
    asked = {name for question in QUESTIONS.values() for name in question["figures"]}
    assert {*RECIPES, *MINUTES, *BY_LOOK} | set(NOT_DRAWN) == asked


def test_the_page_knows_the_limit_under_which_each_figure_is_noted():
    for each in redrawing.ROUNDS:
        assert {least(name) for name in each.recipes} == {each.alike}


def test_figures_are_named_by_their_titles_with_what_was_measured_and_the_limit():
    drawings = {
        "saliency_maps": Drawing("a", 0.889, ""),
        "captum_saliency": Drawing("b", 0.6, ""),
        "style_the_scream": Drawing("c", 0.86, ""),
        "grad_cam": Drawing("", 0, "NotImplementedError"),
    }
    lines = list(figure_lines([*drawings, "fooling_image"], drawings, load_scheme().figure_titles))
    assert lines == [
        "“Saliency maps: ours” is only 88 % like what the submitted code draws here, "
        "“Saliency maps: ours and Captum's” only 60 %; the limit is 95 %.",
        "The submitted code does not draw “Grad-CAM”.",
    ]


def test_pictures_resemble_one_another_by_their_patches_whatever_their_details():
    assert resemblance(picture(1), picture(1, quality=40)) > 0.95
    assert resemblance(picture(1), picture(2)) < 0.5
    assert resemblance(picture(1), b"no picture") == 0


@pytest.fixture(scope="module")
def scene():
    """The shipped weights and photographs, which are everywhere."""
    return scenes()[-1]


@pytest.fixture(scope="module")
def right(scene):
    """What the kit's own solution draws."""
    code = Code({name: (KIT / name).read_text("utf-8") for name in MODULES})
    try:
        return {name: drawn(name, code, scene) for name in ("saliency_maps", "grad_cam")}
    finally:
        code.close()


@pytest.mark.long
def test_a_notebooks_figure_of_fine_lines_is_like_what_the_same_code_draws(tmp_path, monkeypatch, scene):
    """Saved by the notebook, copied for the report and handed in, it has other pixels, but nobody is to be accused."""
    monkeypatch.setenv("KIT_FIGURES", str(tmp_path / "figures"))
    own = {name: (KIT / name).read_bytes() for name in MODULES}
    code = Code({name: content.decode() for name, content in own.items()})
    try:
        figures.save(RECIPES["guided_grad_cam"](code, scene), "guided_grad_cam")
    finally:
        code.close()
    original = Picture("guided_grad_cam", tmp_path / "figures" / "guided_grad_cam.png")
    copy = small_copy(original, tmp_path / "guided_grad_cam")
    handed = pack(tmp_path / "ada.zip", {**files({}, {"guided_grad_cam": copy.read_bytes()}), **own})
    about = redrawing.Round("", {"guided_grad_cam": RECIPES["guided_grad_cam"]}, similarity, redrawing.ALIKE)
    (found,) = redrawing.best_of_scenes(read_submission(handed), [scene], about).values()
    assert found[1] > 0.99


@pytest.mark.long
def test_figures_of_anothers_code_are_noted_and_those_of_ones_own_are_not(tmp_path, monkeypatch, scene, right):
    only = {name: RECIPES[name] for name in right}
    monkeypatch.setattr(redrawing, "ROUNDS", (redrawing.Round("", only, similarity, redrawing.ALIKE),))
    monkeypatch.setattr(redrawing, "scenes", lambda: [scene])
    own = {name: (KIT / name).read_bytes() for name in MODULES}
    mistake = next(mutant for mutant in mutants() if mutant.module == SALIENCY and mutant.name == "signed")
    unwritten = strip(own[SALIENCY].decode(), SALIENCY).encode()
    codes = {"ada": {}, "bob": {SALIENCY: mistake.source().encode()}, "cleo": {SALIENCY: unwritten}}
    for name, code in codes.items():
        pack(tmp_path / "in" / f"{name}.zip", {**files({}, right), **own, **code})
    records = open_records(tmp_path / "out")
    take_in(tmp_path / "in", records)
    redrawing.redraw(tmp_path / "out")
    rows = records.connection.execute("SELECT submission, question, reason FROM warnings").fetchall()
    assert {tuple(row) for row in rows} == {
        ("bob", "saliency-maps", "The figure saliency_maps does not look like what the submitted code draws"),
        ("cleo", "saliency-maps", "The figure saliency_maps is there, but the submitted code does not draw it"),
    }
    kept = records.connection.execute("SELECT submission, name, similarity FROM drawings WHERE name != ''").fetchall()
    alike = {(row["submission"], row["name"]): row["similarity"] for row in kept}
    assert alike["ada", "saliency_maps"] == alike["ada", "grad_cam"] == alike["bob", "grad_cam"] == 1

    monkeypatch.setattr(redrawing, "compare", lambda *about: pytest.fail(f"compared again: {about[1]}"))
    redrawing.redraw(tmp_path / "out")
    with redrawing.alone(Path(tmp_path / "out")):
        pack(tmp_path / "in" / "ada.zip", {**files({}, right), **own, SALIENCY: unwritten})
        take_in(tmp_path / "in", records)
        redrawing.redraw(tmp_path / "out")  # another process does it


def test_redrawing_ends_although_the_command_had_ended_before_it_began(tmp_path):
    parent = subprocess.Popen([sys.executable, "-c", ""])
    parent.wait()
    endless = "from instructor.marking import redrawing; redrawing.redraw = lambda out: redrawing.time.sleep(3600)"
    start = f"import signal, sys; signal.alarm(300); sys.argv[1:] = {[str(tmp_path), str(parent.pid)]}"
    assert said_by(f"{start}\n{endless}\ntry: redrawing.main()\nexcept SystemExit as end: print(end.code)") == "0\n"
