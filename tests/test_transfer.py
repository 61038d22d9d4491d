import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

from data import deprocess, preprocess
from data.images import legal_range
from style_transfer import (
    Iterate,
    Preset,
    content_loss,
    extract_features,
    gram_matrix,
    style_loss,
    style_transfer,
    tv_loss,
)
from style_transfer.optimizers import OPTIMIZERS
from tests.support import oracle
from tests.support.comparison import assert_matches
from tests.support.networks import SmallNet, in_double
from tests.support.references import load

SMALL = Preset(
    content_size=16,
    style_size=12,
    content_layer=3,
    content_weight=0.5,
    style_layers=(4, 1),
    style_weights=(300.0, 20.0),
    tv_weight=0.01,
    num_iterations=4,
)


def painted(height: int, width: int, seed: int) -> np.ndarray:
    coarse = torch.rand(1, 3, 4, 5, generator=torch.Generator().manual_seed(seed))
    smooth = nn.functional.interpolate(coarse, (height, width), mode="bicubic", align_corners=True).clamp(0, 1)
    return (255 * smooth[0].permute(1, 2, 0)).to(torch.uint8).numpy()


TINY = {"style_size": 8, "style_layers": (1,), "style_weights": (1.0,)}
CONTENT, STYLE = painted(16, 22, 1), painted(20, 12, 2)


def run(model: nn.Module | None = None, **settings) -> tuple[np.ndarray, list[Iterate]]:
    """A short transfer with the small network, and what its callback saw."""
    iterates = []
    settings = {"preset": SMALL, "progress": False, **settings}
    content, style = settings.pop("content", CONTENT), settings.pop("style", STYLE)
    painting = style_transfer(content, style, model=model or SmallNet(), callback=iterates.append, **settings)
    return painting, iterates


def test_stored_reference(shipped):
    """The three losses between SqueezeNet's features, and the gradient of their sum that reaches the picture."""
    reference = load("style")
    image, content, style, shipped = in_double(reference["image"], reference["content"], reference["style"], shipped)
    image.requires_grad_()
    layers = [1, 4, 6, 7]
    targets = [gram_matrix(feature) for feature in extract_features(style, shipped, layers) if feature is not None]
    features = extract_features(image, shipped, [3, *layers])
    losses = torch.stack(
        [
            content_loss(6e-2, features[3], extract_features(content, shipped, [3])[3]),
            style_loss(features, layers, targets, [300000, 1000, 15, 3]),
            tv_loss(image, 2e-2),
        ]
    )
    assert_matches(losses, reference["losses"], dtype=None)
    for loss, expected in zip(losses, reference["losses"], strict=True):
        assert_matches(loss, expected, dtype=None)
    assert_matches(torch.autograd.grad(losses.sum(), image)[0], reference["gradient"], dtype=None)


# In double precision, because Adam's first steps depend on little more than the signs of the gradient: in single
# precision, pixels whose gradient is almost zero go either way. In steps of 3 they would do so in double precision too.
@pytest.mark.parametrize("decay_at", [0, 3, 99])
@pytest.mark.parametrize("rates", [(0.05, 0.01), (1.0, 0.1)])
def test_the_loop_is_adam_with_one_decay_that_keeps_its_moments(decay_at, rates):
    """Every iteration makes Adam's step, clamps, and reports the losses; the decay changes nothing but the rate."""
    settings = {"num_iterations": 7, "decay_at": decay_at, "learning_rate": rates[0], "final_learning_rate": rates[1]}
    content, style = preprocess(CONTENT, 16).double(), preprocess(STYLE, 12).double()
    images, losses = oracle.style_transfer(
        start=content,
        content=content,
        style=style,
        layers=SmallNet().features,
        content_layer=3,
        content_weight=0.5,
        style_layers=[4, 1],
        style_weights=[300.0, 20.0],
        tv_weight=0.01,
        **settings,
    )
    _, iterates = run(SmallNet().double(), **settings)
    assert len(iterates) == 7
    for iterate, image, (of_content, of_style, of_tv) in zip(iterates, images, losses, strict=True):
        assert_matches(iterate.image - content, image - content, 1e-6, torch.float64)
        assert iterate.content_loss == pytest.approx(of_content, rel=1e-6)
        assert iterate.style_loss == pytest.approx(of_style, rel=1e-6)
        assert iterate.tv_loss == pytest.approx(of_tv, rel=1e-6)
        assert iterate.total_loss == pytest.approx(of_content + of_style + of_tv, rel=1e-6)


