"""Whatever a report holds, it is built; every word, formula and picture is in both formats, or in the complaints.

The constructs stand in support/markdown.py. With KIT_FUZZ_ROUNDS=1000 the tests that draw at random go on for hours.
"""

import json
import os
import re

import pypandoc
import pypdf
import pytest
from PIL import Image
from pptx import Presentation

from instructor.tests.support import markdown
from instructor.tests.support.markdown import BLOCK_PLACES, INLINE_PLACES, Fragment
from kit.paths import KIT
from kit.report import build as command

pytestmark = pytest.mark.long

TOP = "---\ntitle: A report\nauthor: Ada Lovelace\nemail: ada@example.org\n---\n\n"
ROUNDS = int(os.environ.get("KIT_FUZZ_ROUNDS", "1"))
PLACES = [*INLINE_PLACES, *(f"{place}*" for place in BLOCK_PLACES)]
# LaTeX that is not just a name: accents, styles and brackets take an argument.
WITH_ARGUMENTS = """
hat bar vec tilde dot ddot acute grave breve check mathring widehat widetilde overline underline overbrace underbrace
mathbb mathbf mathcal mathfrak mathit mathrm mathsf mathtt boldsymbol text textbf textit operatorname mbox sqrt
overset{a} underset{a} stackrel{a} frac{a} dfrac{a} binom{a} xrightarrow cancel boxed phantom color{red} tag label not
"""


@pytest.fixture
def build(tmp_path, monkeypatch, capsys):
    """What the command says about some Markdown: nothing else than a sentence comes out of it."""
    monkeypatch.setenv("KIT_FIGURES", str(tmp_path / "figures"))
    (tmp_path / "figures").mkdir()
    (tmp_path / "writeup").mkdir()
    Image.new("RGB", (60, 40), "red").save(tmp_path / "figures" / "red.png")

    def run(text):
        source = tmp_path / "writeup" / "writeup.md"
        source.write_text(text, "utf-8")
        code = command.main([str(source)])
        printed = capsys.readouterr()
        return code, printed.out + printed.err

    return run


def in_the_pdf(folder):
    """Words, descriptions of pictures and sources of formulas."""
    reader = pypdf.PdfReader(folder / "writeup" / "build" / "writeup.pdf")
    objects = map(reader.get_object, range(1, int(reader.trailer["/Size"])))
    described = [str(item["/Alt"]) for item in objects if isinstance(item, dict) and "/Alt" in item]
    return packed("".join(page.extract_text() for page in reader.pages)), packed(" ".join(described))


def in_the_presentation(folder):
    slides = Presentation(folder / "writeup" / "build" / "writeup.pptx").slides
    elements = [element for slide in slides for element in slide.element.iter()]
    described = " ".join(element.get("descr", "") for element in elements)
    return packed("".join(element.text or "" for element in elements)), packed(described)


def packed(text):
    return re.sub(r"[\s\u200b\u00ad]", "", text)


def lost(fragments, folder, printed):
    """The marks that are neither shown in both formats nor named."""
    (words, described), (slide_words, slide_described) = in_the_pdf(folder), in_the_presentation(folder)
    return [
        f"{fragment.name}: {mark}"
        for fragment in fragments
        for mark in fragment.marks
        if mark not in printed
        and not (
            (mark in described and mark in slide_described)
            or (not mark.startswith("pic") and mark in words + described and mark in slide_words)
        )
    ]


@pytest.mark.parametrize("place", PLACES)
def test_every_construct_in_every_place_is_shown_or_named(place, build, tmp_path):
    fragments = markdown.everything_in(place)
    code, printed = build(TOP + "".join(fragment.markdown for fragment in fragments))
    assert code == 0, printed
    assert not lost(fragments, tmp_path, printed), printed


@pytest.mark.parametrize("seed", range(8 * ROUNDS))
def test_constructs_within_one_another_are_shown_or_named(seed, build, tmp_path):
    fragments = markdown.nested(seed, 25)
    code, printed = build(TOP + "".join(fragment.markdown for fragment in fragments))
    assert code == 0, printed
    assert not lost(fragments, tmp_path, printed), printed


@pytest.mark.parametrize("seed", range(16 * ROUNDS))
def test_a_damaged_report_is_built_or_refused_in_one_sentence(seed, build):
    text = (KIT / "writeup" / "writeup.md").read_text("utf-8")
    code, printed = build(markdown.damaged(text, seed))
    assert code == 0 or re.match(r"^writeup\.md\b.*\n$", printed), printed
    assert "Traceback" not in printed


def formulas():
    """The names that Pandoc takes for a formula, out of the program itself, and what takes an argument."""
    with open(pypandoc.get_pandoc_path(), "rb") as program:
        names = {name.decode() for name in re.findall(rb"(?<=\0)\\[A-Za-z]+(?=\0)", program.read())}
    return [*sorted(names), *(f"\\{name}{{x}}" for name in WITH_ARGUMENTS.split())]


def test_every_symbol_that_pandoc_knows_is_set_or_named(build, tmp_path):
    log, words = tmp_path / "log.json", formulas()
    text = "\n\n".join(f"${formula}$" for formula in words)
    pypandoc.convert_text(text, "typst", "markdown", extra_args=["--quiet", f"--log={log}"])
    refused = {message["contents"] for message in json.loads(log.read_text("utf-8")) if "contents" in message}
    known = [formula for formula in words if formula not in refused]
    assert len(known) > 2000
    fragments = [Fragment(formula, f"mk{i} ${formula}$ end\n\n", (f"mk{i}",)) for i, formula in enumerate(known, 1000)]
    code, printed = build(f"{TOP}## Symbols\n\n" + "".join(fragment.markdown for fragment in fragments))
    assert code == 0, printed
    assert not lost(fragments, tmp_path, printed)
