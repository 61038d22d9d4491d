import io
import warnings

import matplotlib
import numpy as np
import pytest
import torch
from matplotlib import pyplot
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from PIL import Image
from skimage.color import deltaE_ciede2000, rgb2lab
from torch import Tensor

from data import deprocess
from visualizers import figures
from visualizers.appearance import LOOKS, looks

IMAGES = np.arange(2 * 8 * 12 * 3, dtype=np.uint8).reshape(2, 8, 12, 3)
NAMES = ("hay", "quail")


def batch(count: int = 2) -> Tensor:
    return torch.randn(count, 3, 8, 12, generator=torch.Generator().manual_seed(0))


DRAWINGS = {
    "attributions": lambda: figures.attributions(IMAGES, NAMES, {"map": batch()[:, 0], "gradient": batch()}),
    "overlay": lambda: figures.attributions(IMAGES, NAMES, {"map": batch()[:, 0].abs()}, overlay=True),
    "predictions": lambda: figures.predictions(IMAGES, NAMES, torch.eye(1000)[:2]),
    "fooling": lambda: figures.fooling(batch(1), batch(1) + 0.1, NAMES),
    "progress": lambda: figures.progress({1: batch(), 25: batch()}, NAMES),
    "images": lambda: figures.images([IMAGES[0], Image.fromarray(IMAGES[1]).rotate(90, expand=True)], NAMES),
    "curves": lambda: figures.curves({"content": [3.0, 2.0, 1.0], "style": [5.0, 4.0, 3.0]}, "iteration", "loss"),
}


@pytest.mark.parametrize("drawing", DRAWINGS)
def test_every_drawing_is_a_figure_that_pyplot_does_not_know(drawing, monkeypatch):
    """Drawing gives a Figure and neither shows it nor leaves it with pyplot, so nothing appears twice."""
    monkeypatch.setattr(pyplot, "show", lambda *_, **__: pytest.fail("show was called"))
    before, settings = pyplot.get_fignums(), dict(matplotlib.rcParams)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warnings.filterwarnings("ignore", message=".*deprecated")  # Matplotlib's quarrels with its parser
        figure = DRAWINGS[drawing]()
        assert isinstance(figure, Figure)
        figure.savefig(io.BytesIO(), format="png", dpi=20)
    assert pyplot.get_fignums() == before
    assert dict(matplotlib.rcParams) == settings


def pixels(axis) -> np.ndarray:
    """What is seen in a panel: (H, W, 3) between 0 and 1, as the uppermost image is coloured."""
    image = axis.get_images()[-1]
    return image.to_rgba(image.get_array())[..., :3] / (255 if image.get_array().dtype == np.uint8 else 1)


def test_attributions_has_the_images_then_a_row_for_each_method():
    """One column for each image, with its name; the first row is the images, then comes a row for each method."""
    figure = figures.attributions(IMAGES, NAMES, {"ours": batch()[:, 0], "Captum": batch()})
    axes = np.array(figure.axes).reshape(3, 2)
    assert [axis.get_title() for axis in axes[0]] == list(NAMES)
    assert [axis.get_ylabel() for axis in axes[:, 0]] == ["image", "ours", "Captum"]
    for axis, image in zip(axes[0], IMAGES, strict=True):
        assert np.array_equal(axis.get_images()[0].get_array(), image)


def test_each_map_is_scaled_on_its_own():
    """A faint map beside a strong one is drawn as clearly as it would be alone."""
    maps = batch()[:, 0].abs()
    strong_and_faint = torch.stack([maps[0], 1e-6 * maps[0]])
    figure = figures.attributions(IMAGES, NAMES, {"map": strong_and_faint})
    strong, faint = (pixels(axis) for axis in figure.axes[2:])
    np.testing.assert_allclose(strong, faint, atol=0.01)
    assert np.ptp(strong) > 0.5


def test_each_gradient_is_scaled_on_its_own():
    """Gradients are drawn around grey, each with its own largest value."""
    gradients = batch()
    figure = figures.attributions(IMAGES, NAMES, {"gradient": torch.stack([gradients[0], 1e-6 * gradients[0]])})
    strong, faint = (axis.get_images()[0].get_array() for axis in figure.axes[2:])
    np.testing.assert_allclose(strong, faint, atol=1e-5)
    assert np.array_equal(np.sign(strong - 0.5), gradients[0].permute(1, 2, 0).sign().numpy())
    assert 0 <= strong.min() < 0.1
    assert 0.9 < strong.max() <= 1


