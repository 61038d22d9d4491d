"""The marking program, graders at their browsers, and the marks that they have given."""

import re
import subprocess
import sys
import time

from instructor.marking.records import open_records
from kit.paths import KIT

PATIENCE = 180  # seconds: a busy machine is slow, not wrong
SIZE = {"width": 1280, "height": 720}
NOWHERE = "about:blank"


class Program:
    """`python -m instructor mark`, which can be killed and started again."""

    def __init__(self, folder):
        self.folder = folder
        self.start()

    def start(self):
        command = [
            sys.executable,
            "-m",
            "instructor",
            "mark",
            str(self.folder / "in"),
            "--out",
            str(self.folder / "out"),
            "--no-redraw",
        ]
        self.process = subprocess.Popen(command, cwd=KIT, stdout=subprocess.PIPE, encoding="utf-8")
        lines = iter(self.process.stdout.readline, "")
        self.address = next(found[0] for line in lines if (found := re.search(r"http://\S+", line)))

    def kill(self):
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()


class Person:
    """A grader with a browser of their own, who uses the keyboard alone."""

    def __init__(self, browser, program, name, **look):
        self.page = browser.new_context(viewport=SIZE, **look).new_page()
        self.page.set_default_timeout(1000 * PATIENCE)
        self.asked, self.program = [], program
        self.page.on("request", lambda request: self.asked.append(request.url))
        self.page.goto(program.address)
        self.page.get_by_label("You mark as").and_(self.page.locator(":focus")).wait_for()
        self.page.keyboard.type(name)
        self.page.keyboard.press("Enter")
        self.page.get_by_role("link", name="1 · One backward pass").wait_for()

    def leave(self):
        """The program's page, which forgets what a browser keeps for it until it is closed."""
        if self.page.url != NOWHERE:
            self.page.evaluate("sessionStorage.clear()")
            self.page.goto(NOWHERE)
            self.page.set_viewport_size(SIZE)

    def open(self, question):
        self.page.goto(f"{self.program.address.partition('?')[0]}question/{question}")

    def press(self, *keys):
        for key in keys:
            self.page.keyboard.press(key)

    def mark(self, *keys):
        """Press the keys, then Enter; and wait until the page has gone on."""
        before = self.page.url
        self.press(*keys, "Enter")
        self.page.wait_for_url(lambda url: url != before)

    def waits_for(self, expression):
        """Until it is true in the page, whose policy forbids Playwright's own way."""
        deadline = time.monotonic() + PATIENCE
        while not self.page.evaluate(expression):
            assert time.monotonic() < deadline, expression
            self.page.wait_for_timeout(20)

    def sees(self, words):
        self.page.get_by_text(words).first.wait_for()


def marks(program):
    records = open_records(program.folder / "out")
    found = records.marks()
    records.close()
    return found


def forget_marks(program):
    """As before anybody has opened a page; the program keeps nothing in its memory."""
    records = open_records(program.folder / "out")
    for table in ("marks", "history", "claims"):
        records.connection.execute(f"DELETE FROM {table}")
    records.close()
