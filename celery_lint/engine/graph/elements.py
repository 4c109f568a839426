"""What a graph of tasks is made of, and on which of its nodes a diagnostic stands."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal, NamedTuple

from celery_lint.diagnostics import Diagnostic

NodeKind = Literal["task", "function", "entry", "key", "name", "queue", "pool", "application"]
EdgeKind = Literal[
    "sends", "makes", "calls", "chain", "chord", "link", "schedules", "holds", "routed", "consumes"
]
Mark = Literal["", "unsent", "missing", "unseen"]

NODES: dict[NodeKind, str] = {
    "task": "a task",
    "function": "a function that sends",
    "entry": "an entry of a schedule",
    "key": "a key of a registry",
    "name": "a name in a message or a schedule",
    "queue": "a queue",
    "pool": "a worker pool",
    "application": "an application",
}
"""What a node is, by its kind."""

EDGES: dict[EdgeKind, str] = {
    "sends": "sends the task",
    "makes": "makes a signature of the task",
    "calls": "the task reaches this function, which sends",
    "chain": "runs after it in a chain",
    "chord": "runs after all of them, as the body of a chord",
    "link": "runs after it as a link",
    "schedules": "beat sends it",
    "holds": "a registry holds it under this key",
    "routed": "its messages go to this queue",
    "consumes": "its workers take messages of this queue",
}
"""What an edge says, by its kind."""

MARKS: dict[Mark, str] = {
    "unsent": "certainly nobody sends it",
    "missing": "certainly no task has this name",
    "unseen": "no task that is in sight has this name",
}
"""What a mark says."""


class Node(NamedTuple):
    """A thing in the picture. ``group`` is where it stands: a file, the schedule, a registry, the workers …

    ``path`` is absolute, or empty with ``line`` 0; ``lines`` are the first and the last that it takes, with
    its decorators. ``facts`` are pairs of what is known and what it is.
    """

    id: str
    kind: NodeKind
    name: str
    label: str
    group: str
    path: str
    line: int
    lines: tuple[int, int]
    mark: Mark
    facts: tuple[tuple[str, str], ...]
    diagnostics: tuple[Diagnostic, ...] = ()


class Edge(NamedTuple):
    """``source`` and ``target`` are ids of nodes; ``how`` are the methods, ``places`` paths with lines."""

    source: str
    target: str
    kind: EdgeKind
    how: tuple[str, ...]
    places: tuple[tuple[str, int], ...]


class Graph(NamedTuple):
    """Nodes and edges, and the diagnostics that stand on no node."""

    nodes: list[Node]
    edges: list[Edge]
    others: list[Diagnostic]


def with_diagnostics(nodes: list[Node], edges: list[Edge], diagnostics: Iterable[Diagnostic]) -> Graph:
    """Each diagnostic on the nodes in whose lines it, or a place that belongs to it, stands."""
    by_path: dict[str, list[int]] = {}
    for number, node in enumerate(nodes):
        if node.path:
            by_path.setdefault(node.path, []).append(number)
    on: dict[int, list[Diagnostic]] = {}
    others = []
    for diagnostic in diagnostics:
        places = [(diagnostic.path, diagnostic.line), *((r.path, r.line) for r in diagnostic.related)]
        held = [_innermost(nodes, by_path.get(path, ()), line) for path, line in places]
        for number in dict.fromkeys(number for number in held if number is not None):
            on.setdefault(number, []).append(diagnostic)
        if not any(number is not None for number in held):
            others.append(diagnostic)
    marked = [node._replace(diagnostics=tuple(on.get(number, ()))) for number, node in enumerate(nodes)]
    return Graph(marked, edges, others)


def _innermost(nodes: list[Node], numbers: Iterable[int], line: int) -> int | None:
    """The node of a file that holds a line in the fewest lines of its own."""
    best: int | None = None
    fewest = 0
    for number in numbers:
        first, last = nodes[number].lines
        if first <= line <= last and (best is None or last - first < fewest):
            best, fewest = number, last - first
    return best


def within(whole: Graph, paths: Iterable[str]) -> Graph:
    """What stands in these files and folders, and what an edge joins to it."""
    names = set(paths)
    folders = tuple(f"{path}/" for path in names)
    asked = {node.id for node in whole.nodes if node.path in names or node.path.startswith(folders)}
    edges = [edge for edge in whole.edges if edge.source in asked or edge.target in asked]
    shown = asked.union(*((edge.source, edge.target) for edge in edges))
    return Graph([node for node in whole.nodes if node.id in shown], edges, whole.others)


def joined(graphs: Iterable[Graph]) -> Graph:
    """Several graphs as one."""
    found = Graph([], [], [])
    for graph in graphs:
        found.nodes.extend(graph.nodes)
        found.edges.extend(graph.edges)
        found.others.extend(graph.others)
    return found


def groups(graph: Graph) -> list[tuple[str, list[Node]]]:
    """The nodes by their groups, in the order in which these first occur."""
    found: dict[str, list[Node]] = {}
    for node in graph.nodes:
        found.setdefault(node.group, []).append(node)
    return list(found.items())
