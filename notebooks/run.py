"""Run the notebooks from a clean kernel, top to bottom; their figures appear under figures/.

`python notebooks/run.py` runs all that are numbered, `python notebooks/run.py 03 05` those two. The notebooks
themselves stay without outputs, unless they are to be handed in: `python notebooks/run.py --save`.
"""

import argparse
import os
import sys
import time
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError
from tqdm import tqdm

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))  # this copy, where another one is installed
from data.assets import AssetUnavailable, asset_folders, find, from_environment, obtain, read_assets
from data.model import IMAGENET, IMAGENET_ROUNDED
from kit.atomic import write_atomically
from kit.command import get_ready
from kit.paths import KIT, figures_folder
from kit.unwritten import UNWRITTEN

FOLDER = KIT / "notebooks"
CELL_SECONDS = 900


def main() -> int:
    get_ready()
    parser = argparse.ArgumentParser(prog="python notebooks/run.py", description=__doc__)
    parser.add_argument("numbers", nargs="*", metavar="NUMBER", help="for instance 03 (default: all)")
    parser.add_argument("--save", action="store_true", help="keep the outputs in the notebooks, as Jupyter does")
    options = parser.parse_args()
    options.numbers = [number.zfill(2) for number in options.numbers]
    paths = sorted(FOLDER.glob("[0-9][0-9]_*.ipynb"))
    unknown = [number for number in options.numbers if not any(path.name.startswith(number) for path in paths)]
    if unknown:
        parser.error(f"no notebook starts with {unknown[0]!r}: choose from {', '.join(path.stem for path in paths)}")
    if options.numbers:
        paths = [path for path in paths if path.name.startswith(tuple(options.numbers))]
    try:
        use_absolute_paths()
    except FileNotFoundError as error:
        parser.error(str(error))
    download_once()
    failed = [path.name for path in paths if not run(path, options.save)]
    if failed:
        print(f"{len(failed)} of {len(paths)} notebooks did not run to the end: {', '.join(failed)}", file=sys.stderr)
        return 1
    print(f"Figures are in {figures_folder()}")
    return 0


def use_absolute_paths() -> None:
    """Kernels work in another folder than the one this was started from, and import this copy of the kit."""
    os.environ["PYTHONPATH"] = os.pathsep.join([str(KIT), *filter(None, [os.environ.get("PYTHONPATH")])])
    if os.environ.get("KIT_ASSETS"):
        os.environ["KIT_ASSETS"] = os.pathsep.join(map(str, asset_folders()))
    if os.environ.get("KIT_WEIGHTS"):
        os.environ["KIT_WEIGHTS"] = str(from_environment(os.environ["KIT_WEIGHTS"]))
    if os.environ.get("KIT_FIGURES"):
        os.environ["KIT_FIGURES"] = str(Path(os.environ["KIT_FIGURES"]).resolve())


def download_once() -> None:
    """Try the network here, once, so that the notebooks need not each wait for it."""
    assets = read_assets()
    wanted = [asset for asset in assets.values() if asset.url]
    if find(assets[IMAGENET_ROUNDED]) is not None:
        wanted.remove(assets[IMAGENET])
    try:
        for asset in wanted:
            obtain(asset)
    except AssetUnavailable as reason:
        os.environ["KIT_OFFLINE"] = "1"
        print(f"Continuing with what the kit ships: {reason}")


def run(path: Path, save: bool = False) -> bool:
    """Execute one notebook with a progress bar over its cells; report the time, or the cell that failed."""
    try:
        notebook = nbformat.read(path, as_version=4)
    except ValueError:
        print(f"{path.name} is damaged: take it from a fresh copy of the kit", file=sys.stderr)
        return False
    started = time.perf_counter()
    total = sum(cell.cell_type == "code" for cell in notebook.cells)
    with tqdm(total=total, desc=path.stem, unit="cell", leave=False) as bar:
        client = NotebookClient(
            notebook,
            timeout=CELL_SECONDS,
            kernel_name="python3",
            extra_arguments=["--log-level=ERROR"],
            resources={"metadata": {"path": str(FOLDER)}},
            on_cell_complete=lambda **_: bar.update(),
        )
        try:
            client.execute()
        except (CellExecutionError, CellTimeoutError, DeadKernelError) as error:
            bar.close()
            unwritten = getattr(error, "evalue", "") == UNWRITTEN
            words = f"stopped. {error.traceback.strip().splitlines()[-1]}" if unwritten else f"failed:\n{error}"
            print(f"{path.name} {words}", file=sys.stderr)
            return False
    if save:
        write_atomically(path, (nbformat.writes(notebook) + "\n").encode())
    print(f"{path.stem:26} {time.perf_counter() - started:6.1f} s")
    return True


if __name__ == "__main__":
    sys.exit(main())
