"""A pytest plugin: convolutions by PyTorch's own code, as on processors that oneDNN does not know."""

import torch

torch.backends.mkldnn.set_flags(False)
