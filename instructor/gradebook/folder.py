"""A folder that appears whole or not at all, and stays as it was where something fails."""

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


class GradebookError(RuntimeError):
    """The gradebook cannot be made; the message says what is missing."""


@contextmanager
def new_folder(folder: Path) -> Iterator[Path]:
    """A folder to write to; it takes the place of `folder` unless the block raises. One run at a time.

    Raises GradebookError where another run is about it.
    """
    out, earlier = folder.parent, folder.with_name(f".{folder.name}-earlier")
    descriptor = os.open(out, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if earlier.exists() and not folder.exists():
            earlier.rename(folder)  # a run was killed between two renames
        with tempfile.TemporaryDirectory(dir=out, prefix=f".{folder.name}-") as scratch:
            new = Path(scratch) / folder.name
            new.mkdir()
            yield new
            shutil.rmtree(earlier, ignore_errors=True)
            if folder.exists():
                folder.rename(earlier)
            new.rename(folder)
        shutil.rmtree(earlier, ignore_errors=True)
    except BlockingIOError as error:
        raise GradebookError(f"another gradebook is being written to {out}: wait until it has finished") from error
    finally:
        os.close(descriptor)
