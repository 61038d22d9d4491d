"""From a link to the first figure, wherever a student works: each place is built, and a kernel of it runs the cells."""

import asyncio
import json
import os
import re
import shutil
import subprocess
import sys
import urllib.request
import zipfile

import nbformat
import pytest
import yaml

from instructor.release import ways_in
from instructor.release.proof import ReleaseError, write_tree
from instructor.release.release import NAME, student_files
from instructor.tests.support.browser import jupyterlab
from instructor.tests.support.places import (
    Session,
    make_python,
    pretend_older,
    served,
    with_dependencies,
    write_wheel,
)
from kit import hosted
from kit.assignment import NOTEBOOKS
from kit.hand_in.archive import write_zip
from kit.lab import remember_layout
from kit.paths import KIT
from kit.requirements import behind, lacking, name_of, wanted

NOTEBOOK = NOTEBOOKS[0]
REPOSITORY = "https://github.com/a-course/inside-convnets"
SALIENCY = "visualizers/saliency.py"
# What Colab has before anybody installs anything, as far as it is here; Matplotlib is an old one there.
ON_COLAB = ("torch", "torchvision", "ipykernel", "matplotlib", "scikit-image", "pip")
MEGABYTE = 2**20
BUILT_ELSEWHERE = ("binder/requirements.txt", ".devcontainer/devcontainer.json", "environment.yml")
LARGEST_WAY_IN = 15 * MEGABYTE
GOOGLE = {
    "__init__.py": "",
    "drive.py": "import os\n\ndef mount(place):\n    os.makedirs(f'{place}/MyDrive', exist_ok=True)\n",
    "files.py": "def download(path):\n    print('The browser saves', path)\n",
}


def first_code(notebook):
    return next(cell.source for cell in notebook.cells if cell.cell_type == "code")


def cells_of(source):
    return [cell.source for cell in nbformat.reads(source, as_version=4).cells if cell.cell_type == "code"]


def cell_with(cells, words):
    return next(cell for cell in cells if words in cell)


def line_to_run(said):
    """The line that a message quotes."""
    return re.search(r"run `(%pip [^`]*)`", said)[1]


@pytest.fixture(scope="module")
def files():
    return student_files()


@pytest.fixture
def student(files, tmp_path):
    """The student's kit, unpacked in a folder that is not the checkout, and installed nowhere."""
    kit = tmp_path / "course" / NAME
    write_tree(files, kit)
    return kit


# The first cells


def test_all_notebooks_begin_alike():
    first_cells = [first_code(nbformat.read(KIT / name, as_version=4)) for name in NOTEBOOKS]
    assert len({cell.partition("%matplotlib inline\n\n")[0] for cell in first_cells}) == 1
    assert all("%matplotlib inline\n\n" in cell for cell in first_cells)


def test_without_an_address_a_release_leads_nowhere(files):
    told = " ".join(files[name].decode() for name in (*NOTEBOOKS, "README.md"))
    assert not re.search(r"colab\.research|mybinder\.org|codespaces\.new", told)


@pytest.mark.parametrize("url", [REPOSITORY, f"{REPOSITORY}.git", f"{REPOSITORY}/tree/main", f"{REPOSITORY}/"])
def test_badges_lead_to_the_students_repository_and_to_the_notebook_they_stand_in(files, url):
    led = ways_in.with_ways_in(files, url)
    for name in NOTEBOOKS:
        title = nbformat.reads(led[name].decode(), as_version=4).cells[0].source
        assert f"(https://colab.research.google.com/github/a-course/inside-convnets/blob/main/{name})" in title
        assert f"(https://mybinder.org/v2/gh/a-course/inside-convnets/main?urlpath=lab/tree/{name})" in title
        assert title.startswith("# ")
        assert f'"{REPOSITORY}/archive/refs/heads/main.zip"' in cells_of(led[name].decode())[0]
    assert "(https://codespaces.new/a-course/inside-convnets/tree/main)" in led["README.md"].decode()
    assert {name for name in files if led[name] != files[name]} == {*NOTEBOOKS, "README.md"}


