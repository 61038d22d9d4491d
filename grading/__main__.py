"""For instructors: `python -m grading release OUT` makes the kit that students get."""

import argparse
import sys
from pathlib import Path

from grading.markers import MarkerError
from grading.proof import ReleaseError
from grading.release import release


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m grading", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    words = "strip the solutions, prove that the result holds, and write a folder and a zip (some minutes)"
    commands.add_parser("release", help=words).add_argument(
        "out", type=Path, metavar="OUT", help="a new or empty folder"
    )
    options = parser.parse_args()
    try:
        print(release(options.out))
    except (ReleaseError, MarkerError, OSError) as error:
        print(f"Nothing was written. {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
