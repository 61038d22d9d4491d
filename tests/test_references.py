import re

import pytest
import torch

from references.stored import FOLDER, NAMES, REMAKE, load, read, weights_sha256


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


@pytest.mark.parametrize("script", ["slow.py", "make_references.py", "stored.py"])
def test_the_references_do_not_use_what_they_check(script):
    imports = re.findall(r"^\s*(?:from|import)\s+(\w+)", (FOLDER / script).read_text("utf-8"), re.MULTILINE)
    assert not {"visualizers", "style_transfer"} & set(imports)
