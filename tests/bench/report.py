"""The tables and pictures of runs, made from their raw figures (`python -m tests.bench.report FILE…`).

The files are copied to docs/figures/, where they take the place of earlier ones of the same shape; docs/performance.md and
docs/images/performance-<shape>.svg are then written from what lies in docs/figures/ and from nothing else.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from statistics import median
from typing import Any

from rich.table import Table

from tests.bench.measuring import Line, evaluate, shown
from tests.bench.picture import draw
from tests.bench.place import CITY, ROOT, SHAPES

PAGE = ROOT / "docs" / "performance.md"
FIGURES = ROOT / "docs" / "figures"
IMAGES = ROOT / "docs" / "images"
Result = Mapping[str, Any]


def main() -> None:
    """Publish runs."""
    if len(sys.argv) < 2:
        raise SystemExit("usage: python -m tests.bench.report build/bench/<time>-<shape>.json …")
    given = [json.loads(Path(name).read_text(encoding="utf-8")) for name in sys.argv[1:]]
    for result, name in zip(given, sys.argv[1:], strict=True):
        if result["scale"] != 1:
            raise SystemExit(f"{name} is a quick run; its figures are not published")
    FIGURES.mkdir(exist_ok=True)
    for shape in {result["shape"] for result in given}:
        for former in FIGURES.glob(f"*-{shape}.json"):
            former.unlink()
    for result in given:
        name = result["time"].replace("-", "").replace(":", "") + f"-{result['shape']}.json"
        (FIGURES / name).write_text(json.dumps(_rounded(result), ensure_ascii=False) + "\n", encoding="utf-8")
    for path, content in published().items():
        path.write_text(content, encoding="utf-8")
        print(f"{path.relative_to(ROOT)} brought up to date")


def published() -> dict[Path, str]:
    """What the page and the pictures are, made from docs/figures/."""
    page = PAGE.read_text(encoding="utf-8")
    found: dict[Path, str] = {}
    for shape in SHAPES:
        files = sorted(FIGURES.glob(f"*-{shape}.json"))
        results = [json.loads(path.read_text(encoding="utf-8")) for path in files]
        page = _replace(page, shape, markdown(results, [path.name for path in files]))
        if results:
            found[IMAGES / f"performance-{shape}.svg"] = draw(f"Linli, {shape}: {_servers(results)}", lines(results))
    return found | {PAGE: page}


def _replace(page: str, shape: str, part: str) -> str:
    start, end = f"<!-- measured: {shape} -->", f"<!-- /measured: {shape} -->"
    before, _, rest = page.partition(start)
    _, found, after = rest.partition(end)
    if not found:
        raise SystemExit(f"{PAGE} lacks the marks {start} and {end}")
    return f"{before}{start}\n{part}\n{end}{after}"


def _rounded(value: Any) -> Any:
    """The same with six significant digits, far finer than any figure repeats."""
    if isinstance(value, float):
        return float(f"{value:.6g}")
    if isinstance(value, Mapping):
        return {name: _rounded(part) for name, part in value.items()}
    return [_rounded(part) for part in value] if isinstance(value, list | tuple) else value


def lines(results: Sequence[Result]) -> list[Line]:
    """All rows of some runs, in the order of their numbers."""
    found = [line for result in results for bench in result["benches"] for line in evaluate(bench)]
    return sorted(found, key=lambda line: int(line.id[1:]))


def _servers(results: Sequence[Result]) -> str:
    return "; ".join(dict.fromkeys(f"{result['broker']}, {result['database']}" for result in results))


def _headings(results: Sequence[Result]) -> tuple[str, ...]:
    ours = "Linli" if results[0]["shape"] != CITY else "Linli on " + " / ".join({r["database"]: 0 for r in results})
    return "", "measured", ours, "compared with", "its figure", "ratio", "wanted", ""


def table(result: Result) -> Table:
    """All rows for a terminal."""
    title = f"Linli, {result['shape']} ({_servers([result])}): median (least to greatest)"
    rows = Table(title=title, title_justify="left", show_lines=False)
    headings = _headings([result])
    for number, heading in enumerate(headings):
        rows.add_column(heading, justify="right" if number in (2, 4, 5) else "left")
    for cells in _cells([result]):
        style = {"r": "green", "m": "red", "n": "yellow"}.get(cells[-1][:1], "")
        rows.add_row(*cells[:-1], f"[{style}]{cells[-1]}[/]" if style else cells[-1])
    return rows


def _cells(results: Sequence[Result]) -> Iterator[tuple[str, ...]]:
    for line in lines(results):
        row = line.row
        aims = ", ".join(bound.aim for bound in line.bounds) or "-"
        yield (
            line.id,
            f"{row.what}, {row.unit}",
            _spread(line.linli),
            row.against,
            _spread(line.other),
            _spread(line.ratio, "×"),
            aims,
            line.verdict,
        )


def _spread(values: Sequence[float], suffix: str = "") -> str:
    if not values:
        return ""
    return f"{shown(median(values))}{suffix} ({shown(min(values))} to {shown(max(values))})"


def markdown(results: Sequence[Result], names: Sequence[str]) -> str:
    """Picture, table and what they depend on, for the documentation."""
    if not results:
        return "No run of this shape has been published yet."
    shape, headings = results[0]["shape"], _headings(results)
    parts = [
        f"![How far each figure of the {shape} shape is from what is wanted](images/performance-{shape}.svg)\n",
        "| " + " | ".join(headings) + " |",
        "|" + "---|" * len(headings),
        *("| " + " | ".join(cells) + " |" for cells in _cells(results)),
        "",
        *(_depends(result, name) for result, name in zip(results, names, strict=True)),
    ]
    return "\n".join(parts)


def _depends(result: Result, name: str) -> str:
    loads = [load for bench in result["benches"] for load in bench["load"]] or [0.0]
    versions = ", ".join(f"{package} {version}" for package, version in result["versions"].items())
    failed = "".join(f" Failed and not measured: {id} ({why.splitlines()[0]})." for id, why in result["failed"].items())
    return (
        f"[Raw figures](figures/{name}): measured {result['time']} on {result['machine']}, {result['cpus']} cores, "
        f"{result['broker']}, {result['database']}, {result['rounds']} rounds; load average {min(loads):.1f} to "
        f"{max(loads):.1f} during the run. {versions}.{failed}"
    )


if __name__ == "__main__":
    main()
