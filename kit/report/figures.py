"""The figures of the report: where they are, which notebook makes them, and whether the code has changed since."""

import ast
import json
import os
import re
import shutil
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path, PurePosixPath
from urllib.parse import unquote

import panflute
from panflute import Block, Figure, Plain, Str
from PIL import Image, ImageOps

from kit.atomic import write_atomically
from kit.paths import KIT, figures_folder
from kit.provenance import DRAWING, changed_since, digest
from kit.report.slides import copied, figure_image

SOURCES = "sources.json"
LONGEST_PATH = 400  # characters
LARGEST = 2400  # pixels; photographs from a phone would make the report too large to upload
JPEG_QUALITY = 85  # no artefact can be seen, and the report has a sixth of the size


@dataclass
class Picture:
    """A figure as the report names it. `problem` says why it cannot be shown, `outdated` what changed after it."""

    name: str
    path: Path
    caption: str = ""
    alt: str = ""
    problem: str | None = None
    outdated: str | None = None
    copy: Path | None = None  # the file that goes into the report


def find_picture(url: str, folder: Path, notebooks: dict[str, Path]) -> Picture:
    """The file behind a path in a report in `folder`. Exported figures bring caption and alternative text along."""
    if url.startswith("data:") or len(url) > LONGEST_PATH:
        words = "a picture is pasted into the text" if url.startswith("data:") else f"{url[:40]}... is not a path"
        return Picture("picture", folder, problem=f"{words}: save it as a file in figures/ and name it there")
    written = PurePosixPath(unquote(url))
    is_export = written.parts[:2] == ("..", "figures") and ".." not in written.parts[2:]
    path = figures_folder().joinpath(*written.parts[2:]) if is_export else folder / written
    picture = Picture(written.stem, path)
    notebook = notebooks.get(written.stem) if is_export else None
    short = str(written).removeprefix("../")
    if "://" in url:
        picture.problem = f"{url} is an address: save the picture into figures/ and name it there"
    elif not is_export and not Path(os.path.abspath(path)).is_relative_to(os.path.abspath(folder.parent)):
        picture.problem = f"{written} lies outside the kit: copy it into figures/"
    elif not path.is_file() and (folder.parent / written).is_file():
        picture.problem = f"{written} is not where the report looks for it: write ../{written}"
    elif not path.is_file():
        picture.problem = f"{short} is missing" + (f": run notebooks/{notebook.name}" if notebook else "")
    else:
        picture.caption, picture.alt, picture.problem = read_words(path, short)
        picture.outdated = age_of(path, short, notebook) if notebook and not picture.problem else None
    return picture


def read_words(path: Path, short: str) -> tuple[str, str, str | None]:
    """Caption and alternative text in the file, or what is wrong with it."""
    try:
        with Image.open(path) as image:
            image.load()
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        return "", "", f"{short} is not a picture that can be read: save it again as PNG or JPEG"
    return str(image.info.get("Title", "")), str(image.info.get("Description", "")), None


def age_of(path: Path, short: str, notebook: Path) -> str | None:
    """What changed after the figure was drawn, and what to do. None also where the figure does not record its code."""
    with Image.open(path) as image:
        image.load()
        written = str(image.info.get("Code", "{}"))
    try:
        changed = changed_since(dict(json.loads(written)), modules_behind(notebook))
    except (ValueError, TypeError):
        return None
    return f"{short} is older than {changed}: run notebooks/{notebook.name} again" if changed else None


def description(block: Block, picture: Picture) -> tuple[list[Block], str]:
    """Caption and alternative text of a figure: what writeup.md says, else what the file brings along."""
    block = copied(block)
    image = figure_image(block)
    words = panflute.stringify(block.caption).strip() if isinstance(block, Figure) else ""
    caption = list(block.caption.content) if words else [Plain(Str(picture.caption))] if picture.caption else []
    explicit = image.attributes.get("alt") or panflute.stringify(image).strip()
    alt = picture.alt if explicit in ("", words) else explicit
    return caption, alt or words


def copy_for_report(pictures: Iterable[Picture], folder: Path) -> None:
    """Put a copy of every picture that can be shown into the folder."""
    for number, picture in enumerate(pictures, start=1):
        if not picture.problem:
            picture.copy = small_copy(picture, folder / copy_name(number, picture))


def copy_name(number: int, picture: Picture) -> str:
    """Without a suffix; the number tells apart pictures of one name from different folders."""
    return f"{number:02}-{re.sub(r'[^A-Za-z0-9_-]+', '_', picture.name)}"


