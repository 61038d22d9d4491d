"""Reports say how the marks come about; what a student wrote stays text in each of them."""

import base64
import csv
import hashlib
import io
import json
import re
import zipfile
import zlib
from html.parser import HTMLParser

import numpy as np
import pytest
from PIL import Image, PngImagePlugin

from instructor.grading.marks import CriterionMark, Marks, Outcome, TaskMark
from instructor.grading.reports import thumbnails
from instructor.grading.reports.table import as_csv, as_workbook, class_table
from instructor.grading.reports.write import gradescope, html, markdown, write_reports
from instructor.grading.rubric import reason_against
from kit.assignment import TABLE

ATTACK = "</pre><script>alert(1)</script><img src=x onerror=alert(2)>"
OVERRIDE = "abc\u202edef\x1b[31m\x00\ud800"
VISIBLE = r"abc\u202edef\x1b[31m\x00\ud800"


def lost(name, points, *outcomes, reason="its test failed: zeros"):
    return CriterionMark(name, points, 0, outcomes, reason)


def won(name, points):
    return CriterionMark(name, points, points, (Outcome(f"test_a.py::test_{name}", True),), "")


def marks_of(*criteria, name="ada", problems=(), printed="", hint=None):
    """One task, with a second one that is earned."""
    tasks = (
        TaskMark("grad_cam", "Grad-CAM", "visualizers/grad_cam.py", criteria, hint),
        TaskMark("tv_loss", "Total variation", "style_transfer/tv_loss.py", (won("value", 3),), None),
    )
    return Marks(name, "ab" * 32, tasks, tuple(problems), printed)


@pytest.fixture
def marks():
    failed = Outcome("test_a.py::test_value[1]", False, "zeros\neverywhere")
    hidden = Outcome("test_secret.py::test_x[7]", False, "expected 42", hidden=True)
    criteria = (
        won("approach", 1.5),
        lost("edge_cases", 2, failed, hidden, reason="2 of 2 tests failed, first: zeros everywhere"),
        lost("others", 4, hidden, reason="its test failed: a hidden test"),
    )
    return marks_of(*criteria, problems=["fooling.py is missing"], printed="loss 3\n", hint="no final ReLU")


class Page(HTMLParser):
    """What a browser makes of a page: its elements and the text outside of styles."""

    def __init__(self, source):
        super().__init__()
        self.tags, self.text, self.style = [], "", ""
        self.feed(source)

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))

    def handle_data(self, text):
        if self.tags and self.tags[-1][0] == "style" and not self.style:
            self.style = text
        else:
            self.text += text


def encoded(kind, width=40, height=30, **options):
    written = io.BytesIO()
    Image.new("RGB", (width, height), "red").save(written, kind, **options)
    return written.getvalue()


def png(width=40, height=30, **options):
    return encoded("PNG", width, height, **options)


def text_bomb():
    words = PngImagePlugin.PngInfo()
    words.add_text("Comment", "x" * (2 * PngImagePlugin.MAX_TEXT_CHUNK), zip=True)
    return words


# ---------------------------------------------------------------------------------------------------- what is reported


def test_the_sum_is_shown_as_it_comes_about(marks):
    """In every report that a student reads."""
    assert gradescope(marks)["output"].splitlines()[0] == "1.5 + 3 = 4.5 of 10.5"
    assert "1.5 + 3 = 4.5 of 10.5" in markdown(marks)
    assert "1.5 + 3 = 4.5 of 10.5" in Page(html(marks, {})).text


def test_every_report_tells_what_there_is_to_tell(marks):
    """Titles, points, reasons, the hint, problems and what was printed."""
    told = ["Grad-CAM", "edge cases", "0 of 2", "2 of 2 tests failed, first: zeros everywhere", "A closer look"]
    told += ["no final ReLU", "fooling.py is missing", "loss 3", "visualizers/grad_cam.py", "ab" * 32]
    for report in (markdown(marks).replace("\\_", "_"), Page(html(marks, {})).text):
        assert [words for words in told if words not in report] == []


