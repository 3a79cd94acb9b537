"""A picture of a run: how many times as good as wanted each figure is, on a logarithmic scale."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from html import escape

from tests.bench.measuring import Bound, Line, shown

_WIDTH, _LEFT, _RIGHT = 900, 408, 684  # the scale lies between left and right; words on both sides
_TOP, _ROW = 78, 24
_LEAST, _MOST = 0.01, 100.0  # what lies beyond is drawn at the edge, with its number
_REACHED, _MISSED, _INK, _FAINT = "#1a7f6b", "#c8452d", "#1f2933", "#9aa5b1"
_STYLE = (
    "text{font:12px 'Helvetica Neue',Helvetica,Arial,'Noto Sans',sans-serif;fill:#1f2933}"
    ".title{font-size:15px;font-weight:600}.id{font-weight:600}.faint{fill:#616e7c;font-size:11px}.end{text-anchor:end}"
    ".middle{text-anchor:middle}"
)


def draw(title: str, lines: Sequence[Line]) -> str:
    """An SVG document with a row for each bound that was wanted; every other line of the table is left out."""
    rows = [(line, bound) for line in lines for bound in line.bounds]
    bottom = _TOP + _ROW * len(rows)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {bottom + 40}" width="{_WIDTH}" '
        f'height="{bottom + 40}" role="img" aria-label="{escape(title)}">',
        f"<style>{_STYLE}</style>",
        f'<rect width="{_WIDTH}" height="{bottom + 40}" fill="#ffffff"/>',
        f'<text class="title" x="16" y="26">{escape(title)}</text>',
        *_legend(),
        *_scale(bottom),
    ]
    former = ""
    for number, (line, bound) in enumerate(rows):
        parts += _row(_TOP + _ROW * number, line, bound, line.id if line.id != former else "", number)
        former = line.id
    return "\n".join((*parts, "</svg>", ""))


def _legend() -> Iterator[str]:
    what = "Median of all rounds against the bound that is wanted; thin line: least to greatest round."
    yield f'<text class="faint" x="16" y="46">{what}</text>'
    yield f'<circle cx="{_RIGHT - 160}" cy="42" r="5" fill="{_REACHED}"/><text class="faint" x="{_RIGHT - 150}" y="46">reached</text>'
    yield _diamond(_RIGHT - 90, 42) + f'<text class="faint" x="{_RIGHT - 79}" y="46">missed</text>'
    yield f'<text class="faint" x="{_RIGHT + 14}" y="46">measured, and wanted</text>'


def _scale(bottom: int) -> Iterator[str]:
    for value in (0.01, 0.1, 1, 10, 100):
        x = _x(value)
        colour, width = (_INK, 1.5) if value == 1 else ("#d9dfe5", 1)
        label = "as wanted" if value == 1 else f"{value:g}×"
        yield f'<line x1="{x:.1f}" y1="{_TOP - 6}" x2="{x:.1f}" y2="{bottom}" stroke="{colour}" stroke-width="{width}"/>'
        yield f'<text class="faint middle" x="{x:.1f}" y="{_TOP - 12}">{label}</text>'
        yield f'<text class="faint middle" x="{x:.1f}" y="{bottom + 16}">{label}</text>'
    yield f'<text class="faint" x="{_LEFT}" y="{bottom + 33}">← worse</text>'
    yield f'<text class="faint end" x="{_RIGHT}" y="{bottom + 33}">better →</text>'


def _x(reach: float) -> float:
    share = math.log(min(max(reach, _LEAST), _MOST) / _LEAST) / math.log(_MOST / _LEAST)
    return _LEFT + share * (_RIGHT - _LEFT)


def _diamond(x: float, y: float) -> str:
    return f'<path d="M{x - 6:.1f} {y}L{x:.1f} {y - 6}L{x + 6:.1f} {y}L{x:.1f} {y + 6}Z" fill="{_MISSED}"/>'


def _row(top: int, line: Line, bound: Bound, id: str, number: int) -> Iterator[str]:
    middle, reached = top + _ROW // 2, bound.reach >= 1
    colour = _REACHED if reached else _MISSED
    if number % 2:
        yield f'<rect x="8" y="{top}" width="{_WIDTH - 16}" height="{_ROW}" fill="#f5f7fa"/>'
        yield f'<line x1="{_x(1):.1f}" y1="{top}" x2="{_x(1):.1f}" y2="{top + _ROW}" stroke="{_INK}" stroke-width="1.5"/>'
    yield f'<text class="id" x="16" y="{middle + 4}">{id}</text>'
    against = f" / {line.row.against}" if bound.aim.endswith("×") and line.row.against else ""
    yield _label(f"{line.row.what}{against}", middle)
    x = _x(bound.reach)
    worst, best = _x(bound.worst), _x(bound.best)
    yield (
        f'<line x1="{worst:.1f}" y1="{middle}" x2="{best:.1f}" y2="{middle}" stroke="{colour}" '
        f'stroke-opacity="0.5" stroke-width="2"/>'
    )
    yield f'<circle cx="{x:.1f}" cy="{middle}" r="5" fill="{colour}"/>' if reached else _diamond(x, middle)
    unit = "×" if bound.aim.endswith("×") else ""
    yield f'<text x="{_RIGHT + 14}" y="{middle + 4}">{shown(bound.value)}{unit}<tspan class="faint">  ({escape(bound.aim)})</tspan></text>'


def _label(text: str, middle: int) -> str:
    """Words that are too long are cut, and stand whole in the tooltip and the table."""
    shown = text if len(text) <= 60 else text[:59].rstrip() + "…"
    return f'<text x="50" y="{middle + 4}"><title>{escape(text)}</title>{escape(shown)}</text>'
