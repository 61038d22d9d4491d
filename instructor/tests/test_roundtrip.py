"""A student's whole way: unpack a release, set it up, fail in a friendly way, write, pass, export, report, hand in."""

import json
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import zipfile
from collections import defaultdict
from pathlib import Path

import nbformat
import pytest

from instructor.mistakes.catalogue import mutants
from instructor.tests.support.browser import chromium, jupyterlab, menus_of_last_picture, run_all
from instructor.tests.support.kernels import Kernel
from kit.assignment import CHECKS
from kit.paths import KIT

pytestmark = pytest.mark.long
NOTEBOOK = "notebooks/01_saliency_maps.ipynb"
ENDLESS = "never_stops"  # a mistake that takes a hundred steps wherever one is enough
SOLUTION = re.compile(r"### BEGIN SOLUTION\n(.*?)### END SOLUTION", re.DOTALL)


def paste(source, target):
    """What a student does between the markers."""
    (solution,) = SOLUTION.findall(source)
    return SOLUTION.sub(lambda _: f"### BEGIN SOLUTION\n{solution}### END SOLUTION", target)


def paste_module(kit, name):
    path = kit / name
    path.write_text(paste((KIT / name).read_text("utf-8"), path.read_text("utf-8")), "utf-8")


def paste_warm_up(kit):
    notebook = nbformat.read(kit / NOTEBOOK, as_version=4)
    original = nbformat.read(KIT / NOTEBOOK, as_version=4)
    for cell, solved in zip(notebook.cells, original.cells, strict=True):
        if cell.cell_type == "code" and "BEGIN SOLUTION" in cell.source:
            cell.source = paste(solved.source, cell.source)
    nbformat.write(notebook, kit / NOTEBOOK)


@pytest.fixture(scope="module")
def archive(tmp_path_factory):
    """The release, made by the command."""
    out = tmp_path_factory.mktemp("release") / "out"
    command = [sys.executable, "-m", "instructor", "release", str(out)]
    made = subprocess.run(command, cwd=KIT, capture_output=True, encoding="utf-8")
    assert made.returncode == 0, made.stdout + made.stderr
    assert made.stdout.count("✓") == 4
    return out / "inside-convnets.zip"


def unpack(archive, folder):
    with zipfile.ZipFile(archive) as contents:
        contents.extractall(folder.parent)
    (folder / "collect_submission.sh").chmod(0o755)  # unzip restores it, Python's zipfile does not


@pytest.fixture(scope="module")
def set_up(archive, tmp_path_factory):
    """Unpacked elsewhere and set up as the README says, with the packages that are already here."""
    folder = tmp_path_factory.mktemp("home") / "a student" / "inside-convnets"
    unpack(archive, folder)
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", ".venv"], cwd=folder, check=True)
    python = folder / ".venv" / "bin" / "python"
    query = [str(python), "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"]
    own = Path(subprocess.run(query, capture_output=True, encoding="utf-8", check=True).stdout.strip())
    (own / "packages.pth").write_text(sysconfig.get_path("purelib") + "\n", "utf-8")
    pip = [sys.executable, "-m", "pip", "--python", str(python), "install"]
    subprocess.run([*pip, "-q", "--no-deps", "--no-build-isolation", "-e", "."], cwd=folder, check=True)
    return folder


@pytest.fixture
def kit(archive, set_up):
    """The student's folder as it was right after it was set up, whatever other tests have done in it."""
    for path in set_up.iterdir():
        if path.is_file():
            path.unlink()
        elif path.name != ".venv" and path.suffix != ".egg-info":
            shutil.rmtree(path)
    unpack(archive, set_up)
    return set_up


def environment_of(kit):
    """A student's shell, with the environment activated and nothing of ours set."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("KIT_", "PYTHON"))}
    own = {"JUPYTER_CONFIG_DIR": str(kit / ".jupyter"), "JUPYTER_DATA_DIR": str(kit / ".data")}
    path = os.pathsep.join([str(kit / ".venv" / "bin"), os.environ["PATH"]])
    return {**environment, **own, "KIT_OFFLINE": "1", "PATH": path}


@pytest.fixture
def run(kit):
    """Run something with the student's own Python."""

    def call(*command):
        return subprocess.run(command, cwd=kit, env=environment_of(kit), capture_output=True, encoding="utf-8")

    return call


