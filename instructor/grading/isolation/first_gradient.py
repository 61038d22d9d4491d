"""What torch imports for the first gradient that is handed on, as far as this torch does: a quarter of a second."""

from contextlib import suppress

with suppress(ImportError):
    import torch.fx.experimental.symbolic_shapes  # noqa: F401
