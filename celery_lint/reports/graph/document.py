"""A graph as plain dictionaries and lists, for programs. The form is stable: fields are only added."""

from __future__ import annotations

from typing import Any

from celery_lint.diagnostics import Diagnostic
from celery_lint.engine.graph.elements import Edge, Graph, Node
from celery_lint.paths import shown
from celery_lint.reports.json import text_of

VERSION = 1


def document(graph: Graph) -> dict[str, Any]:
    """The graph; paths are relative to the working directory."""
    return {
        "version": VERSION,
        "nodes": [_node(node) for node in graph.nodes],
        "edges": [_edge(edge) for edge in graph.edges],
        "diagnostics": [_diagnostic(diagnostic) for diagnostic in graph.others],
    }


def json(graph: Graph) -> str:
    """The graph as one JSON document."""
    return f"{text_of(document(graph))}\n"


def _node(node: Node) -> dict[str, Any]:
    return {
        "id": node.id,
        "kind": node.kind,
        "name": node.name,
        "label": node.label,
        "group": node.group,
        "path": shown(node.path) if node.path else "",
        "line": node.line,
        "mark": node.mark,
        "facts": [{"name": name, "value": value} for name, value in node.facts],
        "diagnostics": [_diagnostic(diagnostic) for diagnostic in node.diagnostics],
    }


def _edge(edge: Edge) -> dict[str, Any]:
    return {
        "source": edge.source,
        "target": edge.target,
        "kind": edge.kind,
        "how": list(edge.how),
        "places": [{"path": shown(path), "line": line} for path, line in edge.places],
    }


def _diagnostic(diagnostic: Diagnostic) -> dict[str, Any]:
    return {
        "code": diagnostic.code,
        "name": diagnostic.name,
        "severity": diagnostic.severity,
        "message": diagnostic.message,
        "help": diagnostic.help,
        "path": shown(diagnostic.path),
        "line": diagnostic.line,
    }