@pytest.mark.parametrize("overlay", [False, True])
def test_an_all_zero_map_is_drawn_as_zero(overlay):
    """An all-zero map gets one colour, the same as the zeros of other maps: neither NaN nor noise."""
    maps = torch.zeros(2, 8, 12)
    maps[1, :, 6:] = 1
    figure = figures.attributions(IMAGES, NAMES, {"map": maps}, overlay=overlay)
    empty, half = (pixels(axis) for axis in figure.axes[2:])
    assert np.isfinite(empty).all()
    np.testing.assert_array_equal(empty, np.broadcast_to(half[0, 0], empty.shape))


def test_an_all_zero_gradient_is_grey():
    """A gradient of zero is grey everywhere."""
    figure = figures.attributions(IMAGES, NAMES, {"gradient": torch.zeros(2, 3, 8, 12)})
    for axis in figure.axes[2:]:
        assert (axis.get_images()[0].get_array() == 0.5).all()


def test_a_single_extreme_pixel_does_not_darken_the_rest():
    """Maps are scaled to nearly, not quite, their largest value; yet a single bright pixel is seen."""
    maps = torch.ones(2, 20, 30)
    maps[0, 3, 4] = 1000
    maps[1] *= 0
    maps[1, 3, 4] = 1
    images = np.zeros((2, 20, 30, 3), np.uint8)
    with_extreme, alone = (pixels(axis) for axis in figures.attributions(images, NAMES, {"map": maps}).axes[2:])
    assert with_extreme[0, 0].min() > 0.5
    assert alone[3, 4].min() > 0.5
    assert alone[0, 0].max() < 0.1


def test_zero_has_one_colour_whether_or_not_a_map_has_negative_values():
    """Signed maps are drawn with zero in the middle, at white; maps without negative values with zero at black."""
    signed = torch.zeros(2, 8, 12)
    signed[0, 0, 0], signed[0, 0, 1], signed[1, 0, 0] = -1.0, 4.0, 4.0
    figure = figures.attributions(IMAGES, NAMES, {"map": signed})
    with_sign, without = (pixels(axis) for axis in figure.axes[2:])
    assert with_sign[7, 7].min() > 0.95
    assert without[7, 7].max() < 0.05
    assert with_sign[0, 1, 0] > with_sign[0, 1, 2], "positive values should be red"
    assert with_sign[0, 0, 2] > with_sign[0, 0, 0], "negative values should be blue"


@pytest.mark.parametrize("rows", [{"map": batch(3)[:, 0]}, {"map": batch(1)}])
def test_attributions_wants_one_map_for_each_image(rows):
    """A row with too few or too many maps gives an error that names it."""
    with pytest.raises(ValueError, match=r"2 images, but [13] of 'map'"):
        figures.attributions(IMAGES, NAMES, rows)
    with pytest.raises(ValueError, match="2 images, but 1 of 'names'"):
        figures.attributions(IMAGES, NAMES[:1], {})


def test_fooling_shows_the_difference_around_grey():
    """Where nothing changed the differences are grey; elsewhere they are in units of the pixels, once and tenfold."""
    grey = torch.zeros(1, 3, 8, 12)
    changed = grey.clone()
    changed[0, 0, 2, 3] += 5 / 255 / 0.229  # five steps of red
    figure = figures.fooling(grey, changed, NAMES)
    assert len(figure.axes) == 4
    before, after, difference, tenfold = (axis.get_images()[0].get_array().astype(int) for axis in figure.axes)
    assert np.array_equal(before, deprocess(grey)[0])
    assert np.array_equal(after, deprocess(changed)[0])
    assert difference[0, 0].tolist() == tenfold[0, 0].tolist() == [127, 127, 127]
    assert difference[2, 3].tolist() == [132, 127, 127]
    assert tenfold[2, 3].tolist() == [177, 127, 127]
    titles = " ".join(axis.get_title() for axis in figure.axes)
    assert all(name in titles for name in NAMES)


def test_progress_goes_in_order_of_the_iterations():
    """One row for each class, one column for each snapshot, in the order of the iterations."""
    snapshots = {25: batch() + 1, 1: batch()}
    axes = np.array(figures.progress(snapshots, NAMES).axes).reshape(2, 2)
    assert [axis.get_title() for axis in axes[0]] == ["iteration 1", "iteration 25"]
    assert [axis.get_ylabel() for axis in axes[:, 0]] == list(NAMES)
    assert np.array_equal(axes[1, 0].get_images()[0].get_array(), deprocess(snapshots[1])[1])
    with pytest.raises(ValueError, match="no snapshots"):
        figures.progress({}, NAMES)


