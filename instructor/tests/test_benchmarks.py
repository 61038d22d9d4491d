"""The benchmarks run; what they measure decides no test."""

import json
import subprocess
import sys

import pytest
from PIL import Image

from kit.paths import KIT

pytestmark = pytest.mark.long


def run(*arguments):
    done = subprocess.run([sys.executable, "-m", *arguments], cwd=KIT, capture_output=True, encoding="utf-8")
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_speed_writes_a_table_and_a_chart():
    for name in ("benchmark.json", "benchmark.png"):
        (KIT / "build" / name).unlink(missing_ok=True)
    printed = run("instructor.benchmarks.speed", "--rounds", "1", "--only", "grad-cam, 5 images")
    rows = json.loads((KIT / "build" / "benchmark.json").read_text("utf-8"))["rows"]
    assert {row["block"] for row in rows} == {"Grad-CAM, 5 images", "guided Grad-CAM, 5 images"}
    for row in rows:
        assert 0 < row["fastest"] <= row["milliseconds"] <= row["slowest"]
        assert row["name"] in printed
    assert [row["ratio"] for row in rows if row["name"].startswith("bare")] == [1, 1]
    assert Image.open(KIT / "build" / "benchmark.png").width > 500


def test_paintings_draws_a_sheet_whose_order_only_the_key_tells():
    chosen = ("--pairs", "composition_vii", "starry_night", "--sizes", "48", "--iterations", "10", "--seed", "3")
    printed = run("instructor.benchmarks.paintings", *chosen)
    painted = [line.split(",")[0] for line in printed.splitlines() if ", 48 px" in line]
    assert painted == ["composition_vii", "starry_night"]
    key = (KIT / "build" / "paintings-key.txt").read_text("utf-8").splitlines()
    assert len(key) == 2
    assert all("plain loop" in line and "painterly" in line for line in key)
    assert len(Image.open(KIT / "build" / "paintings.png").convert("RGB").getcolors(2**24)) > 10_000