def test_a_zip_elsewhere_is_brought_without_badges(files):
    led = ways_in.with_ways_in(files, "https://a-course.edu/kit.zip")
    assert '"https://a-course.edu/kit.zip"' in cells_of(led[NOTEBOOK].decode())[0]
    assert led["README.md"] == files["README.md"]


@pytest.mark.parametrize(
    "url", ["a-course", "https://gitlab.com/a/b", "ftp://a.edu/kit.zip", 'http://a/"b.zip', REPOSITORY[:-18]]
)
def test_an_address_that_leads_nowhere_is_refused(files, url):
    with pytest.raises(ReleaseError, match="is not where students get the kit: give https:"):
        ways_in.with_ways_in(files, url)


# What is needed when


def test_requirements_are_told_apart_by_when_they_are_needed():
    at_once, later = set(map(name_of, wanted())), {*map(name_of, wanted("lab")), *map(name_of, wanted("report"))}
    assert {"torch", "captum", "pytest"} <= at_once
    assert not at_once & later
    assert not {"jupyterlab", "pypandoc-binary", "scipy"} & at_once


def test_what_is_missing_is_named_with_all_that_is_needed_beside_it(monkeypatch):
    monkeypatch.setattr(
        "kit.requirements.installed", lambda each: None if name_of(each) in ("scipy", "scikit-image") else "9"
    )
    assert list(map(name_of, behind("skimage"))) == ["scipy", "scikit-image"]
    assert behind("nowhere") == lacking() == []


def test_on_kaggle_a_failed_installation_says_what_to_switch_on(monkeypatch):
    monkeypatch.setenv("KAGGLE_KERNEL_RUN_TYPE", "Interactive")
    monkeypatch.delenv("COLAB_RELEASE_TAG", raising=False)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    with pytest.raises(hosted.HostError, match=r"^nowhere cannot be installed: .* On Kaggle, switch on Internet under"):
        hosted.install(["nowhere>=1"])


# The places


@pytest.fixture(scope="module")
def complete(tmp_path_factory):
    """A Python that has what `make` installs, but not the kit."""
    folder = tmp_path_factory.mktemp("complete") / "python"
    make_python(folder, [name_of(each) for extra in (None, "lab") for each in wanted(extra)] + ["nbconvert"])
    return folder / "bin" / "python"


@pytest.mark.long
@pytest.mark.parametrize("start", ["notebooks", ".", "..", "../kits"])
def test_the_first_cell_finds_the_kit_wherever_the_kernel_was_started(complete, student, tmp_path, start):
    """In the notebook's folder, in that of the kit as in VS Code, above it as with papermill, elsewhere."""
    (student.parent / "kits").mkdir()
    cells = cells_of((student / NOTEBOOK).read_text("utf-8"))
    with Session(complete, student / start, tmp_path) as session:
        said = session.run(cells[0])
        if start == "../kits":
            sentence = "The kit is not here: run `%pip install -e FOLDER`, with its folder"
            assert said.endswith(f"AssertionError: {sentence}")
            return
        assert said == ""
        said = session.run("compute_saliency_maps(1, 2, 3)")
        assert f"Not implemented yet: compute_saliency_maps in {SALIENCY}, line" in said or "Error" in said
        assert str(student / SALIENCY) in session.run(
            "import visualizers.saliency as each; each.__file__, print(each.__file__)"
        )
        (student / SALIENCY).write_text((KIT / SALIENCY).read_text("utf-8") + "\nprint('saved')\n", "utf-8")
        assert session.run("1") == "saved"
        packed = os.path.relpath(student / "submission.zip", student / start)
        session.run(f"open({packed!r}, 'wb').close()")
        assert any(f"href='{packed}'" in shown.get("text/html", "") for shown in session.shown)
        session.run("pass")
        assert not session.shown, "what was offered once is not offered again"
        assert session.run("!python -m kit").startswith("`python -m kit lab` opens")


