"""Two graders mark in real browsers, by keyboard alone, and lose nothing when the program is killed in between."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from instructor.marking.records import open_records
from instructor.marking.scheme import load_scheme
from instructor.tests.support.browser import chromium
from instructor.tests.support.marking import HOSTILE, all_figures, files, model_answers, pack
from kit.paths import KIT

pytestmark = pytest.mark.long
QUESTIONS = ("one-pass", "ascent", "own-pair")


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


@pytest.fixture
def program(tmp_path):
    answers = model_answers()
    pack(tmp_path / "in" / "ada.zip", files(answers, all_figures(1)))
    pack(tmp_path / "in" / "bob.zip", files({}))
    pack(tmp_path / "in" / "cleo.zip", files(HOSTILE))
    pack(tmp_path / "in" / "dan.zip", files(dict(list(answers.items())[:5]), all_figures(2)))
    pack(tmp_path / "in" / "eve.zip", files(answers, all_figures(3)))
    program = Program(tmp_path)
    yield program
    program.kill()


@pytest.fixture
def browser():
    with chromium() as found:
        yield found


class Person:
    """A grader with a browser of their own, who uses the keyboard alone."""

    def __init__(self, browser, program, name, **look):
        self.page = browser.new_context(viewport={"width": 1280, "height": 720}, **look).new_page()
        self.page.set_default_timeout(180_000)  # ms: a busy machine is slow, not wrong
        self.asked, self.program = [], program
        self.page.on("request", lambda request: self.asked.append(request.url))
        self.page.goto(program.address)
        self.page.get_by_label("You mark as").and_(self.page.locator(":focus")).wait_for()
        self.page.keyboard.type(name)
        self.page.keyboard.press("Enter")
        self.page.get_by_role("link", name="1 · One backward pass").wait_for()

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

    def sees(self, words):
        self.page.get_by_text(words).first.wait_for()


def marks(program):
    records = open_records(program.folder / "out")
    found = records.marks()
    records.close()
    return found


def test_two_graders_mark_three_questions_of_five_students_and_the_program_is_killed(program, browser, tmp_path):
    pictures = Path(os.environ.get("KIT_SCREENSHOTS") or tmp_path)
    ada, zoe = Person(browser, program, "Ada"), Person(browser, program, "Zoe", color_scheme="dark")
    for person in (ada, zoe):
        person.open("one-pass")
    assert ada.page.url != zoe.page.url
    ada.mark("1", "2")
    zoe.mark("1", "Shift+Digit1")
    ada.press("1", "c")
    ada.page.keyboard.type("Say which mode.")
    ada.sees("Marked by Ada, saved")
    ada.page.screenshot(path=pictures / "marking_light.png")
    zoe.page.screenshot(path=pictures / "marking_dark.png")

    program.kill()
    zoe.press("2")
    zoe.sees("Not saved yet: the program does not answer.")
    program.start()
    zoe.sees("Marked by Zoe, saved")
    zoe.mark()
    zoe.sees("Say which mode.")  # among the earlier comments
    zoe.press("e", "Enter", "Escape", "Enter")
    zoe.sees("Nothing is left in")
    ada.press("Escape", "Enter")
    ada.sees("Nothing is left in")

    for question in QUESTIONS[1:]:
        ada.open(question)
        for _ in range(4):
            ada.mark("1")
        ada.press("1", "Enter")
        ada.sees("Nothing is left in")
    found = marks(program)
    assert {name: len(each) for name, each in found.items()} == dict.fromkeys(("ada", "bob", "cleo", "dan", "eve"), 3)
    given = [mark for each in found.values() for mark in each.values()]
    assert {mark.grader for mark in given} == {"Ada", "Zoe"}
    assert sorted(mark.comment for mark in given if mark.comment) == ["Say which mode."] * 2
    scheme = load_scheme()
    for each in found.values():
        for name, mark in each.items():
            assert mark.points == scheme[name].earned(mark.criteria, mark.misconceptions)

    ada.page.keyboard.press("Tab")
    ada.page.screenshot(path=pictures / "marking_overview.png")
    own = program.address.partition("?")[0]
    assert all(address.startswith(own) for person in (ada, zoe) for address in person.asked)


def test_a_conflict_is_shown_and_either_mark_can_be_kept(program, browser):
    ada, zoe = Person(browser, program, "Ada"), Person(browser, program, "Zoe")
    ada.open("ascent")
    zoe.page.goto(ada.page.url)
    zoe.press("1", "2")
    zoe.sees("Marked by Zoe, saved")
    ada.press("3")
    ada.sees("Zoe has changed this mark in the meantime: 2 points (the sign, the colour). Yours is not saved.")
    ada.page.get_by_role("button", name="Keep mine").press("Enter")
    ada.sees("Marked by Ada, saved")
    assert [mark.criteria for each in marks(program).values() for mark in each.values()] == [["the direction"]]
    zoe.press("1")
    zoe.sees("Ada has changed this mark in the meantime")
    zoe.press("Enter")  # on "Take theirs"
    zoe.page.wait_for_load_state()
    zoe.sees("Marked by Ada")
    assert zoe.page.locator("input[name=criteria]:checked").count() == 1
    ada.press("u")
    ada.page.wait_for_load_state()
    ada.page.locator("#points", has_text="2").wait_for()
    assert ada.page.locator("input[name=criteria]:checked").count() == 2


def test_a_hostile_answer_runs_nothing_and_asks_for_nothing(program, browser):
    ada = Person(browser, program, "Ada")
    complaints = []
    ada.page.on("console", lambda message: complaints.append(message.text))
    ada.page.on("dialog", lambda dialog: complaints.append(dialog.message))
    for question in HOSTILE:
        ada.open(question)
        for _ in range(5):
            assert " of 5" in ada.page.title()
            assert ada.page.locator("#mark").is_visible()
            before = ada.page.url
            ada.press("n")
            ada.page.wait_for_url(lambda url, before=before: url != before)
    own = program.address.partition("?")[0]
    assert all(address.startswith(own) for address in ada.asked)
    assert not complaints


def test_everything_in_reach_of_the_keyboard_has_a_name_and_shows_its_focus(program, browser):
    ada = Person(browser, program, "Ada")
    ada.open("one-pass")
    unnamed = "[...document.querySelectorAll('input, textarea, button, a, summary, progress, img')]"
    rule = "one => !(one.labels?.length || one.textContent.trim() || one.alt || one.ariaLabel || one.hidden)"
    assert ada.page.evaluate(f"{unnamed}.filter({rule}).map(one => one.outerHTML)") == []
    for _ in range(12):
        ada.press("Tab")
        outline = ada.page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
        assert outline != "none", ada.page.evaluate("document.activeElement.outerHTML")
    size = ada.page.evaluate("[document.documentElement.scrollWidth, document.documentElement.scrollHeight]")
    assert size == [1280, 720]
