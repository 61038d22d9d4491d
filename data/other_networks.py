"""Other networks that know the same classes, as far as they are on this machine."""

from pathlib import Path

import torch
from torch import Tensor, nn
from torchvision.models import ResNet18_Weights, resnet18

from data.assets import asset_folders, find, read_assets
from data.model import IMAGENET, IMAGENET_ROUNDED, check_state, load_model, read_state

RESNET = Path(ResNet18_Weights.IMAGENET1K_V1.url).name


def other_networks() -> dict[str, nn.Module]:
    """Classifiers by name: SqueezeNet with the shipped and with ImageNet's weights, and torchvision's ResNet-18.

    Nothing is downloaded: what lies neither in a folder of KIT_ASSETS nor in torchvision's cache is left out. In eval
    mode and frozen. Raises ValueError for a file that holds no weights for its network.
    """
    networks = {"SqueezeNet, shipped weights": load_model("shipped")}
    if any(find(read_assets()[name]) for name in (IMAGENET, IMAGENET_ROUNDED)):
        networks["SqueezeNet, ImageNet weights"] = load_model("imagenet")
    path = next(filter(Path.is_file, (folder / RESNET for folder in resnet_folders())), None)
    if path is not None:
        network = resnet18()
        state = without_counts(read_state(path))
        check_state(state, without_counts(network.state_dict()), str(path), "ResNet-18")
        network.load_state_dict(state, strict=False)
        networks["ResNet-18"] = network.eval().requires_grad_(False)
    return networks


def resnet_folders() -> list[Path]:
    return [*asset_folders(), Path(torch.hub.get_dir()) / "checkpoints"]


def without_counts(state: dict[str, Tensor]) -> dict[str, Tensor]:
    """Without the batches that batch normalization has seen, which older files do not have and nobody needs."""
    return {name: tensor for name, tensor in state.items() if not name.endswith("num_batches_tracked")}
