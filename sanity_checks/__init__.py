"""The laboratory of notebook 6: do explanations depend on what the network has learned? Adebayo et al. 2018."""

import kit.kernel  # keeps what follows up to date in a notebook
import kit.quick_torchvision  # noqa: F401  before torchvision is loaded
