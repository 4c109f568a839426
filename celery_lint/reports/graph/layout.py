"""Where everything stands in the picture of a graph: boxes of rows, in columns from those who send to those
who work.

Each group is one box, so that what belongs together stands together and 150 tasks are a few dozen boxes.
The boxes are layered: each stands right of those that send to it, and a layer that would be too high takes
several columns.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import pairwise
from typing import NamedTuple

from celery_lint.engine.graph.elements import Graph, Node, groups

ROW, HEAD, PADDING = 18, 24, 5
_GAP, _WITHIN, _BETWEEN = 12, 20, 84
_CHARACTER, _NARROWEST, _MOST_CHARACTERS = 7.3, 110, 34
_SWEEPS = 6
#: The room that the picture has in a usual window, and how many heights of columns are tried for it.
_ROOM, _TRIED = (1240, 930), 24
#: Layers that share columns have lines that lead back: that must be worth it. So many always stay apart.
_PRICE, _FEWEST = 0.93, 3
#: So many files that only send are still shown one by one; of more, those of a folder share a box.
_MOST_SENDERS = 12
_LAST = ("Queues", "Workers", "Applications")


class Row(NamedTuple):
    """A node and where it stands; ``y`` is its middle."""

    node: Node
    label: str
    y: int


class Box(NamedTuple):
    """A group and where it stands."""

    title: str
    label: str
    x: int
    y: int
    width: int
    height: int
    rows: tuple[Row, ...]


class Layout(NamedTuple):
    """The boxes, and how much room they take."""

    boxes: list[Box]
    width: int
    height: int


def layout(graph: Graph) -> Layout:
    """The boxes of a graph."""
    held = _boxed(graph)
    group_of = {node.id: title for title, nodes in held.items() for node in nodes}
    joined: dict[str, dict[str, int]] = {title: {} for title in held}
    for edge in graph.edges:
        source, target = group_of[edge.source], group_of[edge.target]
        if source != target and edge.kind not in ("routed", "consumes"):
            joined[source][target] = joined[source].get(target, 0) + 1
    ends = [title for title in held if title in _LAST]
    flowing = {title for title, targets in joined.items() if targets}
    flowing.update(target for targets in joined.values() for target in targets)
    layers = _layers([title for title in held if title in flowing], joined)
    alone = [title for title in held if title not in flowing and title not in ends]
    last = [*sorted(alone, key=lambda title: -len(held[title])), *sorted(ends, key=_LAST.index)]
    heights = {title: HEAD + PADDING + ROW * len(nodes) for title, nodes in held.items()}
    least, whole = max(heights.values(), default=1), sum(heights.values()) + _GAP * len(heights) + 1
    tried = [least * (whole / least) ** (step / _TRIED) for step in range(_TRIED + 1)]
    best, most = Layout([], 1, 1), 0.0
    for merged, together in enumerate(_merged(layers, heights)):
        for highest in tried:
            placed = _placed(together, last, held, heights, highest)
            size = _size(placed) * _PRICE**merged
            if size > most:
                best, most = placed, size
    return best


def _size(placed: Layout) -> float:
    """How large a layout is shown where all of it is seen; more than its own size is no gain."""
    return min(1.0, _ROOM[0] / max(placed.width, 1), _ROOM[1] / max(placed.height, 1))


def _merged(layers: list[list[str]], heights: dict[str, int]) -> Iterator[list[list[str]]]:
    """The layers, and then with one more pair of neighbours in one, the lowest first."""
    yield layers
    while len(layers) > _FEWEST:
        both = [_height([*first, *second], heights) for first, second in pairwise(layers)]
        at = both.index(min(both))
        layers = [*layers[:at], layers[at] + layers[at + 1], *layers[at + 2 :]]
        yield layers


def _boxed(graph: Graph) -> dict[str, list[Node]]:
    """The nodes by their boxes: their groups, and the folders of many files that only send."""
    held = dict(groups(graph))
    senders = [title for title, nodes in held.items() if all(node.kind == "function" for node in nodes)]
    if len(senders) <= _MOST_SENDERS:
        return held
    of_folder: dict[str, list[str]] = {}
    for title in senders:
        of_folder.setdefault(title.rpartition("/")[0], []).append(title)
    for folder, titles in of_folder.items():
        if len(titles) > 1:
            held[f"{folder}/"] = [node for title in titles for node in held.pop(title)]
    return held


# ------------------------------------------------------------------ layers


def _layers(titles: list[str], joined: dict[str, dict[str, int]]) -> list[list[str]]:
    """The groups in layers: each right of those that send to it, but for circles."""
    forward = _without_circles(titles, joined)
    before: dict[str, list[str]] = {title: [] for title in titles}
    for source in titles:
        for target in forward[source]:
            before[target].append(source)
    depth: dict[str, int] = {}
    for title in _in_order(titles, forward, before):
        depth[title] = max((depth[source] + 1 for source in before[title]), default=0)
    for title in titles:  # those to which nobody sends stand next to the first that they send to
        if not before[title] and forward[title]:
            depth[title] = min(depth[target] for target in forward[title]) - 1
    layers: list[list[str]] = [[] for _ in range(max(depth.values(), default=-1) + 1)]
    for title in titles:
        layers[depth[title]].append(title)
    layers = [layer for layer in layers if layer]
    _untangle(layers, forward, before)
    return layers


def _without_circles(titles: list[str], joined: dict[str, dict[str, int]]) -> dict[str, list[str]]:
    """The edges between groups, without those that lead back to where a walk comes from."""
    forward: dict[str, list[str]] = {title: [] for title in titles}
    state: dict[str, int] = {}
    into = {target for targets in joined.values() for target in targets}
    for start in sorted(titles, key=lambda title: title in into):
        if start in state:
            continue
        state[start] = 1
        walk = [(start, iter(sorted(joined[start], key=lambda t: -joined[start][t])))]
        while walk:
            title, targets = walk[-1]
            target = next(targets, None)
            if target is None:
                state[title] = 2
                walk.pop()
            elif state.get(target) == 1:
                continue
            else:
                forward[title].append(target)
                if target not in state:
                    state[target] = 1
                    weights = joined[target]
                    walk.append((target, iter(sorted(weights, key=lambda t, w=weights: -w[t]))))  # type: ignore[misc]
    return forward


def _in_order(titles: list[str], forward: dict[str, list[str]], before: dict[str, list[str]]) -> list[str]:
    """The groups, each behind all that lead to it."""
    waiting = {title: len(before[title]) for title in titles}
    ready = [title for title in titles if not waiting[title]]
    for title in ready:
        for target in forward[title]:
            waiting[target] -= 1
            if not waiting[target]:
                ready.append(target)
    return ready


def _untangle(layers: list[list[str]], forward: dict[str, list[str]], before: dict[str, list[str]]) -> None:
    """Order each layer by the middle of what its groups are joined to, to and fro."""
    for sweep in range(_SWEEPS):
        place = {title: at / max(len(layer) - 1, 1) for layer in layers for at, title in enumerate(layer)}
        for layer in layers if sweep % 2 == 0 else reversed(layers):
            middle = {}
            for title in layer:
                near = before[title] if sweep % 2 == 0 else forward[title]
                near = near or (forward[title] if sweep % 2 == 0 else before[title])
                middle[title] = sum(place[other] for other in near) / len(near) if near else place[title]
            layer.sort(key=middle.__getitem__)
            place.update({title: at / max(len(layer) - 1, 1) for at, title in enumerate(layer)})


# ------------------------------------------------------------------ places


def _placed(
    layers: list[list[str]],
    last: list[str],
    held: dict[str, list[Node]],
    heights: dict[str, int],
    highest: float,
) -> Layout:
    """The boxes of these layers in columns of about this height, and the last where there is room."""
    split = [_columns(layer, heights, highest) for layer in layers]
    flowing = [column for within in split for column in within]
    room = max([highest, *(_height(column, heights) for column in flowing)])
    behind = []
    for title in last:
        fitting = [c for c in flowing if _height([*c, title], heights) <= room]
        fitting[-1].append(title) if fitting else behind.append(title)
    if behind:
        split.append(_columns(behind, heights, room))
    labels = _titles(held)
    widths = {title: _width(labels[title], nodes) for title, nodes in held.items()}
    boxes: list[Box] = []
    x, tallest = _GAP, 0
    columns: list[tuple[int, list[str]]] = []
    for within in split:
        for number, column in enumerate(within):
            columns.append((x, column))
            gap = _WITHIN if number + 1 < len(within) else _BETWEEN
            x += max(widths[title] for title in column) + gap
            tallest = max(tallest, _height(column, heights))
    for left, column in columns:
        y = _GAP + (tallest - _height(column, heights)) // 3
        widest = max(widths[title] for title in column)
        for title in column:
            rows = tuple(
                [
                    Row(node, _short(node.label), y + HEAD + ROW * number + ROW // 2)
                    for number, node in enumerate(held[title])
                ]
            )
            boxes.append(Box(title, labels[title], left, y, widest, heights[title], rows))
            y += heights[title] + _GAP
    return Layout(boxes, max(x - _BETWEEN // 3, 1), tallest + _GAP)


def _height(column: Iterable[str], heights: dict[str, int]) -> int:
    return sum(heights[title] + _GAP for title in column)


def _columns(layer: list[str], heights: dict[str, int], highest: float) -> list[list[str]]:
    """A layer in as many columns as its height asks for, all about as high."""
    total = _height(layer, heights)
    many = max(1, -(-total // max(int(highest), 1)))
    columns: list[list[str]] = [[]]
    filled = 0
    for title in layer:
        height = heights[title] + _GAP
        if columns[-1] and filled + height / 2 > total / many:
            columns.append([])
            filled = 0
        columns[-1].append(title)
        filled += height
    return columns


def _width(label: str, nodes: Iterable[Node]) -> int:
    longest = max([len(label), *(len(_short(node.label)) + _badge(node) for node in nodes)])
    return max(_NARROWEST, int(longest * _CHARACTER) + 34)


def _badge(node: Node) -> int:
    return 4 if node.diagnostics else 0


def _titles(titles: Iterable[str]) -> dict[str, str]:
    """Paths by their last parts, as many as tell them apart: the folder tells more than the file's name."""
    parts = {title: title.removesuffix("/").split("/") for title in titles}
    found = {}
    for title, own in parts.items():
        alike = [other for other in parts.values() if other[-2:] == own[-2:]]
        many = next((n for n in (2, 3, 4) if sum(o[-n:] == own[-n:] for o in alike) == 1), 5)
        found[title] = _short("/".join(own[-many:]) + "/" * title.endswith("/"))
    return found


def _short(text: str) -> str:
    """A name that is not too wide: its end tells more than its start."""
    return text if len(text) <= _MOST_CHARACTERS else f"…{text[1 - _MOST_CHARACTERS :]}"