@pytest.mark.parametrize(
    ("content_weight", "style_weight", "tv_weight"), [(0.5, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 0.5)]
)
def test_each_loss_goes_down_when_it_is_alone(content_weight, style_weight, tv_weight):
    """Twenty iterations lower the loss that they follow."""
    settings = {
        "content_weight": content_weight,
        "style_weights": (300 * style_weight, 20 * style_weight),
        "tv_weight": tv_weight,
        "num_iterations": 20,
        "learning_rate": 0.05,
        "start_from_noise": True,
    }
    _, iterates = run(**settings)
    assert iterates[-1].total_loss < 0.7 * iterates[0].total_loss


def test_the_learning_rate_is_3_for_180_iterations_and_then_a_tenth():
    """The course's schedule: 200 iterations, rate 3.0, and 0.1 from iteration 180 on."""
    _, iterates = run(preset="starry_night", content_size=8, style_size=8, style_layers=(1,), style_weights=(1.0,))
    assert [iterate.iteration for iterate in iterates] == list(range(1, 201))
    assert [iterate.learning_rate for iterate in iterates] == [3.0] * 180 + [0.1] * 20


def test_pixels_stay_legal():
    """After every step all pixels lie between black and white."""
    _, iterates = run(num_iterations=6)
    for iterate in iterates:
        black, white = legal_range(iterate.image)
        assert ((iterate.image >= black) & (iterate.image <= white)).all()
    assert (iterates[0].image == black).any()
    assert (iterates[0].image == white).any()


def test_the_painting_is_the_last_iterate_in_pixels():
    """The result is uint8 (H, W, 3), as high and wide as the content at its size."""
    painting, iterates = run(content=painted(32, 44, 1))
    assert painting.shape == (16, 22, 3)
    assert painting.dtype == np.uint8
    assert np.array_equal(painting, deprocess(iterates[-1].image)[0])


def test_iterates_are_not_altered_by_later_steps():
    """What the callback keeps is its own."""
    _, few = run(num_iterations=2)
    _, more = run(num_iterations=4)
    assert torch.equal(few[0].image, more[0].image)
    assert torch.equal(few[1].image, more[1].image)
    assert not torch.equal(more[1].image, more[2].image)
    assert not any(iterate.image.requires_grad for iterate in more)


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_an_interrupted_transfer_leaves_nothing_behind_and_the_next_one_is_as_ever(optimizer):
    """The network keeps its modes and gets no hook, no matter when the notebook's stop button is pressed."""

    def stop(iterate):
        if iterate.iteration == 2:
            raise KeyboardInterrupt

    expected, _ = run(optimizer=optimizer)
    network = SmallNet().train()
    with pytest.raises(KeyboardInterrupt):
        style_transfer(CONTENT, STYLE, model=network, preset=SMALL, optimizer=optimizer, progress=False, callback=stop)
    assert all(module.training and not module._forward_hooks for module in network.modules())
    assert np.array_equal(run(network, optimizer=optimizer)[0], expected)


@pytest.mark.parametrize(("height", "width", "shape"), [(16, 22, (16, 22)), (22, 16, (22, 16)), (64, 32, (32, 16))])
def test_height_and_width_are_the_contents(height, width, shape):
    """A tall picture stays tall and a wide one wide; the sizes are those of the shorter sides."""
    painting, _ = run(content=painted(height, width, 3), num_iterations=1)
    assert painting.shape == (*shape, 3)


