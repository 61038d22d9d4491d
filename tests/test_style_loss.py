import numpy as np
import pytest
import torch

from style_transfer import extract_features, gram_matrix, style_loss
from tests.support import oracle, stand_ins
from tests.support.comparison import assert_differentiable, assert_matches, assert_slopes
from tests.support.networks import in_double
from tests.support.references import load


def features(*shape, dtype=torch.float32, seed=0):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=dtype)


# ---------------------------------------------------------------------------------------------------- Gram matrix


def test_gram_matrix_by_hand():
    """Entry (i, j) is the sum over all positions of channel i times channel j, divided by C * H * W."""
    two_channels = torch.tensor([[[1.0, 2.0, 0.0]], [[3.0, -1.0, 1.0]]]).view(1, 2, 1, 3)
    # 1*1 + 2*2 + 0*0 = 5, 1*3 - 2*1 + 0*1 = 1, 3*3 + 1*1 + 1*1 = 11; C * H * W = 2 * 1 * 3 = 6
    expected = torch.tensor([[[5.0, 1.0], [1.0, 11.0]]])
    assert_matches(gram_matrix(two_channels), expected / 6, 1e-6)
    assert_matches(gram_matrix(two_channels, normalize=False), expected, 1e-6)


@pytest.mark.parametrize("normalize", [True, False])
@pytest.mark.parametrize("shape", [(1, 4, 5, 7), (3, 4, 7, 5), (2, 7, 1, 3)])
def test_gram_matrix_of_any_shape(shape, normalize):
    """Each image of the batch has its own (C, C) matrix, whatever its height and width."""
    x = features(*shape)
    assert_matches(gram_matrix(x, normalize), oracle.gram(x.double().numpy(), normalize))


@pytest.mark.parametrize(
    "change",
    [
        lambda x: x.mT,
        lambda x: x.to(memory_format=torch.channels_last),
        lambda x: x[:, ::2, 1:, ::3],
        lambda x: x[:1].expand(4, -1, -1, -1),
        lambda x: x.flip(3).transpose(1, 2),
    ],
    ids=["transposed", "channels_last", "strided", "expanded", "swapped"],
)
def test_gram_matrix_of_any_memory_layout(change):
    """How the features lie in memory makes no difference: neither an error nor other values."""
    x = change(features(2, 4, 6, 8))
    assert_matches(gram_matrix(x), gram_matrix(x.contiguous()))


@pytest.mark.parametrize("shape", [(2, 3, 4, 5), (1, 6, 2, 2)])
def test_gram_matrix_gradient(shape):
    """For an arriving gradient B, symmetric or not, the features get (B + B^T) F / (C * H * W)."""
    x = features(*shape).requires_grad_()
    arriving = features(shape[0], shape[1], shape[1], seed=1)
    gram = gram_matrix(x)
    assert_differentiable(gram, tuple(arriving.shape))
    (slope,) = torch.autograd.grad(gram, x, arriving)
    both = (arriving + arriving.mT).double().numpy()
    expected = np.einsum("nij,njhw->nihw", both, x.detach().double().numpy()) / np.prod(shape[1:])
    assert_matches(slope, expected)


@pytest.mark.parametrize("normalize", [True, False])
@pytest.mark.parametrize("memory_format", [torch.contiguous_format, torch.channels_last])
def test_gram_matrix_gradient_agrees_with_finite_differences(normalize, memory_format):
    """A small change of the features changes every entry of the matrix as the gradient says."""
    x = features(2, 3, 2, 4, dtype=torch.float64).to(memory_format=memory_format).requires_grad_()
    assert_slopes(lambda x: gram_matrix(x, normalize), x, (2, 3, 3))


@pytest.mark.given
@pytest.mark.parametrize("shape", [(4, 5, 7), (20, 7), (1, 1, 4, 5, 7)])
def test_gram_matrix_wants_four_dimensions(shape):
    """Features without batch dimension give one clear error."""
    with pytest.raises(ValueError, match=r"give \(N, C, H, W\)"):
        gram_matrix(features(*shape))


# ------------------------------------------------------------------------------------------------------ style loss

SHAPES = {0: (2, 3, 6, 9), 2: (2, 5, 4, 6), 3: (2, 4, 2, 3)}
LAYERS, WEIGHTS = [3, 0], [20.0, 500.0]  # not in the order of the layers, the second layer left out


def arguments(dtype=torch.float32):
    feats = [None] * 5
    for layer, shape in SHAPES.items():
        feats[layer] = features(*shape, dtype=dtype, seed=layer).requires_grad_()
    targets = [0.1 * features(2, SHAPES[layer][1], SHAPES[layer][1], dtype=dtype, seed=9 + layer) for layer in LAYERS]
    return feats, [target + target.mT for target in targets]


