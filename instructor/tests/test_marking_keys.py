"""The keys of the marking page: none gives or takes a mark that nobody meant, and all of the page is in their reach."""

import pytest

from instructor.tests.support.browser import chromium
from instructor.tests.support.graders import Person, Program, forget_marks, marks
from instructor.tests.support.marking import files, model_answers, pack

pytestmark = pytest.mark.long
LONG = "The sign is lost.\n\n" * 120


@pytest.fixture(scope="module")
def browser():
    with chromium() as found:
        yield found


@pytest.fixture(scope="module")
def running(tmp_path_factory):
    folder = tmp_path_factory.mktemp("marking")
    pack(folder / "in" / "ada.zip", files(model_answers()))
    pack(folder / "in" / "bob.zip", files({"ascent": LONG}))
    pack(folder / "in" / "cleo.zip", files({"ascent": LONG}))
    program = Program(folder)
    yield program
    program.kill()


@pytest.fixture(scope="module")
def graders(browser, running):
    """Two who have told the program their names."""
    return [Person(browser, running, name) for name in ("Ada", "Zoe")]


@pytest.fixture
def program(running, graders):
    """Nobody has marked anything yet, and no page of an earlier test is open."""
    for person in graders:
        person.leave()
    forget_marks(running)
    return running


@pytest.fixture
def ada(graders, program):
    graders[0].open("ascent")
    return graders[0]


@pytest.fixture
def zoe(graders, program):
    return graders[1]


def points(program):
    """Those of all marks that count."""
    return sorted(mark.points for each in marks(program).values() for mark in each.values())


def test_a_held_or_bounced_enter_finishes_no_answer_on_which_nothing_is_ticked(program, ada):
    first = ada.page.url
    ada.press("1")
    ada.page.keyboard.down("Enter")
    ada.page.wait_for_url(lambda url: url != first)
    second = ada.page.url
    for _ in range(5):
        ada.page.keyboard.down("Enter")  # held: each is a repetition
    ada.page.keyboard.up("Enter")
    ada.waits_for("performance.now() > 600")
    ada.press("Enter")
    ada.sees("Nothing is ticked. To give no points on purpose, press 0, then Enter.")
    ada.page.get_by_role("button", name="Done").click()
    assert ada.page.url == second
    assert points(program) == [1]
    ada.mark("0")
    assert points(program) == [0, 1]


def test_an_enter_that_bounces_confirms_nothing_that_was_ticked_earlier(program, ada):
    ada.press("1")
    ada.sees("Saved. Enter finishes it")
    ada.page.reload()
    ada.page.evaluate("performance.now = () => 100")
    ada.press("Enter", "Shift+Digit1")
    ada.page.locator("#points", has_text="0.5").wait_for()
    assert points(program) == []
    ada.mark()
    assert points(program) == [0.5]


def test_a_held_key_ticks_once(ada):
    for _ in range(4):
        ada.page.keyboard.down("1")
    ada.page.keyboard.up("1")
    assert ada.page.locator("input[name=criteria]:checked").count() == 1


def test_no_points_stand_for_nothing_ticked(ada):
    ada.press("1", "0")
    ada.sees("Something is ticked or adjusted. Take that back first")
    assert not ada.page.locator("#none").is_checked()
    ada.press("1", "0", "2")
    assert not ada.page.locator("#none").is_checked()


def test_the_key_for_earlier_comments_says_that_there_are_none(ada):
    ada.press("e")
    ada.sees("There are no earlier comments on this question.")


def test_ticks_count_only_when_enter_has_finished_the_answer(program, ada):
    first = ada.page.url
    ada.press("1", "2", "1")
    ada.sees("Saved. Enter finishes it")
    assert ada.page.locator("#marked").inner_text() == "0"
    assert points(program) == []
    ada.mark()
    assert ada.page.locator("#marked").inner_text() == "1"
    ada.page.goto(first)
    ada.press("3")
    ada.sees("Saved. Enter finishes it")
    assert ada.page.locator("#marked").inner_text() == "0"
    ada.mark()
    assert points(program) == [2]


