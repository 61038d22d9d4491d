"""Questions put to the functions of a task: fixed small inputs, whose results tell one mistake from another.

There are no answers here. What is imported from the tasks' modules is imported when it is needed, so that other tasks
may be broken, and nothing that was edited meanwhile is asked in an old version.
"""

import copy
from collections.abc import Callable, Sequence
from functools import partial
from importlib import import_module

import torch
from torch import Tensor, nn

from kit.assignment import TASKS

Question = Callable[[], Tensor]
Technique = Callable[[Tensor, Tensor, nn.Module], Tensor]
RAISED = torch.empty(0)


def probe(task: str) -> list[Tensor]:
    """The results of all questions of a task; empty tensors where the student's code raised, or gave no tensor."""
    with torch.random.fork_rng(devices=[]):
        ordinary, special = questions(task)
        return [answer(question) for question in (*ordinary, *special)]


def ordinary_questions(task: str) -> int:
    """How many of a probe's results, the first ones, come from ordinary inputs.

    The others come from special circumstances: train mode, awkward memory layouts, zero gradients, a second call.
    """
    with torch.random.fork_rng(devices=[]):
        return len(questions(task)[0])


def questions(task: str) -> tuple[list[Question], list[Question]]:
    """Ordinary and special ones: the task's own, which OWN names, or those of its kind."""
    if task in OWN:
        return OWN[task]()
    known = TASKS[task]
    if known.kind != "attribution":
        raise LookupError(f"there are no questions for {task}: add a function to OWN, or give the task a kind")
    return attribution_questions(lambda *given: student(known.dotted, known.functions[0])(*given))


def answer(question: Question) -> Tensor:
    torch.default_generator.manual_seed(0)  # dropout that is active by mistake drops the same
    try:
        return question().detach().clone()
    except (Exception, SystemExit):  # a student's code may raise anything
        return RAISED


def student(module: str, function: str) -> Callable:
    """The function as it is now."""
    return getattr(import_module(module), function)


# ----------------------------------------------------------------------------------------------- networks and images


class Network(nn.Module):
    """Five classes; batch norm, dropout, and one in-place ReLU that is called three times. It counts its calls."""

    def __init__(self) -> None:
        super().__init__()
        self.calls = 0
        self.relu = nn.ReLU(inplace=True)
        self.features = nn.Sequential(
            nn.Conv2d(3, 6, 3, padding=1),
            nn.BatchNorm2d(6),
            self.relu,
            nn.MaxPool2d(2),
            nn.Conv2d(6, 8, 3, padding=1),
            self.relu,
        )
        self.dropout = nn.Dropout(0.5)
        self.mixing = nn.Conv2d(8, 12, 3, padding=1)
        self.classifier = nn.Linear(12, 5)
        random = torch.Generator().manual_seed(32)  # a network that can be fooled
        for parameter in self.parameters():
            nn.init.normal_(parameter, std=parameter[0].numel() ** -0.5, generator=random)
        self.classifier.weight.data *= 5  # gradients of about the size of the pixels
        self.get_buffer("features.1.running_mean").uniform_(-0.5, 0.5, generator=random)
        self.get_buffer("features.1.running_var").uniform_(0.5, 2, generator=random)
        self.eval().requires_grad_(False)

    def forward(self, x: Tensor) -> Tensor:
        self.calls += 1
        return self.classifier(self.relu(self.mixing(self.dropout(self.features(x)))).mean(dim=(2, 3)))


class Branching(Network):
    """Beside the last ReLU runs a branch without one; both are sent the same gradient."""

    def forward(self, x: Tensor) -> Tensor:
        self.calls += 1
        mixed = self.mixing(self.dropout(self.features(x)))
        return self.classifier((self.relu(mixed.clone()) + mixed).mean(dim=(2, 3)))


def indifferent() -> Network:
    """A network whose scores do not depend on the image."""
    network = Network()
    network.classifier.weight.data.zero_()
    return network


def noise(*shape: int, seed: int = 0, dtype: torch.dtype = torch.float32) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=dtype)


def pictures(dtype: torch.dtype = torch.float32) -> Tensor:
    """Three pictures of different contrast, not square."""
    return noise(3, 3, 10, 14, dtype=dtype) * torch.tensor([0.3, 1.0, 3.0], dtype=dtype).view(3, 1, 1, 1)


