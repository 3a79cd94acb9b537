"""The table of a run: on the terminal, and in docs/performance.md (`python -m tests.bench.report FILE.json`)."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.table import Table

from tests.bench.measuring import ROOT

PAGE = ROOT / "docs" / "performance.md"
_START, _END = "<!-- measured -->", "<!-- /measured -->"
_HEADINGS = ("", "measured", "Linli", "compared with", "its figure", "ratio", "wanted", "")


def table(benches: Sequence[Mapping[str, Any]], title: str = "Linli, embedded: median (least to greatest)") -> Table:
    """All rows for a terminal."""
    shown = Table(title=title, title_justify="left", show_lines=False)
    for heading in _HEADINGS:
        shown.add_column(heading, justify="right" if heading in ("Linli", "its figure", "ratio") else "left")
    for cells in _lines(benches):
        style = {"r": "green", "m": "red", "n": "yellow"}.get(cells[-1][:1], "")
        shown.add_row(*cells[:-1], f"[{style}]{cells[-1]}[/]" if style else cells[-1])
    return shown


def _lines(benches: Sequence[Mapping[str, Any]]) -> Iterator[tuple[str, ...]]:
    for bench in benches:
        for row in bench["rows"]:
            unit = row["unit"]
            if "missing" in row:
                yield bench["id"], f"{row['what']}, {unit}", "", row["against"], "", "", row["aim"], row["missing"]
                continue
            other = _spread(row["other"]) if "other" in row else ""
            ratio = _spread(row["ratio"], "×") if "ratio" in row else ""
            verdict = row["verdict"]
            yield (
                bench["id"],
                f"{row['what']}, {unit}",
                _spread(row["linli"]),
                row["against"],
                other,
                ratio,
                row["aim"],
                verdict,
            )


def _spread(value: Mapping[str, float], suffix: str = "") -> str:
    return f"{_number(value['median'])}{suffix} ({_number(value['min'])} to {_number(value['max'])})"


def _number(value: float) -> str:
    if value >= 1000:
        return f"{value:,.0f}"
    return f"{value:.3g}" if value < 100 else f"{value:.0f}"


def markdown(result: Mapping[str, Any]) -> str:
    """The table and what it depends on, for the documentation."""
    versions = ", ".join(f"{name} {version}" for name, version in result["versions"].items())
    loads = [load for bench in result["benches"] for load in bench["load"]]
    lines = [
        f"Measured {result['time']} on {result['machine']}, {result['cpus']} cores, {result['rounds']} rounds; load average "
        f"{min(loads):.1f} to {max(loads):.1f} during the run. {versions}.",
        "",
        "| " + " | ".join(_HEADINGS) + " |",
        "|" + "---|" * len(_HEADINGS),
        *("| " + " | ".join(cells) + " |" for cells in _lines(result["benches"])),
    ]
    return "\n".join(lines)


def main() -> None:
    """Replace the table in docs/performance.md."""
    if len(sys.argv) != 2:
        raise SystemExit("usage: python -m tests.bench.report build/bench/<time>.json")
    result = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    if result["scale"] != 1:
        raise SystemExit("this was a quick run; its figures are not published")
    page = PAGE.read_text(encoding="utf-8")
    before, _, rest = page.partition(_START)
    _, found, after = rest.partition(_END)
    if not found:
        raise SystemExit(f"{PAGE} lacks the marks {_START} and {_END}")
    PAGE.write_text(f"{before}{_START}\n{markdown(result)}\n{_END}{after}", encoding="utf-8")
    print(f"{PAGE} brought up to date")


if __name__ == "__main__":
    main()
