"""`python -m data status` says what is there; `python -m data fetch` downloads what is missing."""

import argparse
import sys
from pathlib import Path

from data.assets import Asset, AssetUnavailable, asset_folders, find, keep, obtain, places, read_assets
from data.model import find_weights
from kit.command import get_ready


def main() -> int:
    get_ready()
    parser = argparse.ArgumentParser(prog="python -m data", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    fetch_parser = commands.add_parser("fetch", help="download what is missing, checked against assets.toml")
    fetch_parser.add_argument("names", nargs="*", metavar="NAME", help="files to fetch (default: all)")
    fetch_parser.add_argument(
        "--from", dest="folder", type=Path, metavar="DIR", help="take files from here before downloading"
    )
    commands.add_parser("status", help="say what is there, where, and which weights would be used")
    options = parser.parse_args()
    try:
        return status() if options.command == "status" else fetch(options.names, options.folder)
    except (FileNotFoundError, NotADirectoryError, ValueError) as error:
        parser.error(str(error))


def fetch(names: list[str], folder: Path | None) -> int:
    """Bring every named asset to its home; report each on a line; 1 if any is not available."""
    assets = read_assets()
    unknown = sorted(set(names) - assets.keys())
    if unknown:
        raise ValueError(f"unknown file {', '.join(unknown)}: choose from {', '.join(assets)}")
    if folder is not None and not folder.is_dir():
        raise NotADirectoryError(f"--from {folder}: there is no such folder")
    folders = [folder.resolve()] if folder is not None else asset_folders()
    chosen = [assets[name] for name in names] or list(assets.values())
    missing = 0
    for asset in chosen:
        line = fetch_one(asset, folders, asked=bool(names))
        if line:
            missing += 1
            print(line, file=sys.stderr)
    if missing:
        print("The kit also works without these files; to bring them by hand, use --from DIR.", file=sys.stderr)
    return 1 if missing else 0


def fetch_one(asset: Asset, folders: list[Path], asked: bool) -> str | None:
    """Fetch one asset; the reason when it is not available, unless nobody asked for a file without an address."""
    path = find(asset, folders)
    try:
        if path is None and asset.url is None and not asked:
            return None
        path = obtain(asset, retries=2) if path is None else path
        path = path if path == asset.home else keep(asset, path)
    except AssetUnavailable as reason:
        return f"missing  {reason}"
    except OSError as error:
        return f"missing  {asset.name}: {asset.home.parent} cannot be written ({error.strerror})"
    print(f"ready    {asset.name}  {path}")
    return None


def status() -> int:
    for asset in read_assets().values():
        path = find(asset)
        damaged = next(iter(places(asset, asset_folders())), None) if path is None else None
        state = "ready  " if path else "damaged" if damaged else "missing"
        print(f"{state}  {asset.name:34} {asset.size / 1e6:4.1f} MB  {path or damaged or asset.home}")
        print(f"         {asset.attribution}; {asset.licence}")
    print(f"\nload_model() without a download: {find_weights('auto', download=False)[1]}.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
