"""For instructors: the student release, and grading.

python -m instructor release OUT --url ADDRESS      the kit that students get, and where they get it
python -m instructor grade ZIP_OR_FOLDER --out OUT  one submission: results.json, report.md, report.html
python -m instructor batch FOLDER --out OUT         all submissions in a folder, and marks.csv; run it again to resume
python -m instructor mark FOLDER --out OUT          mark the reports of all submissions in a page; OUT/marking.sqlite
python -m instructor gradescope OUT                 autograder.zip
python -m instructor gradebook OUT --roster CSV     the sums and feedback of a class, and what its LMS imports
python -m instructor catalogue [TASK ...]           kit/check/catalogue.json, after a change in mistakes/
python -m instructor references                     the stored tensors and answers, after a change in tests or weights
"""

import argparse
import gc
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from instructor.release.errors import ReleaseError
from instructor.release.known_files import GitError
from instructor.release.markers import MarkerError
from kit.command import get_ready


def main() -> int:
    get_ready()
    options = parser().parse_args()
    try:
        return options.run(options)
    except ModuleNotFoundError as error:
        print(f"{error.name} is missing here: pip install -e '.[grading]'", file=sys.stderr)
    except (GitError, ReleaseError, MarkerError) as error:
        print(f"Nothing was written. {error}", file=sys.stderr)
    except (OSError, RuntimeError, ValueError) as error:
        print(error, file=sys.stderr)
    return 1


def parser() -> argparse.ArgumentParser:
    """Every command imports what it needs itself, since some of it takes seconds."""
    whole = argparse.ArgumentParser(
        prog="python -m instructor", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    commands = whole.add_subparsers(dest="command", required=True)

    release = commands.add_parser("release", help="strip the solutions, prove that the result holds (some minutes)")
    release.add_argument("out", type=Path, metavar="OUT", help="a new or empty folder")
    release.add_argument("--url", help="where students get it: a GitHub repository, or the zip's address")
    release.set_defaults(run=run_release)

    grade = commands.add_parser("grade", help="judge one submission")
    grade.add_argument("submission", type=Path, metavar="ZIP_OR_FOLDER")
    grade.add_argument("--out", type=Path, required=True)
    grade.set_defaults(run=run_grade)

    batch = commands.add_parser("batch", help="judge every submission in a folder; run it again to resume")
    batch.add_argument("folder", type=Path, metavar="FOLDER")
    batch.add_argument("--out", type=Path, required=True)
    batch.add_argument("--executor", choices=("local", "slurm"), default="local")
    batch.add_argument("--workers", type=int, help="how many at a time (default: as many as cores)")
    batch.set_defaults(run=run_batch)

    mark = commands.add_parser("mark", help="mark the reports, in a page on this machine")
    mark.add_argument("folder", type=Path, metavar="SUBMISSIONS", help="the folder that holds all submissions")
    mark.add_argument("--out", type=Path, required=True, help="where the marks go: the folder of `batch`, or another")
    mark.add_argument("--grader", default="", metavar="NAME", help="who marks (default: the page asks)")
    mark.add_argument("--names", action="store_true", help="show the students' names")
    mark.add_argument("--port", type=int, default=0, help="default: a free one, and the same the next time")
    mark.add_argument(
        "--no-redraw",
        dest="redraw",
        action="store_false",
        help="do not redraw figures from the submitted code meanwhile",
    )
    mark.set_defaults(run=run_mark)

    gradescope = commands.add_parser("gradescope", help="pack the autograder for Gradescope")
    gradescope.add_argument("out", type=Path, metavar="OUT", help="a folder")
    gradescope.set_defaults(run=run_gradescope)

    gradebook = commands.add_parser(
        "gradebook", help="the sums of a class, from OUT of batch and mark, and its feedback"
    )
    gradebook.add_argument("out", type=Path, metavar="OUT", help="the folder that `batch` and `mark` wrote to")
    gradebook.add_argument(
        "--roster",
        type=Path,
        required=True,
        action="append",
        metavar="CSV",
        help="an export of your LMS; again for a second LMS, whose export it is",
    )
    gradebook.add_argument("--submissions", type=Path, metavar="FOLDER", help="what `batch` graded: tells the times")
    gradebook.add_argument("--policy", type=Path, metavar="TOML", help="default: instructor/gradebook/gradebook.toml")
    gradebook.add_argument(
        "--no-pdf",
        action="store_true",
        help="a trial: quicker, without PDFs, and no later run compares its marks with it",
    )
    gradebook.set_defaults(run=run_gradebook)

    catalogue = commands.add_parser("catalogue", help="make kit/check/catalogue.json anew, or a task's part of it")
    catalogue.add_argument("tasks", nargs="*", metavar="TASK", help="default: all")
    catalogue.set_defaults(run=run_catalogue)
    commands.add_parser("references", help="make tests/references anew (minutes)").set_defaults(run=run_references)
    return whole


def run_release(options: argparse.Namespace) -> int:
    from instructor.release.release import release

    print(release(options.out, url=options.url))
    return 0


def run_grade(options: argparse.Namespace) -> int:
    if not options.submission.exists():
        raise FileNotFoundError(f"there is no {options.submission}: name a zip or a folder")
    from instructor.grading.isolation import nursery, sandbox

    nursery.warm()  # while this process imports as much
    gc.disable()  # until then: of what is imported nothing is garbage, and the search for it takes a while
    with ThreadPoolExecutor() as meanwhile:
        meanwhile.submit(sandbox.protection)
        from instructor.grading.grade import grade
        from instructor.grading.halves import processors
        from instructor.grading.reports.write import markdown
    gc.enable()
    warn_of_missing_protection()

    print(markdown(grade(options.submission, options.out, in_halves=processors() > 1)))
    return 0


def run_batch(options: argparse.Namespace) -> int:
    from instructor.grading.batch.run import batch

    warn_of_missing_protection()
    return batch(options.folder, options.out, executor=options.executor, workers=options.workers)


def warn_of_missing_protection() -> None:
    from instructor.grading.isolation.sandbox import protection

    for words in protection().missing():
        print(f"Less protected than it should be: {words}. A container protects, too.", file=sys.stderr)


def run_mark(options: argparse.Namespace) -> int:
    from instructor.marking.server import mark

    if options.redraw:
        warn_of_missing_protection()
    own = {name: getattr(options, name) for name in ("grader", "names", "port", "redraw")}
    return mark(options.folder, options.out, **own)


def run_gradescope(options: argparse.Namespace) -> int:
    from instructor.gradescope.pack import pack

    print(pack(options.out))
    return 0


def run_gradebook(options: argparse.Namespace) -> int:
    from instructor.gradebook.policy import POLICY
    from instructor.gradebook.run import gradebook

    policy = options.policy or POLICY
    roster, *worksheets = options.roster
    own = {"worksheets": worksheets, "trial": options.no_pdf}
    return gradebook(options.out, roster, options.submissions, policy, **own)


def run_catalogue(options: argparse.Namespace) -> int:
    from instructor.mistakes.catalogue import write

    print(write(options.tasks))
    return 0


def run_references(options: argparse.Namespace) -> int:
    from instructor.reference import answers, stored

    stored.renew()
    answers.renew()
    return 0


if __name__ == "__main__":
    sys.exit(main())
