"""Other networks are those of this machine; nothing is downloaded."""

import pytest
import torch
from torchvision.models import resnet18

from data.other_networks import RESNET, other_networks


@pytest.fixture(autouse=True)
def empty_machine(monkeypatch, tmp_path):
    monkeypatch.setenv("KIT_ASSETS", str(tmp_path))
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    return tmp_path


def test_the_shipped_weights_are_always_there():
    (name, network), *others = other_networks().items()
    assert name == "SqueezeNet, shipped weights"
    assert not network.training
    assert not others


def test_resnet_is_taken_from_a_folder_of_assets(empty_machine):
    network = resnet18()
    torch.save(network.state_dict(), empty_machine / RESNET)
    found = other_networks()["ResNet-18"]
    assert not found.training
    assert not any(parameter.requires_grad for parameter in found.parameters())
    torch.testing.assert_close(found.fc.weight, network.fc.weight, check_stride=False)


def test_files_of_older_versions_serve_and_others_are_named(empty_machine):
    state = {name: tensor for name, tensor in resnet18().state_dict().items() if "num_batches" not in name}
    torch.save(state, empty_machine / RESNET)
    assert "ResNet-18" in other_networks()
    torch.save({**state, "fc.bias": torch.zeros(10)}, empty_machine / RESNET)
    with pytest.raises(ValueError, match=r"ResNet-18 does not fit .*fc.bias is \(10,\)"):
        other_networks()
    (empty_machine / RESNET).write_bytes(b"nothing")
    with pytest.raises(ValueError, match="no readable weights"):
        other_networks()
