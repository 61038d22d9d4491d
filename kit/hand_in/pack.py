"""Check the kit, and pack what belongs to a submission into submission.zip."""

import argparse
import hashlib
import json
import os
import sys
import tomllib
from collections.abc import Sequence
from pathlib import Path

from kit.assignment import MODULES, NOTEBOOKS, QUESTIONS, REPORT
from kit.hand_in import inspection
from kit.hand_in.archive import write_zip
from kit.hand_in.contents import shown, wanted
from kit.hand_in.rehearsal import import_problems
from kit.paths import ARCHIVE, KIT
from kit.report.checklist import Checklist
from kit.report.figures import Picture, exporting_notebooks, find_picture
from kit.report.slides import read_report
from kit.report.source import ReportError

MANIFEST = "manifest.json"
CHECKED = "everything that the notebooks checked holds"


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="./collect_submission.sh", description=__doc__)
    parser.add_argument("--force", action="store_true", help="pack despite problems, which the manifest then lists")
    options = parser.parse_args(arguments)
    os.environ.pop("KIT_FIGURES", None)  # a submission holds the figures in the kit's own folder
    print("Checking your modules, notebooks, figures and report takes up to a minute.", file=sys.stderr, flush=True)
    checks, files = inspected(KIT)
    problems = [problem for found in checks.values() for problem in found]
    for name, found in checks.items():
        if name == CHECKED and not found and (unknown := inspection.open_checks(KIT)):
            print("".join([f"– {CHECKED}: not known\n", *(f"      {point}\n" for point in unknown)]), end="")
            continue
        print(f"{'✗' if found else '✓'} {name}")
        print("".join(f"      {problem}\n" for problem in found), end="")
    if problems and not options.force:
        print(f"Nothing was packed. Problems: {len(problems)}. Fix them, or pack anyway with --force", file=sys.stderr)
        if (KIT / ARCHIVE).exists():
            print(f"The {ARCHIVE} in this folder is from an earlier run", file=sys.stderr)
        return 1
    contents = {name: (KIT / name).read_bytes() for name in files}
    contents[MANIFEST] = manifest(contents, problems)
    write_zip(KIT / ARCHIVE, contents)
    for name, content in sorted(contents.items()):
        print(f"  {len(content) / 1024:9.1f} kB  {name}")
    size = inspection.megabytes((KIT / ARCHIVE).stat().st_size)
    known = ", with its problems" if problems else ""
    print(f"{KIT / ARCHIVE}: {len(contents)} files, {size}{known}. Upload this file.")
    return 0


def inspected(kit: Path) -> tuple[dict[str, list[str]], list[str]]:
    """The problems that each check found, and the files that can be packed."""
    pictures, figures, answers = report_points(kit)
    names = wanted(kit, pictures)
    originals = shown(kit, pictures)
    links = inspection.place_problems(kit, sorted({*names, *originals}))
    listed, key_files = (kit / inspection.KEY_FILES).is_file(), inspection.key_file_problems(kit)
    checks = {
        f"{len(MODULES)} modules parse, and nothing in them is left to write": inspection.module_problems(kit),
        "the modules can be imported where they are graded": import_problems(kit, names),
        f"the kit's own files are {'unchanged' if listed else 'not compared: no list of them'}": key_files,
        f"{len(NOTEBOOKS)} notebooks were run in order, without errors": inspection.notebook_problems(kit),
        CHECKED: inspection.check_problems(kit),
        f"{len(pictures)} figures are there and up to date": figures,
        "every answer in the report is given": answers,
        "the report is built from its latest text and figures": inspection.built_report_problems(
            kit, [REPORT, *originals]
        ),
        "nothing is a link to another place": links,
        "nothing is too large": inspection.size_problems(kit, names),
    }
    return checks, [name for name in names if (kit / name).is_file() and not inspection.is_link(kit, name)]


def report_points(kit: Path) -> tuple[dict[str, Picture], list[str], list[str]]:
    """The report's pictures, and what is open in its figures and in its answers."""
    try:
        report = read_report(kit / REPORT)
    except (ReportError, OSError) as error:
        return {}, ["not checked, because the report cannot be read"], [str(error)]
    notebooks = exporting_notebooks()
    pictures = {url: find_picture(url, (kit / REPORT).parent, notebooks) for url in report.figures}
    checklist = Checklist(report, pictures)
    asked = {slide.heading.identifier for slide in report.slides if slide.is_question}
    gone = [f"question {name!r} is gone: take its slides from a fresh copy" for name in QUESTIONS if name not in asked]
    return pictures, checklist.open_figures(), [*gone, *checklist.open_fields(), *checklist.open_answers()]


def manifest(contents: dict[str, bytes], problems: list[str]) -> bytes:
    """What was packed, by which version of the kit, and what was wrong with it: the same for the same files."""
    files = {name: hashlib.sha256(content).hexdigest() for name, content in sorted(contents.items())}
    project = tomllib.loads((KIT / "pyproject.toml").read_text("utf-8"))["project"]
    about = {"kit": project["name"], "version": project["version"], "problems": problems, "sha256": files}
    return (json.dumps(about, indent=2, ensure_ascii=False) + "\n").encode()
