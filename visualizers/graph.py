"""The graph that autograd recorded on the way to the scores: what leads there, and where its rectifiers are."""

import warnings
from collections.abc import Iterator

from torch import Tensor
from torch.autograd.graph import Node

LEAKY = {"LeakyReluBackward0", "PreluKernelBackward0", "RreluWithNoiseBackward0"}


def graph_of(scores: Tensor) -> Iterator[Node]:
    """Every node of the graph that autograd recorded on the way to `scores`."""
    waiting: list[Node | None] = [scores.grad_fn]
    visited: set[Node | None] = {None}
    while waiting:
        node = waiting.pop()
        if node not in visited and "NotImplemented" not in node.name():  # a quantized layer lets nothing through
            visited.add(node)
            waiting.extend(parent for parent, _ in node.next_functions)
            yield node


def leads_to(scores: Tensor, tensor: Tensor) -> bool:
    """Whether the scores have a gradient with respect to the tensor."""
    if not scores.requires_grad or not tensor.requires_grad:
        return False
    if tensor.grad_fn is not None:
        return any(node is tensor.grad_fn for node in graph_of(scores))
    return any(getattr(node, "variable", None) is tensor for node in graph_of(scores))


def relu_nodes(scores: Tensor) -> Iterator[Node]:
    """Every rectifier on the way to `scores`: ReLU, ReLU6 and others that cut off at zero, and leaky ones.

    The graph knows what really happened, so a rectifier is found however the model called it, and the model is not
    touched. A leaky one keeps its slope where its input is negative. Warns where there is none.
    """
    nodes = [node for node in graph_of(scores) if is_rectifier(node)]
    if not nodes:
        warnings.warn("the model has no ReLU on the way to the score: this is the plain gradient", stacklevel=3)
    yield from nodes


def is_rectifier(node: Node) -> bool:
    match node.name():
        case "ReluBackward0":
            return True
        case "HardtanhBackward0":  # ReLU6 is one from 0 to 6
            return node._saved_min_val >= 0  # type: ignore[attr-defined]
        case "ClampMinBackward0" | "ClampBackward1":
            return node._saved_min == 0  # type: ignore[attr-defined]
        case "ThresholdBackward0":
            return node._saved_threshold >= 0  # type: ignore[attr-defined]
        case name:
            return name in LEAKY