def ranked(X: Tensor, rank: int) -> Tensor:
    """For each image the class of that rank: 0 the likeliest, 4 the unlikeliest."""
    return Network().to(X.dtype)(X).argsort(dim=1, descending=True)[:, rank]


# ------------------------------------------------------------------------------------------------------ attributions


def attribution_questions(technique: Technique) -> tuple[list[Question], list[Question]]:
    """What can be asked of everything that takes images, labels and a model."""
    X, five, single = pictures(), noise(5, 3, 8, 12, seed=1), noise(1, 3, 9, 6, seed=2)
    likely, unlikely = ranked(X, 0), ranked(X, 4)
    ordinary = [
        lambda: technique(X.clone(), likely, Network()),
        lambda: technique(X.clone(), unlikely, Network()),
        lambda: technique(five.clone(), ranked(five, 1), Network()),
        lambda: technique(single.clone(), ranked(single, 0), Network()),
        lambda: technique(X.clone(), likely, Branching()),
    ]
    special = [
        lambda: technique(X.clone(), likely, indifferent()),
        lambda: technique(X.clone(), likely, Network().train()),
        lambda: second_call(technique, X.clone(), likely),
        lambda: traces(technique, X.clone(), likely),
        lambda: plain_gradient_afterwards(technique, X.clone(), likely),
    ]
    return ordinary, special


def second_call(technique: Technique, X: Tensor, y: Tensor) -> Tensor:
    """The result of a second call with the same images and model, in train mode."""
    network = Network().train()
    technique(X, y, network)
    return technique(X, y, network)


def traces(technique: Technique, X: Tensor, y: Tensor) -> Tensor:
    """What a call leaves behind.

    Parameters with a gradient, modules in train mode, forward passes, whether the result or the images ask for
    gradients now.
    """
    network = Network().train().requires_grad_(True)
    result = technique(X, y, network)
    polluted = sum(parameter.grad is not None for parameter in network.parameters())
    training = sum(module.training for module in network.modules())
    return torch.tensor([polluted, training, network.calls, result.requires_grad, X.requires_grad]).float()


def plain_gradient_afterwards(technique: Technique, X: Tensor, y: Tensor) -> Tensor:
    """The gradient that the model gives to others, once the technique was there."""
    network = Network()
    technique(X, y, network)
    images = pictures().requires_grad_()
    return torch.autograd.grad(network(images).sum(), images)[0]


def grad_cam() -> tuple[list[Question], list[Question]]:
    def technique(*given: object) -> Tensor:
        return student("visualizers.grad_cam", "grad_cam")(*given)

    ordinary, special = attribution_questions(technique)
    X = pictures()
    # a layer in front of a ReLU, which gives negative values too
    ordinary.append(lambda: technique(X, ranked(X, 1), Network(), "features.4"))
    return ordinary, special


def guided_grad_cam() -> tuple[list[Question], list[Question]]:
    """Beside the product of the student's own grad_cam and guided_backprop, so that their mistakes play no part."""

    def difference_from_own_product(X: Tensor, y: Tensor, model: nn.Module) -> Tensor:
        untouched = copy.deepcopy(model).requires_grad_(False)
        maps = student("visualizers.grad_cam", "grad_cam")(X.clone(), y, untouched)
        product = maps.unsqueeze(1) * student("visualizers.guided_backprop", "guided_backprop")(X.clone(), y, untouched)
        result = student("visualizers.grad_cam", "guided_grad_cam")(X, y, model)
        size = product.norm()
        return (result - product) / size if size > 0 else result

    return attribution_questions(difference_from_own_product)


# ------------------------------------------------------------------------------------------------------------ ascents


