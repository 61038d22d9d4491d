"""Series vary one setting and keep the others."""

import numpy as np
import pytest

from style_transfer import series
from style_transfer.presets import PRESETS


@pytest.fixture
def calls(monkeypatch):
    """The settings of every transfer, none of which is computed."""
    made = []

    def style_transfer(content, style, **settings):
        made.append(settings)
        return np.zeros((2, 2, 3), np.uint8)

    monkeypatch.setattr(series, "style_transfer", style_transfer)
    return made


def test_content_is_asked_of_one_layer_after_the_other_and_style_of_none(calls):
    found = series.content_by_layer("picture", None, layers=(1, 6), progress=False, content_size=40)
    assert list(found) == [1, 6]
    assert [call["content_layer"] for call in calls] == [1, 6]
    assert all(call["style_weights"] == (0.0,) and call["start_from_noise"] for call in calls)
    assert all(call["content_size"] == 40 for call in calls)


def test_style_layers_are_added_one_by_one_with_their_weights(calls):
    found = series.style_by_layers("painting", None, progress=False)
    preset = PRESETS["starry_night"]
    assert list(found) == [preset.style_layers[:count] for count in (1, 2, 3, 4)]
    assert [call["style_weights"] for call in calls] == [preset.style_weights[:count] for count in (1, 2, 3, 4)]
    assert all(call["content_weight"] == 0 for call in calls)


def test_the_balance_multiplies_the_style_weights_alone(calls):
    found = series.by_balance("a", "b", None, (0.5, 2), preset="painterly", progress=False, content_size=30)
    assert list(found) == [0.5, 2]
    weights = PRESETS["painterly"].style_weights
    assert [call.pop("style_weights") for call in calls] == [
        tuple(factor * weight for weight in weights) for factor in (0.5, 2)
    ]
    assert calls[0] == calls[1]


def test_a_series_paints(shipped):
    picture = np.random.default_rng(0).integers(0, 256, (48, 40, 3), np.uint8)
    quick = {"num_iterations": 2, "content_size": 32, "style_size": 32}
    first, last = series.content_by_layer(picture, shipped, layers=(1, 12), progress=False, **quick).values()
    assert first.shape == last.shape == (38, 32, 3)
    assert not np.array_equal(first, last)


def test_a_series_of_no_layers_is_refused(shipped):
    with pytest.raises(ValueError, match="layers is empty"):
        series.content_by_layer("picture", shipped, layers=())