def test_reports_speak_in_the_words_of_check_and_say_what_a_criterion_asks():
    """Sentences, not the names of tests; what is said clearest comes first; code is code."""
    vague = Outcome("test_a.py::test_b[1]", False, "off by 80 %", statement="The map is right.")
    clear = Outcome("test_a.py::test_c", False, "expected [1.0], got [2.0]", statement="One pixel by hand.")
    criteria = (lost("value", 1, vague, clear), lost("purity", 2, vague), won("batch", 1))
    marks = marks_of(*criteria, hint="Take `clamp(min=0)` for it.")
    page = html(marks, {})
    for words in (gradescope(marks)["tests"][0]["output"], Page(page).text):
        assert words.index("One pixel by hand.") < words.index("The map is right.")
        assert "test_a.py" not in words
        assert "Are the numbers right?" in words
    assert "Take <code>clamp(min=0)</code> for it." in page
    assert "Take `clamp(min=0)` for it." in markdown(marks)
    assert "Is nothing but the result new" in markdown(marks)
    assert "among others" not in markdown(marks), "what is asked by a criterion that is earned"


def test_what_hidden_tests_say_is_in_no_report(marks, tmp_path):
    """Neither their messages nor their names."""
    write_reports(marks, {}, tmp_path)
    for path in tmp_path.iterdir():
        assert not re.search("expected 42|test_secret|test_x", path.read_text("utf-8"))
    assert "and 1 hidden test" in (tmp_path / "report.html").read_text("utf-8")


def test_code_that_is_not_there_is_told_once_for_a_task():
    """Not under every criterion, with all that was asked of it."""
    words = "not implemented yet: grad_cam in visualizers/grad_cam.py, line 9"
    outcome = Outcome("test_a.py::test_a", False, words, statement="The map is right.", barred=True)
    secret = Outcome("test_secret.py::test_x", False, "zeros", hidden=True)
    marks = marks_of(*(lost(name, 1, outcome, secret, reason=words) for name in ("approach", "value", "batch")))
    for report in (markdown(marks).replace("\\_", "_"), Page(html(marks, {})).text):
        assert report.count("ot implemented yet") == 1
        assert report.count("0 of 1") == 3
        assert "The map is right." not in report
        assert "hidden test" not in report
    assert [test["output"] for test in gradescope(marks)["tests"][:3]] == [words] * 3


def test_a_file_that_is_missing_is_told_even_where_all_tests_are_hidden():
    """What code says when a hidden test calls it is not."""
    for barred, words in ((True, "notebooks/01.ipynb is missing"), (False, "not implemented yet: expected 42")):
        outcome = Outcome("test_secret.py::test_x", False, words, hidden=True, barred=barred)
        marks = marks_of(lost("value", 1, outcome, reason=reason_against([outcome])))
        for report in (json.dumps(gradescope(marks)), markdown(marks), Page(html(marks, {})).text):
            assert (words in report) is barred


def test_failed_tests_that_say_the_same_are_told_together():
    """The first few messages, the first few tests of each, and how many more."""
    same = [Outcome(f"test_a.py::test_same[{number}]", False, "zeros") for number in range(8)]
    other = [Outcome(f"test_a.py::test_other[{number}]", False, f"off by {number}") for number in range(8)]
    (test, *_) = gradescope(marks_of(lost("value", 1, *same, *other)))["tests"]
    assert test["output"].count("zeros") == 2  # once in the reason
    assert "✗ test_a.py::test_same[4]\n✗ and 3 more tests\n    zeros\n" in test["output"]
    assert "off by 3" in test["output"]
    assert "off by 4" not in test["output"]
    assert test["output"].endswith("✗ and 4 more tests")