def keep_copies(pictures: Iterable[Picture], folder: Path) -> None:
    """Leave the copies in the folder for the hand-in, in place of those of an earlier report."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for picture in pictures:
        if picture.copy:
            shutil.copyfile(picture.copy, folder / picture.copy.name)


def keep_sources(sources: Iterable[Path], kit: Path, folder: Path) -> None:
    """Leave the digests of what the report was built from in the folder, by paths in the kit, for the hand-in."""
    digests = {Path(os.path.relpath(path, kit)).as_posix(): digest(path.read_bytes()) for path in sources}
    write_atomically(folder / SOURCES, json.dumps(digests, indent=1).encode())


def kept_copy(number: int, picture: Picture, folder: Path) -> Path:
    """What `keep_copies` left of the report's picture of that number; where there is nothing, the picture itself."""
    copies = (folder / (copy_name(number, picture) + suffix) for suffix in (".jpg", ".png"))
    return next(filter(Path.is_file, copies), picture.path)


def small_copy(picture: Picture, target: Path) -> Path:
    """`target` with the suffix of what was written there: PNG or JPEG, whichever is smaller, the right way up."""
    with Image.open(picture.path) as image:
        is_png, upright = image.format == "PNG", ImageOps.exif_transpose(image)  # whatever its name says
        density = max(72.0, image.info.get("dpi", (72,))[0])  # its size in a line of text; some files say 0 or 1
    pixels = upright.width
    upright.thumbnail((LARGEST, LARGEST))
    density = round(density * upright.width / pixels)
    flat = Image.new("RGB", upright.size, "white")
    flat.paste(upright, mask=upright.convert("RGBA").getchannel("A") if upright.has_transparency_data else None)
    copy = target.with_suffix(".jpg")
    flat.save(copy, quality=JPEG_QUALITY, subsampling=0, dpi=(density, density))
    if is_png and picture.path.stat().st_size < copy.stat().st_size:
        copy.unlink()
        copy = Path(shutil.copyfile(picture.path, target.with_suffix(".png")))
    return copy


def exporting_notebooks() -> dict[str, Path]:
    """The notebook that exports each figure: {"saliency_maps": .../01_saliency_maps.ipynb, ...}."""
    found: dict[str, Path] = {}
    for path in sorted((KIT / "notebooks").glob("[0-9][0-9]_*.ipynb")):
        for node in ast.walk(code_of(path)):
            if isinstance(node, ast.Call) and ast.unparse(node.func) == "figures.save":
                found.update({str(name.value): path for name in node.args[1:2] if isinstance(name, ast.Constant)})
    return found


@cache
def modules_behind(notebook: Path) -> frozenset[Path]:
    """The modules of the kit that the notebook uses, directly or through others."""
    waiting, seen = imported_modules(code_of(notebook)), set()
    while waiting:
        path = waiting.pop()
        if path.is_file():
            seen.add(path)
            waiting |= imported_modules(parsed(path.read_text("utf-8"))) - seen
    return frozenset(seen)


def code_of(notebook: Path) -> ast.Module:
    """The code cells, without magics."""
    try:
        cells = json.loads(notebook.read_text("utf-8"))["cells"]
        sources = ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"]
    except (ValueError, KeyError, TypeError):
        sources = []  # damaged; whoever wants to run it will say so
    cells = [parsed(re.sub(r"^[%!].*$", "", source, flags=re.MULTILINE)) for source in sources]
    return ast.Module(body=[node for cell in cells for node in cell.body], type_ignores=[])


def parsed(source: str) -> ast.Module:
    """The code, or none where somebody is still writing it."""
    try:
        return ast.parse(source)
    except SyntaxError:
        return ast.Module(body=[], type_ignores=[])


def imported_modules(code: ast.Module) -> set[Path]:
    """The kit's modules in the code's `from ... import ...` statements."""
    return {
        module_of(node.module, name.name)
        for node in ast.walk(code)
        if isinstance(node, ast.ImportFrom) and node.module and node.module.split(".")[0] in DRAWING
        for name in node.names
    }


def module_of(module: str, name: str) -> Path:
    """The file that defines `name`: the module, a module in the package, or the one that the package takes it from."""
    place = KIT.joinpath(*module.split("."))
    if not place.is_dir():
        return place.with_suffix(".py")
    if (place / f"{name}.py").is_file():
        return place / f"{name}.py"
    for node in parsed((place / "__init__.py").read_text("utf-8")).body:
        if isinstance(node, ast.ImportFrom) and name in [alias.name for alias in node.names]:
            return module_of(node.module, name)
    return place / "__init__.py"