def conflict(ada, zoe):
    """Ada has ticked 3 where Zoe had given 2 points meanwhile."""
    zoe.page.goto(ada.page.url)
    zoe.mark("1", "2")
    ada.press("3")
    ada.sees("Zoe has changed this mark in the meantime. Theirs: 2 points (the sign, the colour).")
    ada.sees("Yours, not saved: 1 point (the direction), not finished.")


def test_in_a_conflict_no_key_but_two_chooses_between_the_marks(program, ada, zoe):
    conflict(ada, zoe)
    before = ada.page.url
    for key in ("Enter", "1", "0", "s", "n", "u", "h"):
        ada.press(key)
        ada.sees("First choose between the two marks: m keeps yours, t takes theirs.")
    assert ada.page.evaluate("document.activeElement.tagName") == "MAIN"
    assert ada.page.locator("input[name=criteria]:checked").count() == 1
    assert points(program) == [2]
    ada.press("m")
    ada.sees("Your mark is kept. That of Zoe, 2 points, is replaced.")
    ada.sees("Saved. Enter finishes it")
    ada.page.get_by_role("button", name="Keep mine").wait_for(state="hidden")
    assert ada.page.url == before
    ada.mark()
    assert points(program) == [1]


def test_in_a_conflict_theirs_can_be_taken(program, ada, zoe):
    conflict(ada, zoe)
    ada.press("t")
    ada.sees("The mark of Zoe stays: 2 points (the sign, the colour). Yours, 1 point, is not saved.")
    assert ada.page.locator("input[name=criteria]:checked").count() == 2
    assert points(program) == [2]


def test_a_long_comment_leaves_the_choice_between_two_marks_in_sight(ada, zoe):
    ada.page.set_viewport_size({"width": 853, "height": 480})
    zoe.page.goto(ada.page.url)
    zoe.page.locator("#comment").fill("A word. " * 400)
    zoe.sees("Saved. Enter finishes it")
    ada.page.locator("#comment").fill("Other words. " * 300)
    ada.sees("Zoe has changed this mark")
    box, choice = (ada.page.locator(name).bounding_box() for name in ("#conflict", "#mine"))
    assert box["y"] + box["height"] <= ada.page.locator(".moves").bounding_box()["y"] <= 480
    assert box["y"] < choice["y"] < choice["y"] + choice["height"] <= box["y"] + box["height"]


def test_the_list_of_keys_is_read_from_its_beginning(ada):
    ada.page.set_viewport_size({"width": 853, "height": 480})
    ada.press("?")
    assert ada.page.get_by_role("heading", name="Keys").bounding_box()["y"] >= 0


def test_letters_of_a_comment_choose_nothing_in_a_conflict(ada, zoe):
    zoe.page.goto(ada.page.url)
    zoe.mark("1", "2")
    ada.press("c")
    ada.page.keyboard.type("A point at the")
    ada.sees("Zoe has changed this mark")
    ada.page.keyboard.type(" time")
    assert ada.page.locator("#comment").input_value() == "A point at the time"
    ada.press("Escape", "m")
    ada.sees("Your mark is kept.")
    ada.page.reload()
    assert ada.page.locator("#comment").input_value() == "A point at the time"


@pytest.mark.parametrize(
    "keys", [["PageDown"], ["Space"], ["ArrowDown"], ["End"], ["1", "End"], ["c", "Escape", "End"]]
)
def test_the_keys_of_reading_scroll_the_answer(program, ada, keys):
    while not ada.page.get_by_text("The sign is lost.").count():
        ada.press("n")
        ada.page.wait_for_load_state()
    ada.waits_for("document.querySelector('main').scrollHeight > document.querySelector('main').clientHeight")
    ada.press(*keys)
    ada.waits_for("document.querySelector('main').scrollTop > 0")
    for _ in range(3):
        ada.press("Shift+Space" if keys == ["Space"] else "Home")
    ada.waits_for("document.querySelector('main').scrollTop === 0")