def test_the_same_marks_give_the_same_bytes(marks, tmp_path):
    """There is no time in them."""
    for folder in ("a", "b"):
        write_reports(marks, {"figures/a.png": png()}, tmp_path / folder)
    names = {path.name for path in (tmp_path / "a").iterdir()}
    assert names == {"results.json", "report.md", "report.html"}
    assert all((tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes() for name in names)


# ---------------------------------------------------------------------------------------------------------- Gradescope


def test_results_hold_what_gradescope_asks_for(marks):
    """One entry per criterion, numbered, with its points; the score is their sum."""
    results = json.loads(json.dumps(gradescope(marks), allow_nan=False))
    *tests, printed = results["tests"]
    assert results["score"] == sum(test["score"] for test in tests) == 4.5
    assert results["stdout_visibility"] == "hidden"
    assert [(test["number"], test["name"], test["score"], test["max_score"], test["status"]) for test in tests] == [
        ("1.1", "Grad-CAM: approach", 1.5, 1.5, "passed"),
        ("1.2", "Grad-CAM: edge cases", 0, 2, "failed"),
        ("1.3", "Grad-CAM: others", 0, 4, "failed"),
        ("2.1", "Total variation: value", 3, 3, "passed"),
    ]
    assert printed["output"] == "loss 3"
    assert "score" not in printed
    formats = {"text", "html", "simple_format", "md", "ansi"}
    assert {test["output_format"] for test in results["tests"]} <= formats
    assert {test["visibility"] for test in results["tests"]} <= {
        "hidden",
        "after_due_date",
        "after_published",
        "visible",
    }
    assert {test["status"] for test in results["tests"]} == {"passed", "failed"}


def test_a_hidden_criterion_is_shown_late_and_without_a_word(marks):
    """A student's code could write the hidden input into a message."""
    others = gradescope(marks)["tests"][2]
    assert (others["visibility"], others["output"]) == ("after_published", "")
    secret = lost("others", 1, Outcome("test_secret.py::test_x", False, "", hidden=True))
    told = gradescope(marks_of(secret, *marks.tasks[0].criteria, hint="no final ReLU"))["tests"]
    assert [number for number, test in enumerate(told) if "no final ReLU" in test["output"]] == [2]
    edge_cases = gradescope(marks)["tests"][1]
    assert edge_cases["visibility"] == "visible"
    assert "A closer look: no final ReLU" in edge_cases["output"]
    assert "✗ test_a.py::test_value[1]\n    zeros\n    everywhere" in edge_cases["output"]


# ------------------------------------------------------------------------------------------------------- hostile texts


@pytest.fixture
def hostile():
    outcome = Outcome("test_a.py::test_value", False, f"{ATTACK}\n{OVERRIDE}")
    return marks_of(
        lost("value", 1, outcome, reason=f"{ATTACK} {OVERRIDE}"),
        name=f"{ATTACK}{OVERRIDE}",
        problems=[f"{ATTACK}{OVERRIDE}"],
        printed=f"{ATTACK}\n{OVERRIDE}",
    )


def test_a_page_holds_students_text_as_text(hostile):
    """No element of theirs, and nothing invisible."""
    page = Page(html(hostile, {f"figures/{ATTACK}.png": png(), f"figures/{OVERRIDE}.png": b"x"}))
    tags = {tag for tag, _ in page.tags}
    assert not tags & {"script", "iframe", "object", "embed", "link", "form"}
    assert [attributes for tag, attributes in page.tags if tag == "img" and "onerror" in attributes] == []
    assert page.text.count(ATTACK) == 7  # title, name, problem, reason, message, printed, figure
    assert page.text.count(VISIBLE) == 7
    assert "\u202e" not in page.text


def test_a_page_may_load_and_run_nothing(hostile):
    """Its policy allows its own style and its own pictures."""
    source = html(hostile, {"figures/a.png": png()})
    page = Page(source)
    (policy,) = (found["content"] for tag, found in page.tags if "http-equiv" in found)
    sha256 = base64.b64encode(hashlib.sha256(page.style.encode()).digest()).decode()
    assert policy == (
        f"default-src 'none'; style-src 'sha256-{sha256}'; img-src data:; base-uri 'none'; form-action 'none'"
    )
    assert not [found for _, found in page.tags if "style" in found]
    addresses = [found.get("src") or found.get("href") for _, found in page.tags if "src" in found or "href" in found]
    assert all(address.startswith(("data:image/jpeg;base64,", "#")) for address in addresses)
    assert source.index("Content-Security-Policy") < source.index("<style")


def test_markdown_holds_students_text_as_text(hostile):
    """Outside of code, what could be markup is escaped; a fence is longer than any in it."""
    report = markdown(hostile)
    outside = re.sub(r"^```\n.*?^```$", "", report, flags=re.MULTILINE | re.DOTALL)
    assert r"\<script\>" in outside
    assert "<script>" not in outside
    assert "\u202e" not in report
    fenced = markdown(marks_of(won("value", 1), printed="````\n# no heading"))
    assert "`````\n````\n# no heading\n`````" in fenced


@pytest.mark.parametrize("text", ["![x](http://evil.org/a.png)", "[a](javascript:x)", "`x`", "| a |", "**b**", "a@b.c"])
def test_a_line_of_markdown_stays_a_line_of_text(text):
    """Pandoc reads back what was written."""
    import pypandoc

    report = markdown(marks_of(lost("value", 1, reason=text)))
    document = json.loads(pypandoc.convert_text(report, "json", format="gfm"))
    kinds = set(re.findall(r'"t": "(\w+)"', json.dumps(document)))
    assert not kinds & {"Link", "Image", "RawInline", "RawBlock"}
    assert text in pypandoc.convert_text(report, "plain", format="gfm", extra_args=["--wrap=none"])


def test_results_hold_nothing_invisible(hostile, tmp_path):
    """Not even half a character, which could not be written."""
    write_reports(hostile, {}, tmp_path)
    results = (tmp_path / "results.json").read_text("utf-8")
    assert "\u202e" not in results
    assert "u001b" not in results
    assert json.loads(results)["extra_data"]["submission"] == ATTACK + VISIBLE


def test_long_text_is_cut_and_says_so():
    """Wherever it stands."""
    outcome = Outcome("test_a.py::test_value", False, "m" * 50_000)
    long = marks_of(lost("value", 1, outcome, reason="r" * 50_000), printed="p" * 50_000)
    for report in (json.dumps(gradescope(long)), markdown(long), html(long, {})):
        assert len(report) < 25_000
        assert "(49,700 more characters)" in report
        assert "(46,000 more characters)" in report


# ------------------------------------------------------------------------------------------------------------- figures


def shown_figures(figures):
    page = Page(html(marks_of(won("value", 1)), figures))
    images = [found["src"].partition(",")[2] for tag, found in page.tags if tag == "img"]
    return [Image.open(io.BytesIO(base64.b64decode(image))) for image in images], page.text


def test_figures_are_drawn_anew_and_small():
    """Nothing that came with them is left; what is transparent becomes white."""
    words = PngImagePlugin.PngInfo()
    words.add_text("Comment", "<script>")
    (large, small), text = shown_figures(
        {"figures/large.png": png(1800, 900, pnginfo=words, icc_profile=b"x" * 99), "figures/small.png": png(20, 10)}
    )
    assert (large.format, large.size, small.size) == ("JPEG", (900, 450), (20, 10))
    assert not {"comment", "icc_profile", "exif"} & large.info.keys()
    assert np.abs(np.asarray(large, float) - (255, 0, 0)).max() < 4
    assert "figures/large.png" in text
    clear = io.BytesIO()
    Image.new("RGBA", (8, 8), (255, 0, 0, 0)).save(clear, "PNG")
    ((white,), _) = shown_figures({"a.png": clear.getvalue()})
    assert white.getpixel((4, 4)) == (255, 255, 255)


def with_size(width, height):
    """A PNG that says it is larger than it is."""
    data = bytearray(png())
    data[16:24] = width.to_bytes(4, "big") + height.to_bytes(4, "big")
    data[29:33] = zlib.crc32(data[12:29]).to_bytes(4, "big")
    return bytes(data)


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (with_size(5000, 5000), "it has 5000 x 5000 pixels"),
        (with_size(100_000, 100_000), "pixels"),
        (with_size(400, 400), "it is damaged"),
        (png()[:60], "it is damaged"),
        (b"", "it is damaged"),
        (encoded("GIF"), "neither PNG nor JPEG"),
        (encoded("PNG", pnginfo=text_bomb()), "it is damaged"),
        (b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>", "neither PNG nor JPEG"),
    ],
)
def test_a_figure_that_cannot_be_shown_is_named(content, why):
    """The others are shown."""
    images, text = shown_figures({"figures/bad.png": content, "figures/good.png": png()})
    assert len(images) == 1
    assert re.search(f"figures/bad.png is not shown: .*{why}", text)


