"""Results as rows of text, for a terminal and for Markdown alike."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

Row = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Table:
    """A title, column names, and rows of text; the first column names the row."""

    title: str
    columns: Row
    rows: Sequence[Row]

    def markdown(self) -> str:
        """The table in GitHub's Markdown, numbers right aligned."""
        lines = [f"### {self.title}", "", _bar(self.columns)]
        lines.append(_bar(("---", *("---:" for _ in self.columns[1:]))))
        lines += [_bar(row) for row in self.rows]
        return "\n".join(lines)


def markdown(tables: Sequence[Table]) -> str:
    """Tables one below the other, for a file."""
    return "\n\n".join(table.markdown() for table in tables) + "\n"


def figure(value: float, unit: str = "", digits: int = 3) -> str:
    """A measured value in so many digits, or all of those before the point, and its unit."""
    text = f"{value:.0f}" if abs(value) >= 10.0**digits else f"{value:.{digits}g}"
    return f"{text} {unit}".strip()


def _bar(cells: Row) -> str:
    return "| " + " | ".join(cells) + " |"