def test_undo_says_what_it_has_taken_back(ada):
    code = ada.page.url.rpartition("/")[2]
    ada.mark("1")
    ada.press("u")
    words = f"Undone in 9 · Why not climb the saliency map?, answer of {code}:"
    ada.sees(f"{words} before 1 point, finished; now 1 point, not finished.")
    assert ada.page.locator("#state").inner_text() == "Not marked yet"
    ada.press("u")
    ada.sees(f"{words} before 1 point, not finished; now 0 points, not finished. Taken back: “the sign”.")
    assert ada.page.locator("#state").inner_text() == "Not marked yet"


def test_undo_leaves_words_that_could_not_be_saved_where_they_are(ada):
    ada.press("1", "a")
    ada.page.keyboard.type("-0.5")
    ada.press("Escape", "u")
    ada.sees("First mend or clear what could not be saved.")
    ada.sees("write the adjustment as points and a reason")
    assert ada.page.locator("#adjustment").input_value() == "-0.5"


def test_enter_in_the_field_of_points_finishes_the_mark_as_elsewhere(program, ada):
    ada.press("1", "a")
    ada.page.keyboard.type("+0.5 an example of one's own")
    ada.mark()
    assert points(program) == [1.5]


def test_a_finished_question_can_be_read_through_again(ada):
    for _ in range(3):
        ada.mark("1")
    ada.sees("Nothing is left in")
    ada.page.get_by_role("link", name="Look through its answers.").click()
    for place in (1, 2, 3):
        ada.sees(f"{place} of 3")
        ada.waits_for("performance.now() > 600")
        ada.mark()
    ada.sees("Marking the report")


def test_the_question_stays_folded_from_answer_to_answer(ada):
    ada.sees("Why")
    assert ada.page.locator(".asked").get_attribute("open") is not None
    ada.press("q")
    ada.mark("1")
    assert ada.page.locator(".asked").get_attribute("open") is None


@pytest.mark.parametrize("by", ["hover", "focus"])
def test_a_misconception_unfolds_where_one_looks_at_it(ada, by):
    box = ada.page.locator(".misconception").first
    sentence = box.locator(".full")
    folded = sentence.bounding_box()["height"]
    getattr(box if by == "hover" else box.locator("input"), by)()
    assert sentence.bounding_box()["height"] > 1.5 * folded
    assert sentence.evaluate("one => one.scrollWidth <= one.clientWidth")


def test_long_messages_leave_the_score_on_one_line(ada):
    height = ada.page.locator(".sum p").first.bounding_box()["height"]
    ada.page.evaluate("document.getElementById('state').textContent = 'a very long message '.repeat(20)")
    assert ada.page.locator(".sum p").first.bounding_box()["height"] == height


@pytest.mark.parametrize("size", [(1280, 720), (853, 480), (640, 800)])
def test_the_mark_stays_in_reach_and_nothing_lies_over_the_answer(ada, size):
    ada.page.set_viewport_size({"width": size[0], "height": size[1]})
    ada.press("End")
    done = ada.page.get_by_role("button", name="Done").bounding_box()
    assert done["y"] + done["height"] <= size[1]
    pane = ada.page.locator("main").bounding_box()
    over = "([x, y]) => document.elementFromPoint(x, y).closest('main') !== null"
    for y in (2, pane["height"] / 2, pane["height"] - 2):
        for x in (20, pane["width"] / 2, pane["width"] - 2):
            assert ada.page.evaluate(over, [pane["x"] + x, pane["y"] + y])


def test_numbers_and_arrows_lead_to_a_question(ada):
    ada.press("h")
    ada.page.get_by_role("link", name="14 · A paper").wait_for()
    focused = ada.page.locator(":focus")
    for keys, title in ((("1", "2"), "12 · "), (("ArrowDown",), "13 · "), (("9",), "9 · "), (("ArrowUp",), "8 · ")):
        ada.press(*keys)
        assert focused.inner_text().startswith(title)
    ada.press("Enter")
    ada.sees("8 · What the network imagines")