def fooling() -> tuple[list[Question], list[Question]]:
    """In double precision, since a path of many steps magnifies rounding."""

    def change(X: Tensor, y: Tensor | int, model: nn.Module, *settings: float) -> Tensor:
        model = model.double()
        return student("visualizers.fooling", "make_fooling_image")(X, y, model, *settings) - X

    X, targets = pictures(torch.float64), torch.tensor([3, 2, 1])  # reached after 5, 3 and 10 steps of length 2
    ordinary = [
        lambda: change(X.clone(), targets, Network(), 2.0, 14),
        lambda: change(X.clone(), targets, Network(), 2.0, 4),
        lambda: change(X.clone(), targets, Network(), 0.5, 1),
        lambda: change(X[:1].clone(), 3, Network(), 2.0, 14),
        lambda: change(X.clone(), torch.tensor([0, 3, 1]), Network(), 2.0, 14),
        lambda: change(X.clone(), torch.tensor([2, 3, 3]), Network(), 2.0, 3),  # the first and last need no step
    ]
    special = [
        lambda: change(X.clone(), targets, indifferent(), 0.5, 3),
        lambda: traces(lambda X, y, model: change(X.double(), y, model, 2.0, 4), pictures(), targets),
    ]
    return ordinary, special


def class_visualization() -> tuple[list[Question], list[Question]]:
    def change(X: Tensor, y: Tensor | int, model: nn.Module, l2_reg: float = 0.5, learning_rate: float = 5.0) -> Tensor:
        step = student("visualizers.class_visualization", "class_visualization_update_step")
        return step(X, y, model, l2_reg, learning_rate) - X

    X, targets = pictures(), torch.tensor([0, 1, 4])
    ordinary = [
        lambda: change(X.clone(), targets, Network()),
        lambda: change(X.clone(), targets, Network(), 0.0, 0.3),
        lambda: change(X.clone(), targets, Network(), 0.05, 2.0),
        lambda: change(X[1:2].clone(), 3, Network(), 5.0, 2.0),
    ]
    special = [
        lambda: change(X.clone(), targets, indifferent(), 0.0),
        lambda: change(X.clone(), targets, Network().train()),
        lambda: traces(change, X.clone(), targets),
    ]
    return ordinary, special


# ------------------------------------------------------------------------------------------------------------- losses

LAYOUTS: tuple[Callable[[Tensor], Tensor], ...] = (
    lambda x: x.to(memory_format=torch.channels_last),
    lambda x: x.mT.contiguous().mT,
    lambda x: torch.stack([x, x], dim=-1)[..., 0],
)


def gradient(loss: Callable[[Tensor], Tensor], x: Tensor) -> Tensor:
    x = x.clone().requires_grad_()
    return torch.autograd.grad(loss(x), x)[0]


def content_loss() -> tuple[list[Question], list[Question]]:
    def loss(weight: float, current: Tensor, original: Tensor) -> Tensor:
        return student("style_transfer.content_loss", "content_loss")(weight, current, original)

    one, two = (noise(1, 4, 5, 7), noise(1, 4, 5, 7, seed=1)), (noise(2, 4, 7, 5), noise(2, 4, 7, 5, seed=1))
    ordinary = [
        lambda: loss(0.5, *one),
        lambda: loss(3.0, *two),
        lambda: gradient(lambda x: loss(0.5, x, one[1]), one[0]),
        lambda: gradient(lambda x: loss(3.0, x, two[1]), two[0]),
    ]
    return ordinary, [partial(lambda layout: loss(3.0, *map(layout, two)), layout) for layout in LAYOUTS]


def gram_matrix() -> tuple[list[Question], list[Question]]:
    def gram(features: Tensor, *normalize: bool) -> Tensor:
        return student("style_transfer.style_loss", "gram_matrix")(features, *normalize)

    def weighed(features: Tensor) -> Tensor:
        matrix = gram(features)
        return (matrix * noise(*matrix.shape, seed=5)).sum()

    one, two = 4 * noise(1, 4, 5, 7), 4 * noise(2, 4, 7, 5, seed=1) + 1
    ordinary = [
        lambda: gram(one),
        lambda: gram(two),
        lambda: gram(two, False),
        lambda: gradient(weighed, one),
        lambda: gradient(weighed, two),
    ]
    in_double = [lambda: torch.tensor([gram(two.double()).dtype == torch.float64]).float()]
    return ordinary, [*(partial(lambda layout: gram(layout(two)), layout) for layout in LAYOUTS), *in_double]


