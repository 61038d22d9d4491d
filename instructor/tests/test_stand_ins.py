"""Guided Grad-CAM is judged by what is its own: a right product of wrong factors is right."""

from importlib import import_module

import pytest
import torch

from instructor.reference import oracle as reference
from tests.support import guided_product, oracle, stand_ins
from tests.support.networks import SmallNet
from visualizers.graph import relu_nodes

ROOM = import_module("visualizers.grad_cam")  # whose name in the package is a function's
Y = torch.tensor([1, 2, 3])


@pytest.fixture
def judge(monkeypatch, noise):
    for name in ("grad_cam", "guided_backprop"):
        monkeypatch.setattr(oracle, name, getattr(reference, name), raising=False)
    return lambda: guided_product.assert_is_guided_grad_cam(noise, Y, SmallNet(), "features")


def accumulating_maps(scores, activations):
    """Right alone, but `.backward()` leaves its gradient in the images, too, and what comes next is added to it."""
    activations.retain_grad()
    scores.sum().backward(retain_graph=True)
    return (activations.grad.mean(dim=(2, 3), keepdim=True) * activations).sum(dim=1).relu().detach()


def accumulating_gradient(scores, X):
    for node in relu_nodes(scores):
        node.register_prehook(lambda arriving: tuple(gradient.clamp(min=0) for gradient in arriving))
    scores.sum().backward()
    return X.grad


def failing(*_):
    raise RuntimeError("Trying to backward through the graph a second time")


def test_a_right_product_is_right_without_any_stand_in(judge, monkeypatch):
    monkeypatch.setattr(stand_ins, "guided_grad_cam", failing)
    judge()


def test_a_right_product_of_factors_that_accumulate_is_right(judge, monkeypatch, noise):
    monkeypatch.setattr(ROOM, "class_activation_maps", accumulating_maps)
    monkeypatch.setattr(ROOM, "guided_gradient", accumulating_gradient)
    expected = reference.guided_grad_cam(noise, Y, SmallNet(), "features")
    with pytest.raises(AssertionError):
        guided_product.assert_matches(ROOM.guided_grad_cam(noise, Y, SmallNet(), "features"), expected)
    judge()


def test_a_factor_that_fails_alone_is_not_the_products_fault(judge, monkeypatch):
    monkeypatch.setattr(ROOM, "class_activation_maps", failing)
    judge()


def test_a_product_that_fails_although_its_factors_do_not_is_told_so(judge, monkeypatch):
    monkeypatch.setattr(guided_product, "guided_grad_cam", failing)
    with pytest.raises(RuntimeError, match="a second time"):
        judge()


def test_another_product_is_wrong(judge, monkeypatch):
    for home in (guided_product, ROOM):
        monkeypatch.setattr(home, "guided_grad_cam", lambda X, *_: X)
    with pytest.raises(AssertionError, match="off by"):
        judge()
