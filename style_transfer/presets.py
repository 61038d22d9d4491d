"""The settings of a style transfer, and those that the course found for its three pairs."""

from dataclasses import dataclass, fields, replace
from math import inf


@dataclass(frozen=True)
class Preset:
    """Sizes are shorter sides in pixels; layer numbers index `model.features`.

    The learning rate is Adam's, and falls to `final_learning_rate` at iteration `decay_at`, counted from 0.
    """

    content_size: int = 192
    style_size: int = 192
    content_layer: int = 3
    content_weight: float = 6e-2
    style_layers: tuple[int, ...] = (1, 4, 6, 7)
    style_weights: tuple[float, ...] = (300000, 1000, 15, 3)
    tv_weight: float = 2e-2
    num_iterations: int = 200
    learning_rate: float = 3.0
    final_learning_rate: float = 0.1
    decay_at: int = 180
    start_from_noise: bool = False
    keep_colors: bool = False

    def __post_init__(self) -> None:
        if len(self.style_layers) != len(self.style_weights) or not self.style_layers:
            pairs = f"style_layers {self.style_layers} and style_weights {self.style_weights}"
            raise ValueError(f"{pairs}: give one weight for each layer")
        if min(self.content_size, self.style_size, self.num_iterations) < 1:
            raise ValueError("content_size, style_size and num_iterations must be at least 1")
        if not all(0 < rate < inf for rate in (self.learning_rate, self.final_learning_rate)):
            raise ValueError("learning_rate and final_learning_rate must be finite and greater than zero")
        if not all(0 <= weight < inf for weight in (self.content_weight, self.tv_weight, *self.style_weights)):
            raise ValueError("content_weight, tv_weight and style_weights must be finite and not negative")


PRESETS = {
    "composition_vii": Preset(style_size=512, content_weight=5e-2, style_weights=(20000, 500, 12, 1), tv_weight=5e-2),
    "the_scream": Preset(style_size=224, content_weight=3e-2, style_weights=(200000, 800, 12, 1)),
    "starry_night": Preset(),
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
    return replace(preset, **overrides)
