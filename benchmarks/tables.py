"""Results as rows of text, for a terminal and for Markdown alike."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

Row = tuple[str, ...]
NONE = "-"
"""Nothing was asked, or there is nothing to compare; what failed says so in words."""
NOT_RUN = "not run"


@dataclass(frozen=True, slots=True)
class Table:
    """A title, column names, and rows of text; the first column names the row."""

    title: str
    columns: Row
    rows: Sequence[Row]

    def markdown(self) -> str:
        """The table in GitHub's Markdown, numbers right aligned."""
        return f"### {self.title}\n\n{self.grid()}"

    def grid(self) -> str:
        """The same without the title."""
        rule = ("---", *("---:" for _ in self.columns[1:]))
        return "\n".join(map(_bar, (self.columns, rule, *self.rows)))


def markdown(tables: Sequence[Table]) -> str:
    """Tables one below the other, for a file."""
    return "\n\n".join(table.markdown() for table in tables) + "\n"


def significant(value: float, unit: str = "", digits: int = 3) -> str:
    """A measured value in so many digits, or all of those before the point, and its unit."""
    rounded = float(f"{value:.{digits}g}")
    text = f"{value:.0f}" if abs(rounded) >= 10.0**digits else f"{value:.{digits}g}"
    return f"{text} {unit}".strip()


def fixed(value: float | None, digits: int = 3) -> str:
    """A value with so many digits after the point, or NONE."""
    return NONE if value is None else f"{value:.{digits}f}"


def psnr_and_ssim(psnr_db: float | None, ssim: float | None) -> str:
    """Both figures of a region in one cell, or NONE where it was not scored."""
    return NONE if psnr_db is None or ssim is None else f"{fixed(psnr_db, 2)} / {fixed(ssim)}"


def _bar(cells: Row) -> str:
    return "| " + " | ".join(map(_escaped, cells)) + " |"


def _escaped(cell: str) -> str:
    """A cell that ends neither its column nor its row, and is no HTML."""
    return " ".join(cell.split()).replace("|", r"\|").replace("<", "&lt;")
