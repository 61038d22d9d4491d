"""The files that the kit can use but does not contain: where they come from, what they must be, where they are.

`assets.toml` lists them. A file is looked for in the folders of `KIT_ASSETS`, then in the kit's own folder for
downloads (torchvision's cache for the weights), and counts only when its SHA-256 matches.
"""

import hashlib
import os
import shutil
import sys
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import torch

from kit.atomic import atomic_path
from kit.paths import KIT

ASSETS = KIT / "data" / "assets.toml"
DOWNLOADS = KIT / "data" / "downloads"
CONNECT_SECONDS, READ_SECONDS = 4, 20


class AssetUnavailable(RuntimeError):
    """An original is not available. The message names it, the cause and the remedy; `cause` is the cause in brief."""

    def __init__(self, message: str, cause: str = "") -> None:
        super().__init__(message)
        self.cause = cause or message


APOLOGIZED: set[str] = set()


def once(reason: AssetUnavailable) -> str:
    """The reason in brackets; in a notebook in few words and only the first time, since everybody knows by then."""
    ipython = sys.modules.get("IPython")
    if ipython is None or ipython.get_ipython() is None:
        return f" ({reason})"
    told = reason.cause in APOLOGIZED
    APOLOGIZED.add(reason.cause)
    return "" if told else f" ({reason.cause})"


@dataclass(frozen=True)
class Asset:
    """One entry of assets.toml; `url` is None for a file that only a folder can provide."""

    name: str
    sha256: str
    size: int
    keep: str
    licence: str
    attribution: str
    url: str | None = None

    @property
    def home(self) -> Path:
        """The path under which a download is kept."""
        folder = Path(torch.hub.get_dir()) / "checkpoints" if self.keep == "torch" else DOWNLOADS
        return folder / self.name

    def is_intact(self, path: Path) -> bool:
        """Whether the file at `path` is the listed one, byte for byte."""
        try:
            return sha256(path) == self.sha256
        except OSError:
            return False


def read_assets() -> dict[str, Asset]:
    """All assets by name."""
    entries = tomllib.loads(ASSETS.read_text("utf-8"))
    return {name: Asset(name, **entry) for name, entry in entries.items()}


def sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def from_environment(path: str) -> Path:
    """An existing path, taken from the working folder or from the kit's; notebooks run one level below it."""
    for candidate in (Path(path).expanduser(), KIT / path):
        if candidate.exists():
            return candidate.resolve()
    raise FileNotFoundError(f"{path!r} does not exist: correct or unset KIT_ASSETS or KIT_WEIGHTS, which name it")


def asset_folders() -> list[Path]:
    """The folders named in KIT_ASSETS, in order."""
    names = os.environ.get("KIT_ASSETS", "").split(os.pathsep)
    folders = [from_environment(name) for name in names if name]
    for folder in folders:
        if not folder.is_dir():
            raise NotADirectoryError(f"KIT_ASSETS names {folder}, which is not a folder: name the folder that holds it")
    return folders


def places(asset: Asset, folders: list[Path]) -> Iterator[Path]:
    """Existing files of the asset's name: in the folders and two levels below them, then in its home."""
    for folder in folders:
        for pattern in ("{}", "*/{}", "*/*/{}"):
            yield from sorted(filter(Path.is_file, folder.glob(pattern.format(asset.name))))
    if asset.home.is_file():
        yield asset.home


def find(asset: Asset, folders: list[Path] | None = None) -> Path | None:
    """The first intact copy on this machine, or None."""
    folders = asset_folders() if folders is None else folders
    return next((path for path in places(asset, folders) if asset.is_intact(path)), None)


def obtain(asset: Asset, retries: int = 0, download: bool = True) -> Path:
    """An intact copy: one on this machine, or else a download, unless KIT_OFFLINE is set. Raises AssetUnavailable."""
    path = find(asset)
    if path is not None:
        return path
    damaged = [str(path) for path in places(asset, asset_folders())]
    note = f"; damaged, so delete or replace: {', '.join(damaged)}" if damaged else ""
    if os.environ.get("KIT_OFFLINE", "0") not in ("", "0"):
        raise AssetUnavailable(
            f"{asset.name} is not on this machine and KIT_OFFLINE is set{note}", f"KIT_OFFLINE is set{note}"
        )
    if not download:
        raise AssetUnavailable(f"{asset.name} is not on this machine{note}")
    if asset.url is None:
        raise AssetUnavailable(f"{asset.name} has no public address: name a folder that holds it in KIT_ASSETS{note}")
    try:
        return fetch(asset, retries)
    except ConnectionError as error:
        cause = f"no answer from {urlsplit(asset.url).hostname}"
        reason = f"no answer from {asset.url} ({error}): check the network"
    except ValueError:
        cause = f"{urlsplit(asset.url).hostname} sent the wrong file"
        reason = f"{asset.url} sent a file whose SHA-256 is not {asset.sha256}: try again later or use another network"
    except OSError as error:
        cause = f"{asset.home.parent} cannot be written"
        reason = f"{asset.home.parent} cannot be written ({error.strerror}): set TORCH_HOME, or fix the folder"
    raise AssetUnavailable(f"{asset.name} could not be downloaded: {reason}{note}", f"{cause}{note}")


def fetch(asset: Asset, retries: int) -> Path:
    """Download with a progress bar to a temporary name, check the SHA-256, then rename.

    Raises ConnectionError for whatever the server does not do.
    """
    import pooch  # here, as requests: they import a hundred modules, and what is downloaded once stays
    import requests

    pooch.get_logger().setLevel("WARNING")
    shelf = pooch.create(
        asset.home.parent,
        base_url="",
        registry={asset.name: f"sha256:{asset.sha256}"},
        urls={asset.name: asset.url},
        retry_if_failed=retries,
    )
    bar = pooch.HTTPDownloader(progressbar=True, timeout=(CONNECT_SECONDS, READ_SECONDS))
    try:
        shelf.fetch(asset.name, downloader=bar)
    except requests.RequestException as error:
        raise ConnectionError(type(error).__name__) from error
    asset.home.chmod(0o644)  # the temporary file was private; a cache may be shared
    return asset.home


def keep(asset: Asset, source: Path) -> Path:
    """Copy an intact file to the asset's home, whole or not at all."""
    with atomic_path(asset.home) as temporary:
        shutil.copyfile(source, temporary)
    return asset.home
