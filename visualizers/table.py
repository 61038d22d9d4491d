"""A few numbers or words, shown as a table."""

from collections.abc import Iterable


class Table:
    """Rows of numbers or words under the names of their columns: a table in a notebook, and in a terminal.

    Fractions are shown with three digits. Raises ValueError unless every row has a name.
    """

    def __init__(self, values: Iterable[Iterable[object]], rows: Iterable[str], columns: Iterable[str]) -> None:
        values, rows = list(values), list(rows)
        if len(values) != len(rows):
            raise ValueError(f"there are {len(rows)} names for {len(values)} rows: give each row a name")
        self.cells = [["", *columns], *([row, *map(shown, line)] for row, line in zip(rows, values, strict=True))]

    def _repr_markdown_(self) -> str:
        lines = [f"| {' | '.join(line)} |" for line in self.cells]
        return "\n".join([lines[0], "|".join(["", "---", *["---:"] * (len(self.cells[0]) - 1), ""]), *lines[1:]])

    def __repr__(self) -> str:
        widths = [max(map(len, column)) for column in zip(*self.cells, strict=True)]
        return "\n".join("  ".join(map(str.rjust, line, widths)) for line in self.cells)


def shown(value: object) -> str:
    return f"{value:.3g}" if isinstance(value, float) else str(value)
