"""The laboratory of notebook 6: do explanations depend on what the network has learned? Adebayo et al. 2018."""

import kit.kernel  # noqa: F401  keeps what follows up to date in a notebook
