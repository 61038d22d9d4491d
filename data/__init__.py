"""Everything that touches disk or network: the model, the example images, pictures, downloads."""

import kit.quick_torchvision  # noqa: F401  before anything else loads torch
from data.examples import CLASS_NAMES, Examples, load_examples
from data.images import deprocess, open_image, preprocess
from data.model import load_model
from data.pictures import StylePair, load_style_pair

__all__ = [
    "CLASS_NAMES",
    "Examples",
    "StylePair",
    "deprocess",
    "load_examples",
    "load_model",
    "load_style_pair",
    "open_image",
    "preprocess",
]
