"""What everybody in a process shares, and no technique may change."""

import hashlib
import random

import numpy as np
import torch
from torch import nn


def surroundings() -> dict[str, object]:
    """Random states, settings and global hooks, in plain values that can be compared."""
    states = (torch.get_rng_state().tolist(), str(np.random.get_state()), random.getstate())  # noqa: NPY002
    return {
        "random states": hashlib.sha256(repr(states).encode()).hexdigest(),
        "dtype": str(torch.get_default_dtype()),
        "threads": torch.get_num_threads(),
        "deterministic": torch.are_deterministic_algorithms_enabled(),
        "cudnn": (torch.backends.cudnn.deterministic, torch.backends.cudnn.benchmark),
        "hooks": len(nn.modules.module._global_forward_hooks) + len(nn.modules.module._global_backward_hooks),
    }
