from dataclasses import FrozenInstanceError, astuple, fields

import pytest

from style_transfer import PRESETS, Preset
from style_transfer.presets import choose_preset

# content px, style px, content layer and weight, style layers, style weights, tv weight
COURSE = {
    "composition_vii": (192, 512, 3, 5e-2, (1, 4, 6, 7), (20000, 500, 12, 1), 5e-2),
    "the_scream": (192, 224, 3, 3e-2, (1, 4, 6, 7), (200000, 800, 12, 1), 2e-2),
    "starry_night": (192, 192, 3, 6e-2, (1, 4, 6, 7), (300000, 1000, 15, 3), 2e-2),
}


def test_the_presets_are_the_courses():
    assert set(PRESETS) == {*COURSE, "painterly"}
    for name, numbers in COURSE.items():
        assert astuple(PRESETS[name])[:7] == numbers


@pytest.mark.parametrize("name", COURSE)
def test_every_preset_takes_200_iterations_and_decays_at_180(name):
    preset = PRESETS[name]
    assert (preset.num_iterations, preset.decay_at) == (200, 180)
    assert (preset.learning_rate, preset.final_learning_rate) == (3.0, 0.1)
    assert (preset.start_from_noise, preset.keep_colors) == (False, False)


def test_a_preset_cannot_be_altered():
    with pytest.raises(FrozenInstanceError):
        PRESETS["the_scream"].tv_weight = 1.0


def test_settings_are_replaced_one_by_one():
    chosen = choose_preset("the_scream", {"tv_weight": 0.7, "keep_colors": True})
    assert (chosen.tv_weight, chosen.keep_colors) == (0.7, True)
    unchanged = [field.name for field in fields(Preset) if field.name not in ("tv_weight", "keep_colors")]
    assert all(getattr(chosen, name) == getattr(PRESETS["the_scream"], name) for name in unchanged)
    assert PRESETS["the_scream"].tv_weight == 2e-2


def test_a_preset_of_ones_own_is_taken_as_it_is():
    own = Preset(content_size=64, tv_weight=0.5)
    assert choose_preset(own, {}) == own
    assert choose_preset(own, {"content_size": 32}) == Preset(content_size=32, tv_weight=0.5)


def test_another_optimizer_brings_its_own_rates_unless_they_are_given():
    assert choose_preset("starry_night", {"optimizer": "lbfgs"}).learning_rate == 1.0
    assert choose_preset("starry_night", {"optimizer": "lbfgs", "learning_rate": 0.5}).learning_rate == 0.5
    assert choose_preset("painterly", {"optimizer": "adam"}).learning_rate == 0.25
    assert Preset(optimizer="small_steps").learning_rate == 0.08


def test_unknown_names_are_answered_with_the_known_ones():
    with pytest.raises(ValueError, match=r"no preset 'the_skream'.*composition_vii, the_scream, starry_night"):
        choose_preset("the_skream", {})
    with pytest.raises(ValueError, match=r"no setting style_wait, tvweight: choose from content_size.*tv_weight"):
        choose_preset("the_scream", {"tvweight": 1, "style_wait": 2})


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"style_layers": (1, 4)}, "one weight for each layer"),
        ({"style_layers": (), "style_weights": ()}, "one weight for each layer"),
        ({"num_iterations": 0}, "num_iterations"),
        ({"content_size": 0}, "content_size"),
        ({"style_size": -5}, "style_size"),
        ({"learning_rate": 0.0}, "learning_rate"),
        ({"final_learning_rate": -0.1}, "final_learning_rate"),
        ({"content_weight": -1e-2}, "content_weight"),
        ({"tv_weight": -1e-2}, "tv_weight"),
        ({"style_weights": (1, 1, 1, -1)}, "style_weights"),
        ({"tv_weight": float("nan")}, "tv_weight"),
        ({"learning_rate": float("nan")}, "learning_rate"),
        ({"optimizer": "sgd"}, "there is no optimizer 'sgd': choose one of adam, small_steps, lbfgs"),
        ({"scales": (0.5,)}, "scales"),
        ({"scales": ()}, "scales"),
        ({"scales": (0.0, 1.0)}, "scales"),
        ({"scales": (2.0, 1.0)}, "scales"),
        ({"weights_at": 0}, "weights_at"),
    ],
)
def test_settings_that_make_no_sense_are_refused(settings, message):
    with pytest.raises(ValueError, match=message):
        choose_preset("starry_night", settings)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("num_iterations", 3.0),
        ("content_size", 48.5),
        ("style_weights", 3.0),
        ("style_layers", 3),
        ("scales", 1.0),
        ("decay_at", 1.5),
    ],
)
def test_a_setting_of_another_kind_is_named(name, value):
    with pytest.raises(ValueError, match=f"{name} is {value!r}: give"):
        Preset(**{name: value})