@pytest.mark.long
def test_nbconvert_runs_a_notebook_from_anywhere(complete, student, tmp_path):
    cells = cells_of((KIT / NOTEBOOK).read_text("utf-8"))
    cells = cells[: 1 + next(place for place, cell in enumerate(cells) if "figures.save(" in cell)]
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
    nbformat.write(notebook, student / "notebooks" / "short.ipynb")
    specs = tmp_path / "data" / "kernels" / "python3"
    specs.mkdir(parents=True)
    argv = [str(complete), "-m", "ipykernel_launcher", "-f", "{connection_file}"]
    (specs / "kernel.json").write_text(
        json.dumps({"argv": argv, "display_name": "Python 3", "language": "python"}), "utf-8"
    )
    command = [
        "-m",
        "nbconvert",
        "--execute",
        "--to",
        "notebook",
        "--stdout",
        str(student / "notebooks" / "short.ipynb"),
    ]
    bare = {name: value for name, value in os.environ.items() if not name.startswith(("KIT_", "PYTHON"))}
    own = {"KIT_OFFLINE": "1", "JUPYTER_DATA_DIR": str(tmp_path / "data"), "HOME": str(tmp_path)}
    done = subprocess.run(
        [str(complete), *command], cwd=tmp_path, env={**bare, **own}, capture_output=True, encoding="utf-8"
    )
    assert done.returncode == 0, done.stderr
    assert "image/jpeg" in done.stdout
    assert list((student / "figures").iterdir())


@pytest.mark.long
def test_a_hub_whose_packages_lie_behind_glass(student, tmp_path):
    """A JupyterHub: nobody can write to its Python; what is missing goes to the student's own few megabytes."""
    home, wheels = tmp_path / "home", tmp_path / "wheels"
    shutil.copytree(student, home / NAME)
    packages = make_python(tmp_path / "hub", ON_COLAB, like_a_system=True)
    before = {path.name for path in packages.iterdir()}
    for name in with_dependencies(map(name_of, wanted())) - with_dependencies(ON_COLAB):
        write_wheel(wheels, name)
    cells = cells_of((student / NOTEBOOK).read_text("utf-8"))
    offered = {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(wheels), "PIP_DISABLE_PIP_VERSION_CHECK": "1"}
    with Session(tmp_path / "hub" / "bin" / "python", home / NAME / "notebooks", home, **offered) as session:
        said = session.run(cells[0])
        assert "\n" not in said
        assert re.match(r"captum, .* are missing in ", said)
        assert '"captum>=0.9"' in line_to_run(said)
        assert "torch" not in line_to_run(said)
        assert "Successfully installed" in session.run(line_to_run(said))
        assert session.run(cells[0]) == ""
        assert "shipped" in session.run(cell_with(cells, "load_model()"))
        said = session.run("from sanity_checks import experiments\nimport sklearn")
        assert re.fullmatch(
            r".*scikit-learn (is|are) missing in .*: run `%pip install .*`, then this cell again\.", said
        )
    assert {path.name for path in packages.iterdir()} == before
    assert sum(path.stat().st_size for path in home.rglob("*") if path.is_file()) < 100 * MEGABYTE


@pytest.fixture(scope="module")
def colab(files, tmp_path_factory):
    """Colab, as thin as can be: its Python, the address of the release, and what was taken from there."""
    root = tmp_path_factory.mktemp("colab")
    packages = make_python(root / "usr", ON_COLAB)
    pretend_older(packages, "matplotlib", "3.8.4")
    for name, text in GOOGLE.items():
        (packages / "google" / "colab").mkdir(parents=True, exist_ok=True)
        (packages / "google" / "colab" / name).write_text(text, "utf-8")
    offered = with_dependencies(name_of(each) for extra in (None, "report") for each in wanted(extra))
    for name in offered - with_dependencies(ON_COLAB):
        write_wheel(root / "web" / "wheels", name)
    with served(root / "web") as (address, sizes):
        release = ways_in.with_ways_in(files, f"{address}/{NAME}.zip")
        write_zip(root / "web" / f"{NAME}.zip", {f"{NAME}/{name}": content for name, content in release.items()})
        (root / "web" / "notebook.ipynb").write_bytes(release[NOTEBOOK])
        yield root, address, sizes


