"""A graph as one page for a browser, which loads nothing: drawing, facts and script are all in it."""

from __future__ import annotations

import json
import os
import re
from html import escape

from celery_lint.engine.graph.elements import EDGES, MARKS, NODES, Edge, Graph
from celery_lint.reports.colours import printable
from celery_lint.reports.graph.document import document
from celery_lint.reports.graph.layout import HEAD, ROW, Box, Layout, Row, layout

_BADGE = 26
#: The largest size of a text, and how wide its letters are for their size.
_LARGEST, _WIDTH = 15.5, 0.605
_MARKER = re.compile(r"\$(title|width|height|drawing|data)\b")


def page(graph: Graph, title: str) -> str:
    """The page, as HTML."""
    placed = layout(graph)
    data = document(graph)
    data["edgeKinds"], data["marks"], data["nodeKinds"] = EDGES, MARKS, NODES
    with open(os.path.join(os.path.dirname(__file__), "page.html"), encoding="utf-8") as file:
        template = file.read()
    parts = {
        "title": _text(title),
        "width": str(placed.width),
        "height": str(placed.height),
        "drawing": _drawing(graph, placed),
        "data": json.dumps(data).replace("<", "\\u003c"),
    }
    return _MARKER.sub(lambda marker: parts[marker[1]], template)


def _drawing(graph: Graph, placed: Layout) -> str:
    """The lines below the boxes, in the order of the graph's edges."""
    spots = {row.node.id: (box, row) for box in placed.boxes for row in box.rows}
    lines = [_line(edge, *spots[edge.source], *spots[edge.target]) for edge in graph.edges]
    return "\n".join([*lines, *map(_box, placed.boxes)])


def _line(edge: Edge, box: Box, row: Row, other: Box, aim: Row) -> str:
    """A curve from the right side of a row to the left side of another, or back on the same side."""
    x, y, right, to = box.x + box.width, row.y, other.x, aim.y
    if right > x:
        bend = max((right - x) // 2, 30)
        curve = f"M{x} {y}C{x + bend} {y} {right - bend} {to} {right} {to}"
    elif box.x == other.x:
        bend = 24 + min(abs(to - y) // 6, 50)
        curve = f"M{x} {y}C{x + bend} {y} {x + bend} {to} {x} {to}"
    else:
        left, right = box.x, other.x + other.width
        bend = max((left - right) // 2, 40)
        curve = f"M{left} {y}C{left - bend} {y} {right + bend} {to} {right} {to}"
    return f'<path class="edge {edge.kind}" d="{curve}"/>'


def _box(box: Box) -> str:
    x, y, width = box.x, box.y, box.width
    rows = "".join(_row(box, row) for row in box.rows)
    return (
        f'<g class="box"><title>{_text(box.title)}</title>'
        f'<rect class="body" x="{x}" y="{y}" width="{width}" height="{box.height}" rx="6"/>'
        f'<rect class="head" x="{x + 1}" y="{y + 1}" width="{width - 2}" height="{HEAD - 4}" rx="5"/>'
        f'<text class="title" x="{x + 9}" y="{y + 15}"{_far(box.label, width - 14)}>{_text(box.label)}</text>'
        f"{rows}</g>"
    )


def _row(box: Box, row: Row) -> str:
    node = row.node
    severities = {diagnostic.severity for diagnostic in node.diagnostics}
    worst = "e" if "error" in severities else "w" if "warning" in severities else "a" if severities else ""
    names = " ".join(filter(None, ("row", node.kind, node.mark, worst)))
    top, middle = row.y - ROW // 2, box.x + box.width // 2
    badge, room = "", box.width - 16
    if severities:
        left, room = box.x + box.width - _BADGE, room - _BADGE
        badge = (
            f'<rect class="badge" x="{left}" y="{top + 2}" width="20" height="14" rx="7"/>'
            f'<text x="{left + 10}" y="{row.y + 4}" text-anchor="middle">{len(node.diagnostics)}</text>'
        )
    return (
        f'<g class="{names}" data-id="{_text(node.id)}" data-x="{middle}" data-y="{row.y}" tabindex="0">'
        f"<title>{_text(node.name)}</title>"
        f'<rect x="{box.x + 2}" y="{top}" width="{box.width - 4}" height="{ROW}" rx="3"/>'
        f'<text x="{box.x + 10}" y="{row.y + 4}"{_far(row.label, room)}>{_text(row.label)}</text>{badge}</g>'
    )


def _far(label: str, width: int) -> str:
    """The size of a text where the picture is seen from afar: as large as there is room for it."""
    size = min(_LARGEST, width / max(len(label), 1) / _WIDTH)
    return f' style="--far:{size:.1f}px"'


def _text(text: str) -> str:
    return escape(printable(text))
