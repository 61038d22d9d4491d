"""Everything that touches disk or network: the model, the example images, pictures, downloads."""

import kit.threads  # noqa: F401  before torch is loaded
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
