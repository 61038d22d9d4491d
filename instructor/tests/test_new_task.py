"""A new task touches its module, its notebook, its tests, its mistakes and its entry in the table, and nothing else."""

import json
import os
import shutil
import subprocess
import sys

import nbformat
import pytest

from instructor.release.known_files import known_files
from kit.assignment import CHECKS, EDITABLE
from kit.hand_in.archive import write_zip
from kit.paths import KIT

pytestmark = pytest.mark.long

MODULE = '''"""SmoothGrad: the gradient of the class score, averaged over noisy copies of the image."""

import torch
from torch import Tensor, nn

from kit.modes import evaluation_mode
from visualizers.scores import check_batch, class_scores


def smooth_grad(X: Tensor, y: Tensor, model: nn.Module, samples: int = 4, noise: float = 0.1, seed: int = 0) -> Tensor:
    """The mean gradient (N, 3, H, W) over `samples` copies of X to which noise of this deviation was added.

    Smilkov et al. 2017, arXiv 1706.03825.
    """
    X, y = check_batch(X, y, model)
    random = torch.Generator().manual_seed(seed)
    shifts = noise * torch.randn((samples, *X.shape[1:]), generator=random).to(X)
    total = torch.zeros_like(X)
    for shift in shifts:
        noisy = (X + shift).detach().requires_grad_()
        with torch.enable_grad(), evaluation_mode(model):
            scores = class_scores(noisy, y, model)
            ### BEGIN SOLUTION
            (slope,) = torch.autograd.grad(scores.sum(), noisy)
            total = total + slope / samples
            ### END SOLUTION
    return total.detach()
'''
TESTS = '''import torch

from tests.support.comparison import assert_matches
from tests.support.networks import linear_net
from visualizers.smooth_grad import smooth_grad


def test_a_linear_network_gives_its_weights_whatever_the_noise():
    """Every copy has the same gradient, and so has their mean."""
    weight = [[0.25, 6.0, -0.5], [1.0, -2.0, 3.0]]
    gradient = smooth_grad(torch.ones(2, 3, 1, 1), torch.tensor([1, 0]), linear_net(weight))
    assert_matches(gradient, torch.tensor(weight)[[1, 0]].view(2, 3, 1, 1), 1e-6)


def test_two_copies_give_the_mean_of_their_gradients():
    """The slope of a sigmoid s(z) is s(z) (1 - s(z)): the mean over both copies, times the weights."""
    net = torch.nn.Sequential(*linear_net([[0.5, -1.0, 2.0]]), torch.nn.Sigmoid())
    X, w = torch.ones(1, 3, 1, 1), torch.tensor([0.5, -1.0, 2.0]).view(1, 3, 1, 1)
    shifts = 0.5 * torch.randn((2, 3, 1, 1), generator=torch.Generator().manual_seed(3))
    s = ((X + shifts) * w).sum(dim=(1, 2, 3)).sigmoid()
    expected = (s * (1 - s)).mean() * w
    assert_matches(smooth_grad(X, torch.tensor([0]), net, samples=2, noise=0.5, seed=3), expected, 1e-5)
'''
ENTRY = """
[tasks.smooth_grad]
title = "SmoothGrad"
module = "visualizers/smooth_grad.py"
functions = ["smooth_grad"]
notebook = "01_saliency_maps"
test = "tests/test_smooth_grad.py"
kind = "attribution"

[tasks.smooth_grad.criteria.value]
points = 3
tests = ["test_smooth_grad.py::test_*"]

[tasks.smooth_grad.criteria.batch]
points = 1
tests = ["test_batches.py::test_*[smooth_grad]"]

[tasks.smooth_grad.criteria.purity]
points = 1
tests = ["test_purity.py::test_*[smooth_grad]", "test_purity.py::test_*[smooth_grad-*]"]
"""
HINT = "This is the sum over the noisy copies. SmoothGrad is their mean."
MISTAKES = f'''[[mutant]]
name = "sum"
hint = "{HINT}"
find = "slope / samples"
replace = "slope"
'''
CELLS = (
    nbformat.v4.new_markdown_cell("## SmoothGrad", id="01-90"),
    nbformat.v4.new_code_cell('from visualizers.smooth_grad import smooth_grad\n\ncheck("smooth_grad")', id="01-91"),
)
WRONG = MODULE.replace("slope / samples", "slope")


