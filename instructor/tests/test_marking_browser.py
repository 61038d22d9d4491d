"""Two graders mark in real browsers, by keyboard alone, and lose nothing when the program is killed in between."""

import os
from pathlib import Path

import pytest

from instructor.marking.scheme import load_scheme
from instructor.tests.support.browser import chromium
from instructor.tests.support.graders import Person, Program, marks
from instructor.tests.support.marking import HOSTILE, all_figures, files, model_answers, pack

pytestmark = pytest.mark.long
QUESTIONS = ("one-pass", "ascent", "own-pair")


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
def attacked(tmp_path):
    """The program with two reports, one of which attacks its reader."""
    pack(tmp_path / "in" / "bob.zip", files({}))
    pack(tmp_path / "in" / "cleo.zip", files(HOSTILE))
    program = Program(tmp_path)
    yield program
    program.kill()


@pytest.fixture
def browser():
    with chromium() as found:
        yield found


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
    ada.sees("Saved. Enter finishes it")
    ada.page.screenshot(path=pictures / "marking_light.png")
    zoe.page.screenshot(path=pictures / "marking_dark.png")

    program.kill()
    zoe.press("2")
    zoe.sees("Not saved yet: the program does not answer.")
    program.start()
    zoe.sees("Saved. Enter finishes it")
    zoe.mark()
    zoe.sees("Say which mode.")  # among the earlier comments
    zoe.press("e", "Enter", "Escape", "0", "Enter")
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


def test_a_hostile_answer_runs_nothing_and_asks_for_nothing(attacked, browser):
    ada = Person(browser, attacked, "Ada")
    complaints = []
    ada.page.on("console", lambda message: complaints.append(message.text))
    ada.page.on("dialog", lambda dialog: complaints.append(dialog.message))
    for question in HOSTILE:
        ada.open(question)
        for _ in range(2):
            assert " of 2" in ada.page.title()
            assert ada.page.locator("#mark").is_visible()
            before = ada.page.url
            ada.press("n")
            ada.page.wait_for_url(lambda url, before=before: url != before)
    own = attacked.address.partition("?")[0]
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