def style_loss() -> tuple[list[Question], list[Question]]:
    """Beside the student's own gram_matrix, whose mistakes therefore play no part: all results should be 1 and 0."""
    features = [noise(3, 4, height, width, seed=height) for height, width in ((6, 9), (3, 5), (4, 4))]

    def gram(x: Tensor) -> Tensor:
        return student("style_transfer.style_loss", "gram_matrix")(x)

    def away(index: int) -> Tensor:
        """A fixed offset from the Gram matrix of features[index], of its shape."""
        matrix = gram(features[index])
        return (0.5 + 0.4 * index) * (noise(*matrix.shape, seed=index) + 0.3)

    def loss(feats: Sequence[Tensor], layers: list[int], weights: list[float]) -> Tensor:
        targets = [(gram(features[layer]) - away(layer)).detach() for layer in layers]
        return student("style_transfer.style_loss", "style_loss")([*feats, None], layers, targets, weights)

    def relative_value(layers: list[int], weights: list[float]) -> Tensor:
        """The loss over what it must be, targets being a known offset away."""
        due = sum(weight * away(layer).square().sum() for layer, weight in zip(layers, weights, strict=True))
        return loss(features, layers, weights) / due

    def relative_gradients(layers: list[int], weights: list[float]) -> Tensor:
        """For each layer, how long the gradient is beside what it must be, and how much of it points elsewhere."""
        feats = [x.clone().requires_grad_() for x in features]
        if not gram(feats[0]).requires_grad:
            return torch.tensor([1.0, 0.0] * len(layers))  # none gets past gram_matrix, so none can be asked for
        chosen = [feats[layer] for layer in layers]
        found = torch.autograd.grad(loss(feats, layers, weights), chosen, materialize_grads=True)
        ratios = []
        for x, layer, weight, slope in zip(chosen, layers, weights, found, strict=True):
            (due,) = torch.autograd.grad(gram(x), x, 2 * weight * away(layer))
            length = (slope * due).sum() / due.square().sum()
            ratios += [length, (slope - length * due).norm() / due.norm()]
        return torch.stack(ratios)

    ordinary = [
        lambda: relative_value([1], [3.0]),
        lambda: relative_value([2, 0], [0.25, 40.0]),
        lambda: relative_value([2, 0, 1], [7.0, 0.2, 90.0]),
        lambda: relative_gradients([1], [3.0]),
        lambda: relative_gradients([2, 0, 1], [7.0, 0.2, 90.0]),
    ]
    return ordinary, []


def tv_loss() -> tuple[list[Question], list[Question]]:
    def loss(img: Tensor, weight: float) -> Tensor:
        return student("style_transfer.tv_loss", "tv_loss")(img, weight)

    one, two = noise(1, 3, 5, 8), noise(2, 3, 8, 5, seed=1) + 1
    ordinary = [
        lambda: loss(one, 0.5),
        lambda: loss(two, 3.0),
        lambda: gradient(lambda x: loss(x, 0.5), one),
        lambda: gradient(lambda x: loss(x, 3.0), two),
    ]
    return ordinary, [partial(lambda layout: loss(layout(two), 3.0), layout) for layout in LAYOUTS]


# ----------------------------------------------------------------------------------------------------------- measures


def rank_correlation() -> tuple[list[Question], list[Question]]:
    def measured(first: Tensor, second: Tensor) -> Tensor:
        return student("visualizers.rank_correlation", "rank_correlation")(first, second)

    def pair(*shape: int, seed: int) -> tuple[Tensor, Tensor]:
        """Maps that are somewhat alike, each of its own size, with pixels of both signs."""
        one = noise(*shape, seed=seed) + 0.5
        return one, (0.7 * one + noise(*shape, seed=seed + 1)) * torch.arange(1, len(one) + 1).view(-1, 1, 1)

    three, single = pair(3, 6, 9, seed=1), pair(1, 5, 4, seed=3)
    tied = tuple(maps.round() for maps in three)
    flat = torch.cat([three[0][:1], torch.ones(1, 6, 9), three[0][2:]])
    ordinary = [
        lambda: measured(*three),
        lambda: measured(*tied),
        lambda: measured(*single),
        lambda: measured(three[0], -three[1].exp()),
    ]
    special = [lambda: measured(flat, three[1]), lambda: measured(three[0].mT, three[1].mT)]
    return ordinary, special


OWN: dict[str, Callable[[], tuple[list[Question], list[Question]]]] = {
    each.__name__: each
    for each in (
        grad_cam,
        guided_grad_cam,
        fooling,
        class_visualization,
        content_loss,
        gram_matrix,
        style_loss,
        tv_loss,
        rank_correlation,
    )
}
