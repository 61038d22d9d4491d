"""Solutions of every task that go wrong in crude ways: what students try first, and what they forget."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import cycle
from pathlib import Path

from instructor.release.markers import regions
from kit.paths import KIT


@dataclass(frozen=True)
class Crude:
    """The right solution of `function` with a line before or after it, or with `find` in it replaced.

    `hint` is a part of what check() should say about it.
    """

    name: str
    function: str
    before: str = ""
    after: str = ""
    find: str = ""
    replace: str = ""
    hint: str = ""

    @property
    def module(self) -> str:
        return MODULES[self.function][0]

    @property
    def task(self) -> str:
        """Whose tests ask about it."""
        return Path(self.module).stem

    def source(self) -> str:
        text = (KIT / self.module).read_text("utf-8")
        start = text[: text.index(f"def {self.function}(")].count("\n")
        region = next(each for each in regions(text, self.module) if each.begin > start)
        solution = "\n".join(region.lines)
        assert not self.find or solution.count(self.find) == 1, f"{self.find!r} is not in {self.function}, once"
        solution = solution.replace(self.find, self.replace) if self.find else solution
        written = [region.indent + self.before, solution, region.indent + self.after]
        lines = text.split("\n")
        return "\n".join([*lines[: region.begin], *written, *lines[region.end + 1 :]])


# The module of each function, what its solution calls its result, and what it starts from.
MODULES = {
    "compute_saliency_maps": ("visualizers/saliency.py", "saliency", "scores"),
    "guided_gradient": ("visualizers/guided_backprop.py", "gradient", "scores"),
    "class_activation_maps": ("visualizers/grad_cam.py", "maps", "scores"),
    "guided_grad_cam": ("visualizers/grad_cam.py", "guided", "scores"),
    "make_fooling_image": ("visualizers/fooling.py", "step", "logits"),
    "class_visualization_update_step": ("visualizers/class_visualization.py", "updated", "scores"),
    "content_loss": ("style_transfer/content_loss.py", "loss", "content_current"),
    "gram_matrix": ("style_transfer/style_loss.py", "gram", "features"),
    "style_loss": ("style_transfer/style_loss.py", "loss", ""),
    "tv_loss": ("style_transfer/tv_loss.py", "loss", "img"),
    "rank_correlation": ("visualizers/rank_correlation.py", "correlation", "first"),
}
# What becomes of a right result.
RESULTS = {
    "zeros": "{0} = {0} * 0",
    "NaN": "{0} = {0} * float('nan')",
    "constant": "{0} = {0} * 0 + 1",
    "a hundred times": "{0} = 100 * {0}",
    "negative": "{0} = -{0}",
    "a dimension more": "{0} = {0}[None]",
    "flat": "{0} = {0}.flatten()",
    "None": "{0} = None",
    "a plain number": "{0} = {0}.sum().item()",
    "a list": "{0} = list({0}.flatten())",
    "a tuple": "{0} = ({0},)",
    "a NumPy array": "{0} = {0}.detach().numpy()",
    "NumPy of the graph": "{0} = {0}.requires_grad_().numpy()",
    "integers": "{0} = {0}.int()",
    "double precision": "{0} = {0}.double()",
    "transposed": "{0} = {0}.movedim(-1, 0)",
    "without its graph": "{0} = {0}.detach()",
}
# What raises by itself. It is told alike whatever the function, so that each function gets one of these.
RAISING = {
    "not set": "del {0}",
    "raises": "raise RuntimeError('boom')",
    "nonsense": "{0} = {0}.gradients",
    "a wrong name": "{0}_ = resutl",
    "nowhere": "import torhc",
}
SINGLE = (
    Crude("item", "compute_saliency_maps", find="scores.sum()", replace="scores.sum().item()", hint="plain number"),
    Crude("not added up", "compute_saliency_maps", find="scores.sum()", replace="scores", hint="Add the scores up"),
    Crude(
        "of a copy", "compute_saliency_maps", find=", X)", replace=", X.clone())", hint="perhaps it depends on a copy"
    ),
    Crude("values and indices", "compute_saliency_maps", find="amax(dim=1)", replace="max(dim=1)", hint="take .values"),
    Crude("backward twice", "compute_saliency_maps", before="scores.sum().backward()", hint="retain_graph=True"),
    Crude(
        "no .grad",
        "compute_saliency_maps",
        after="saliency = X.grad.abs().amax(dim=1)",
        hint="may never have been filled",
    ),
    Crude("in place on a leaf", "compute_saliency_maps", before="X += 1", hint="must not be changed in place"),
    Crude(
        "tuple not unpacked",
        "compute_saliency_maps",
        find="(gradient,) =",
        replace="gradient =",
        hint="take its entries",
    ),
    Crude(
        "a hook that returns a tensor",
        "guided_gradient",
        find="tuple(gradient.clamp(min=0) for gradient in arriving)",
        replace="arriving[0].clamp(min=0)",
        hint="A hook of a node",
    ),
    Crude(
        "a hook that clamps the tuple",
        "guided_gradient",
        find="tuple(gradient.clamp(min=0) for gradient in arriving)",
        replace="arriving.clamp(min=0)",
        hint="take its entries",
    ),
    Crude(
        "a hook of two arguments",
        "guided_gradient",
        find="lambda arriving: tuple(gradient.clamp(min=0) for gradient in arriving)",
        replace="lambda module, arriving: arriving",
        hint="A hook of a node",
    ),
    Crude(
        "graph not retained", "class_activation_maps", find=", retain_graph=True", replace="", hint="retain_graph=True"
    ),
    Crude("no dimensions kept", "class_activation_maps", find=", keepdim=True", replace="", hint="Print the shapes"),
    Crude("guided first", "guided_grad_cam", before="guided_gradient(scores, X)", hint="retain_graph=True"),
    Crude("no channel dimension", "guided_grad_cam", find="maps.unsqueeze(1)", replace="maps", hint="Print the shapes"),
    Crude(
        "in place on a leaf", "class_visualization_update_step", before="img += 1", hint="must not be changed in place"
    ),
    Crude("in place on a leaf", "make_fooling_image", before="images += 1", hint="must not be changed in place"),
    Crude("a list of what is wrong", "make_fooling_image", after="wrong = wrong.tolist()", hint="Stay with tensors"),
    Crude(
        "gathered wrongly",
        "make_fooling_image",
        find="targets.unsqueeze(1)",
        replace="targets",
        hint="Print the shapes",
    ),
    Crude("of a list", "content_loss", find=".sum()", replace="", hint="as .sum() gives it"),
    Crude(
        "view",
        "gram_matrix",
        after="gram = (f := features.view(*features.shape[:2], -1)) @ f.mT",
        hint="reshape or flatten",
    ),
    Crude("not transposed", "gram_matrix", after="gram = (f := features.flatten(2)) @ f", hint="type and shape"),
    Crude(
        "weights by layer",
        "style_loss",
        find="weight * (gram_matrix",
        replace="style_weights[layer] * (gram_matrix",
        hint="by place in style_layers",
    ),
    Crude(
        "targets by layer",
        "style_loss",
        find="- target)",
        replace="- style_targets[layer])",
        hint="by place in style_layers",
    ),
    Crude(
        "features by position",
        "style_loss",
        find="feats[layer]",
        replace="feats[style_layers.index(layer)]",
        hint="Print the shapes",
    ),
    Crude("items", "style_loss", find=".square().sum()", replace=".square().sum().item()", hint="plain number"),
    Crude(
        "a loss of one entry",
        "style_loss",
        before="import torch",
        after="loss = torch.zeros(1) + loss",
        hint="Begin the sum with 0",
    ),
    Crude("a loss of one entry", "tv_loss", after="loss = loss.reshape(1)", hint="Begin the sum with 0"),
    Crude("in place", "tv_loss", before="img -= img.mean()", hint="must not be changed in place"),
    Crude(
        "added in place",
        "content_loss",
        before="content_current -= content_original",
        hint="must not be changed in place",
    ),
)


def crude_solutions() -> Iterator[Crude]:
    """Each function gets every other result, so that each result gets maps, pictures and losses."""
    for place, ((function, (_, result, start)), raising) in enumerate(zip(MODULES.items(), cycle(RAISING))):
        for name, line in [*RESULTS.items()][place % 2 :: 2]:
            yield Crude(name, function, after=line.format(result))
        yield Crude("cut off", function, before="{0} = {0}.detach()".format(start or "feats"))
        yield Crude(raising, function, after=RAISING[raising].format(result))
        yield Crude("nothing", function, before="return")
    yield from SINGLE
