"""The README's figures are those of the committed result files."""

from pathlib import Path

from bokehflow.benchmarks.readme import TABLES, filled

ROOT = Path(__file__).resolve().parents[2]


def test_readme_holds_the_committed_results() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert filled(readme, ROOT / "benchmarks" / "results") == readme


def test_every_table_has_its_place() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    for name in TABLES:
        assert f"<!-- {name}:begin -->" in readme


def test_stale_figures_are_replaced() -> None:
    stale = "<!-- quality:begin -->\n| old | 1 |\n<!-- quality:end -->\n"
    fresh = filled(stale, ROOT / "benchmarks" / "results")
    assert "| best |" in fresh
    assert "old" not in fresh
