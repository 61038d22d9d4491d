"""What students write in notebooks, for models and pictures that they have not seen."""

import torch
from torch.nn import functional

from instructor.grading import notebook_cells
from tests.support.comparison import assert_matches
from tests.support.networks import SmallNet


def test_probabilities():
    """Probabilities of every image and class, rows that sum to one."""
    X = torch.randn(4, 3, 8, 6, generator=torch.Generator().manual_seed(8))
    probabilities = notebook_cells.probabilities(SmallNet(), X)
    assert_matches(probabilities, functional.softmax(SmallNet().double()(X.double()), dim=1))
