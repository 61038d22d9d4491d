"""Where the kit is, and where its figures and the submission go."""

import os
from pathlib import Path

KIT = Path(__file__).resolve().parent.parent
ARCHIVE = "submission.zip"  # what is handed in, in the kit


def figures_folder() -> Path:
    """The folder named in KIT_FIGURES, else figures/ in the kit."""
    return Path(os.environ.get("KIT_FIGURES") or KIT / "figures")
