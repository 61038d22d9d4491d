"""`python -m kit report` builds build/writeup.pdf and build/writeup.pptx and says what is still open."""

import argparse
import os
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from kit.report.checklist import Checklist, tagging
from kit.report.figures import copy_for_report, exporting_notebooks, find_picture, keep_copies, keep_sources
from kit.report.pdf import write_pdf
from kit.report.powerpoint import write_powerpoint
from kit.report.slides import SOURCE, read_report
from kit.report.source import ReportError


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m kit report", description=__doc__)
    parser.add_argument("source", nargs="?", type=Path, default=SOURCE, help="the report (default: writeup/writeup.md)")
    parser.add_argument("--output", type=Path, metavar="FOLDER", help="default: the folder build beside the report")
    parser.add_argument("--strict", action="store_true", help="build nothing while anything is open")
    options = parser.parse_args(arguments)
    try:
        return build(options.source, options.output or options.source.parent / "build", options.strict)
    except (ReportError, OSError) as error:
        print(error, file=sys.stderr)
        return 1


def build(source: Path, output: Path, strict: bool) -> int:
    report, notebooks = read_report(source), exporting_notebooks()
    pictures = {url: find_picture(url, source.parent, notebooks) for url in report.figures}
    checklist = Checklist(report, pictures)
    print(checklist.in_words())
    if strict and checklist.open_points():
        print("Nothing was built, because --strict asks for a complete report", file=sys.stderr)
        return 1
    with tempfile.TemporaryDirectory() as folder:
        copy_for_report(pictures.values(), Path(folder))
        layout = write_pdf(report, pictures, Path(folder), output / "writeup.pdf")
        complaints = write_powerpoint(report, pictures, Path(folder), output / "writeup.pptx")
        keep_copies(pictures.values(), output / "figures")
        shown = [picture.path for picture in pictures.values() if not picture.problem]
        keep_sources([source, *shown], source.parent.parent, output)
    for complaint in dict.fromkeys([*report.complaints, *layout.complaints, *complaints]):
        print(f"✗ {complaint}")
    print(f"\nPages to tag in Gradescope: {os.path.relpath(output / 'writeup.pdf')}, of {layout.last_page}:")
    print(tagging(report, layout))
    return 0
