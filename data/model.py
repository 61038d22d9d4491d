"""SqueezeNet 1.1, ready to be looked into: weights found, checked and loaded; eval mode; frozen."""

import os
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file
from torch import Tensor, nn
from torchvision.models import SqueezeNet1_1_Weights, squeezenet1_1

from data.assets import AssetUnavailable, find, from_environment, obtain, once, read_assets

SHIPPED_WEIGHTS = Path(__file__).parent / "weights" / "squeezenet1_1-shipped.safetensors"
ENTRIES = ("state_dict", "model_state_dict", "model", "net")  # where training keeps the weights among other things
PREFIXES = ("module.", "_orig_mod.", "model.", "net.")  # of DataParallel, compiled models, Lightning
IMAGENET = "squeezenet1_1-b8a52dc0.pth"
IMAGENET_ROUNDED = "squeezenet1_1-imagenet1k-fp16.pth"


def load_model(weights: str | os.PathLike = "auto", device: str | torch.device | None = None) -> nn.Module:
    """SqueezeNet 1.1 in eval mode, frozen, in channels_last layout, on `device` (None: the CPU, which is enough).

    "imagenet": torchvision's IMAGENET1K_V1, from KIT_ASSETS, torchvision's cache or the network. "shipped": the
    weights in data/weights. "auto": the file named in KIT_WEIGHTS if set, else ImageNet's, else the shipped ones;
    says which. A path: a .pth or .safetensors file with a state dict. Iandola et al. 2016, arXiv 1602.07360.

    Raises FileNotFoundError, AssetUnavailable, or ValueError for a file that holds no weights for this network.
    """
    state, origin = find_weights(weights)
    with torch.device("cpu"), torch.random.fork_rng(devices=[]):  # what is drawn is replaced, and leaves no trace
        model = squeezenet1_1()
    check_state(state, model.state_dict(), origin)
    model.load_state_dict({name: tensor.float() for name, tensor in state.items()}, assign=True)
    if weights == "auto":
        print(f"SqueezeNet 1.1 with {origin}.")
    return model.eval().requires_grad_(False).to(device=device or "cpu", memory_format=torch.channels_last)


def find_weights(weights: str | os.PathLike, download: bool = True) -> tuple[dict[str, Tensor], str]:
    """The state dict and, in words, where it comes from; without `download` only from this machine."""
    if weights == "shipped":
        return read_state(SHIPPED_WEIGHTS), "the shipped weights, whose opinions differ from ImageNet's"
    if weights == "imagenet":
        return imagenet_state(download)
    if weights == "auto" and os.environ.get("KIT_WEIGHTS"):
        path = from_environment(os.environ["KIT_WEIGHTS"])
        return read_state(path), f"the weights in {path}, named in KIT_WEIGHTS"
    if weights == "auto":
        try:
            return imagenet_state(download)
        except AssetUnavailable as reason:
            state, origin = find_weights("shipped")
            return state, f"{origin}{once(reason)}"
    if Path(weights).suffix not in (".pth", ".pt", ".safetensors"):
        raise ValueError(
            f'weights is {str(weights)!r}: choose "auto", "imagenet", "shipped" or a .pth or .safetensors file'
        )
    return read_state(Path(weights)), f"the weights in {weights}"


def imagenet_state(download: bool) -> tuple[dict[str, Tensor], str]:
    assets = read_assets()
    rounded = find(assets[IMAGENET_ROUNDED])
    if rounded is not None and find(assets[IMAGENET]) is None:
        return read_state(rounded), "ImageNet weights, rounded to half precision"
    path = obtain(assets[IMAGENET], download=download)
    # torchvision's loader checks a hash only while it downloads; `obtain` has checked this file
    loader = SqueezeNet1_1_Weights.IMAGENET1K_V1
    return loader.get_state_dict(model_dir=str(path.parent), check_hash=True, weights_only=True), "ImageNet weights"


def read_state(path: Path) -> dict[str, Tensor]:
    """A state dict from a .pth or .safetensors file, without running anything that the file contains."""
    if not path.is_file():
        raise FileNotFoundError(f"there are no weights at {path}: correct the path")
    try:
        if path.suffix == ".safetensors":
            return unwrapped(load_file(path))
        return unwrapped(torch.load(path, map_location="cpu", weights_only=True))
    except Exception:  # bytes that are no checkpoint make the loaders raise nearly anything
        raise ValueError(f"{path} holds no readable weights: it is truncated, altered or not a state dict") from None


def unwrapped(state: Any) -> Any:
    """The state dict in a checkpoint, with its names as the network has them, without what wrappers put before them."""
    if isinstance(state, dict):
        entries = [state[name] for name in ENTRIES if isinstance(state.get(name), dict)]
        if len(entries) == 1 and not any(isinstance(value, Tensor) for value in state.values()):
            return unwrapped(entries[0])
        for prefix in PREFIXES:
            if state and all(isinstance(name, str) and name.startswith(prefix) for name in state):
                return unwrapped({name.removeprefix(prefix): value for name, value in state.items()})
    return state


def check_state(state: object, expected: dict[str, Tensor], origin: str, architecture: str = "SqueezeNet 1.1") -> None:
    """Raise one ValueError unless the state has the expected names and shapes, all finite."""
    remedy = f"{architecture} does not fit {origin}"
    if not isinstance(state, dict) or not all(is_dense(value) for value in state.values()):
        raise ValueError(f"{remedy}: it is a {type(state).__name__}, not a state dict of tensors")
    if state.keys() != expected.keys():
        missing, unknown = sorted(expected.keys() - state.keys()), sorted(map(str, state.keys() - expected.keys()))
        raise ValueError(f"{remedy}: missing {missing[:3]}, not in the network {unknown[:3]}")
    for name, tensor in state.items():
        if tensor.shape != expected[name].shape:
            raise ValueError(f"{remedy}: {name} is {tuple(tensor.shape)}, must be {tuple(expected[name].shape)}")
        if not tensor.float().isfinite().all():
            raise ValueError(f"{remedy}: {name} has values that are not finite")


def is_dense(value: object) -> bool:
    return isinstance(value, Tensor) and value.layout == torch.strided and not (value.is_meta or value.is_quantized)