STEP = """
import nbformat
from nbclient import NotebookClient
notebook = nbformat.read("{notebook}", as_version=4)
resources = {{"metadata": {{"path": "notebooks"}}}}
client = NotebookClient(notebook, kernel_name="python3", allow_errors=True, resources=resources)
client.execute()
nbformat.write(notebook, "{notebook}")
"""


def cell_by_cell(kit, run):
    """Run notebook 01 on and on, whatever fails, as a student does who steps through it; the code cells afterwards."""
    done = run("python", "-c", STEP.format(notebook=NOTEBOOK))
    assert done.returncode == 0, done.stderr
    cells = nbformat.read(kit / NOTEBOOK, as_version=4).cells
    return [cell for cell in cells if cell.cell_type == "code"]


def shown(cells, beginning):
    """Everything that the cell which begins so has printed, shown or raised."""
    (cell,) = (cell for cell in cells if cell.source.startswith(beginning))
    return "\n".join(str(output.get("text", output.get("traceback", ""))) for output in cell.outputs)


def test_a_newcomer_goes_from_the_release_to_a_submission(kit, run):
    cells = cell_by_cell(kit, run)
    assert "Not implemented yet: a part of this cell." in shown(cells, "### BEGIN SOLUTION")
    checked = shown(cells, "check(")
    assert checked.startswith("Not implemented yet: compute_saliency_maps in saliency.py. Then these will be checked:")
    assert re.search(r"\n0 of \d+ checks hold\.$", checked.rstrip())
    friendly = shown(cells, "saliency = ")
    assert "Not implemented yet: compute_saliency_maps in visualizers/saliency.py, line " in friendly
    assert "site-packages" not in friendly

    tests = run("python", "-m", "pytest", "tests/test_saliency.py")
    assert tests.returncode == 1
    assert "not implemented yet: compute_saliency_maps in visualizers/saliency.py (" in tests.stdout
    assert "Traceback" not in tests.stdout

    refused = run("sh", "collect_submission.sh")
    assert refused.returncode == 1
    assert "figures/saliency_maps.png is missing: run notebooks/01_saliency_maps.ipynb" in refused.stdout
    assert "Answer: one backward pass: still contains the prompt" in refused.stdout
    assert not (kit / "submission.zip").exists()

    paste_warm_up(kit)
    paste_module(kit, "visualizers/saliency.py")
    cells = cell_by_cell(kit, run)
    assert "All checks hold." in shown(cells, "check(")
    assert not [output for cell in cells for output in cell.outputs if output.output_type == "error"]
    assert run("python", "-m", "pytest", "tests/test_saliency.py").returncode == 0
    assert sorted(path.name for path in (kit / "figures").iterdir()) == [
        "captum_saliency.png",
        "predictions.png",
        "saliency_maps.png",
    ]

    report = run("python", "-m", "kit", "report")
    assert report.returncode == 0, report.stderr
    assert "✗ Figures: 2 of 15 done" in report.stdout
    assert "3 · Saliency maps" in report.stdout
    assert (kit / "writeup" / "build" / "writeup.pdf").stat().st_size > 10_000

    forced = run("sh", "collect_submission.sh", "--force")
    assert forced.returncode == 0, forced.stderr
    assert "✓ the kit's own files are unchanged" in forced.stdout
    assert "01_saliency_maps.ipynb:" not in forced.stdout
    assert "02_grad_cam.ipynb: it was not run" in forced.stdout
    with zipfile.ZipFile(kit / "submission.zip") as packed:
        names = packed.namelist()
        assert packed.read("visualizers/saliency.py") == (kit / "visualizers" / "saliency.py").read_bytes()
        assert json.loads(packed.read("manifest.json"))["problems"]
    assert "writeup/build/figures/01-saliency_maps.jpg" in names
    assert not [name for name in names if name.startswith((".venv", "tests"))]


