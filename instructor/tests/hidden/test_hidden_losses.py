"""The losses of style transfer for features and weights that students have not seen."""

import numpy as np
import pytest
import torch

from style_transfer import content_loss, gram_matrix, tv_loss
from tests.support import oracle, stand_ins
from tests.support.comparison import assert_matches, assert_slopes


def features(*shape, seed=31):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("shape", [(1, 9, 3, 11), (5, 2, 8, 8)])
@pytest.mark.parametrize("what", ["value", "gradient"])
def test_content_loss(what, shape):
    """The value, and the gradient that belongs to it, for features of other shapes."""
    current, original = features(*shape), features(*shape, seed=32)
    if what == "gradient":
        assert_slopes(lambda x: content_loss(0.37, x, original.double()), current.double().requires_grad_())
        return
    value, _ = oracle.content_loss(0.37, current.double().numpy(), original.double().numpy())
    assert_matches(content_loss(0.37, current, original), np.asarray(value))


@pytest.mark.parametrize("shape", [(1, 9, 3, 11), (5, 2, 8, 8)])
def test_gram_matrix(shape):
    """Matrices of features of other shapes, with and without normalization."""
    x = features(*shape)
    for normalize in (True, False):
        assert_matches(gram_matrix(x, normalize), oracle.gram(x.double().numpy(), normalize))


def test_style_loss():
    """Three layers of other sizes, with others standing in for Gram matrices."""
    feats = [features(1, 3, 7, 9), None, features(1, 6, 4, 4, seed=33), features(1, 4, 2, 5, seed=34)]
    layers, weights = [2, 0, 3], [0.5, 40.0, 7.0]
    targets = [0.2 * features(1, feats[i].shape[1], feats[i].shape[1], seed=40 + i) for i in layers]
    grams = [stand_ins.gram_matrix(feats[i]) for i in layers]
    expected = sum(w * (gram - target).square().sum() for w, gram, target in zip(weights, grams, targets, strict=True))
    assert_matches(stand_ins.style_loss(feats, layers, targets, weights), expected)


@pytest.mark.parametrize("shape", [(2, 3, 3, 10), (1, 3, 9, 2)])
@pytest.mark.parametrize("what", ["value", "gradient"])
def test_tv_loss(what, shape):
    """The value, and the gradient that belongs to it, for pictures of other shapes."""
    img = features(*shape)
    if what == "gradient":
        assert_slopes(lambda x: tv_loss(x, 0.83), img.double().requires_grad_())
        return
    value, _ = oracle.tv_loss(img.double().numpy(), 0.83)
    assert_matches(tv_loss(img, 0.83), np.asarray(value))
