"""A graph as a flowchart of Mermaid, which most hosts of repositories draw within Markdown.

https://mermaid.js.org/syntax/flowchart.html
"""

from __future__ import annotations

from celery_lint.engine.graph.elements import Edge, EdgeKind, Graph, Node, NodeKind, groups
from celery_lint.reports.colours import printable

_SHAPES: dict[NodeKind, tuple[str, str]] = {
    "task": ("[", "]"),
    "function": ("(", ")"),
    "entry": ("([", "])"),
    "key": ("{{", "}}"),
    "name": ("[/", "/]"),
    "queue": ("[(", ")]"),
    "pool": ("[[", "]]"),
    "application": ("((", "))"),
}
_ARROWS: dict[EdgeKind, str] = {
    "makes": "-.->",
    "calls": "-.->",
    "chain": "==>",
    "chord": "==>",
    "link": "==>",
}
_CLASSES = """\
  classDef unsent stroke-dasharray:5 4,color:#777
  classDef missing stroke:#c62828,stroke-width:2px,color:#c62828
  classDef unseen stroke-dasharray:2 3
  classDef found stroke:#ef6c00,stroke-width:2px
"""


def mermaid(graph: Graph) -> str:
    """The text of the flowchart."""
    short = {node.id: f"n{number}" for number, node in enumerate(graph.nodes)}
    lines = ["flowchart LR"]
    for number, (title, nodes) in enumerate(groups(graph)):
        lines.append(f"  subgraph g{number}[{_quoted(title)}]")
        lines += [f"    {short[node.id]}{_box(node)}" for node in nodes]
        lines.append("  end")
    lines += [f"  {short[edge.source]} {_arrow(edge)} {short[edge.target]}" for edge in graph.edges]
    lines.append(_CLASSES.rstrip())
    for name in ("unsent", "missing", "unseen"):
        marked = [short[node.id] for node in graph.nodes if node.mark == name]
        if marked:
            lines.append(f"  class {','.join(marked)} {name}")
    found = [short[node.id] for node in graph.nodes if node.diagnostics]
    if found:
        lines.append(f"  class {','.join(found)} found")
    return "\n".join(lines) + "\n"


def _box(node: Node) -> str:
    opening, closing = _SHAPES[node.kind]
    codes = " ".join(dict.fromkeys(diagnostic.code for diagnostic in node.diagnostics))
    return f"{opening}{_quoted(f'{node.label} {codes}'.strip())}{closing}"


def _arrow(edge: Edge) -> str:
    arrow = _ARROWS.get(edge.kind, "-->")
    words = ", ".join(edge.how) if edge.kind in ("sends", "makes", "link", "routed") else edge.kind
    return f"{arrow}|{_quoted(words)}|" if words else arrow


def _quoted(text: str) -> str:
    """A text between quotes: what would end it, or begin an entity, is written as one."""
    escaped = printable(text).replace("#", "#35;").replace("&", "#amp;").replace('"', "#quot;")
    return '"' + escaped.replace("<", "#lt;").replace(">", "#gt;").replace("`", "#96;") + '"'