def mistaken_modules():
    """For each module that students write in, its text with one mistake in it, which is quickly looked at."""
    return {
        mutant.module: mutant.source() for mutant in reversed(mutants()) if mutant.name != ENDLESS
    }  # the first of each


def test_check_says_the_same_each_time_whatever_was_checked_before(kit):
    """In one kernel, each task three times right and three times wrong, in turns: the same code gets the same words."""
    wrong = mistaken_modules()
    right = {name: (KIT / name).read_text("utf-8") for name in wrong}
    said = defaultdict(set)
    kernel = Kernel(kit)
    try:
        kernel.run("%load_ext kit\nfrom kit import check")
        for turn in range(6):
            # By twos, since Grad-CAM's check asks about guided backprop, too, and both states are to come again.
            mistaken = {name for place, name in enumerate(wrong) if (turn + place // 2) % 2}
            for name in wrong:
                (kit / name).write_text((wrong if name in mistaken else right)[name], "utf-8")
            for task, modules in CHECKS.items():
                said[task, tuple(mistaken & set(modules))].add(kernel.run(f"check({task!r})"))
    finally:
        kernel.stop()
    assert len(said) == 2 * len(CHECKS)
    assert not {key: words for key, words in said.items() if len(words) > 1}
    for (task, mistaken), (words,) in said.items():
        assert words.endswith("All checks hold.") != bool(mistaken), (task, mistaken, words)


def test_the_release_holds_nothing_of_this_machine(archive):
    with zipfile.ZipFile(archive) as packed:
        for name in packed.namelist():
            content = packed.read(name)
            assert str(KIT).encode() not in content, name
            assert str(Path.home()).encode() + b"/" not in content, name


@pytest.fixture
def lab(kit):
    """JupyterLab on the student's kit: its address."""
    command = [str(kit / ".venv" / "bin" / "python"), "-m", "jupyterlab", "--ServerApp.root_dir=."]
    command.append("--expose-app-in-browser")  # so that a test can bring a file to the front
    extensions = {"JUPYTER_PATH": str(Path(sys.prefix) / "share" / "jupyter")}  # of the packages that are here, too
    with jupyterlab(command, kit, environment_of(kit) | extensions, kit / "lab.log") as address:
        yield f"{address}/lab/tree/{NOTEBOOK}?reset"


@pytest.fixture
def page():
    with chromium() as browser:
        page = browser.new_page(viewport={"width": 1300, "height": 1600})
        page.set_default_timeout(180_000)  # ms: a busy machine is slow, not wrong
        yield page


def show(page, words, seconds=180):
    """Wait for the words, wherever they are in the notebook, and bring them into view."""
    place = page.locator(".jp-OutputArea-output", has_text=words).first
    place.wait_for(state="attached", timeout=1000 * seconds)
    place.scroll_into_view_if_needed()
    place.wait_for(state="visible")


def test_notebook_01_in_a_real_browser(kit, lab, page, tmp_path):
    pictures = Path(os.environ.get("KIT_SCREENSHOTS") or tmp_path)
    run_all(page, lab)
    show(page, "Not implemented yet: a part of this cell.")
    page.screenshot(path=pictures / "lab_unwritten_cell.png")

    paste_warm_up(kit)
    run_all(page, lab)
    show(page, "Not implemented yet: compute_saliency_maps in visualizers/saliency.py")
    show(page, "Not implemented yet: compute_saliency_maps in saliency.py. Then these will be checked")
    page.screenshot(path=pictures / "lab_unwritten_task.png")

    paste_module(kit, "visualizers/saliency.py")
    run_all(page, lab)
    show(page, "All checks hold.")
    page.wait_for_function("document.querySelectorAll('.jp-OutputArea img').length >= 3", timeout=180_000)
    page.screenshot(path=pictures / "lab_written.png")
    for number in range(3):
        picture = page.locator(".jp-OutputArea img").nth(number)
        picture.scroll_into_view_if_needed()
        assert picture.evaluate("image => image.naturalWidth") > 400
    page.screenshot(path=pictures / "lab_figures.png")
    assert not page.locator(".jp-OutputArea-output[data-mime-type='application/vnd.jupyter.stderr']").count()
    controls_redraw_the_picture(page, pictures)


def controls_redraw_the_picture(page, pictures):
    """Another image is chosen below the last cell's picture, in both themes, on a small screen."""
    page.set_viewport_size({"width": 1280, "height": 720})
    images = menus_of_last_picture(page).first
    picture = page.locator(".jp-CodeCell", has=page.locator(".widget-dropdown")).locator("img")
    change_theme = "async theme => { await window.jupyterapp.commands.execute('apputils:change-theme', {theme}) }"
    is_gone = "old => ![...document.querySelectorAll('.jp-OutputArea img')].some(image => image.src === old)"
    for number, theme in enumerate(("JupyterLab Light", "JupyterLab Dark"), start=1):
        page.evaluate(change_theme, theme)
        before = picture.get_attribute("src")
        images.select_option(index=number)
        page.wait_for_function(is_gone, arg=before)
        images.scroll_into_view_if_needed()
        page.screenshot(path=pictures / f"lab_explorer_{number}.png")
    assert picture.count() == 1


def bring_to_front(page, path):
    """Open the file in JupyterLab, or go back to its tab."""
    page.evaluate("async path => { await window.jupyterapp.commands.execute('docmanager:open', {path}) }", path)


def run_cell(page, beginning):
    """Run the cell that begins so, as a student does, and give what appears under it."""
    cell = page.locator(".jp-CodeCell", has_text=beginning).first
    cell.scroll_into_view_if_needed()
    cell.locator(".cm-content").click()
    page.keyboard.press("Shift+Enter")
    cell.locator(".jp-InputPrompt", has_text=re.compile(r"\[\d+\]")).wait_for(timeout=180_000)
    return "\n".join(cell.locator(".jp-OutputArea-output").all_inner_texts())


def write_and_save(page, path, text):
    """In JupyterLab's own editor, with its own saving."""
    bring_to_front(page, path)
    editor = page.locator(".jp-FileEditor:visible .cm-content")
    editor.click()
    page.keyboard.press("Control+A")
    page.keyboard.insert_text(text)
    page.keyboard.press("Control+S")
    page.locator(".lm-TabBar-tab.lm-mod-current:not(.jp-mod-dirty)", has_text=Path(path).name).first.wait_for()
    bring_to_front(page, NOTEBOOK)


def test_an_edit_in_jupyterlab_is_seen_by_the_next_cell_without_a_restart(kit, lab, page, tmp_path):
    """Unwritten, right, wrong, broken, right again: one kernel from beginning to end."""
    module = "visualizers/saliency.py"
    unwritten, right = (kit / module).read_text("utf-8"), (KIT / module).read_text("utf-8")
    page.goto(lab)
    page.get_by_text("Python 3 (ipykernel) | Idle").first.wait_for(timeout=120_000)
    for beginning in ("%load_ext kit", "model = load_model()"):
        assert "Error" not in run_cell(page, beginning)
    for text, expected in [
        (right, "All checks hold."),
        (right.replace("gradient.abs()", "gradient"), "checks hold."),
        (right + "def broken(:\n", "SyntaxError"),
        (unwritten, "Not implemented yet"),
        (right, "All checks hold."),
    ]:
        write_and_save(page, module, text)
        assert (kit / module).read_text("utf-8") == text
        said = run_cell(page, 'check("saliency")')
        assert expected in said
        assert ("All checks hold." in said) == (text == right)
    assert "torch.Size([5, 224, 224])" in run_cell(page, "saliency = compute_saliency_maps")
    page.screenshot(path=Path(os.environ.get("KIT_SCREENSHOTS") or tmp_path) / "lab_edited.png")