def test_it_starts_from_the_content():
    """With a tiny learning rate the painting is the content, whatever the seed."""
    still = {"learning_rate": 1e-6, "num_iterations": 1}
    painting, iterates = run(**still)
    assert np.array_equal(painting, CONTENT)
    assert iterates[0].content_loss == 0
    assert np.array_equal(run(seed=1, **still)[0], painting)


def test_noise_depends_on_the_seed_alone():
    """With start_from_noise the seed decides, not the global random state and not the content."""
    settings = {"start_from_noise": True, "learning_rate": 1e-6, "num_iterations": 1}
    with torch.random.fork_rng():
        torch.manual_seed(1)
        first, _ = run(seed=3, **settings)
        torch.manual_seed(2)
        again, _ = run(seed=3, content=CONTENT[::-1].copy(), **settings)
    other, _ = run(seed=4, **settings)
    assert np.array_equal(first, again)
    assert np.abs(first.astype(int) - other).mean() > 10
    assert np.abs(first.astype(int) - CONTENT).mean() > 10


def chroma(pixels: np.ndarray) -> np.ndarray:
    return np.asarray(Image.fromarray(pixels).convert("YCbCr")).astype(int)[..., 1:]


def brightness(pixels: np.ndarray) -> np.ndarray:
    return np.asarray(Image.fromarray(pixels).convert("YCbCr")).astype(int)[..., 0]


def test_keep_colors_keeps_the_contents_chroma_and_the_paintings_brightness():
    """Brightness comes from the painting, colours from the content."""
    content = CONTENT // 4 + 96  # far from black and white, where colours are cut off
    settings = {"content": content, "num_iterations": 3, "learning_rate": 0.1}
    painting, _ = run(**settings)
    coloured, iterates = run(keep_colors=True, **settings)
    assert np.abs(chroma(painting) - chroma(content)).max() > 10
    assert np.abs(chroma(coloured) - chroma(content)).max() <= 2
    assert np.abs(brightness(coloured) - brightness(painting)).max() <= 2
    assert np.array_equal(deprocess(iterates[-1].image)[0], painting)


@pytest.mark.parametrize("kind", ["path", "string", "PIL", "array"])
def test_pictures_are_paths_pil_pictures_or_arrays(kind, tmp_path):
    """However the pictures are given, the painting is the same."""
    expected, _ = run()
    pictures = {}
    for name, pixels in (("content", CONTENT), ("style", STYLE)):
        path = tmp_path / f"{name}.png"
        Image.fromarray(pixels).save(path)
        pictures[name] = {"path": path, "string": str(path), "PIL": Image.open(path), "array": pixels.copy()}[kind]
    assert np.array_equal(run(**pictures)[0], expected)


def test_the_style_is_taken_from_the_style_picture():
    """Another style picture gives another painting; its own size counts."""
    expected, _ = run()
    assert not np.array_equal(run(style=CONTENT)[0], expected)
    assert not np.array_equal(run(style_size=8)[0], expected)


def test_the_network_runs_no_deeper_than_the_last_layer_used():
    """Layers after those that the losses use are not run."""
    model = SmallNet()
    model.features[3].register_forward_hook(lambda *_: pytest.fail("a layer was run that no loss uses"))
    run(model, content_layer=1, style_layers=(0, 2), num_iterations=2)


def test_unfrozen_parameters_are_not_trained():
    """The picture alone is changed, and no gradient is computed for the network."""
    model = SmallNet().requires_grad_(True)
    expected, _ = run()
    assert np.array_equal(run(model)[0], expected)
    assert all(parameter.grad is None for parameter in model.parameters())


