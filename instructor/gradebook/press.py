"""Everybody's pages, several at a time, since Pandoc and Typst work outside of Python."""

import os
import tempfile
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from pathlib import Path

from tqdm import tqdm

from instructor.gradebook.feedback import Feedback, environment, html
from instructor.gradebook.feedback_pdf import Typesetter
from instructor.marking.rendering import Renderer

HTML, PDF = "feedback.html", "feedback.pdf"


def printed(pages: Mapping[str, Feedback], with_pdf: bool) -> dict[str, dict[str, bytes]]:
    """The files of each page by their names, under a progress bar where somebody watches."""
    count = max(1, min(os.cpu_count() or 1, len(pages)))
    items = list(pages.items())
    with (
        ThreadPoolExecutor(count) as threads,
        tqdm(total=len(items), desc="feedback", unit="student", disable=None) as bar,
    ):
        shares = [threads.submit(share, items[number::count], with_pdf, bar) for number in range(count)]
        made = {key: files for each in shares for key, files in each.result().items()}
    return {key: made[key] for key in pages}


def share(pages: Sequence[tuple[str, Feedback]], with_pdf: bool, bar: tqdm) -> dict[str, dict[str, bytes]]:
    """Some of the pages, one after the other, with a Pandoc of their own."""
    made = {}
    with ExitStack() as opened:
        templates = environment(opened.enter_context(closing(Renderer())))
        folder = Path(opened.enter_context(tempfile.TemporaryDirectory()))
        typesetter = opened.enter_context(closing(Typesetter(folder))) if with_pdf else None
        for key, page in pages:
            made[key] = {HTML: html(page, templates)} | ({PDF: typesetter.pdf(page)} if typesetter else {})
            bar.update()
    return made