def test_a_figure_of_a_notebook_stands_below_its_last_task_with_its_caption():
    page = html(marks_of(won("value", 1)), {"writeup/build/figures/05-grad_cam.png": png(), "figures/other.png": png()})
    caption = TABLE["notebooks"]["02_grad_cam"]["figures"]["grad_cam"]["caption"]
    assert (
        page.index('id="grad_cam"') < page.index(caption) < page.index('id="tv_loss"') < page.index("figures/other.png")
    )


def test_no_more_pictures_are_decoded_than_a_person_looks_at(monkeypatch):
    """In number, and in pixels."""
    monkeypatch.setattr(thumbnails, "MOST_PICTURES", 2)
    images, text = shown_figures({f"figures/{name}.png": png() for name in "abc"})
    assert len(images) == 2
    assert "figures/c.png is not shown: it comes after the first 2" in text
    monkeypatch.setattr(thumbnails, "LARGEST_SUM", 1300)
    images, text = shown_figures({f"figures/{name}.png": png() for name in "ab"})
    assert len(images) == 1
    assert "figures/b.png is not shown: the pictures before it" in text


# ------------------------------------------------------------------------------------------------------------ the class


def lines(results):
    return list(csv.reader(io.StringIO(as_csv(class_table(results)).decode("utf-8-sig"))))


