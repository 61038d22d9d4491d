"""The report as PDF: Pandoc turns the slides into Typst, Typst sets them with theme.typ."""

import json
import re
import shutil
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

import matplotlib
import panflute
import typst
from panflute import Block, Element, Image, Inline, Math, Para, RawBlock, RawInline, Span, Str

from kit.atomic import write_atomically
from kit.report.figures import Picture, description
from kit.report.formulas import in_a_line
from kit.report.slides import FOLDER, Report, ReportError, convert, copied, figure_image, inside

ACCESSIBLE = ["ua-1"]  # a tagged PDF: every figure and formula described, every letter has a glyph
NO_GLYPH = re.compile(r"the text `\"(.+?)\"` could not be displayed")


@dataclass
class Layout:
    """The first page of each slide and the last page; and what cannot be shown: letters that no font has, bad TeX."""

    first_pages: list[int]
    last_page: int
    without_glyph: str = ""
    unread_formulas: tuple[str, ...] = ()
    unset_formulas: tuple[str, ...] = ()


def write_pdf(report: Report, pictures: dict[str, Picture], folder: Path, path: Path) -> Layout:
    """Write the PDF, whole or not at all, from the pictures' copies in `folder`; fonts are embedded."""
    shutil.copy(FOLDER / "theme.typ", folder)
    for font in (Path(matplotlib.get_data_path()) / "fonts" / "ttf").glob("DejaVuSans*.ttf"):
        shutil.copy(font, folder)  # Typst's own fonts have no Arabic, Hebrew or Georgian; these have
    log = folder / "log.json"
    in_letters: frozenset[str] = frozenset()
    try:
        compiler, slides = laid_out(typst_source(report, pictures, log), folder)
    except RuntimeError as error:
        in_letters = frozenset(formulas_that_stop_it(report, folder))
        if not in_letters:
            raise ReportError(f"the report cannot be set as PDF: {error}; look at what was written last") from error
        compiler, slides = laid_out(typst_source(report, pictures, log, in_letters), folder)
    (last_page,) = json.loads(compiler.query("<last-page>", field="value"))
    layout = Layout([slide["page"] for slide in slides], last_page, "", unread_formulas(log), tuple(sorted(in_letters)))
    pdf, layout.without_glyph = compiled(compiler)
    write_atomically(path, pdf)
    return layout


def laid_out(source: str, folder: Path) -> tuple[typst.Compiler, list[dict]]:
    """The compiler of the whole report, and what it says of its slides. Raises RuntimeError."""
    (folder / "report.typ").write_text(source, "utf-8")
    compiler = typst.Compiler(folder / "report.typ", font_paths=[folder])
    return compiler, json.loads(compiler.query("<slide>", field="value"))


def formulas_that_stop_it(report: Report, folder: Path) -> Iterator[str]:
    """Those that Typst cannot set, one by one: Pandoc may write names that this Typst does not know."""
    blocks = [block for slide in report.slides for block in (slide.heading, *(b for page in slide.pages for b in page))]
    formulas = {formula.text: formula for block in blocks for formula in inside(block, Math)}
    for text, formula in formulas.items():
        path = folder / "formula.typ"
        path.write_text(convert([Para(copied(formula))], "typst", extra_args=["--quiet"]), "utf-8")
        try:
            typst.compile(path, format="svg")
        except RuntimeError:
            yield text


def compiled(compiler: typst.Compiler) -> tuple[bytes, str]:
    """The PDF, accessible if it can be, and the letters that stand in the way because no font has them."""
    try:
        return compiler.compile(format="pdf", pdf_standards=ACCESSIBLE), ""
    except typst.TypstError as error:
        letters = "".join(dict.fromkeys(map(letter, NO_GLYPH.findall(error.diagnostic))))
        if not letters:
            raise
        return compiler.compile(format="pdf"), letters


def letter(quoted: str) -> str:
    """Typst quotes rare letters as \\u{1f600}."""
    return re.sub(r"\\u\{(\w+)\}", lambda match: chr(int(match[1], 16)), quoted)


def unread_formulas(log: Path) -> tuple[str, ...]:
    """The formulas that Pandoc complained about."""
    messages = json.loads(log.read_text("utf-8")) if log.is_file() else []
    return tuple(message["contents"] for message in messages if message["type"] == "CouldNotConvertTeXMath")


def typst_source(
    report: Report, pictures: dict[str, Picture], log: Path, in_letters: Collection[str] = frozenset()
) -> str:
    """The whole report in Typst, some formulas in letters; what Pandoc complains about is in the log."""
    blocks: list[Block] = []
    for slide in report.slides:
        blocks.append(command("slide", title=slide.title, question=slide.is_question))
        blocks.append(typst_words(slide.heading, pictures, in_letters))
        for number, page in enumerate(slide.pages):
            blocks += [command("pagebreak")] if number else []
            for block in page:
                blocks += typst_blocks(block, pictures, in_letters)
    blocks.append(command("last-page"))
    head = command("show: report.with", title=report.title, author=report.author, email=report.email)
    return f'#import "theme.typ": *\n{head.text}\n{convert(blocks, "typst", extra_args=["--quiet", f"--log={log}"])}'


def typst_words(block: Block, pictures: dict[str, Picture], in_letters: Collection[str]) -> Block:
    return copied(block).walk(lambda element, _: typst_inline(element, pictures, in_letters))


def typst_blocks(block: Block, pictures: dict[str, Picture], in_letters: Collection[str]) -> list[Block]:
    """A figure becomes a call of the theme's `figure-page`; formulas and prompts in the text are marked."""
    image = figure_image(block)
    if image is None:
        return [typst_words(block, pictures, in_letters)]
    picture = pictures[image.url]
    if picture.problem:
        return [command("missing-figure", words=picture.problem)]
    caption, alt = description(block, picture)
    call = command("figure-page", path=picture.copy.name, alt=alt or picture.name)
    caption = [typst_words(part, pictures, in_letters) for part in caption]
    return [as_typst(RawBlock(f"{call.text}[")), *caption, as_typst(RawBlock("]"))]


def typst_inline(element: Element, pictures: dict[str, Picture], in_letters: Collection[str]) -> list[Inline] | None:
    if isinstance(element, Math) and element.text in in_letters:
        return [Str(in_a_line(element))]
    if isinstance(element, Math):
        return [raw(f"#described({literal(element.text)})["), element, raw("]")]
    if isinstance(element, Span) and "prompt" in element.classes:
        return [raw("#prompt["), *element.content, raw("]")]
    if isinstance(element, Image):
        picture = pictures[element.url]
        if picture.problem:
            return [Str(f"[{picture.problem}]")]
        alt = panflute.stringify(element).strip() or picture.alt or picture.name
        return [raw(f"#box(image({literal(picture.copy.name)}, alt: {literal(alt)}))")]
    return None


def command(name: str, **arguments: str | bool) -> RawBlock:
    """A call in Typst: `#name(argument: value, ...)`."""
    values = ", ".join(f"{key}: {literal(value)}" for key, value in arguments.items())
    return as_typst(RawBlock(f"#{name}({values})"))


def literal(value: str | bool) -> str:
    return json.dumps(value, ensure_ascii=False)


def raw(text: str) -> RawInline:
    return as_typst(RawInline(text))


def as_typst(element: RawBlock | RawInline) -> RawBlock | RawInline:
    element.format = "typst"  # the constructors' own list of formats is older than Typst
    return element
