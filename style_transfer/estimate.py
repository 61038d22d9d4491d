"""How long a style transfer will take, said before it starts."""

from dataclasses import replace
from itertools import pairwise
from statistics import median

from torch import nn

from style_transfer.history import History
from style_transfer.presets import Preset, choose_preset
from style_transfer.transfer import Picture, style_transfer

TRIAL = 3  # iterations at each scale


def estimate_seconds(
    content_image: Picture,
    style_image: Picture,
    *,
    model: nn.Module,
    preset: Preset | str = "starry_night",
    **overrides,
) -> float:
    """The seconds that `style_transfer` with these arguments will take on this machine, from three steps per scale."""
    settings = choose_preset(preset, overrides)
    history = History()
    trial = replace(settings, num_iterations=TRIAL)
    style_transfer(content_image, style_image, model=model, preset=trial, callback=history, progress=False)
    ends = [history.seconds[first : first + TRIAL] for first in range(0, len(history.seconds), TRIAL)]
    steps = [median(after - before for before, after in pairwise(times)) for times in ends]
    return settings.num_iterations * sum(steps)
