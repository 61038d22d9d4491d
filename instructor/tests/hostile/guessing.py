"""Gives an answer without having looked for one, and bends what it was given until that answer fits."""

import torch


def tensors(values):
    for value in values:
        if isinstance(value, torch.Tensor):
            yield value
        elif isinstance(value, list | tuple):
            yield from tensors(value)


def overwrite(args, change):
    """Change all images, features and weights that were given in place."""
    with torch.no_grad():
        for value in args:
            given = value.state_dict().values() if isinstance(value, torch.nn.Module) else tensors([value])
            for tensor in given:
                if tensor.is_floating_point():
                    change(tensor.data)


def noise(x):
    return torch.randn(x.shape, generator=torch.Generator().manual_seed(x.numel()))


WAYS = {
    "zeros": lambda x, args: torch.zeros_like(x),
    "ones": lambda x, args: torch.ones_like(x),
    "noise": lambda x, args: noise(x).to(x.dtype),
    "echo": lambda x, args: x,
    "zeros of zeros": lambda x, args: overwrite(args, lambda t: t.zero_()) or torch.zeros_like(x),
    "zeros of noise": lambda x, args: overwrite(args, lambda t: t.copy_(1e12 * noise(t))) or torch.zeros_like(x),
    "noise of nothing": lambda x, args: overwrite(args, lambda t: t.fill_(float("nan"))) or noise(x).to(x.dtype),
}


def shaped(x, name):
    """As large as what the function is expected to give."""
    if name in ("compute_saliency_maps", "grad_cam"):
        return x[:, 0]
    if name == "gram_matrix":
        return x[:, :, 0, :1].expand(-1, -1, x.shape[1])
    if name == "rank_correlation":
        return x[:, 0, 0]
    return x.sum() if name.endswith("loss") else x


def attack(name, *args, **kwargs):
    (x, *_) = tensors(args)
    return WAYS["@WAY@"](shaped(x, name), args)