@pytest.fixture
def session_on_colab(colab):
    """Starts a kernel there: in /content, which is the only place to write to but for the packages."""
    root, address, _ = colab
    content = root / "content"

    def start():
        variables = {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": f"{address}/wheels/", "COLAB_RELEASE_TAG": "release-colab"}
        return Session(root / "usr" / "bin" / "python", content, root, **variables)

    content.mkdir(exist_ok=True)
    return start


@pytest.mark.long
def test_from_a_notebook_opened_on_colab_to_the_submission(colab, session_on_colab):
    root, _, sizes = colab
    content, drive = root / "content", root / "content" / "drive" / "MyDrive" / NAME
    opened = cells_of((root / "web" / "notebook.ipynb").read_text("utf-8"))
    asked = opened[0].replace("DRIVE = False", "DRIVE = True", 1)

    with session_on_colab() as session:  # not asked to keep anything
        said = session.run(opened[0])
        assert said.startswith("Installing captum, safetensors, pooch, ")
        assert f"The kit is in {content / NAME} and will be gone when this session ends." in said
        assert "Older than the versions that the kit was tried with: matplotlib 3.8.4." in said
        assert sum(sizes.values()) < LARGEST_WAY_IN, sizes
        assert not any(name.startswith(("torch", "numpy", "matplotlib")) for name in sizes)
        assert "shipped" in session.run(cell_with(opened, "load_model()"))
        assert session.run("import torch; print(torch.__file__)").startswith(str(root / "usr"))
        assert "Restart session" in session.run("DRIVE = True")
        sizes.clear()

    with session_on_colab() as session:  # restarted, and asked
        assert "The kit is on your Drive, in MyDrive/inside-convnets, and stays there." in session.run(asked)
        assert not sizes, "nothing is brought twice"
        (drive / SALIENCY).write_bytes((KIT / SALIENCY).read_bytes())
        assert "All checks hold." in session.run('check("saliency")')
        (drive / SALIENCY).write_text((KIT / SALIENCY).read_text("utf-8") + "def broken(:\n", "utf-8")
        assert "No cell runs until this is fixed and saved." in session.run("1")

    shutil.rmtree(content / NAME)  # another day, another machine
    (drive / SALIENCY).write_bytes((KIT / SALIENCY).read_bytes())
    kept, solved = (nbformat.read(place / NOTEBOOK, as_version=4) for place in (drive, KIT))
    assert first_code(kept) == asked
    for cell, written in zip(kept.cells, solved.cells, strict=True):
        cell.source = written.source if "### BEGIN SOLUTION" in cell.source else cell.source
    last = next(place for place, cell in enumerate(kept.cells) if '"saliency_maps"' in cell.source)
    run = [cell for cell in kept.cells[: last + 1] if cell.cell_type == "code"]
    with session_on_colab() as session:
        for count, cell in enumerate(run, start=1):
            said = session.run(cell.source)
            cell.execution_count = count
            assert "Error" not in said, said
        nbformat.write(kept, drive / NOTEBOOK)
        assert (drive / "figures" / "saliency_maps.png").is_file()
        needed = session.run("!python -m kit hand_in")
        assert "`make writeup` installs that, or" in needed
        line = "%pip " + needed.partition(" -m pip ")[2]
        assert "Successfully installed" in session.run(line)
        said = session.run("!python -m kit hand_in --force")
        assert said.endswith(f"The browser saves {drive / 'submission.zip'}")
    with zipfile.ZipFile(drive / "submission.zip") as packed:
        assert packed.read(SALIENCY) == (KIT / SALIENCY).read_bytes()
        assert "notebooks/01_saliency_maps.ipynb" in packed.namelist()


@pytest.fixture
def lab(student, tmp_path):
    """The address of JupyterLab, as `python -m kit lab` starts it."""
    environment = {**os.environ, "JUPYTER_CONFIG_DIR": str(tmp_path / "config")}
    with jupyterlab([sys.executable, "-m", "kit", "lab"], student, environment, tmp_path / "lab.log") as address:
        yield address
    with pytest.raises(OSError, match="refused"):
        urllib.request.urlopen(address)


def asked_of(address):
    with urllib.request.urlopen(address) as answer:
        return json.load(answer)


@pytest.mark.long
def test_lab_opens_notebook_01_beside_its_module_and_asks_nothing_about_news(lab, student):
    with urllib.request.urlopen(lab) as page:
        workspace = page.url.partition("?")[0].rpartition("/")[2]
    layout = asked_of(f"{lab}/lab/api/workspaces/{workspace}")["data"]
    places = layout["layout-restorer:data"]["main"]["dock"]["children"]
    paths = [layout[widget]["data"]["path"] for place in places for widget in place["widgets"]]
    assert paths == [NOTEBOOK, SALIENCY]
    assert all(asked_of(f"{lab}/api/contents/{path}?content=0")["path"] == path for path in paths)
    news = asked_of(f"{lab}/lab/api/settings/@jupyterlab/apputils-extension:notification")["schema"]["properties"]
    assert news["fetchNews"]["default"] == "false"


def test_a_layout_that_a_student_rearranged_stays(monkeypatch, tmp_path):
    for notebook in ("notebooks/01.ipynb", "notebooks/02.ipynb"):
        monkeypatch.setattr("kit.lab.NOTEBOOKS", (notebook,))
        remember_layout(tmp_path)
    (kept,) = tmp_path.iterdir()
    assert "notebook:notebooks/01.ipynb" in kept.read_text("utf-8")


# The machines that others build


def test_devcontainer_and_binder_take_the_packages_from_their_one_source():
    names = {name_of(each) for extra in (None, "lab", "report") for each in wanted(extra)}
    binder, container = ((KIT / name).read_text("utf-8") for name in BUILT_ELSEWHERE[:2])
    assert "-e .[lab,report]" in binder
    assert json.loads(container)["postCreateCommand"] == "make .venv/.ready"
    assert all((KIT / name).is_file() for name in json.loads(container)["customizations"]["codespaces"]["openFiles"])
    for name in BUILT_ELSEWHERE:
        lines = [line for line in (KIT / name).read_text("utf-8").splitlines() if not line.startswith("#")]
        assert not [line for line in lines if names & set(re.findall(r"[a-z][\w-]+", line))], name


def test_conda_finds_what_environment_yml_asks_for(tmp_path):
    """By the rules and the solver of conda's successors, in a channel that has nothing but Python and pip."""
    rattler = pytest.importorskip("rattler")
    asked = yaml.safe_load((KIT / "environment.yml").read_text("utf-8"))
    assert asked.keys() == {"name", "channels", "dependencies"}
    *specs, pip = asked["dependencies"]
    assert pip == {"pip": ["-e .[lab]"]}
    assert "pip" in specs, "conda installs nothing with pip unless it is asked for"

    def solved(newest):
        write_channel(tmp_path / newest, newest)
        specified = [rattler.MatchSpec(spec, strict=True) for spec in specs]
        channel = rattler.Channel((tmp_path / newest).as_uri())
        return asyncio.run(rattler.solve([channel], specified, platforms=["noarch"]))

    assert {record.name.normalized: str(record.version) for record in solved("3.13.1")}["python"] == "3.13.1"
    with pytest.raises(pytest.importorskip("rattler.exceptions").SolverError):
        solved("3.10.4")


def write_channel(folder, newest):
    """A channel as conda reads it: an index of packages, of which the solver wants no more than names and numbers."""
    packages = {}
    for name, version, depends in [("python", "3.9.1", []), ("python", newest, []), ("pip", "26.0", ["python >=3.9"])]:
        about = {
            "build": "0",
            "build_number": 0,
            "depends": depends,
            "name": name,
            "subdir": "noarch",
            "version": version,
        }
        packages[f"{name}-{version}-0.tar.bz2"] = about
    (folder / "noarch").mkdir(parents=True)
    index = {"info": {"subdir": "noarch"}, "packages": packages, "repodata_version": 1}
    (folder / "noarch" / "repodata.json").write_text(json.dumps(index), "utf-8")
