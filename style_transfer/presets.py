"""The settings of a style transfer: the course's for its three pairs, and a painterly one for any."""

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from math import inf

from kit.arguments import check_positive, check_whole
from kit.precision import check_precision
from style_transfer.optimizers import OPTIMIZERS

WHOLE = ("content_size", "style_size", "num_iterations", "weights_at")  # numbers of at least 1


@dataclass(frozen=True)
class Preset:
    """Sizes are shorter sides in pixels; layer numbers index `model.features`.

    The picture is painted at each of the `scales` of its final size in turn, each time in `num_iterations`. The
    learning rate falls to `final_learning_rate` at iteration `decay_at`, counted from 0; None stands for the rates of
    the optimizer, which is one of OPTIMIZERS. `weights_at` is the size for which content_weight and tv_weight, which
    belong to sums over all positions, were chosen: at other sizes they grow and shrink with the area. None: they stay
    as they are. `precision` is explained at `kit.precision`.
    """

    content_size: int = 192
    style_size: int = 192
    content_layer: int = 3
    content_weight: float = 6e-2
    style_layers: tuple[int, ...] = (1, 4, 6, 7)
    style_weights: tuple[float, ...] = (300000, 1000, 15, 3)
    tv_weight: float = 2e-2
    num_iterations: int = 200
    learning_rate: float | None = None
    final_learning_rate: float | None = None
    decay_at: int = 180
    start_from_noise: bool = False
    keep_colors: bool = False
    optimizer: str = "adam"
    scales: tuple[float, ...] = (1.0,)
    weights_at: int | None = None
    match_colors: bool = False
    precision: str = "float32"

    def __post_init__(self) -> None:
        check_precision(self.precision)
        if self.optimizer not in OPTIMIZERS:
            raise ValueError(f"there is no optimizer {self.optimizer!r}: choose one of {', '.join(OPTIMIZERS)}")
        for name in ("learning_rate", "final_learning_rate"):
            if getattr(self, name) is None:
                object.__setattr__(self, name, getattr(OPTIMIZERS[self.optimizer], name))
        for name in ("style_layers", "style_weights", "scales"):
            if not isinstance(getattr(self, name), Sequence) or isinstance(getattr(self, name), str):
                raise ValueError(f"{name} is {getattr(self, name)!r}: give several numbers, (a, b, ...)")
        if not self.scales or self.scales[-1] != 1 or not all(0 < scale <= 1 for scale in self.scales):
            raise ValueError(f"scales are {self.scales}: give fractions of the final size, the last one 1")
        if len(self.style_layers) != len(self.style_weights) or not self.style_layers:
            pairs = f"style_layers {self.style_layers} and style_weights {self.style_weights}"
            raise ValueError(f"{pairs}: give one weight for each layer")
        whole = {name: getattr(self, name) for name in WHOLE if getattr(self, name) is not None}
        check_whole(**whole)
        check_positive(**whole)
        check_whole(content_layer=self.content_layer, decay_at=self.decay_at)
        if not all(0 < rate < inf for rate in (self.learning_rate, self.final_learning_rate)):
            raise ValueError("learning_rate and final_learning_rate must be finite and greater than zero")
        if not all(0 <= weight < inf for weight in (self.content_weight, self.tv_weight, *self.style_weights)):
            raise ValueError("content_weight, tv_weight and style_weights must be finite and not negative")


PRESETS = {
    "composition_vii": Preset(style_size=512, content_weight=5e-2, style_weights=(20000, 500, 12, 1), tv_weight=5e-2),
    "the_scream": Preset(style_size=224, content_weight=3e-2, style_weights=(200000, 800, 12, 1)),
    "starry_night": Preset(),
    # Large strokes first, then smaller ones between them, in the painting's colours from the start.
    "painterly": Preset(
        content_weight=0.012,
        style_weights=(100000, 600, 12, 1),
        tv_weight=0.04,
        num_iterations=45,
        learning_rate=0.25,
        final_learning_rate=0.05,
        decay_at=35,
        scales=(0.3, 0.55, 1.0),
        weights_at=192,
        match_colors=True,
    ),
}


def choose_preset(preset: Preset | str, overrides: dict) -> Preset:
    """The preset of that name, or the given one, with some settings replaced.

    Raises ValueError for an unknown name or setting, saying which there are.
    """
    if isinstance(preset, str):
        if preset not in PRESETS:
            raise ValueError(f"there is no preset {preset!r}: choose one of {', '.join(PRESETS)}")
        preset = PRESETS[preset]
    names = [field.name for field in fields(Preset)]
    unknown = sorted(set(overrides) - set(names))
    if unknown:
        raise ValueError(f"there is no setting {', '.join(unknown)}: choose from {', '.join(names)}")
    if overrides.get("optimizer", preset.optimizer) != preset.optimizer:
        overrides = {"learning_rate": None, "final_learning_rate": None, **overrides}  # another optimizer, other rates
    return replace(preset, **overrides)
