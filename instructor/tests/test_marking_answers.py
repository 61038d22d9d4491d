"""What students wrote is found, whatever they did to the report, and shown so that nothing runs and nothing hangs."""

import pytest

from instructor.marking import rendering
from instructor.marking.answers import LONGEST, read_answers
from instructor.marking.database import transaction
from instructor.marking.intake import IntakeError, contents, take_in
from instructor.marking.look import look
from instructor.marking.records import Mark, open_records
from instructor.marking.rendering import Renderer
from instructor.marking.sharing import ALIKE_FIGURE, SAME_FIGURE, SAME_WORDS, warn_of_sharing
from instructor.tests.support import marking
from instructor.tests.support.marking import TEMPLATE, all_figures, files, pack, picture, report, ten_submissions
from kit.assignment import QUESTIONS


def answers(text, figures=None):
    return {answer.question: answer for answer in read_answers("ada", text, figures or {})}


@pytest.fixture(scope="module")
def renderer():
    found = Renderer(seconds=1.0)
    yield found
    found.close()


# -------------------------------------------------------------------------------------------------------- what is found


def test_each_answer_is_found_under_its_question():
    written = {name: f"Of *{name}*:\n\n- $x$\n- `::: answer`" for name in QUESTIONS}
    found = {name: answer.text for name, answer in answers(report(written)).items()}
    assert found.pop("paper") == f"### The paper: claim and evidence\n\n{written.pop('paper')}"
    assert found == written


def test_the_report_as_it_was_handed_out_holds_no_answers():
    found = answers(TEMPLATE)
    assert list(found) == list(QUESTIONS)
    assert {answer.text for answer in found.values()} == {""}


def test_the_parts_of_an_answer_on_several_slides_stand_below_their_headings():
    before = "## The paper: strengths and weaknesses\n\n::: answer\n"
    written = TEMPLATE.replace(f"{before}[Your answer]{{.prompt}}", f"{before}Strong.")
    assert answers(written)["paper"].text == "### The paper: strengths and weaknesses\n\nStrong."


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("\n", "\r\n"),
        ("::: answer\nSUM\n:::", "SUM"),
        ("::: answer\nSUM\n:::", "::: {.answer}\nSUM\n:::"),
        ("::: answer\nSUM\n:::", ":::: answer\nSUM\n::::"),
        ("::: answer\nSUM\n:::", "::: answer\nSUM"),
        (" {#one-pass .question}", ""),
        ("## 1 · One backward pass", "# One {.question} \n## 1 · One backward pass"),
        ("SUM", "<!-- ### BEGIN SOLUTION -->\nSUM <!-- a note -->\n<!-- ### END SOLUTION -->"),
    ],
)
def test_an_answer_is_found_whatever_became_of_its_fence_and_heading(old, new):
    text = report({"one-pass": "SUM", "paper": "PAPER"})
    assert old in text
    found = answers(text.replace(old, new))
    assert found["one-pass"].text.split()[-1] == "SUM"
    assert found["what-to-differentiate"].text == ""
    assert found["paper"].text.endswith("PAPER")


def test_code_in_an_answer_ends_no_fence():
    written = "```python\n# a comment\n:::\n## No slide\n```\nand so on"
    found = answers(report({"fooling": written}))
    assert found["fooling"].text == written


def test_figures_are_those_of_the_table_and_those_that_the_answer_names():
    text = report({"fooling": '![mine](../figures/my%20own.png){alt="x"} and ![](../figures/not_there.png)'})
    places = {
        f"writeup/build/figures/{name}": name for name in ("01-fooling_image.jpg", "07-my_own.png", "02-else.jpg")
    }
    found = answers(text, places)["fooling"]
    assert found.figures == ("writeup/build/figures/01-fooling_image.jpg", "writeup/build/figures/07-my_own.png")
    assert found.note == "not in the submission: not_there"


