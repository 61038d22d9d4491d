"""The marks of a class, one line for each submission: marks.csv for programs, marks.xlsx for people.

What a spreadsheet makes of a CSV file is up to it: 0012345 becomes 12345. In a workbook a name is text.
"""

import csv
import io
from collections.abc import Iterable, Mapping, Sequence

import xlsxwriter

from instructor.grading.reports import wording
from instructor.grading.shown import shown

FORMULA = ("=", "+", "-", "@", "\t", "\r")  # with these, spreadsheets take a cell for a formula
Table = list[list[str | float]]


def class_table(results: Iterable[Mapping]) -> Table:
    """From what `gradescope` gave, and of the others the reason: who was not graded has no marks, not even a zero."""
    rows = list(results)
    abouts = [row.get("extra_data", {}) for row in rows]
    tasks = list(dict.fromkeys(task for about in abouts for task in about.get("tasks", {})))
    points = max((about.get("points", 0) for about in abouts), default=0)
    table: Table = [["submission", "total", "points", *tasks, "problems", "not graded"]]
    for row, about in zip(rows, abouts, strict=True):
        name, problems, reason = about.get("submission", ""), about.get("problems", []), about.get("not_graded", "")
        marks = [row["score"], *(about.get("tasks", {}).get(task, 0) for task in tasks)]
        total, *earned = [""] * len(marks) if reason else marks
        table.append([name, total, points, *earned, len(problems), reason])
    return table


def as_csv(table: Table) -> bytes:
    """By the byte order mark, spreadsheets know UTF-8. No text in it is taken for a formula."""
    file = io.StringIO()
    csv.writer(file, lineterminator="\n").writerows([map(cell, row) for row in table])
    return file.getvalue().encode("utf-8-sig")


def cell(value: str | float) -> str:
    if not isinstance(value, str):
        return wording.number(value)
    return f"{chr(39) if value.startswith(FORMULA) else ''}{shown(value)}"


def as_workbook(table: Table) -> bytes:
    file = io.BytesIO()
    with xlsxwriter.Workbook(file, {"in_memory": True}) as book:
        sheet, bold = book.add_worksheet("marks"), book.add_format({"bold": True})
        for number, row in enumerate(table):
            write_row(sheet, number, row, bold if number == 0 else None)
        sheet.freeze_panes(1, 1)
        sheet.autofit()
    return file.getvalue()


def write_row(sheet: xlsxwriter.worksheet.Worksheet, number: int, row: Sequence[str | float], style: object) -> None:
    for column, value in enumerate(row):
        if isinstance(value, str):
            sheet.write_string(number, column, shown(value), style)
        else:
            sheet.write_number(number, column, value, style)
