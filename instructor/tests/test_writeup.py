"""The report: one Markdown file becomes PDF and PowerPoint slides that lose nothing, and a list of open points."""

import json
import os
import re
import time
import zipfile
from pathlib import Path

import panflute
import pypdf
import pytest
from matplotlib.figure import Figure
from PIL import Image
from PIL.PngImagePlugin import PngInfo
from pptx import Presentation
from pptx.shapes.picture import Picture as PictureShape

from kit.assignment import CHECKS, MODULES, QUESTIONS
from kit.paths import KIT
from kit.report import build as command
from kit.report import pdf as typesetting
from kit.report import powerpoint
from kit.report.figures import exporting_notebooks, modules_behind
from kit.report.slides import figure_image, read_report
from visualizers import figures

pytestmark = pytest.mark.long

TOP = "---\ntitle: A report\nauthor: Ada Lovelace\nemail: ada@example.org\n---\n\n"
QUESTION = "## 1 · First {#first .question}\n\nWhy?\n\n"
SENTENCE = "The derivative of the sum is the sum of the derivatives, and every image keeps its own gradient. "


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A place for figures and a report, with one exported figure in it."""
    monkeypatch.setenv("KIT_FIGURES", str(tmp_path / "figures"))
    figure = Figure()
    figure.subplots().plot([0, 1])
    figures.save(figure, "saliency_maps", caption="Maps of five images.", alt="Two rows of pictures.")
    (tmp_path / "writeup").mkdir()
    return tmp_path


@pytest.fixture
def build(folder, monkeypatch, capsys):
    """Run the command on some Markdown: the exit code, what it printed, and the pages of the PDF."""

    def run(markdown, *options):
        source = folder / "writeup" / "writeup.md"
        source.write_text(markdown, "utf-8")
        code = command.main([str(source), *options])
        printed = capsys.readouterr()
        return code, printed.out + printed.err

    return run


def pdf(folder):
    return pypdf.PdfReader(folder / "writeup" / "build" / "writeup.pdf")


def slides(folder):
    return list(Presentation(folder / "writeup" / "build" / "writeup.pptx").slides)


def words(page):
    return " ".join(page.extract_text().replace("\u200b", "").split())


def all_words(folder):
    return " ".join(words(page) for page in pdf(folder).pages)


def all_objects(reader):
    objects = (reader.get_object(number) for number in range(1, len(reader.xref_objStm) + 2000))
    return [item for item in objects if isinstance(item, dict)]


def alternative_texts(reader):
    return [str(item["/Alt"]) for item in all_objects(reader) if "/Alt" in item]


def placed_words(page):
    """Left, bottom and letters of every piece of text on the page."""
    spots = []

    def visit(text, matrix, text_matrix, *_):
        if text.strip():
            left, bottom = text_matrix[4], text_matrix[5]
            a, b, c, d, e, f = matrix
            spots.append((a * left + c * bottom + e, b * left + d * bottom + f, text))

    page.extract_text(visitor_text=visit)
    return spots


def placed_images(page):
    """Left, bottom, right and top of every image on the page."""
    boxes = []

    def before(operator, operands, matrix, _):
        if operator == b"Do":
            a, _, _, d, e, f = matrix
            boxes.append((min(e, e + a), min(f, f + d), max(e, e + a), max(f, f + d)))

    page.extract_text(visitor_operand_before=before)
    return boxes


# ------------------------------------------------------------------------------------------------ the kit's own report


def test_the_report_shows_every_exported_figure_or_says_that_it_is_optional():
    report = read_report()
    shown = {Path(url).stem for url in report.figures}
    optional = set(report.optional_figures)
    assert not shown & optional
    assert shown | optional == exporting_notebooks().keys()


def test_every_question_of_the_report_has_an_answer_and_is_not_to_be_tagged():
    report = read_report()
    questions = [slide.heading.identifier for slide in report.slides if slide.is_question]
    answered = {slide.question for slide in report.slides if slide.answers}
    assert list(questions) == list(QUESTIONS)
    assert set(questions) == answered


def test_the_table_names_the_reports_questions_with_their_titles_and_figures():
    slides = read_report().slides
    titles = {slide.heading.identifier: slide.title.partition("· ")[2] for slide in slides if slide.is_question}
    assert titles == {name: question["title"] for name, question in QUESTIONS.items()}
    figures = {name: [] for name in QUESTIONS}
    for slide in slides:
        images = (figure_image(block) for page in slide.pages for block in page)
        figures.get(slide.question, []).extend(Path(image.url).stem for image in images if image)
    assert figures == {name: question["figures"] for name, question in QUESTIONS.items()}


def test_the_reports_source_is_plain_markdown_whose_figures_an_editor_finds():
    assert all(url.startswith("../figures/") for url in read_report().figures)


def test_the_whole_report_is_built_also_without_any_figure(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("KIT_FIGURES", str(tmp_path / "none"))
    assert command.main(["--output", str(tmp_path)]) == 0
    printed = capsys.readouterr().out
    missing = re.findall(r"figures/(\w+)\.png is missing: run notebooks/(\w+)", printed)
    assert len(missing) == len(read_report().figures)
    shown = " ".join(words(page) for page in pypdf.PdfReader(tmp_path / "writeup.pdf").pages)
    assert all(f"figures/{name}.png is missing" in shown for name, _ in missing)
    presentation = Presentation(tmp_path / "writeup.pptx")
    texts = " ".join(shape.text_frame.text for slide in presentation.slides for shape in slide.placeholders)
    assert all(f"figures/{name}.png is missing" in texts for name, _ in missing)


# ------------------------------------------------------------------------------------------------------------- the PDF


def test_the_pdf_is_wide_tagged_selectable_and_carries_its_fonts(folder, build):
    code, _ = build(f"{TOP}{QUESTION}## Answer\n\n::: answer\nBecause of $x^2$.\n:::\n")
    assert code == 0
    reader = pdf(folder)
    box = reader.pages[0].mediabox
    assert float(box.width) / float(box.height) == pytest.approx(16 / 9, rel=1e-3)
    assert "Ada Lovelace" in words(reader.pages[0])
    assert "ada@example.org" in words(reader.pages[0])
    assert "Because of" in words(reader.pages[2])
    assert reader.trailer["/Root"]["/MarkInfo"]["/Marked"]
    fonts = [item for item in all_objects(reader) if item.get("/Type") == "/FontDescriptor"]
    assert fonts
    assert all({"/FontFile", "/FontFile2", "/FontFile3"} & font.keys() for font in fonts)


def test_a_figure_brings_its_caption_and_alternative_text_along(folder, build):
    build(f"{TOP}{QUESTION}## Maps\n\n![](../figures/saliency_maps.png)\n")
    assert "Maps of five images." in words(pdf(folder).pages[2])
    assert "Two rows of pictures." in alternative_texts(pdf(folder))
    (picture,) = (shape for shape in slides(folder)[2].shapes if isinstance(shape, PictureShape))
    assert picture._element.xpath(".//p:cNvPr/@descr") == ["Two rows of pictures."]


def test_a_caption_and_a_description_of_ones_own_come_first(folder, build):
    build(f'{TOP}{QUESTION}## Maps\n\n![My *own* words](../figures/saliency_maps.png){{alt="what I see"}}\n')
    assert "My own words" in words(pdf(folder).pages[2])
    assert "what I see" in alternative_texts(pdf(folder))
    assert "Two rows of pictures." not in alternative_texts(pdf(folder))


def test_a_picture_without_a_description_is_an_open_point(folder, build):
    Image.new("RGB", (60, 40), "red").save(folder / "figures" / "mine.png")
    _, printed = build(f"{TOP}{QUESTION}## Mine\n\n![](../figures/mine.png)\n")
    assert "mine.png has no description" in printed


def test_a_long_answer_goes_on_and_loses_nothing(folder, build):
    answer = "\n\n".join(f"Paragraph {n}. {SENTENCE * 4}" for n in range(8))
    build(f"{TOP}{QUESTION}## Long\n\n::: answer\n{answer}\n\nThe very last words.\n:::\n")
    reader = pdf(folder)
    assert len(reader.pages) > 4
    assert all("Long (continued)" in words(page) for page in reader.pages[3:])
    assert all(f"Paragraph {n}." in all_words(folder) for n in range(8))
    assert "The very last words." in words(reader.pages[-1])
    pages = slides(folder)
    assert [page.shapes.title.text for page in pages[3:]] == ["Long (continued)"] * (len(pages) - 3)
    shown = " ".join(page.placeholders[1].text_frame.text for page in pages[2:])
    assert shown.count(SENTENCE.strip()[:40]) == 32
    assert "The very last words." in pages[-1].placeholders[1].text_frame.text
    assert max(len(page.placeholders[1].text_frame.text) for page in pages[2:]) < 900


@pytest.mark.parametrize("end", ["", "\n"])
def test_one_long_paragraph_goes_on_however_its_answer_ends(folder, build, end):
    build(f"{TOP}{QUESTION}## Long\n\n::: answer\n{SENTENCE * 40}{end}\n:::\n")
    shown = [page.placeholders[1].text_frame.text for page in slides(folder)[2:]]
    assert len(shown) > 3
    assert max(map(len, shown)) < 1000
    assert " ".join(" ".join(shown).split()).count(SENTENCE.strip()) == 40


def test_one_long_item_goes_on(folder, build):
    build(f"{TOP}{QUESTION}## Long\n\n::: answer\n- {SENTENCE * 40}\n:::\n")
    shown = [page.placeholders[1].text_frame.text for page in slides(folder)[2:]]
    assert max(map(len, shown)) < 1000
    assert " ".join(" ".join(shown).split()).count(SENTENCE.strip()) == 40


def test_a_long_table_goes_on_below_its_head(folder, build):
    table = "| name | value |\n|---|---|\n" + "".join(f"| row{n}. | {n * n} |\n" for n in range(30))
    build(f"{TOP}{QUESTION}## Table\n\n::: answer\n{table}:::\n")
    assert all(f"row{n}." in all_words(folder) for n in range(30))
    heights = [bottom for page in pdf(folder).pages for _, bottom, text in placed_words(page) if "row" in text]
    assert len(heights) >= 30
    assert len(set(heights)) > 10, "rows lie on top of each other"
    assert min(heights) > 30, "rows lie below the page"
    tables = [shape.table for slide in slides(folder) for shape in slide.shapes if shape.has_table]
    names = [row.cells[0].text for table in tables for row in table.rows]
    assert names.count("name") == len(tables) == 3
    assert [name for name in names if name != "name"] == [f"row{n}." for n in range(30)]


def test_a_listing_keeps_its_lines_in_powerpoint(folder, build):
    build(f"{TOP}{QUESTION}## Code\n\n::: answer\n```python\nfor x in y:\n    print(x)\n```\n:::\n")
    shown = slides(folder)[2].placeholders[1].text_frame.text
    assert shown == "for x in y:\v    print(x)"


def test_a_picture_in_a_line_of_text_is_shown_in_powerpoint_too(folder, build):
    build(f"{TOP}{QUESTION}## Inline\n\nBefore ![](../figures/saliency_maps.png) after.\n")
    pictures = [shape for slide in slides(folder) for shape in slide.shapes if isinstance(shape, PictureShape)]
    assert len(pictures) == 1
    assert len(placed_images(pdf(folder).pages[2])) == 1


def test_a_picture_in_a_line_of_text_has_its_size_as_png_and_as_jpeg(folder, build):
    """Which one is smaller, and goes into the report, also depends on what else the file says."""
    path = folder / "figures" / "saliency_maps.png"
    pages = []
    for words in ("", os.urandom(100_000).hex()):
        said = PngInfo()
        said.add_text("words", words)
        with Image.open(path) as picture:
            picture.load()
        picture.save(path, pnginfo=said, dpi=(120, 120))
        build(f"{TOP}{QUESTION}## Inline\n\nBefore ![](../figures/saliency_maps.png) after.\n")
        pages.append([round(length) for length in placed_images(pdf(folder).pages[2])[0]])
    kept = sorted(path.suffix for path in (folder / "writeup" / "build" / "figures").iterdir() if path.is_file())
    assert kept == [".jpg"]
    assert pages[0] == pytest.approx(pages[1], abs=1)


def test_a_rule_between_paragraphs_is_left_out(folder, build):
    code, _ = build(f"{TOP}{QUESTION}## Answer\n\n::: answer\nBefore.\n\n---\n\nAfter.\n:::\n")
    assert code == 0
    assert "Before. After." in all_words(folder)


def test_a_formula_that_is_no_tex_is_named(folder, build):
    code, printed = build(f"{TOP}{QUESTION}## Answer\n\n::: answer\nHere $\\foo{{x}}$ and $x^2$.\n:::\n")
    assert code == 0
    assert "The formula '\\\\foo{x}' is not TeX" in printed
    assert "x^2" not in printed


def test_a_formula_that_typst_cannot_set_is_shown_in_letters_and_named(folder, build, monkeypatch):
    """Pandoc may write names that the Typst of the day has given up; everything else is set."""
    convert = typesetting.convert

    def out_of_date(blocks, to, **options):
        return convert(blocks, to, **options).replace("alpha", "alpha.gone")

    monkeypatch.setattr(typesetting, "convert", out_of_date)
    code, printed = build(f"{TOP}{QUESTION}Before $\\beta^2$.\n\n$$\\alpha + 1$$\n\nAfter.\n")
    assert code == 0, printed
    assert r"✗ The formula '\\alpha + 1' cannot be typeset by this version of Typst" in printed
    assert "beta" not in printed
    shown = all_words(folder)
    assert all(words in shown for words in ("Before", "𝛽", "α + 1", "After."))


def test_formulas_in_headings_and_tables_are_set_in_both_formats(folder, build):
    table = "| layer | rate |\n|---|---|\n| one | $\\lambda^2$ |\n"
    code, printed = build(f"{TOP}## The power $x^2$\n\n{table}")
    assert code == 0, printed
    assert "Pages to tag" in printed
    assert "𝜆" in all_words(folder)
    (slide,) = slides(folder)[1:]
    assert slide.shapes.title.text == "The power x²"
    (rows,) = [shape.table.rows for shape in slide.shapes if shape.has_table]
    assert [cell.text for cell in rows[1].cells] == ["one", "λ²"]


def test_programs_that_cannot_set_formulas_find_them_in_letters_in_the_presentation(folder, build):
    r"""LibreOffice shows the fallback where it does not know the name "a14"."""
    formula = r"$\alpha_k = \frac{1}{Z} \sum_{ij} |g_{ij}|^2$"
    assert build(f"{TOP}## Weights\n\nThe weight is {formula}, a mean.\n")[0] == 0
    with zipfile.ZipFile(folder / "writeup" / "build" / "writeup.pptx") as archive:
        slide = archive.read("ppt/slides/slide2.xml").decode()
    assert 'Requires="a14"' not in slide
    choice, fallback = slide.split("<mc:Fallback>")
    assert "oMath" in choice
    assert "oMath" not in fallback
    said = "".join(re.findall(r"<a:t>(.*?)</a:t>", fallback))
    assert said == "The weight is α_k=1/Z ∑_(ij) |g_(ij)|^2, a mean."


@pytest.mark.parametrize(
    ("formula", "line"),
    [
        (r"\begin{pmatrix} 1 & 2 \\ 3 & 4 \end{pmatrix}", "(1, 2; 3, 4)"),
        (r"\begin{aligned} a &= 1 \\ b &= 2 \end{aligned}", "a=1; b=2"),
    ],
)
def test_rows_of_a_formula_are_told_apart_in_letters(folder, build, formula, line):
    assert build(f"{TOP}## Rows\n\nThey are ${formula}$.\n")[0] == 0
    with zipfile.ZipFile(folder / "writeup" / "build" / "writeup.pptx") as archive:
        fallback = archive.read("ppt/slides/slide2.xml").decode().partition("<mc:Fallback>")[2]
    assert "".join(re.findall(r"<a:t>(.*?)</a:t>", fallback)) == f"They are {line}."


def test_a_picture_may_have_spaces_in_its_name(folder, build):
    Image.new("RGB", (60, 40), "red").save(folder / "figures" / "my photo.png")
    _, printed = build(f"{TOP}{QUESTION}## Mine\n\n![red](<../figures/my photo.png>)\n")
    assert "missing" not in printed
    assert len(placed_images(pdf(folder).pages[2])) == 1


@pytest.mark.parametrize(
    ("path", "complaint"),
    [
        ("https://example.org/x.png", "https://example.org/x.png is an address: save the picture into figures/"),
        ("../../outside.png", "../../outside.png lies outside the kit"),
        ("../figures/../../outside.png", "outside.png lies outside the kit"),
    ],
)
def test_a_picture_from_elsewhere_is_not_shown(folder, build, path, complaint):
    Image.new("RGB", (60, 40), "red").save(folder.parent / "outside.png")
    _, printed = build(f"{TOP}{QUESTION}## Mine\n\n![red]({path})\n")
    assert complaint in printed
    assert not placed_images(pdf(folder).pages[2])


def test_a_heading_directly_below_text_is_a_heading(folder, build):
    build(f"{TOP}{QUESTION}## Answer\n::: answer\nYes.\n:::\n## Next\nMore.\n")
    assert [page.shapes.title.text for page in slides(folder)[2:]] == ["Answer", "Next"]


def test_a_damaged_notebook_does_not_stop_the_report(folder, build, monkeypatch):
    (folder / "notebooks").mkdir()
    (folder / "notebooks" / "01_saliency_maps.ipynb").write_text('{"cells": [', "utf-8")
    monkeypatch.setattr("kit.report.figures.KIT", folder)
    code, printed = build(f"{TOP}{QUESTION}## Maps\n\n![](../figures/saliency_maps.png)\n\n![](../figures/none.png)\n")
    assert code == 0
    assert "figures/none.png is missing" in printed


@pytest.mark.parametrize("block", ["- one item\n" * 40, "1. one item\n" * 40, "```\n" + "x = 1\n" * 40 + "```\n"])
def test_long_lists_and_listings_go_on_too(folder, build, block):
    build(f"{TOP}{QUESTION}## Long\n\n::: answer\n{block}:::\n")
    shown = "\n".join(page.placeholders[1].text_frame.text for page in slides(folder)[2:])
    assert len(slides(folder)) > 4
    assert shown.count("one item") + shown.count("x = 1") == 40
    assert all_words(folder).count("one item") + all_words(folder).count("x = 1") == 40


def test_no_text_runs_off_a_page(folder, build):
    long_word = "overflow" * 40
    wide = "$$" + " + ".join(f"x_{{{n}}}" for n in range(60)) + "$$"
    table = "| " + " | ".join("column" * 2 for _ in range(12)) + " |\n|" + "---|" * 12 + "\n| " + "a | " * 12
    build(
        f"{TOP}{QUESTION}## Wide\n\n::: answer\n{long_word}\n\n{wide}\n\n{table}\n\nhttps://example.org/{long_word}\n:::\n"
    )
    reader = pdf(folder)
    right = float(reader.pages[0].mediabox.width)
    lefts = [left for page in reader.pages for left, _, _ in placed_words(page)]
    assert len(set(lefts)) > 5
    assert all(0 <= left < right - 20 for left in lefts)
    assert all_words(folder).replace(" ", "").count(long_word) == 2


@pytest.mark.parametrize("size", [(2000, 60), (60, 2000), (5000, 4000)])
def test_a_figure_of_any_shape_fits_its_page_with_its_caption(folder, build, size):
    Image.new("RGB", size, "navy").save(folder / "figures" / "mine.png")
    build(f"{TOP}{QUESTION}## Mine\n\nA few words.\n\n![The caption](../figures/mine.png)\n")
    page = pdf(folder).pages[2]
    ((left, bottom, right, top),) = placed_images(page)
    assert left >= 0
    assert bottom >= 0
    assert right <= float(page.mediabox.width) + 0.1
    assert top <= float(page.mediabox.height)
    assert (right - left) / (top - bottom) == pytest.approx(size[0] / size[1], rel=0.02)
    assert max(right - left, top - bottom) > 150, "the figure is too small to be seen"
    assert "The caption" in words(page)
    (picture,) = (shape for slide in slides(folder) for shape in slide.shapes if isinstance(shape, PictureShape))
    assert picture.left >= 0
    assert picture.left + picture.width <= 9144000
    assert picture.top + picture.height <= 5143500


def test_a_photograph_from_a_phone_is_turned_and_made_smaller(folder, build):
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.new("RGB", (4000, 2000), "navy").save(folder / "figures" / "phone.jpg", exif=exif)
    build(f"{TOP}{QUESTION}## Mine\n\n![The caption](../figures/phone.jpg)\n")
    ((left, bottom, right, top),) = placed_images(pdf(folder).pages[2])
    assert (right - left) / (top - bottom) == pytest.approx(0.5, rel=0.02)
    (image,) = pdf(folder).pages[2].images
    assert max(image.image.size) <= 2400


def test_names_in_other_scripts_are_printed(folder, build):
    build(
        TOP.replace("Ada Lovelace", "Анна Łukasiewicz Ἀθηνᾶ")
        + f"{QUESTION}## Answer\n\n::: answer\nÅ ß ñ λ ∂ → ≤\n:::\n"
    )
    assert "Анна Łukasiewicz" in words(pdf(folder).pages[0])
    assert slides(folder)[0].placeholders[1].text_frame.text.startswith("Анна Łukasiewicz")


def test_a_letter_that_no_font_has_is_named_and_the_report_is_built_all_the_same(folder, build):
    code, printed = build(f"{TOP}{QUESTION}## Answer\n\n::: answer\nWhat is \U000f1234?\n:::\n")
    assert code == 0
    assert "No font on this machine has \U000f1234" in printed
    assert len(pdf(folder).pages) == 3


@pytest.mark.parametrize(
    "text", ["#let x = 1", "$5 and $6", "@name", r"C:\path \alpha", "<b>tag</b>", "*open", "a_b_c"]
)
def test_special_letters_are_only_letters(folder, build, text):
    code, _ = build(f"{TOP}{QUESTION}## Answer\n\n::: answer\nBefore {text} after\n:::\n")
    assert code == 0
    shown = all_words(folder)
    assert "Before" in shown
    assert "after" in shown
    assert re.sub(r"<.*?>", "", text).replace("*", "") in shown.replace("*", "")


# ------------------------------------------------------------------------------------------------------- the checklist


def test_title_and_question_slides_say_that_they_are_not_to_be_tagged(folder, build):
    build(f"{TOP}{QUESTION}## Answer\n\n::: answer\nYes.\n:::\n")
    assert ["do not tag" in words(page) for page in pdf(folder).pages] == [True, True, False]
    marked = [
        any(shape.has_text_frame and shape.text_frame.text == "do not tag" for shape in slide.shapes)
        for slide in slides(folder)
    ]
    assert marked == [True, True, False]


def test_the_pages_to_tag_are_those_of_figures_and_answers(folder, build):
    long = "\n\n".join([SENTENCE * 4] * 8)
    second = "## 2 · Second {#second .question}\n\nHow?\n\n## Other\n\n::: answer\nSo.\n:::\n"
    maps = "## Maps\n\n![](../figures/saliency_maps.png)\n\n"
    _, printed = build(f"{TOP}{QUESTION}{maps}## Answer\n\n::: answer\n{long}\n:::\n\n{second}")
    pages = [words(page) for page in pdf(folder).pages]
    last = max(number for number, page in enumerate(pages, start=1) if "Answer" in page)
    (other,) = (number for number, page in enumerate(pages, start=1) if page.startswith("Other"))
    assert f"3-{last}  1 · First" in printed
    assert f" {other}  2 · Second" in printed


@pytest.mark.parametrize(
    ("answer", "state"),
    [
        ("", "empty"),
        ("[Your answer]{.prompt}", "still contains the prompt"),
        ("Mine. [Your answer]{.prompt}", "still contains"),
    ],
)
def test_an_answer_that_is_not_given_is_named(folder, build, answer, state):
    _, printed = build(f"{TOP}{QUESTION}## My answer\n\n::: answer\n{answer}\n:::\n")
    assert f"My answer: {state}" in printed
    assert "✗ Answers: 0 of 1 done" in printed


@pytest.mark.parametrize("answer", ["Yes.", "$x$", "![](../figures/saliency_maps.png)"])
def test_an_answer_in_words_formulas_or_pictures_is_an_answer(folder, build, answer):
    _, printed = build(f"{TOP}{QUESTION}## My answer\n\n::: answer\n{answer}\n:::\n")
    assert "✓ Answers: 1 of 1 done" in printed


def test_a_name_that_was_not_filled_in_is_named(folder, build):
    _, printed = build(TOP.replace("Ada Lovelace", "Your name") + QUESTION)
    assert "author: still 'Your name'" in printed


def test_a_figure_older_than_the_code_that_makes_it_is_named(folder, build):
    path = folder / "figures" / "saliency_maps.png"
    markdown = f"{TOP}{QUESTION}## Maps\n\n![](../figures/saliency_maps.png)\n"
    os.utime(path, (0, 0))
    assert "is older than" not in build(markdown)[1], "times say nothing"
    with Image.open(path) as image:
        words, code = dict(image.text), json.loads(image.text["Code"])
    assert "visualizers/saliency.py" in code
    info = PngInfo()
    for name, value in (words | {"Code": json.dumps(code | {"visualizers/saliency.py": "0" * 64})}).items():
        info.add_itxt(name, value)
    Image.open(path).save(path, pnginfo=info)
    words = "saliency_maps.png is older than visualizers/saliency.py: run notebooks/01_saliency_maps.ipynb again"
    assert words in build(markdown)[1]


@pytest.mark.parametrize("code", ["", "[]", "no JSON", "[1]"])
def test_a_figure_that_does_not_tell_its_code_is_not_called_old(folder, build, code):
    info = PngInfo()
    info.add_itxt("Code", code)
    Image.new("RGB", (60, 40), "red").save(folder / "figures" / "saliency_maps.png", pnginfo=info)
    assert "is older than" not in build(f"{TOP}{QUESTION}## Maps\n\n![](../figures/saliency_maps.png)\n")[1]


def test_the_code_behind_a_figure_is_what_its_notebook_uses():
    names = {
        notebook.name[:2]: {path.stem for path in modules_behind(notebook)}
        for notebook in exporting_notebooks().values()
    }
    assert {"saliency", "scores", "figures", "captum_attributions", "model"} <= names["01"]
    assert not {"tv_loss", "fooling", "sanity_checks"} & names["01"]
    assert {"tv_loss", "transfer", "figures"} <= names["05"]
    assert "saliency" not in names["05"]


def test_what_is_written_for_a_later_notebook_outdates_nothing_of_an_earlier_one():
    """Each task belongs to the notebook that checks it; who goes on to the next has nothing to run again."""
    written = set()
    for notebook in sorted((KIT / "notebooks").glob("[0-9][0-9]_*.ipynb")):
        checked = re.findall(r'check\(\\"(\w+)\\"\)', notebook.read_text("utf-8"))
        written |= {KIT / module for task in checked for module in CHECKS[task]}
        behind = modules_behind(notebook) & {KIT / module for module in MODULES}
        assert behind <= written, f"{notebook.name} is outdated by {sorted(behind - written)}"
    assert written == {KIT / module for module in MODULES}


def test_strict_builds_nothing_while_anything_is_open(folder, build):
    markdown = f"{TOP}{QUESTION}## Maps\n\n![](../figures/no_such.png)\n"
    code, printed = build(markdown, "--strict")
    assert code == 1
    assert "figures/no_such.png is missing" in printed
    assert not (folder / "writeup" / "build").exists()
    assert build(markdown)[0] == 0


def test_strict_builds_a_complete_report(folder, build):
    answer = "## Answer\n\n::: answer\nYes.\n:::\n"
    code, _ = build(f"{TOP}{QUESTION}## Maps\n\n![](../figures/saliency_maps.png)\n\n{answer}", "--strict")
    assert code == 0
    assert len(pdf(folder).pages) == 4


def test_a_heading_that_skips_a_level_is_set_one_level_deeper(folder, build):
    """An accessible PDF allows no gap."""
    code, printed = build(f"{TOP}{QUESTION}#### Deep\n\nOne.\n\n###### Deeper\n\nTwo.\n\n### Back\n\nThree.\n")
    assert code == 0, printed
    assert all(words in all_words(folder) for words in ("Deep", "One.", "Deeper", "Two.", "Back", "Three."))


@pytest.mark.parametrize(
    ("text", "where"),
    [
        ("See [the table](#results).", "nowhere"),
        ("### A {#results}\n\n### B {#results}\n\n[the table](#results)", "more"),
    ],
)
def test_a_link_that_leads_nowhere_or_to_two_places_leaves_its_words_and_is_named(folder, build, text, where):
    code, printed = build(f"{TOP}{QUESTION}{text}\n")
    assert code == 0, printed
    assert re.search(f"✗ The link 'the table' to #results leads to {where}", printed)
    assert "the table" in all_words(folder)


def test_a_link_to_a_heading_of_the_report_stays_a_link(folder, build):
    code, printed = build(f"{TOP}{QUESTION}See [above](#sums).\n\n## The sums {{#sums}}\n\nTwo.\n")
    assert code == 0
    assert "The link" not in printed
    assert [item for item in all_objects(pdf(folder)) if item.get("/Subtype") == "/Link"]


def test_a_picture_in_html_is_shown(folder, build):
    Image.new("RGB", (60, 40), "red").save(folder / "figures" / "mine.png")
    code, printed = build(
        f'{TOP}{QUESTION}In <b>bold</b>.<br>\n\n<img src="../figures/mine.png" alt="red" width="300">\n'
    )
    assert code == 0, printed
    assert sum(len(placed_images(page)) for page in pdf(folder).pages) == 1
    assert [shape for slide in slides(folder) for shape in slide.shapes if isinstance(shape, PictureShape)]
    assert "HTML" not in printed


def test_other_html_is_named(folder, build):
    code, printed = build(f"{TOP}{QUESTION}<table><tr><td>one</td></tr></table>\n\n<video src='a'></video>\n")
    assert code == 0, printed
    assert "✗ HTML is not shown: write what stands in <table> as Markdown" in printed
    assert "<video>" in printed
    assert "<td>" not in printed


@pytest.mark.parametrize("formula", [r"The \( \frac{a}{b} \) is", "\\[\np_k = \\frac{a}{b}\n\\]"])
def test_formulas_in_brackets_are_set(folder, build, formula):
    code, printed = build(f"{TOP}{QUESTION}{formula}\n")
    assert code == 0, printed
    assert "is shown as written" not in printed
    assert "frac" not in all_words(folder)


@pytest.mark.parametrize(
    "formula",
    [
        "\\begin{align}\na &= \\frac{b}{c}\n\\end{align}",
        r"For $ \frac{a}{b} $ it",
        "For $ x $ it",
        "$$\n\np = \\frac{a}{b}\n\n$$",
    ],
)
def test_a_formula_that_is_none_for_pandoc_is_named(folder, build, formula):
    code, printed = build(f"{TOP}{QUESTION}{formula}\n")
    assert code == 0, printed
    assert re.search("✗ .* is shown as written: a formula stands between", printed)


@pytest.mark.parametrize(
    "text", [r"`\frac{a}{b}` and C:\\temp\\x cost $5 or 7 $ each.", "    \\begin{align}", "$x$ and \\* \\_ a"]
)
def test_what_is_no_formula_is_not_taken_for_one(folder, build, text):
    assert "is shown as written" not in build(f"{TOP}{QUESTION}{text}\n")[1]


def test_a_picture_that_is_pasted_into_the_text_is_named_and_not_printed(folder, build):
    code, printed = build(f"{TOP}{QUESTION}## Mine\n\n![red](data:image/png;base64,{'A' * 30_000})\n")
    assert code == 0, printed
    assert "a picture is pasted into the text: save it as a file in figures/" in printed
    assert "AAAAAAAAAA" not in printed + all_words(folder)


def test_what_is_shown_otherwise_is_named_with_its_line_and_slide(folder, build):
    code, printed = build(f"{TOP}{QUESTION}## Answer\n\nOne.\n\nHere $\\foo{{x}}$.\n")
    assert code == 0
    line = 1 + f"{TOP}{QUESTION}## Answer\n\nOne.\n\n".count("\n")
    assert f"it is shown as written (line {line}, on 'Answer')" in printed


def test_a_picture_in_a_title_stands_below_it_and_a_title_without_words_takes_the_pictures(folder, build):
    code, printed = build(f"{TOP}## ![Maps](../figures/saliency_maps.png)\n\nWords.\n\n## {{.x}}\n")
    assert code == 0
    assert "A slide's heading has no words: it is called 'Maps'" in printed
    assert [slide.shapes.title.text for slide in slides(folder)][1:3] == ["Maps", "Maps (continued)"]
    assert len(placed_images(pdf(folder).pages[1])) == 1


def test_what_stops_a_program_is_shown_as_plain_text_and_named_and_everything_else_is_set(folder, build, monkeypatch):
    """Here Typst and PowerPoint stumble over one block each, as they may over what nobody has thought of."""
    set_pdf, set_slides = typesetting.convert, powerpoint.convert

    def stumbling(blocks, to, *others, **options):
        text = set_pdf(blocks, to, *others, **options)
        return text.replace("*bad*", "#panic()").replace("#strong[bad]", "#panic()")

    def refusing(blocks, to, *others, **options):
        if any("worse" in panflute.stringify(block) and not isinstance(block, panflute.CodeBlock) for block in blocks):
            raise RuntimeError("no such thing")
        return set_slides(blocks, to, *others, **options)

    monkeypatch.setattr(typesetting, "convert", stumbling)
    monkeypatch.setattr(powerpoint, "convert", refusing)
    code, printed = build(f"{TOP}## Answer\n\nOne is **bad** here.\n\nOne is worse.\n\nOne is good.\n")
    assert code == 0, printed
    assert "✗ 'One is bad here.' cannot be typeset in the PDF: it is shown as plain text there (line" in printed
    assert "✗ 'One is worse.' cannot be typeset in the presentation: it is shown as plain text there (line" in printed
    for shown in (all_words(folder), " ".join(shape.text_frame.text for shape in slides(folder)[1].shapes)):
        assert all(words in shown for words in ("One is bad here.", "One is worse.", "One is good."))


def test_a_heading_in_an_answer_is_named_with_its_line(folder, build):
    code, printed = build(f"{TOP}{QUESTION}::: answer\nI wrote\n\n# sum the scores\nscores.sum()\n:::\n")
    line = 1 + f"{TOP}{QUESTION}::: answer\nI wrote\n\n# sum".count("\n")
    assert code == 1
    assert f"writeup.md (line {line}, on 'sum the scores'): the block below" in printed


def test_a_picture_is_what_its_bytes_say_whatever_its_name(folder, build):
    """Here a JPEG that somebody renamed; a copy of it as PNG would be larger."""
    Image.new("RGB", (60, 40), "red").save(folder / "figures" / "mine.png", format="JPEG", quality=10)
    code, printed = build(f"{TOP}{QUESTION}## Mine\n\n![red](../figures/mine.png)\n")
    assert code == 0, printed
    assert len(placed_images(pdf(folder).pages[2])) == 1


def test_a_picture_that_is_named_as_the_kit_sees_it_gets_the_right_name_said(folder, build):
    Image.new("RGB", (60, 40), "red").save(folder / "figures" / "mine.png")
    _, printed = build(f"{TOP}{QUESTION}## Mine\n\n![red](figures/mine.png)\n")
    assert "figures/mine.png is not where the report looks for it: write ../figures/mine.png" in printed


def test_a_file_that_is_no_picture_is_shown_as_missing(folder, build):
    (folder / "figures" / "saliency_maps.png").write_text("no picture", "utf-8")
    code, printed = build(f"{TOP}{QUESTION}## Maps\n\n![](../figures/saliency_maps.png)\n")
    assert code == 0
    assert "saliency_maps.png is not a picture" in printed
    assert "saliency_maps.png is not a picture" in all_words(folder)


# ------------------------------------------------------------------------------------------------------------ mistakes


@pytest.mark.parametrize(
    ("markdown", "complaint"),
    [
        (f"{TOP}{QUESTION}## Answer\n\n::: answer\nOpen.\n\n## Next\n", "'Answer' is not closed before this `#`"),
        (f"{TOP}Words before.\n\n{QUESTION}", "'Words before.' stands before the first slide"),
        (TOP, "has no slides"),
        (TOP.replace("author: Ada Lovelace\n", "") + QUESTION, "has no author"),
        ("---\ntitle: [open\n---\n\n" + QUESTION, "cannot be read"),
    ],
)
def test_markdown_that_makes_no_slides_is_explained(folder, build, markdown, complaint):
    code, printed = build(markdown)
    assert code == 1
    assert complaint in printed
    assert "Traceback" not in printed
    assert not (folder / "writeup" / "build").exists()


def test_a_report_that_cannot_be_built_leaves_the_last_one_alone(folder, build):
    build(f"{TOP}{QUESTION}")
    before = (folder / "writeup" / "build" / "writeup.pdf").read_bytes()
    code, _ = build("no slides")
    assert code == 1
    assert (folder / "writeup" / "build" / "writeup.pdf").read_bytes() == before


def test_the_same_report_gives_the_same_pdf(folder, build):
    build(f"{TOP}{QUESTION}## Maps\n\n![](../figures/saliency_maps.png)\n")
    before = (folder / "writeup" / "build" / "writeup.pdf").read_bytes()
    time.sleep(1.1)  # a date would differ
    build(f"{TOP}{QUESTION}## Maps\n\n![](../figures/saliency_maps.png)\n")
    assert (folder / "writeup" / "build" / "writeup.pdf").read_bytes() == before


def test_the_presentation_names_no_folder_of_this_machine(folder, build):
    build(f"{TOP}{QUESTION}## Maps\n\nInline ![](../figures/saliency_maps.png).\n\n![](../figures/saliency_maps.png)\n")
    with zipfile.ZipFile(folder / "writeup" / "build" / "writeup.pptx") as archive:
        texts = [archive.read(name).decode() for name in archive.namelist() if name.endswith(".xml")]
    assert not [text for text in texts if "/tmp" in text or str(folder) in text]
