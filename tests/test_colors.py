"""Colours are matched by mean and covariance, and nothing else moves."""

import pytest
import torch

from style_transfer.colors import color_statistics, matched_colors


@pytest.fixture
def pictures(random):
    """A content and a style of other size and colours, each with its own correlation of channels."""
    mixing = torch.tensor([[0.5, 0.2, 0.0], [0.1, 0.3, 0.4], [0.0, 0.6, 0.2]])
    content = torch.rand(1, 3, 12, 17, generator=random)
    style = torch.einsum("ij,njhw->nihw", mixing, torch.rand(1, 3, 9, 8, generator=random)) + 0.2
    return content, style


def test_mean_and_covariance_become_the_styles(pictures):
    content, style = pictures
    matched = matched_colors(content, style)
    assert matched.shape == content.shape
    assert matched.dtype == content.dtype
    for mine, other, before in zip(*map(color_statistics, (matched, style, content)), strict=True):
        assert torch.allclose(mine, other, atol=2e-5)
        assert not torch.allclose(before, other, atol=1e-2)


def test_a_picture_keeps_its_own_colours(pictures):
    content, _ = pictures
    assert torch.allclose(matched_colors(content, content), content, atol=1e-5)


def test_every_colour_is_mapped_alike(pictures):
    """A map of colours, so two pixels of one colour stay alike, wherever they are."""
    content, style = pictures
    content[..., 3, 4] = content[..., 7, 9]
    matched = matched_colors(content, style)
    assert torch.allclose(matched[..., 3, 4], matched[..., 7, 9])


def test_a_picture_in_one_colour_gives_no_nan(pictures):
    _, style = pictures
    grey = torch.full((1, 3, 5, 5), 0.3)
    assert matched_colors(grey, style).isfinite().all()
    assert matched_colors(style, grey).isfinite().all()
