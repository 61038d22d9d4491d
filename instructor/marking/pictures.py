"""The figures of submissions, as the page shows them: drawn anew from their pixels, and kept for a while."""

from collections import OrderedDict
from pathlib import Path
from threading import Lock

from instructor.grading.intake.entries import SubmissionError
from instructor.grading.reports.thumbnails import thumbnails
from instructor.marking.intake import figure

KEPT = 200  # pictures, about 30 MB


class Pictures:
    """Safe to call from several threads."""

    def __init__(self) -> None:
        self.lock = Lock()
        self.kept: OrderedDict[tuple[Path, str, str], bytes | str] = OrderedDict()

    def jpeg(self, submission: Path, place: str, sha256: str) -> bytes | str:
        """The figure at a place in a submission; where it cannot be shown, the reason in words."""
        key = submission, place, sha256
        with self.lock:
            if key in self.kept:
                self.kept.move_to_end(key)
                return self.kept[key]
        found = drawn(submission, place)
        with self.lock:
            self.kept[key] = found
            while len(self.kept) > KEPT:
                self.kept.popitem(last=False)
        return found


def drawn(submission: Path, place: str) -> bytes | str:
    try:
        content = figure(submission, place)
    except (SubmissionError, OSError) as error:
        return str(error)
    if content is None:
        return "it is no longer in the submission"
    found = thumbnails({place: content})
    return found.jpegs.get(place) or found.left_out[place]
