"""Figures of the sanity checks draw what is defined and leave out what is not."""

import io

import numpy as np
import pytest
import torch
from matplotlib import pyplot
from matplotlib.figure import Figure
from matplotlib.text import Text

from sanity_checks.experiments import Similarity
from sanity_checks.explanations import METHODS as ALL_METHODS
from sanity_checks.figures import map_grid, removal_curves, similarity_curves, similarity_grid, similarity_points
from sanity_checks.removal import Removal
from sanity_checks.similarity import MEASURES
from visualizers import figures
from visualizers.appearance import LOOKS

METHODS = ("gradient", "Grad-CAM")
STAGES = ("classifier", "features")


@pytest.fixture
def values():
    values = np.random.default_rng(0).uniform(size=(3, 2, len(STAGES), len(METHODS), len(MEASURES)))
    values[0, 0] = np.nan
    return values


def drawn(figure):
    assert isinstance(figure, Figure)
    assert not pyplot.get_fignums()
    figure.savefig(io.BytesIO(), dpi=30)
    return figure.axes


def test_the_grid_has_methods_down_and_stages_across_with_the_original_first():
    explanations = {
        stage: {"gradient": torch.randn(2, 3, 24, 24), "Grad-CAM": torch.zeros(2, 24, 24)}
        for stage in ("original", *STAGES)
    }
    axes = drawn(map_grid(np.zeros((24, 24, 3), np.uint8), explanations))
    assert [axis.get_title() for axis in axes[:4]] == ["image", "original", *STAGES]
    assert [axis.get_ylabel() for axis in axes if axis.get_ylabel()] == list(METHODS)
    assert not axes[5].images[0].get_array().any(), "an all-zero map must be drawn as zero"


def test_curves_start_at_one_and_follow_the_mean_of_what_is_defined(values):
    axes = drawn(similarity_curves(values, STAGES, METHODS, baseline=values[:, 0, 0]))
    assert [axis.get_title() for axis in axes] == list(MEASURES)
    curve = np.asarray(axes[0].containers[0].lines[0].get_ydata(), dtype=float)
    np.testing.assert_allclose(curve, [1, *np.nanmean(values[:, :, :, 0, 0], axis=(0, 1))])


def test_the_words_of_the_curves_can_be_read_on_a_page_of_the_report(values):
    """There, a figure is at most 3.9 inches high."""
    figure = similarity_curves(values, STAGES, METHODS, baseline=values[:, 0, 0])
    words = [text for text in figure.findobj(Text) if text.get_text() and text.get_visible()]
    assert len(words) > 10
    assert min(text.get_fontsize() for text in words) * 3.9 / figure.get_figheight() > 5.9


def test_points_show_the_mean_of_each_group(values):
    axes = drawn(similarity_points({"one": values[:, 0, 0], "other": values[:, 1, 1]}, METHODS))
    points = [container.lines[0].get_xdata().item() for container in axes[2].containers[len(METHODS) :]]
    np.testing.assert_allclose(points, np.nanmean(values[:, 1, 1, :, 2], axis=0))


def test_the_grid_of_networks_has_a_row_for_each_and_a_panel_for_each_measure(values):
    cascade = Similarity(values, STAGES, METHODS, tuple(MEASURES))
    axes = drawn(similarity_grid({"plain": cascade, "residual": cascade}))
    assert len(axes) == 2 * len(MEASURES)
    assert [axis.get_ylabel() for axis in axes if axis.get_ylabel()] == ["plain", "residual"]
    curve = axes[0].get_lines()[0].get_ydata()
    np.testing.assert_allclose(curve, [1, *np.nanmean(values[:, :, :, 0, 0], axis=(0, 1))])


def test_deletion_and_insertion_have_a_panel_each_with_a_curve_for_each_method():
    curves = {"gradient": np.array([[1.0, 0.2], [0.0, 0.0]]), "random": np.ones((2, 2))}
    axes = drawn(removal_curves(Removal((0.0, 1.0), curves, curves)))
    assert [axis.get_title() for axis in axes] == ["deletion", "insertion"]
    np.testing.assert_allclose(axes[0].get_lines()[0].get_xydata(), [[0, 0.5], [100, 0.1]])
    np.testing.assert_allclose(axes[1].get_lines()[0].get_xydata(), [[100, 0.5], [0, 0.1]])


def look_of(line):
    return line.get_color(), line.get_marker()


def test_a_method_looks_the_same_in_every_figure_whatever_else_is_drawn(values):
    """Its colour and marker are its own in curves, points and panels, alone and among others."""
    expected = LOOKS["Grad-CAM"].color, LOOKS["Grad-CAM"].marker
    for methods in (METHODS, METHODS[::-1]):
        number = methods.index("Grad-CAM")
        curves = similarity_curves(values, STAGES, methods, baseline=values[:, 0, 0]).axes[0].containers
        assert [look_of(curves[2 * number + i].lines[0]) for i in (0, 1)] == [expected, expected]
        points = similarity_points({"one": values[:, 0, 0], "other": values[:, 1, 1]}, methods).axes[0].containers
        assert look_of(points[number].lines[0]) == expected
        assert points[len(methods) + number].lines[0].get_markerfacecolor() == "white"
    for names in (("Grad-CAM",), ("mine", "Captum's\nGrad-CAM")):
        lines = figures.curves({name: [3.0, 2.0] for name in names}, "x", "y").axes[0].lines
        assert look_of(lines[-1]) == expected


def test_every_method_has_a_look_of_its_own():
    assert LOOKS.keys() == set(ALL_METHODS)
    assert len({look.color for look in LOOKS.values()}) == len({look.marker for look in LOOKS.values()}) == len(LOOKS)
