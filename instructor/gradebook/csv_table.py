"""Tables as CSV: read whatever a spreadsheet or an LMS has written, and write what no spreadsheet runs."""

import csv
import io
import re
from dataclasses import dataclass
from pathlib import Path

LARGEST = 50 * 10**6  # bytes
SEPARATORS = ",;\t"
FORMULA = ("=", "+", "-", "@", "\t", "\r")  # with these, spreadsheets take a cell for a formula
HARMLESS = re.compile(r"-|[+-]?\d+([.,]\d+)?")  # numbers, and the dash that Moodle writes where there is nothing


class TableError(ValueError):
    """A file that cannot be read as a table; the message names it and the remedy."""


@dataclass(frozen=True)
class CsvTable:
    """All cells are text, as it is written, and every row is as long as the header."""

    header: list[str]
    rows: list[list[str]]


def read_csv(path: Path) -> CsvTable:
    """A table with its names in the first line, in UTF-8, UTF-16 or Windows-1252. Raises TableError, OSError."""
    if path.stat().st_size > LARGEST:
        raise TableError(f"{path.name} has {path.stat().st_size:,} bytes: at most {LARGEST:,} are read")
    text = decoded(path.read_bytes(), path.name)
    first = text.split("\n", 1)[0]
    separator = max(SEPARATORS, key=first.count)
    try:
        lines = [line for line in csv.reader(io.StringIO(text, newline=""), delimiter=separator) if any(line)]
    except csv.Error as error:
        raise TableError(f"{path.name} cannot be read as CSV: {error}") from error
    if not lines:
        raise TableError(f"{path.name} is empty: export it again, with a line for each student")
    header = [name.strip() for name in lines[0]]
    too_long = next((number for number, line in enumerate(lines, 1) if any(line[len(header) :])), None)
    if too_long:
        raise TableError(f"{path.name}, row {too_long}: it has more cells than the header; put texts in quotes")
    return CsvTable(header, [(line + [""] * len(header))[: len(header)] for line in lines[1:]])


def decoded(content: bytes, name: str) -> str:
    """By its byte order mark, else as UTF-8, else as Windows-1252, which spreadsheets in the west write."""
    wide = content.startswith((b"\xff\xfe", b"\xfe\xff"))
    for encoding in ("utf-16",) if wide else ("utf-8-sig", "cp1252"):
        try:
            return content.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise TableError(f"{name} is in an unknown encoding: save it as CSV in UTF-8")


def as_csv(table: list[list[str]]) -> bytes:
    """In UTF-8 without a byte order mark, which some importers take for a part of the first name."""
    file = io.StringIO()
    csv.writer(file, lineterminator="\r\n").writerows([[harmless(cell) for cell in row] for row in table])
    return file.getvalue().encode()


def harmless(cell: str) -> str:
    """The cell; one that spreadsheets would take for a formula gets an apostrophe in front."""
    is_formula = cell.lstrip(" ").startswith(FORMULA) and not HARMLESS.fullmatch(cell.strip())
    return f"'{cell}" if is_formula else cell.replace("\0", "")
