"""Painting one picture in the style of another."""

import kit.kernel  # keeps what follows up to date in a notebook
import kit.quick_torchvision  # noqa: F401  before torchvision is loaded
from style_transfer.callbacks import History, Preview
from style_transfer.content_loss import content_loss
from style_transfer.features import extract_features
from style_transfer.presets import PRESETS, Preset
from style_transfer.style_loss import gram_matrix, style_loss
from style_transfer.transfer import Iterate, style_transfer
from style_transfer.tv_loss import tv_loss

__all__ = [
    "PRESETS",
    "History",
    "Iterate",
    "Preset",
    "Preview",
    "content_loss",
    "extract_features",
    "gram_matrix",
    "style_loss",
    "style_transfer",
    "tv_loss",
]