def test_an_answer_is_another_one_when_its_text_or_one_of_its_figures_changes():
    place = "figures/fooling_image.png"
    first = answers(report({"fooling": "because"}), {place: "a"})
    assert answers(report({"fooling": "because"}), {place: "a"}) == first
    for words, digest in (("Because", "a"), ("because", "b")):
        other = answers(report({"fooling": words}), {place: digest})
        assert other["fooling"].sha256 != first["fooling"].sha256
        assert other["one-pass"] == first["one-pass"]


def test_an_answer_of_ten_megabytes_is_cut_and_says_so():
    found = answers(report({"fooling": "x" * 10 * 2**20, "ascent": "<!--" * 2**18}))
    assert found["fooling"].text == "x" * LONGEST
    assert found["fooling"].note.startswith("cut: the answer has 10,485,760 characters, and the first 20,000 are shown")
    assert len(found["ascent"].text) == LONGEST


def test_a_report_that_is_gone_or_lacks_a_question_says_so():
    assert {answer.note.partition(";")[0] for answer in answers(None).values()} == {"there is no writeup/writeup.md"}
    assert answers("# Nothing")["one-pass"].note == "the question's slide is gone from the report"


# ------------------------------------------------------------------------------------------------ what is read of files


def test_ten_submissions_are_read_and_only_what_changed_is_read_again(tmp_path):
    folder = tmp_path / "submissions"
    ten_submissions(folder)
    records = open_records(tmp_path / "out")
    assert take_in(folder, records) == {"read": 9, "unreadable": 1, "unchanged": 0}
    found = records.answers()
    assert len(found) == 10
    assert {len(each) for each in found.values()} == {len(QUESTIONS)}
    assert found["farida"]["ascent"].text == marking.ARABIC
    assert records.submissions()["kim"].startswith("it is damaged")
    assert "kim" not in found["kim"]["paper"].note
    for name in ("ada", "cleo"):
        for question in QUESTIONS:
            mark = Mark(1, grader="Eve", done=True, answer=found[name][question].sha256)
            records.save(name, question, mark)
    pack(folder / "ada.zip", files({**marking.model_answers(), "ascent": "I think otherwise now."}, all_figures(1)))
    assert take_in(folder, records) == {"read": 1, "unreadable": 0, "unchanged": 9}
    marks = records.marks()
    assert set(QUESTIONS) - marks["ada"].keys() == {"ascent"}
    assert marks["cleo"].keys() == QUESTIONS.keys()


def test_a_folder_without_submissions_is_refused(tmp_path):
    records = open_records(tmp_path / "out")
    (tmp_path / "empty").mkdir()
    with pytest.raises(IntakeError, match="holds no submissions"):
        take_in(tmp_path / "empty", records)
    with pytest.raises(IntakeError, match="is not a folder"):
        take_in(tmp_path / "nowhere", records)


def test_signs_that_are_no_text_do_no_harm(tmp_path):
    content = files({}) | {"writeup/writeup.md": report({"one-pass": "a\0@"}).encode().replace(b"@", b"\xff")}
    text, _, _ = contents(pack(tmp_path / "a.zip", content))
    assert answers(text)["one-pass"].text == "a\ufffd\ufffd"


# ------------------------------------------------------------------------------------------------------ what is shared


def warnings(records, submission):
    rows = records.connection.execute("SELECT * FROM warnings WHERE submission = ?", (submission,)).fetchall()
    return {(row["question"], row["reason"], row["other"]) for row in rows}


