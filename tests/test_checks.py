"""check() answers in plain words, in a fresh process as in a notebook's kernel."""

import subprocess
import sys
from pathlib import Path

import pytest

from checks import check

KIT = Path(__file__).resolve().parent.parent
BROKEN = """
import os
import style_transfer
style_transfer.tv_loss = {replacement}
before = dict(os.environ)
from checks import check
check("tv_loss")
assert dict(os.environ) == before
"""


def words(replacement):
    code = BROKEN.format(replacement=replacement)
    run = subprocess.run([sys.executable, "-c", code], cwd=KIT, capture_output=True, text=True, check=True)
    return run.stdout


def test_a_right_function_is_told_that_all_checks_hold():
    assert words("style_transfer.tv_loss").endswith("All checks hold.\n")


def test_a_wrong_function_is_told_what_does_not_hold():
    answer = words("lambda img, tv_weight: tv_weight * img.sum()")
    assert "✗" in answer
    assert "All checks hold." not in answer
    assert "Traceback" not in answer


def test_an_unwritten_function_is_told_so():
    answer = words("lambda *args: (_ for _ in ()).throw(NotImplementedError())")
    assert "not implemented yet" in answer
    assert "Traceback" not in answer


def test_a_task_without_tests_is_refused_with_those_that_exist():
    with pytest.raises(ValueError, match=r"'tvloss'.*tv_loss"):
        check("tvloss")


def test_a_module_that_does_not_parse_is_named_and_nothing_passes(monkeypatch, tmp_path, capsys):
    (tmp_path / "visualizers").mkdir()
    (tmp_path / "visualizers" / "saliency.py").write_text("def f(:\n", encoding="utf-8")
    monkeypatch.setattr("checks.KIT", tmp_path)
    check("tv_loss")
    assert capsys.readouterr().out.startswith("✗ Nothing was checked: visualizers/saliency.py, line 1")
