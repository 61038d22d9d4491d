"""Formulas for programs that cannot typeset them: in a line of text, and as the alternative that a slide offers."""

import copy

from lxml import etree
from lxml.etree import _Element as Node
from panflute import Math, Para

from kit.report.slides import convert

MATH = "{http://schemas.openxmlformats.org/officeDocument/2006/math}"
DRAWING = "{http://schemas.openxmlformats.org/drawingml/2006/main}"
COMPATIBILITY = "{http://schemas.openxmlformats.org/markup-compatibility/2006}"
OFFICE_2010 = "{http://schemas.microsoft.com/office/drawing/2010/main}"


def in_a_line(formula: Math) -> str:
    """The formula as plain text: x² and α where letters are enough, its source where they are not."""
    inline = Math(formula.text, format="InlineMath")
    return convert([Para(inline)], "plain", extra_args=["--quiet", "--wrap=none"]).strip().strip("$")


def give_fallbacks(slide: Node) -> None:
    """Pandoc wraps text with formulas in an alternative that PowerPoint alone can show; here the others get theirs.

    LibreOffice goes by the name that a namespace has in the file: it takes "a14" for one that it knows, and drops the
    formulas. Under another name it reads the fallback.
    """
    for alternatives in list(slide.iter(f"{COMPATIBILITY}AlternateContent")):
        (old,) = alternatives
        choice = etree.Element(old.tag, {"Requires": "office2010"}, nsmap={"office2010": OFFICE_2010.strip("{}")})
        fallback = etree.Element(f"{COMPATIBILITY}Fallback")
        for shape in list(old):
            fallback.append(copy.deepcopy(shape))
            choice.append(shape)
        alternatives[:] = [choice, fallback]
        for formula in list(fallback.iter(f"{OFFICE_2010}m")):
            run = etree.Element(f"{DRAWING}r")
            etree.SubElement(run, f"{DRAWING}rPr", i="1")
            etree.SubElement(run, f"{DRAWING}t").text = linear(formula)
            formula.getparent().replace(formula, run)


def linear(node: Node | None) -> str:
    """Office's formula in a line: (a)/(b), x_i, x^2, ∑_(i) x, (1, 2; 3, 4)."""
    if node is None:
        return ""
    kind, part = node.tag.removeprefix(MATH), {child.tag.removeprefix(MATH): child for child in node}
    inside = {name: linear(child) for name, child in part.items()}
    base = inside.get("e", "")
    below, above = attached("_", inside.get("sub")), attached("^", inside.get("sup"))
    match kind:
        case "t":
            return node.text or ""
        case "f":
            return f"{grouped(inside['num'])}/{grouped(inside['den'])}"
        case "sSub" | "sSup" | "sSubSup":
            return base + below + above
        case "nary":
            return f" {setting(node, 'chr', '∫')}{below}{above} {base}"
        case "limLow":
            return base + attached("_", inside["lim"]) + " "
        case "limUpp":
            return base + attached("^", inside["lim"])
        case "d":
            items = ", ".join(linear(child) for child in node.findall(f"{MATH}e"))
            return setting(node, "begChr", "(") + items + setting(node, "endChr", ")")
        case "rad":
            return f"√{grouped(base)}"
        case "m":
            return "; ".join(linear(row) for row in node.findall(f"{MATH}mr"))
        case "eqArr":
            return "; ".join(linear(row).replace("&", "") for row in node.findall(f"{MATH}e"))
        case "mr":
            return ", ".join(map(linear, node))
        case "acc":
            return base + setting(node, "chr", "\u0302")
    return "".join(map(linear, node))


def attached(sign: str, text: str | None) -> str:
    text = (text or "").strip("\u200b ")
    return sign + grouped(text) if text else ""


def grouped(text: str) -> str:
    return text if len(text) == 1 else f"({text})"


def setting(node: Node, name: str, default: str) -> str:
    """A character out of the node's properties, such as the brackets of a pair."""
    found = node.find(f"{node.tag}Pr/{MATH}{name}")
    return default if found is None else found.get(f"{MATH}val", default)