def test_predictions_names_the_likeliest_classes():
    """Under each image, with its own class's name, stand its three likeliest classes with their probabilities."""
    probabilities = torch.zeros(2, 1000)
    probabilities[0, [285, 6, 187, 3]] = torch.tensor([0.7, 0.2, 0.06, 0.04])
    probabilities[1, [967, 0, 1]] = torch.tensor([0.5, 0.3, 0.2])
    upper_row, lower_row = np.array(figures.predictions(IMAGES, NAMES, probabilities).axes).reshape(2, 2)
    assert [axis.get_title() for axis in upper_row] == list(NAMES)
    first, second = ([text.get_text() for text in axis.texts] for axis in lower_row)
    assert first == ["0.70  Egyptian cat", "0.20  stingray", "0.06  Yorkshire terrier"]
    assert second[0] == "0.50  espresso"
    widths = [bar.get_width() for bar in lower_row[0].patches]
    np.testing.assert_allclose(widths, [0.7, 0.2, 0.06], atol=1e-6)


def test_curves_are_labelled():
    """Each curve has its name and its own line style, over iterations counted from 1."""
    (axis,) = DRAWINGS["curves"]().axes
    lines = axis.get_lines()
    assert [text.get_text() for text in axis.get_legend().get_texts()] == ["content", "style"]
    assert (axis.get_xlabel(), axis.get_ylabel()) == ("iteration", "loss")
    assert lines[0].get_xdata().tolist() == [1, 2, 3]
    assert len({line.get_linestyle() for line in lines}) == 2


def test_every_curve_is_drawn_however_many_there_are():
    """No curve is left out."""
    (axis,) = figures.curves({str(i): [1.0, 2.0 + i] for i in range(6)}, "iteration", "loss").axes
    assert len(axis.get_lines()) == 6


def test_save_writes_a_png_with_title_and_description(tmp_path, monkeypatch):
    """The file lies in KIT_FIGURES and carries its caption and its alternative text."""
    monkeypatch.setenv("KIT_FIGURES", str(tmp_path / "new" / "folder"))
    figure = DRAWINGS["curves"]()
    assert figures.save(figure, "losses", "Losses × 2", "Both curves fall – slowly.") is figure
    (file,) = (tmp_path / "new" / "folder").iterdir()
    assert file.name == "losses.png"
    with Image.open(file) as image:
        image.load()
        assert image.format == "PNG"
        assert image.text["Title"] == "Losses × 2"
        assert image.text["Description"] == "Both curves fall – slowly."
        assert min(image.size) > 300


def test_the_notebooks_figures_have_their_captions_in_a_table(tmp_path, monkeypatch):
    monkeypatch.setenv("KIT_FIGURES", str(tmp_path))
    figures.save(DRAWINGS["curves"](), "style_losses")
    with Image.open(tmp_path / "style_losses.png") as image:
        assert image.text["Title"].startswith("The three losses")
        assert image.text["Description"].startswith("Three curves")


def test_a_figure_of_ones_own_needs_a_caption_before_anything_is_written(tmp_path, monkeypatch):
    monkeypatch.setenv("KIT_FIGURES", str(tmp_path))
    with pytest.raises(ValueError, match="'mine' is a figure of your own: give save"):
        figures.save(DRAWINGS["curves"](), "mine")
    assert not list(tmp_path.iterdir())


def test_a_map_that_is_the_same_everywhere_is_marked_as_constant():
    """A map that is zero everywhere is marked, and not drawn as a black map among others."""
    maps = torch.stack([torch.zeros(8, 8), torch.rand(8, 8)])
    figure = figures.attributions(np.zeros((2, 8, 8, 3), np.uint8), ["one", "two"], {"map": maps})
    assert [[text.get_text() for text in axis.texts] for axis in figure.axes[2:]] == [["constant"], []]


def test_save_leaves_the_old_file_when_writing_fails(tmp_path, monkeypatch):
    """The file appears whole or not at all, and nothing else is left in the folder."""
    monkeypatch.setenv("KIT_FIGURES", str(tmp_path))
    figures.save(DRAWINGS["curves"](), "losses", "before", "before")
    before = (tmp_path / "losses.png").read_bytes()

    def break_off(self, file, **options):
        with open(file, "wb") as half:
            half.write(b"half a picture")
        raise OSError("disk full")

    monkeypatch.setattr(Figure, "savefig", break_off)
    with pytest.raises(OSError, match="disk full"):
        figures.save(DRAWINGS["curves"](), "losses", "after", "after")
    assert [file.name for file in tmp_path.iterdir()] == ["losses.png"]
    assert (tmp_path / "losses.png").read_bytes() == before


