"""The pictures of the three style transfers: the course's where they are, the kit's own everywhere."""

from pathlib import Path

import pytest

from data import load_style_pair
from data.assets import AssetUnavailable
from data.pictures import STYLES

COURSE = Path(__file__).parents[2] / "shared" / "course"


@pytest.fixture(autouse=True)
def nothing_to_download(monkeypatch, tmp_path):
    monkeypatch.setenv("KIT_OFFLINE", "1")
    monkeypatch.setenv("KIT_ASSETS", "")
    monkeypatch.setattr("data.assets.DOWNLOADS", tmp_path)


@pytest.mark.parametrize("preset", STYLES)
def test_every_preset_has_pictures_of_at_least_512_pixels_in_the_box(preset):
    pair = load_style_pair(preset, "shipped")
    assert min(*pair.content.size, *pair.style.size) >= 512
    assert pair.content.mode == pair.style.mode == "RGB"
    assert pair.source == "shipped"


def test_every_preset_has_another_painting():
    assert len({load_style_pair(preset, "shipped").titles for preset in STYLES}) == len(STYLES)


def test_without_the_originals_auto_takes_the_kits_own_pictures_and_says_so_in_one_line(capsys):
    assert load_style_pair("starry_night").source == "shipped"
    (line,) = capsys.readouterr().out.splitlines()
    assert "swirls.jpg" in line
    assert "KIT_OFFLINE" in line


def test_course_refuses_to_do_without_the_originals():
    with pytest.raises(AssetUnavailable, match=r"tubingen\.jpg"):
        load_style_pair("starry_night", "course")


@pytest.mark.skipif(not COURSE.is_dir(), reason="the course's files are not beside the checkout")
@pytest.mark.parametrize("preset", STYLES)
def test_auto_takes_the_originals_when_they_are_there(preset, monkeypatch, capsys):
    monkeypatch.setenv("KIT_ASSETS", str(COURSE))
    pair = load_style_pair(preset)
    assert pair.source == "course"
    assert "Tübingen" in pair.titles[0]
    assert not capsys.readouterr().out


@pytest.mark.parametrize(
    ("preset", "source", "words"), [("scream", "auto", "the_scream"), ("the_scream", "web", "web")]
)
def test_unknown_presets_and_sources_are_refused(preset, source, words):
    with pytest.raises(ValueError, match=words):
        load_style_pair(preset, source)
