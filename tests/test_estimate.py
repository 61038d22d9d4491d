"""The time of a long transfer is told before it starts, and its picture is shown while it runs."""

from pathlib import Path

import nbformat
import numpy as np
import pytest
from nbclient import NotebookClient

from networks import SmallNet
from style_transfer import Preset, estimate_seconds

SMALL = Preset(content_size=8, style_size=8, style_layers=(1,), style_weights=(1.0,), num_iterations=100)
PICTURE = np.arange(10 * 12 * 3, dtype=np.uint8).reshape(10, 12, 3)
CELL = """
import numpy as np
from networks import SmallNet
from style_transfer import Preset, Preview, style_transfer
settings = Preset(content_size=8, style_size=8, style_layers=(1,), style_weights=(1.0,), num_iterations=5)
picture = np.arange(360, dtype=np.uint8).reshape(10, 12, 3)
style_transfer(picture, picture, model=SmallNet(), preset=settings, callback=Preview(every=2), progress=False)
"""


@pytest.fixture
def clock(monkeypatch):
    """A clock that advances by two seconds whenever it is looked at."""
    seconds = iter(range(0, 10_000, 2))
    monkeypatch.setattr("style_transfer.history.time.perf_counter", lambda: float(next(seconds)))


@pytest.mark.parametrize(("scales", "expected"), [((1.0,), 200.0), ((0.5, 1.0), 400.0)])
def test_the_estimate_is_the_time_of_a_step_times_their_number(clock, scales, expected):
    assert estimate_seconds(PICTURE, PICTURE, model=SmallNet(), preset=SMALL, scales=scales) == expected


def test_the_preview_shows_one_picture_and_renews_it():
    tests = Path(__file__).resolve().parent
    cell = nbformat.v4.new_code_cell(f"import sys; sys.path[:0] = [{str(tests)!r}, {str(tests.parent)!r}]\n{CELL}")
    notebook = nbformat.v4.new_notebook(cells=[cell])
    NotebookClient(notebook, extra_arguments=["--log-level=ERROR"]).execute()
    pictures = [output for output in notebook.cells[0].outputs if output.output_type == "display_data"]
    assert len(pictures) == 1
    assert "image/png" in pictures[0].data