def test_in_the_workbook_names_are_text_and_marks_are_numbers():
    """What begins like a formula is none, and an id keeps its zeros."""
    names = ["0012345", "=1+1", "José", "1e5", "2/3"]
    table = class_table([{"score": 2.5, "extra_data": {"submission": name}} for name in names])
    with zipfile.ZipFile(io.BytesIO(as_workbook(table))) as book:
        sheet, texts = (book.read(f"xl/{part}.xml").decode() for part in ("worksheets/sheet1", "sharedStrings"))
    assert all(f"<t>{name}</t>" in texts for name in names)
    assert "<f>" not in sheet
    assert sheet.count("<v>2.5</v>") == 5


def test_the_class_has_one_line_each(marks):
    """A submission that could not be graded has one, too, with the reason and without any mark."""
    about = {"submission": "bob", "problems": ["no zip"], "not_graded": "it is no zip", "tasks": {"grad_cam": 0}}
    assert lines([{"score": 0, "extra_data": about}, gradescope(marks)]) == [
        ["submission", "total", "points", "grad_cam", "tv_loss", "problems", "not graded"],
        ["bob", "", "10.5", "", "", "1", "it is no zip"],
        ["ada", "4.5", "10.5", "1.5", "3", "1", ""],
    ]
    assert lines([]) == [["submission", "total", "points", "problems", "not graded"]]


@pytest.mark.parametrize("name", ["=1+1", "+1", "-1", "@sum(a1)", "\t=1", "\r=1", "=cmd|'/c calc'!A1,\"x\""])
def test_no_name_becomes_a_formula(name):
    """Spreadsheets run what begins like one."""
    _, row = lines([{"score": 0, "extra_data": {"submission": name, "problems": []}}])
    assert row[0][0] == "'"
    assert row[0].lstrip("'").startswith(name[0].encode("unicode_escape").decode())
