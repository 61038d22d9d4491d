import json
import re

import numpy as np
import pytest
import torch

from instructor.reference import answers
from kit.assignment import PACKAGES
from kit.paths import KIT
from tests.support.references import FOLDER, NAMES, REMAKE, load, read, weights_sha256


@pytest.mark.parametrize("name", NAMES)
def test_the_stored_references_belong_to_the_shipped_weights(name):
    assert str(read(name)["weights_sha256"]) == weights_sha256(), REMAKE


@pytest.mark.parametrize("name", NAMES)
def test_stored_references_are_finite_float32_and_not_zero(name):
    for key, tensor in load(name).items():
        assert tensor.dtype in (torch.float32, torch.int64), key
        assert tensor.isfinite().all(), key
        assert tensor.any(), key


def test_stored_references_are_small():
    assert sum((FOLDER / f"{name}.npz").stat().st_size for name in NAMES) <= 1_500_000


@pytest.mark.parametrize("script", ["oracle.py", "stored.py"])
def test_the_references_do_not_use_what_they_check(script):
    imports = re.findall(
        r"^\s*(?:from|import)\s+(\w+)", (KIT / "instructor" / "reference" / script).read_text("utf-8"), re.M
    )
    assert not set(PACKAGES) & set(imports)


@pytest.mark.long
def test_the_recorded_answers_are_those_of_the_oracle(tmp_path):
    """Recorded anew they are the same calls with the same numbers: nobody forgot it after a change of the tests.

    A test of which nothing is recorded is not asked: if it needs an answer, it fails by itself.
    """
    for tests, folder in answers.FOLDERS.items():
        kept = json.loads((folder / "recorded.json").read_text("utf-8"))
        answers.record(sorted({f"{tests}/{call.rsplit(' ', 2)[0]}" for call in kept}), tmp_path)
        fresh = json.loads((tmp_path / "recorded.json").read_text("utf-8"))
        assert fresh.keys() == kept.keys(), REMAKE
        with np.load(tmp_path / "recorded.npz") as new, np.load(folder / "recorded.npz") as old:
            for call, value in kept.items():
                for before, after in zip(arrays(value), arrays(fresh[call]), strict=True):
                    np.testing.assert_allclose(
                        new[after], old[before], rtol=1e-5, atol=1e-6 * np.abs(old[before]).max()
                    )


def arrays(value):
    """The keys of the arrays in a recorded answer."""
    if isinstance(value, dict):
        for kind, content in value.items():
            yield from [content] if kind in ("array", "tensor") else arrays(content)
    elif isinstance(value, list):
        for item in value:
            yield from arrays(item)
