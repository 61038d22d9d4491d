"""Example images: the shipped ones are always there; the course's are used when intact, and which ones is said."""

import hashlib
import pickle
from pathlib import Path

import numpy as np
import pytest
import torch

from data import CLASS_NAMES, assets, load_examples
from data.assets import AssetUnavailable

COURSE = Path(__file__).parents[2] / "shared"
NPZ = "imagenet_val_25.npz"


@pytest.fixture(autouse=True)
def empty_machine(monkeypatch, tmp_path):
    """Nothing downloaded yet, and no network."""
    monkeypatch.setenv("KIT_OFFLINE", "1")
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    monkeypatch.setattr(assets, "DOWNLOADS", tmp_path / "downloads")
    monkeypatch.setenv("KIT_ASSETS", str(tmp_path / "folder"))
    (tmp_path / "folder").mkdir()


@pytest.fixture
def put_course_file(monkeypatch, tmp_path):
    """Write an npz under the course's name; listed with its own hash only if `listed`."""

    def write(listed=True, **arrays):
        path = tmp_path / "folder" / NPZ
        np.savez(path, **arrays)
        if listed:
            real = assets.read_assets()[NPZ].sha256
            table = assets.ASSETS.read_text("utf-8").replace(real, hashlib.sha256(path.read_bytes()).hexdigest())
            monkeypatch.setattr(assets, "ASSETS", tmp_path / "assets.toml")
            assets.ASSETS.write_text(table, "utf-8")

    return write


class Malicious:
    """Writes a file as soon as it is unpickled."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return Path.touch, (self.path,)


def images(n):
    return np.random.default_rng(0).integers(0, 256, (n, 224, 224, 3), dtype=np.uint8)


@pytest.mark.parametrize("n", [1, 3, 5])
def test_the_shipped_examples_have_the_promised_types(capsys, n):
    examples = load_examples(n, source="shipped")
    assert examples.images.shape == (n, 224, 224, 3)
    assert examples.images.dtype == np.uint8
    assert examples.labels.dtype == torch.int64
    assert examples.labels.tolist() == [967, 285, 665, 657, 457][:n]
    assert examples.names == [CLASS_NAMES[label] for label in examples.labels]
    assert examples.source == "shipped"
    assert capsys.readouterr().out == "", "whoever names the source needs no message"


def test_the_shipped_examples_are_pictures_and_differ():
    pictures = load_examples(5, source="shipped").images
    assert all(picture.std() > 20 for picture in pictures)
    assert len({picture.tobytes() for picture in pictures}) == 5


def test_the_class_names_are_imagenets():
    assert len(CLASS_NAMES) == 1000
    assert [CLASS_NAMES[i] for i in (0, 285, 958, 999)] == ["tench", "Egyptian cat", "hay", "toilet tissue"]


@pytest.mark.parametrize(
    ("n", "source"),
    [(0, "shipped"), (-1, "shipped"), (6, "shipped"), (26, "course"), (26, "auto"), (True, "shipped"), (2.0, "auto")],
)
def test_a_number_that_the_source_cannot_give_is_refused(n, source):
    with pytest.raises(
        ValueError, match=f"n is {n}: source '{source}' has images 1 to {5 if source == 'shipped' else 25}"
    ):
        load_examples(n, source=source)


@pytest.mark.parametrize("source", ["Course", "", None, "imagenet"])
def test_an_unknown_source_is_refused_and_named(source):
    with pytest.raises(ValueError, match=f'source is {source!r}: choose "auto", "course" or "shipped"'):
        load_examples(source=source)


def test_without_network_auto_gives_the_shipped_images_and_says_so_in_one_line(capsys):
    examples = load_examples(2)
    (line,) = capsys.readouterr().out.splitlines()
    assert examples.source == "shipped"
    assert "2 shipped photographs" in line
    assert NPZ in line


def test_without_network_auto_does_not_pass_five_images_off_as_more():
    with pytest.raises(AssetUnavailable, match="only 5 images are shipped, n is 6"):
        load_examples(6)


def test_without_network_the_course_images_are_unavailable():
    with pytest.raises(AssetUnavailable, match=NPZ):
        load_examples(source="course")


def test_a_tampered_course_file_is_not_used_and_named(capsys, put_course_file, tmp_path):
    put_course_file(listed=False, X=images(25), y=np.arange(25))
    assert load_examples(5).source == "shipped"
    assert str(tmp_path / "folder" / NPZ) in capsys.readouterr().out
    with pytest.raises(AssetUnavailable, match="damaged"):
        load_examples(5, source="course")


def test_an_intact_course_file_is_used_and_auto_says_so(capsys, put_course_file):
    put_course_file(X=images(4), y=np.array([3, 1, 4, 1]))
    examples = load_examples(3)
    np.testing.assert_array_equal(examples.images, images(3))
    assert examples.labels.tolist() == [3, 1, 4]
    assert examples.names == [CLASS_NAMES[3], CLASS_NAMES[1], CLASS_NAMES[4]]
    assert examples.source == "course"
    (line,) = capsys.readouterr().out.splitlines()
    assert "first 3 of the course's 25" in line


def test_the_pickled_label_map_stays_unread(put_course_file, tmp_path):
    payload = np.array(Malicious(tmp_path / "executed"), dtype=object)
    put_course_file(X=images(2), y=np.arange(2), label_map=payload)
    assert load_examples(2, source="course").labels.tolist() == [0, 1]
    assert not (tmp_path / "executed").exists()


def test_images_that_are_a_pickle_are_refused_and_not_run(put_course_file, tmp_path):
    payload = np.array(Malicious(tmp_path / "executed"), dtype=object)
    put_course_file(X=payload, y=np.arange(2))
    with pytest.raises(ValueError, match=rf"{NPZ} cannot be read"):
        load_examples(2, source="course")
    assert not (tmp_path / "executed").exists()
    pickle.loads(pickle.dumps(payload))
    assert (tmp_path / "executed").exists(), "the trap itself does not work"


@pytest.mark.skipif(not COURSE.is_dir(), reason="the course's files are not beside this checkout")
def test_the_first_course_images_are_hay_quail_mastiff_terrier_and_bear(monkeypatch):
    monkeypatch.setenv("KIT_ASSETS", str(COURSE))
    examples = load_examples(5, source="course")
    assert examples.labels.tolist() == [958, 85, 244, 182, 294]
    assert examples.names == ["hay", "quail", "Tibetan mastiff", "Border terrier", "brown bear"]
    assert examples.images.shape == (5, 224, 224, 3)
    assert examples.images.dtype == np.uint8
    assert load_examples(25, source="course").labels.shape == (25,)