def test_it_works_without_callback_and_shows_its_progress(capsys):
    """Without `progress` nothing is printed; with it, a bar."""
    quiet = style_transfer(CONTENT, STYLE, model=SmallNet(), preset=SMALL, progress=False)
    assert capsys.readouterr() == ("", "")
    loud = style_transfer(CONTENT, STYLE, model=SmallNet(), preset=SMALL)
    assert "4/4" in capsys.readouterr().err
    assert np.array_equal(quiet, loud)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"preset": "the_skream"}, "no preset 'the_skream'.*the_scream"),
        ({"tvweight": 1.0}, "no setting tvweight: choose from .*tv_weight"),
        ({"content_layer": 5}, r"no layers \[5\]: choose from 0 to 4"),
        ({"style_layers": (0, 7)}, r"no layers \[7\]: choose from 0 to 4"),
        ({"style_layers": (0, 1, 2)}, "one weight for each layer"),
        ({"model": nn.Linear(3, 3)}, "not a sequence of layers"),
        ({"content": CONTENT.astype(np.float32)}, "uint8"),
        ({"style": STYLE[..., :1]}, "uint8 array"),
        ({"content": CONTENT[None].repeat(2, 0)}, "one picture"),
        ({"style": STYLE[None].repeat(2, 0)}, "one picture"),
    ],
)
def test_wrong_input_gives_one_clear_error(settings, message):
    """Unknown presets, settings and layers, and what is not a picture, give one error that says what is possible."""
    with pytest.raises(ValueError, match=message):
        run(**settings)


def test_a_file_that_is_no_picture_is_refused(tmp_path):
    """A path that leads to no picture gives one clear error."""
    (tmp_path / "notes.txt").write_text("no picture", "utf-8")
    with pytest.raises(ValueError, match="is not an image"):
        run(content=tmp_path / "notes.txt")
    with pytest.raises(FileNotFoundError):
        run(style=tmp_path / "missing.png")


def test_a_whole_transfer_makes_the_total_loss_smaller(squeezenet):
    """With a preset's settings the painting ends with a smaller loss than the photograph has."""
    _, iterates = run(squeezenet, preset="starry_night", content_size=48, style_size=48)
    assert len(iterates) == 200
    assert iterates[-1].total_loss < 0.9 * iterates[0].total_loss


# ------------------------------------------------------------------------------------------- optimizers and painterly


@pytest.fixture(scope="module")
def course_loss():
    """What the course's 200 iterations reach with SqueezeNet on a small pair, and how to try others."""
    from data import load_model

    model = load_model("shipped")
    settings = {"preset": "starry_night", "content_size": 48, "style_size": 48, "content": painted(96, 128, 5)}

    def losses(**others):
        _, iterates = run(model, **settings, style=painted(80, 90, 6), **others)
        return [iterate.total_loss for iterate in iterates]

    return losses()[-1], losses


@pytest.mark.parametrize(("optimizer", "iterations"), [("small_steps", 24), ("lbfgs", 20)])
def test_other_optimizers_reach_the_courses_loss_in_a_tenth_of_the_iterations(optimizer, iterations, course_loss):
    goal, losses = course_loss
    assert min(losses(optimizer=optimizer, num_iterations=iterations)) <= goal


def test_another_optimizer_brings_its_own_learning_rates():
    for optimizer, own in OPTIMIZERS.items():
        _, iterates = run(preset="starry_night", **TINY, optimizer=optimizer, num_iterations=3, decay_at=2)
        assert [iterate.learning_rate for iterate in iterates] == [own.learning_rate] * 2 + [own.final_learning_rate]
    _, iterates = run(preset="starry_night", **TINY, optimizer="small_steps", learning_rate=0.3, num_iterations=1)
    assert iterates[0].learning_rate == 0.3


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_every_optimizer_lowers_the_loss_keeps_pixels_legal_and_gives_the_same_again(optimizer):
    first, iterates = run(optimizer=optimizer, num_iterations=30, start_from_noise=True)
    second, _ = run(optimizer=optimizer, num_iterations=30, start_from_noise=True)
    assert np.array_equal(first, second)
    assert iterates[-1].total_loss < iterates[0].total_loss
    black, white = legal_range(iterates[-1].image)
    assert all((iterate.image >= black).all() and (iterate.image <= white).all() for iterate in iterates)


def test_lbfgs_does_not_leap(course_loss):
    _, losses = course_loss
    found = losses(optimizer="lbfgs", num_iterations=30)
    assert max(found) <= 1.01 * found[0]


