"""The stored cascade has a number for each method and measure, and says of which run it is."""

import numpy as np

from sanity_checks import stored
from sanity_checks.experiments import Similarity
from sanity_checks.explanations import METHODS
from sanity_checks.similarity import MEASURES


def test_the_stored_file_is_whole():
    rows = stored.read()
    assert list(rows) == [*METHODS, stored.OTHER_IMAGE]
    assert all(list(row) == list(MEASURES) for row in rows.values())
    assert all(row["SSIM"]["n"] == 75 for name, row in rows.items() if name != stored.OTHER_IMAGE)


def test_what_is_stored_is_the_mean_over_stages_then_over_images_and_seeds(monkeypatch, tmp_path):
    monkeypatch.setattr(stored, "FILE", tmp_path / "cascade.csv")
    values = np.random.default_rng(0).uniform(size=(2, 3, 4, len(METHODS), len(MEASURES)))
    values[0, 0, :, 0, 0] = np.nan
    unrelated = values[:, 0, 0]
    stored.store(Similarity(values, ("a", "b", "c", "d"), METHODS, tuple(MEASURES)), unrelated)
    one = stored.read()["gradient"]["rank correlation"]
    means = [values[image, seed, :, 0, 0].mean() for image in (0, 1) for seed in (0, 1, 2)][1:]
    np.testing.assert_allclose([one["mean"], one["spread"], one["n"]], [np.mean(means), np.std(means), 5], atol=1e-4)


def test_an_ordering_holds_where_the_first_mean_is_larger(monkeypatch):
    rows = {method: {measure: {"mean": 0.5} for measure in MEASURES} for method in METHODS}
    rows["guided backprop"]["SSIM"] = {"mean": 0.6}
    monkeypatch.setattr(stored, "read", lambda: rows)
    first, *others = stored.stored_orderings().cells[1:]
    assert first == ["guided backprop above gradient", "does not", "does not", "holds", "does not"]
    assert len(others) == 3