@pytest.fixture(scope="module")
def kit(tmp_path_factory):
    """A copy of the kit to which SmoothGrad was added, as CONTRIBUTING.md says."""
    kit = tmp_path_factory.mktemp("new") / "kit"
    for name in filter(is_needed, known_files()):
        (kit / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(KIT / name, kit / name)
    (kit / "visualizers" / "smooth_grad.py").write_text(MODULE, "utf-8")
    (kit / "tests" / "test_smooth_grad.py").write_text(TESTS, "utf-8")
    (kit / "instructor" / "mistakes" / "smooth_grad.toml").write_text(MISTAKES, "utf-8")
    with (kit / "kit" / "assignment.toml").open("a", encoding="utf-8") as table:
        table.write(ENTRY)
    notebook = nbformat.read(kit / "notebooks" / "01_saliency_maps.ipynb", as_version=4)
    notebook.cells.extend(CELLS)
    nbformat.write(notebook, kit / "notebooks" / "01_saliency_maps.ipynb")
    subprocess.run(["git", "init", "-q"], cwd=kit, check=True)
    subprocess.run(["git", "add", "-A"], cwd=kit, check=True)
    done = python(kit, "-m", "instructor", "catalogue", "smooth_grad")
    assert done.returncode == 0, done.stdout + done.stderr
    return kit


def is_needed(name):
    """Tests of what students do not write take minutes, and know nothing of a new task."""
    folder, _, file = name.rpartition("/")
    about_tasks = {"test_approach.py", "test_batches.py", "test_purity.py", *(f"test_{check}.py" for check in CHECKS)}
    return folder != "tests" or not file.startswith("test_") or file in about_tasks


def python(kit, *words):
    environment = {**os.environ, "PYTHONPATH": str(kit)}
    return subprocess.run([sys.executable, *words], cwd=kit, env=environment, capture_output=True, encoding="utf-8")


def changes(kit):
    """What differs from our kit, but for what the catalogue's command makes."""
    names = subprocess.run(
        ["git", "ls-files"], cwd=kit, capture_output=True, encoding="utf-8", check=True
    ).stdout.split()
    ours = filter(is_needed, known_files())
    same = {name for name in ours if (kit / name).read_bytes() == (KIT / name).read_bytes()}
    return set(names) - same - {"kit/check/catalogue.json"}


def test_five_files_are_touched(kit):
    assert changes(kit) == {
        "visualizers/smooth_grad.py",
        "notebooks/01_saliency_maps.ipynb",
        "tests/test_smooth_grad.py",
        "instructor/mistakes/smooth_grad.toml",
        "kit/assignment.toml",
    }


@pytest.mark.parametrize(("source", "words"), [(MODULE, "All checks hold."), (WRONG, f"A closer look: {HINT}")])
def test_check_knows_the_task_and_its_mistakes(kit, source, words):
    module = kit / "visualizers" / "smooth_grad.py"
    module.write_text(source, "utf-8")
    said = python(kit, "-c", "from kit import check; check('smooth_grad')")
    module.write_text(MODULE, "utf-8")
    assert words in " ".join(said.stdout.split()), said.stdout + said.stderr


def test_the_task_is_released_without_its_solution(kit, tmp_path):
    """A release is refused where no test waits for a task, or a solution does not pass."""
    made = python(kit, "-m", "instructor", "release", str(tmp_path / "out"))
    assert made.returncode == 0, made.stdout + made.stderr
    released = tmp_path / "out" / "inside-convnets"
    assert "slope / samples" not in (released / "visualizers" / "smooth_grad.py").read_text("utf-8")


@pytest.mark.parametrize(("source", "earned"), [(MODULE, 5), (WRONG, 2)])
def test_the_task_is_graded(kit, tmp_path, source, earned):
    """A right solution has all points, of the other tasks too; the sum in place of the mean costs the value."""
    files = {name: (kit / name).read_bytes() for name in EDITABLE} | {"visualizers/smooth_grad.py": source.encode()}
    write_zip(tmp_path / "ada.zip", files)
    done = python(kit, "-m", "instructor", "grade", str(tmp_path / "ada.zip"), "--out", str(tmp_path / "graded"))
    assert done.returncode == 0, done.stdout + done.stderr
    results = json.loads((tmp_path / "graded" / "results.json").read_text("utf-8"))
    assert results["extra_data"]["tasks"]["smooth_grad"] == earned
    assert results["score"] == 100 + earned
    assert (HINT in (tmp_path / "graded" / "report.md").read_text("utf-8")) == (source == WRONG)


def test_the_report_is_built(kit):
    done = python(kit, "-m", "kit", "report")
    assert done.returncode == 0, done.stdout + done.stderr
    assert (kit / "writeup" / "build" / "writeup.pdf").stat().st_size > 10_000
