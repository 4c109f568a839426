"""A graph in the language of Graphviz.

https://graphviz.org/doc/info/lang.html
"""

from __future__ import annotations

from celery_lint.engine.graph.elements import Edge, EdgeKind, Graph, Mark, Node, NodeKind, groups
from celery_lint.reports.colours import printable

_SHAPES: dict[NodeKind, str] = {
    "task": "box",
    "function": "ellipse",
    "entry": "oval",
    "key": "hexagon",
    "name": "parallelogram",
    "queue": "cylinder",
    "pool": "box3d",
    "application": "doublecircle",
}
_STYLES: dict[EdgeKind, str] = {
    "makes": "dashed",
    "calls": "dotted",
    "routed": "dotted",
    "chain": "bold",
    "chord": "bold",
    "link": "bold",
}
_MARKED: dict[Mark, str] = {
    "unsent": ', style="dashed", fontcolor="#777777"',
    "missing": ', color="#c62828", fontcolor="#c62828", penwidth=2',
    "unseen": ', style="dashed"',
}


def dot(graph: Graph) -> str:
    """The text of the graph."""
    short = {node.id: f"n{number}" for number, node in enumerate(graph.nodes)}
    # Without `newrank` Graphviz gives up on circles between clusters: "trouble in init_rank".
    lines = ["digraph tasks {", "  rankdir=LR; newrank=true;", '  node [fontname="sans-serif", fontsize=10];']
    lines.append('  edge [fontname="sans-serif", fontsize=8];')
    for number, (title, nodes) in enumerate(groups(graph)):
        lines += [f"  subgraph cluster_{number} {{", f"    label={_quoted(title)};"]
        lines += [f"    {short[node.id]} [{_attributes(node)}];" for node in nodes]
        lines.append("  }")
    for edge in graph.edges:
        lines.append(f"  {short[edge.source]} -> {short[edge.target]} [{_style(edge)}];")
    return "\n".join([*lines, "}"]) + "\n"


def _attributes(node: Node) -> str:
    codes = " ".join(dict.fromkeys(diagnostic.code for diagnostic in node.diagnostics))
    text = f"label={_quoted(f'{node.label} {codes}'.strip())}, shape={_SHAPES[node.kind]}"
    text += f", tooltip={_quoted(node.name)}"
    if node.mark:
        return text + _MARKED[node.mark]
    return f'{text}, color="#ef6c00", penwidth=2' if node.diagnostics else text


def _style(edge: Edge) -> str:
    words = ", ".join(edge.how) if edge.kind in ("sends", "makes", "link", "routed") else edge.kind
    return f'label={_quoted(words)}, style="{_STYLES.get(edge.kind, "solid")}"'


def _quoted(text: str) -> str:
    return '"' + printable(text).replace("\\", "\\\\").replace('"', '\\"') + '"'
