"""`python -m kit lab` opens the notebooks in JupyterLab.

`python -m kit report` builds the report, `python -m kit hand_in` checks the work and packs it as submission.zip.
"""

import sys
from collections.abc import Callable

from kit import requirements
from kit.command import get_ready


def main() -> int:
    get_ready()
    name, *arguments = sys.argv[1:] or ["--help"]
    if name in ("-h", "--help"):
        print(__doc__)
        return 0
    if name in ("report", "hand_in") and (lacking := requirements.lacking("report")):
        needed, line = requirements.names(lacking), requirements.line(lacking)
        print(f"The report needs {needed}: `make writeup` installs that, or {line}", file=sys.stderr)
        return 1
    command = command_named(name)
    if command is None:
        print(f"{name!r} is not a command of the kit: choose lab, report or hand_in", file=sys.stderr)
        return 2
    return command(arguments)


def command_named(name: str) -> Callable[[list[str]], int] | None:
    """Imported when it is needed: building the report loads Pandoc's bindings, the hand-in less."""
    if name == "lab":
        from kit.lab import main as command
    elif name == "report":
        from kit.report.build import main as command
    elif name == "hand_in":
        from kit.hand_in.pack import main as command
    else:
        return None
    return command


if __name__ == "__main__":
    sys.exit(main())