def test_by_hand():
    """The loss is the sum over layers of weight * sum of squared differences of Gram matrices."""
    x = torch.tensor([[[1.0, 2.0]], [[3.0, -1.0]]]).view(1, 2, 1, 2)
    # Gram matrix (5, 1; 1, 10) / 4; from (1, 0; 0, 2): (0.25, 0.25; 0.25, 0.5), squares 0.0625 * 3 + 0.25 = 0.4375
    # from zero: 25 / 16 + 2 / 16 + 100 / 16 = 127 / 16
    targets = [torch.tensor([[[1.0, 0.0], [0.0, 2.0]]]), torch.zeros(1, 2, 2)]
    assert_matches(style_loss([x, x], [0, 1], targets, [4.0, 0.5]), torch.tensor(4 * 0.4375 + 0.5 * 127 / 16), 1e-6)


def test_value_and_gradient():
    """Value and gradient are right, with targets and weights in the order of the style layers."""
    feats, targets = arguments()
    chosen = [feats[layer] for layer in LAYERS]
    arrays = [feature.detach().double().numpy() for feature in chosen]
    value, slopes = oracle.style_loss(arrays, [target.double().numpy() for target in targets], WEIGHTS)
    loss = style_loss(feats, LAYERS, targets, WEIGHTS)
    assert_matches(loss, np.asarray(value))
    assert_differentiable(loss)
    for gradient, slope in zip(torch.autograd.grad(loss, chosen), slopes, strict=True):
        assert_matches(gradient, slope)


def judged(feats, targets):
    """The style loss and what it must be. Where the Gram matrices are wrong, others stand in for them."""
    definition = gram_matrix
    for layer in LAYERS:
        try:
            assert_matches(gram_matrix(feats[layer]), oracle.gram(feats[layer].detach().double().numpy()))
        except Exception:  # whatever is wrong with them, it is another task's
            definition = stand_ins.gram_matrix
    if not definition(feats[LAYERS[0]]).requires_grad:
        definition = stand_ins.gram_matrix
    loss = style_loss if definition is gram_matrix else stand_ins.style_loss
    pairs = zip(LAYERS, targets, WEIGHTS, strict=True)
    expected = sum(weight * (definition(feats[layer]) - target).square().sum() for layer, target, weight in pairs)
    return loss(feats, LAYERS, targets, WEIGHTS), expected


def test_the_value_is_that_of_the_definition():
    """The loss is the sum over the style layers of weight times sum of squared differences of Gram matrices."""
    loss, expected = judged(*arguments())
    assert_matches(loss, expected)


def test_the_gradient_is_that_of_the_definition():
    """The loss sends back the gradient that its definition has, to every style layer's features."""
    feats, targets = arguments()
    loss, expected = judged(feats, targets)
    assert_differentiable(loss)
    chosen = [feats[layer] for layer in LAYERS]
    slopes = torch.autograd.grad(expected, chosen)
    for gradient, slope in zip(torch.autograd.grad(loss, chosen), slopes, strict=True):
        assert_matches(gradient, slope)


def test_the_gradient_agrees_with_finite_differences():
    """A small change of the features changes the loss as the gradient says."""
    feats, targets = arguments(torch.float64)

    def loss(*chosen):
        return stand_ins.style_loss([chosen[1], None, None, chosen[0], None], LAYERS, targets, WEIGHTS)

    assert_slopes(loss, [feats[layer] for layer in LAYERS])


def test_one_target_serves_all_pictures():
    """A target (1, C, C) stands for every picture of the batch."""
    feats, targets = arguments()
    one = stand_ins.style_loss(feats, LAYERS, [target[:1] for target in targets], WEIGHTS)
    same = stand_ins.style_loss(feats, LAYERS, [target[:1].expand_as(target) for target in targets], WEIGHTS)
    assert_matches(one, same)


def test_the_style_picture_may_have_another_size():
    """Gram matrices are divided by their own number of positions, so a picture repeated twice has the same style."""
    x = features(1, 4, 6, 8)
    twice = torch.cat([x, x], dim=3)
    apart = style_loss([x], [0], [gram_matrix(twice)], [1.0])
    whole = style_loss([x], [0], [0 * gram_matrix(x)], [1.0])
    assert apart < 1e-10 * whole, f"the style of a picture repeated twice costs {float(apart / whole):.3g} of its own"


def test_stored_reference(shipped):
    """Gram matrices of SqueezeNet's features, of a picture that is not square."""
    reference = load("style")
    feats = extract_features(*in_double(reference["style"], shipped), [1, 4])
    for layer in (1, 4):
        assert_matches(gram_matrix(feats[layer]), reference[f"gram_{layer}"], dtype=None)


@pytest.mark.given
@pytest.mark.parametrize("counts", [(2, 2, 1), (2, 1, 2), (1, 2, 2), (0, 0, 0)])
def test_each_layer_needs_its_target_and_weight(counts):
    """Lists of different lengths, or empty ones, give one error that counts them."""
    feats, given = arguments()
    layers, targets, weights = counts
    with pytest.raises(ValueError, match=f"{layers} layers, {targets} targets, {weights} weights"):
        style_loss(feats, LAYERS[:layers], given[:targets], WEIGHTS[:weights])
