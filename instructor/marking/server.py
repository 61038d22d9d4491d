"""`python -m instructor mark`: the submissions read, and a page on the loopback address in which people mark them."""

import asyncio
import errno
import os
import secrets
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from tornado.httpserver import HTTPServer
from tornado.netutil import bind_sockets
from tornado.web import Application

from instructor.grading.shown import shown
from instructor.marking.access import Refusing
from instructor.marking.desk import Desk
from instructor.marking.intake import take_in
from instructor.marking.pages import ADDRESSES
from instructor.marking.pictures import Pictures
from instructor.marking.records import open_records
from instructor.marking.recount import recount
from instructor.marking.rendering import Renderer
from instructor.marking.scheme import load_scheme
from instructor.marking.sharing import warn_of_sharing
from kit.paths import KIT

LOOPBACK = "127.0.0.1"
REDRAWING = "instructor.marking.redrawing"
REDRAWING_LOG = "marking.redrawing.log"
LARGEST_BODY = 2**17  # bytes


def mark(
    folder: Path,
    out: Path,
    *,
    grader: str = "",
    names: bool = False,
    port: int = 0,
    redraw: bool = True,
    say: Callable[[str], None] = print,
) -> int:
    """Read what is new in `folder`, and serve the pages until Ctrl-C. Marks go to OUT/marking.sqlite at once.

    With `redraw`, another process of low priority draws the figures anew from the submitted code meanwhile.

    Raises IntakeError, DatabaseError, SchemeError, OSError where the port is taken.
    """
    scheme, records = load_scheme(), open_records(out)
    begun = time.monotonic()
    counts = take_in(folder, records)
    if counts["read"]:
        warn_of_sharing(records)
    for name, problem in records.submissions().items():
        if problem:
            say(f"✗ {shown(name)}: {problem}")
    token = records.setting("token", secrets.token_urlsafe(24))
    sockets = listening(port or int(records.setting("port", "0")), chosen=bool(port))
    port = sockets[0].getsockname()[1]
    records.connection.execute("INSERT OR REPLACE INTO settings VALUES ('port', ?)", (str(port),))
    renderer = Renderer()
    helper = begin_redrawing(out.resolve()) if redraw else None
    desk = Desk(records, scheme, names)
    for each in recount(records, scheme):
        say(f"Recounted by the mark scheme as it is now: {each.in_words(shown(desk.label(each.submission)))}")
    application = make_application(desk, renderer, token, port, grader)
    for question in scheme.questions:
        for text in (question.text, question.model_answer, *(each.full_answer for each in question.criteria)):
            renderer.html(text)
    say(f"{', '.join(f'{number} {kind}' for kind, number in counts.items())}, {time.monotonic() - begun:.1f} seconds.")
    say(f"Mark at http://{LOOPBACK}:{port}/?token={token}")
    say("Everything is saved at once. Stop with Ctrl-C; rerun the same command to continue.")
    try:
        asyncio.run(serve(application, sockets))
    except KeyboardInterrupt:
        say(f"The marks are in {out}.")
    finally:
        if helper is not None:
            helper.terminate()
            helper.wait()
        renderer.close()
        records.close()
    return 0


def begin_redrawing(out: Path) -> subprocess.Popen:
    """In a session of its own, so that Ctrl-C reaches this process alone. What goes wrong there stands in a log."""
    with (out / REDRAWING_LOG).open("wb") as log:
        command = [sys.executable, "-m", REDRAWING, str(out), str(os.getpid())]
        return subprocess.Popen(command, cwd=KIT, stdout=log, stderr=log, start_new_session=True)


def listening(port: int, chosen: bool) -> list:
    """On the port, on this machine alone; on another one where it is taken and nobody has asked for it."""
    try:
        return bind_sockets(port, LOOPBACK)
    except OSError as error:
        if error.errno == errno.EADDRINUSE and not chosen:
            return bind_sockets(0, LOOPBACK)
        raise


def make_application(desk: Desk, renderer: Renderer, token: str, port: int, grader: str = "") -> Application:
    return Application(
        ADDRESSES,
        default_handler_class=Refusing,
        log_function=lambda handler: None,
        desk=desk,
        renderer=renderer,
        pictures=Pictures(),
        token=token,
        port=port,
        grader=grader,
    )


async def serve(application: Application, sockets: list) -> None:
    server = HTTPServer(application, max_body_size=LARGEST_BODY, max_header_size=2**15)
    server.add_sockets(sockets)
    await asyncio.Event().wait()