def test_shared_words_and_figures_are_noted_on_both_sides(tmp_path):
    own = "First the score is written as a function of every pixel; then each slope is taken, and its sign is kept. "
    texts = {
        "ada": own + "That is why one pass is enough for all of the images in the batch.",
        "bob": own.upper() + "So one pass will do for everything that is in the batch, I believe.",
        "cleo": " ".join(f"word{number}" for number in range(60)),
    }
    pictures = {"ada": picture(1), "bob": picture(1, quality=40), "cleo": picture(1)}
    for name, text in texts.items():
        shown = {"saliency_maps": picture(5), "style_own_pair": pictures[name]}
        pack(tmp_path / "in" / f"{name}.zip", files({"one-pass": text, "paper": "Too short."}, shown))
    records = open_records(tmp_path / "out")
    take_in(tmp_path / "in", records)
    warn_of_sharing(records)
    warn_of_sharing(records)
    assert warnings(records, "ada") == {
        ("one-pass", SAME_WORDS, "bob"),
        ("own-pair", SAME_FIGURE, "cleo"),
        ("own-pair", ALIKE_FIGURE, "bob"),
    }
    assert warnings(records, "cleo") == {("own-pair", SAME_FIGURE, "ada"), ("own-pair", ALIKE_FIGURE, "bob")}


def test_pictures_look_alike_when_they_were_only_stored_again():
    same = (look(picture(1)) ^ look(picture(1, quality=30))).bit_count()
    other = (look(picture(1)) ^ look(picture(2))).bit_count()
    assert same < 12 < 60 < other
    assert look(b"no picture") == 0


# ------------------------------------------------------------------------------------------------------ what is shown


def test_markdown_and_formulas_are_set(renderer):
    html = renderer.html("The *sum* of $\\frac{a}{b}$:\n\n- `x < y`\n\n| a | b |\n|---|---|\n| 1 | 2 |")
    assert "<em>sum</em>" in html
    assert "<mfrac><mi>a</mi><mi>b</mi></mfrac>" in html
    assert "<code>x &lt; y</code>" in html
    assert "<table>" in html


ALLOWED = rendering.TAGS | {"p", "pre"}


@pytest.mark.parametrize("question", marking.HOSTILE)
def test_nothing_of_a_hostile_answer_can_run_or_fetch(renderer, question):
    html = renderer.html(marking.HOSTILE[question][:LONGEST])
    assert {name.lower() for _, name, _ in rendering.TAG.findall(html)} <= ALLOWED
    attributes = " ".join(part.partition(">")[0] for part in html.split("<")[1:] if " " in part.partition(">")[0])
    for word in ("src", "href", "style", "on", "action", "class", "id"):
        assert f" {word}=" not in attributes.replace("onerror", "on=")
    assert html


@pytest.mark.parametrize("text", ["[" * 9000, "> " * 9000 + "x", "- " * 2000 + "x", "`" * 9999])
def test_what_takes_too_long_or_nests_too_deep_is_shown_as_it_was_written(renderer, text):
    html = renderer.html(text)
    assert rendering.AS_WRITTEN in html
    assert "&gt; " in html or text[:100] in html
    assert renderer.html("and *on*") == '<p dir="auto">and <em>on</em></p>'


def test_a_pandoc_that_was_ended_is_replaced(renderer):
    renderer.html("first")
    renderer.process.kill()
    renderer.process.wait()
    assert renderer.html("second") == '<p dir="auto">second</p>'


def test_sanitizing_alone_keeps_nothing_that_runs():
    """Should Pandoc let something through, it stops here."""
    html = rendering.sanitized(
        '<p onclick="x()" style="color:red">a<script>b</script><svg><a href="c">d</a></svg><img src="e">'
        '<a href="javascript:f">g</a><math href="h"><mi xlink:href="i">j</mi></math><form action="k">l</form></p>'
    )
    assert html == '<p dir="auto">ag<math><mi>j</mi></math></p>l<p dir="auto"></p>'


def test_reading_again_waits_for_nobody_who_only_reads(tmp_path):
    pack(tmp_path / "in" / "a.zip", files({}))
    records, other = open_records(tmp_path / "out"), open_records(tmp_path / "out")
    take_in(tmp_path / "in", records)
    with transaction(other.connection):
        assert list(records.answers()) == ["a"]