def test_coarse_scales_come_first_and_the_last_has_the_size_that_was_asked_for():
    content = painted(32, 44, 1)
    painting, iterates = run(content=content, content_size=16, scales=(0.5, 0.75, 1.0), num_iterations=3)
    assert [tuple(iterate.image.shape[2:]) for iterate in iterates] == [(8, 11)] * 3 + [(12, 16)] * 3 + [(16, 22)] * 3
    assert [iterate.iteration for iterate in iterates] == list(range(1, 10))
    assert painting.shape == (16, 22, 3)


def test_a_finer_scale_goes_on_from_the_coarser_one():
    """With steps too small to see, the noise of the coarse scale is still there, enlarged."""
    still = {"learning_rate": 1e-9, "num_iterations": 1, "start_from_noise": True}
    _, (coarse, fine) = run(scales=(0.5, 1.0), **still)
    black, white = legal_range(fine.image)
    enlarged = nn.functional.interpolate(coarse.image, (16, 22), mode="bicubic", align_corners=False)
    assert torch.allclose(fine.image, enlarged.clamp(black, white), atol=1e-6)


def test_weights_chosen_for_one_size_fit_another():
    """Sums over positions grow with the area; `weights_at` takes that back."""
    noise = {"start_from_noise": True, "num_iterations": 1}
    _, (plain,) = run(**noise)
    _, (scaled,) = run(**noise, weights_at=8)
    assert scaled.content_loss == pytest.approx(plain.content_loss / 4, rel=1e-5)
    assert scaled.tv_loss == pytest.approx(plain.tv_loss / 4, rel=1e-5)
    assert scaled.style_loss == pytest.approx(plain.style_loss, rel=1e-5)


def test_matched_colors_start_from_the_content_in_the_styles_colours():
    painting, _ = run(match_colors=True, num_iterations=1, learning_rate=1e-9)
    means = [picture.reshape(-1, 3).mean(axis=0) for picture in (painting, CONTENT, STYLE)]
    assert np.abs(means[0] - means[2]).max() < 4
    assert np.abs(means[1] - means[2]).max() > 8


def test_the_painterly_preset_paints_any_pair_from_coarse_to_fine():
    painting, iterates = run(preset="painterly", **TINY, content_size=20, num_iterations=2)
    assert painting.shape[:2] == (20, 27)
    assert [iterate.image.shape[2] for iterate in iterates] == [6, 6, 11, 11, 20, 20]


@pytest.mark.parametrize(
    ("change", "settings", "term"),
    [
        (lambda model: model.half(), {}, "content|style"),
        (lambda model: model, {"style_weights": (1e38,) * 4}, "style"),
        (lambda model: model, {"content_weight": 1e38, "optimizer": "lbfgs"}, "content|style"),
    ],
)
def test_a_loss_that_is_not_finite_stops_at_once_and_names_its_term(shipped, change, settings, term):
    picture, seen = np.random.default_rng(0).integers(0, 256, (64, 80, 3), dtype=np.uint8), []
    small = {"num_iterations": 5, "content_size": 48, "style_size": 48, "progress": False}
    with pytest.raises(
        ValueError, match=rf"the ({term}) loss is (nan|inf) at iteration \d, which is not finite: give a"
    ):
        style_transfer(
            picture, picture[::-1].copy(), model=change(shipped), callback=seen.append, **{**small, **settings}
        )
    assert all(np.isfinite(iterate.total_loss) for iterate in seen)


@pytest.mark.parametrize(("preset", "size"), [("starry_night", 8), ("painterly", 1)])
def test_a_picture_that_is_too_small_for_the_layers_is_named(shipped, preset, size):
    picture = np.zeros((80, 120, 3), np.uint8)
    with pytest.raises(ValueError, match=r"layer \d does not run on features of shape .* give a larger content_size"):
        style_transfer(picture, picture, model=shipped, preset=preset, content_size=size, progress=False)