def test_curve_panels_draw_a_panel_for_each_quantity_and_a_curve_for_each_name():
    histories = {"fast": ([0.0, 0.1], [5.0, 0.0]), "slow": ([0.0, 1.0, 2.0], [5.0, 3.0, 2.0])}
    figure = figures.curve_panels({"content": histories, "style": histories}, xlabels=["iteration", "seconds"])
    assert [axis.get_title() for axis in figure.axes] == ["content", "style"]
    for axis in figure.axes:
        assert [len(line.get_xdata()) for line in axis.lines] == [2, 3]
        assert [line.get_label() for line in axis.lines] == ["fast", "slow"]
        assert np.isnan(axis.lines[0].get_ydata()[1]), "zero has no place on a logarithmic axis"
        assert len({line.get_linestyle() for line in axis.lines}) == 2
    assert [axis.get_xlabel() for axis in figure.axes] == ["iteration", "seconds"]


def test_classes_of_ones_own_are_called_by_their_names_or_numbers():
    images, probabilities = np.zeros((1, 8, 8, 3), np.uint8), torch.tensor([[0.1, 0.9]])

    def words(figure):
        return [text.get_text() for axis in figure.axes for text in axis.texts]

    assert words(figures.predictions(images, ["a"], probabilities)) == ["0.90  class 1", "0.10  class 0"]
    assert words(figures.predictions(images, ["a"], probabilities, ["cat", "dog"])) == ["0.90  dog", "0.10  cat"]
    with pytest.raises(ValueError, match="3 class_names for 2 classes"):
        figures.predictions(images, ["a"], probabilities, ["cat", "dog", "bird"])


def test_maps_that_are_not_finite_are_refused_by_name():
    with pytest.raises(ValueError, match="'mine' has values that are NaN or infinite"):
        figures.attributions(np.zeros((1, 8, 8, 3), np.uint8), ["a"], {"mine": torch.full((1, 8, 8), torch.nan)})


@pytest.mark.parametrize("maps", [torch.rand(1, 8, 8).bfloat16(), torch.randn(1, 1, 8, 8), torch.randn(1, 5, 8, 8)])
def test_maps_of_any_precision_and_number_of_channels_are_drawn(maps):
    figure = figures.attributions(np.zeros((1, 8, 8, 3), np.uint8), ["a"], {"mine": maps})
    figure.savefig(io.BytesIO(), dpi=40)


# How colours are seen by those who lack one kind of cones: Machado et al. 2009, of linear RGB.
VISION = {
    "all cones": np.eye(3),
    "no L cones": [[0.152, 1.053, -0.205], [0.115, 0.786, 0.099], [-0.004, -0.048, 1.052]],
    "no M cones": [[0.367, 0.861, -0.228], [0.280, 0.673, 0.047], [-0.012, 0.043, 0.969]],
    "no S cones": [[1.256, -0.077, -0.179], [-0.078, 0.931, 0.148], [0.005, 0.691, 0.304]],
}


@pytest.mark.parametrize("vision", VISION)
def test_the_colours_of_the_methods_can_be_told_apart_and_stand_out_from_white(vision):
    """A difference of 2.3 is just noticeable (CIEDE2000); graphics need a contrast near 3."""
    colors = np.array([to_rgb(look.color) for look in LOOKS.values()])
    linear = np.where(colors <= 0.04045, colors / 12.92, ((colors + 0.055) / 1.055) ** 2.4)
    seen = (linear @ np.transpose(VISION[vision])).clip(0, 1)
    lab = rgb2lab(np.where(seen <= 0.0031308, 12.92 * seen, 1.055 * seen ** (1 / 2.4) - 0.055))
    first, second = np.triu_indices(len(lab), 1)
    assert deltaE_ciede2000(lab[first], lab[second]).min() > 12
    assert (1.05 / (linear @ [0.2126, 0.7152, 0.0722] + 0.05)).min() > 2.8


def test_other_names_get_looks_that_no_method_of_the_figure_has():
    found = looks(["mine", "saliency", "integrated\ngradients", "yours"])
    assert found["saliency"] == LOOKS["gradient"]
    assert found["integrated\ngradients"] == LOOKS["integrated gradients"]
    assert len({look.color for look in found.values()}) == 4
    assert looks(map(str, range(20))).keys() == set(map(str, range(20)))
