"""The pictures that style transfer works on: the course's photograph and paintings, or those that the kit drew."""

from dataclasses import dataclass

from PIL import Image

from data.assets import AssetUnavailable, obtain, once, read_assets
from data.images import open_image
from kit.paths import KIT

# preset: the course's painting, and the picture in images/ that stands in for it
STYLES = {
    "composition_vii": ("composition_vii.jpg", "geometry.jpg"),
    "the_scream": ("the_scream.jpg", "wavy_bands.jpg"),
    "starry_night": ("starry_night.jpg", "swirls.jpg"),
}
COURSE_CONTENT, SHIPPED_CONTENT = "tubingen.jpg", "harbour.jpg"


@dataclass(frozen=True)
class StylePair:
    """A content and a style picture, their titles, and their source, "course" or "shipped"."""

    content: Image.Image
    style: Image.Image
    titles: tuple[str, str]
    source: str


def load_style_pair(preset: str, source: str = "auto") -> StylePair:
    """The two pictures of one of the course's presets.

    "course": the originals, downloaded once. "shipped": stand-ins from images/, always there. "auto": the course's
    when they are available, else the shipped ones, and says so. Raises ValueError for an unknown preset or source,
    AssetUnavailable when the course's are not available.
    """
    if preset not in STYLES:
        raise ValueError(f"there is no preset {preset!r}: choose one of {', '.join(STYLES)}")
    if source not in ("auto", "course", "shipped"):
        raise ValueError(f'source is {source!r}: choose "auto", "course" or "shipped"')
    painting, stand_in = STYLES[preset]
    if source != "shipped":
        assets = read_assets()
        try:
            paths = [obtain(assets[name]) for name in (COURSE_CONTENT, painting)]
        except AssetUnavailable as reason:
            if source == "course":
                raise
            print(f"Pictures: the kit's own {SHIPPED_CONTENT} and {stand_in}{once(reason)}.")
        else:
            titles = [assets[name].attribution.split(", photograph")[0] for name in (COURSE_CONTENT, painting)]
            return StylePair(open_image(paths[0]), open_image(paths[1]), (titles[0], titles[1]), "course")
    paths = [KIT / "images" / name for name in (SHIPPED_CONTENT, stand_in)]
    titles = [path.stem.replace("_", " ").capitalize() for path in paths]
    return StylePair(open_image(paths[0]), open_image(paths[1]), (titles[0], titles[1]), "shipped")
