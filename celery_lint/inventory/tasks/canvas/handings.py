"""Which signature runs after which others: in chains, behind a ``|``, as the body of a chord, as a link.

https://docs.celeryq.dev/en/stable/userguide/canvas.html
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from celery_lint.diagnostics import Span
from celery_lint.inventory.tasks.sendings import Sending, Sendings
from celery_lint.libraries.celery import CANVASES
from celery_lint.model.calls import Call
from celery_lint.model.facts import Function, Module, Value
from celery_lint.model.records import NamedTuple
from celery_lint.project.known import Known, once

_SIGNATURES = frozenset({"s", "si"})
Kind = Literal["chain", "chord", "link", "link_error"]
_LINKS: tuple[Kind, ...] = ("link", "link_error")
_DEEPEST = 8


class Handing(NamedTuple):
    """A signature that runs after others. ``before`` are those that are in sight, of a chord all its header.

    ``certain``: it certainly gets a result in front of its arguments, unless it is immutable.
    """

    kind: Kind
    before: tuple[Sending, ...]
    after: Sending
    certain: bool


class Handings:
    """The later links of chains, the bodies of chords and the links of messages."""

    def __init__(self, known: Known) -> None:
        self.project = known.project
        self.functions = known.project.functions
        self.sendings = known.of(Sendings)

    @once
    def all(self) -> list[Handing]:
        """All of the product, in the order of the source."""
        return [
            handing
            for module, function in self.project.holding(".s\t", ".si\t")
            for handing in _Reading(self, module, function).handings()
        ]


class _Reading:
    """The handings of one function."""

    def __init__(self, all_: Handings, module: Module, function: Function) -> None:
        self.project = all_.project
        self.sendings = all_.sendings
        self.module = module
        self.function = function
        self.calls = all_.functions.calls(module, function)
        self.made: dict[Span, Sending] = {}
        self.named: dict[str, list[Sending]] = {}
        self.inside: dict[int, list[Call]] = {}
        self.starting: dict[int, list[Call]] = {}
        for call in self.calls:
            self.inside.setdefault(call.parent, []).append(call)
            self.starting.setdefault(call.span.start, []).append(call)
            sending = self.sendings.of(module, function, call) if call.leaf() in _SIGNATURES else None
            if sending is not None and sending.through == "task":
                self.made[call.span] = sending
                if call.is_bound:
                    self.named.setdefault(f"{call.chain}()", []).append(sending)

    def handings(self) -> Iterator[Handing]:
        """One for each signature that runs after another."""
        if not self.made:
            return
        found: dict[Span, Handing] = {}
        for call in self.calls:
            for handing in (*self._piped(call), *self._taking(call)):
                span = handing.after.call.span
                known = found.get(span)
                if known is None or (handing.certain and not known.certain):
                    found[span] = handing
        yield from (found[span] for span in self.made if span in found)

    def _piped(self, call: Call) -> Iterator[Handing]:
        """``first.s() | second.s()``: an empty chain before the ``|`` would hand nothing on."""
        if not call.is_piped_into:
            return
        earlier = (other for other in self.inside[call.parent] if other.span.end < call.span.start)
        last = max(earlier, key=lambda other: other.span.end, default=None)
        for after in self._starts(call):
            before = self._ends(last) if last is not None else ()
            certain = last is not None and self._surely_sends(last) and call.span in self.made
            yield Handing("chain", before, after, certain)

    def _taking(self, call: Call) -> Iterator[Handing]:
        """What gets a result among the arguments of a call."""
        if call.leaf() == "link":
            yield from self._linked(call)
        value = self.function.value_of(call)
        if value is None:
            return
        made = self._canvas(call)
        if made == "chain":
            yield from self._chain(call, value)
        elif made == "chord":
            body = value.items[1] if len(value.items) > 1 else value.keyword("body")
            certain = not any(key == "*" for key, _ in value.keywords)
            header = [child for child in self._children(call) if body is None or child.span != body.span]
            yield from self._bodies(body, header, certain)
        elif made == "chord()":  # chord(header)(body)
            header = [child for other in self._heads(call) for child in self._children(other)]
            yield from self._bodies(value.first(), header, True)
        elif call.leaf() == "apply_async":
            yield from self._links(call, value)

    def _chain(self, call: Call, value: Value) -> Iterator[Handing]:
        behind = self._behind_the_first(call, value)
        certain = {item.span for item in behind}
        before: tuple[Sending, ...] = ()
        for child in self._children(call):
            for after in self._starts(child):
                if before or child.span in certain:
                    yield Handing("chain", before, after, child.span in certain)
            before = self._ends(child)
        for item in behind:
            signature = self._signature(item) if item.span not in self.made else None
            if signature is not None:
                yield Handing("chain", (), signature, True)

    def _bodies(self, body: Value | None, header: list[Call], certain: bool) -> Iterator[Handing]:
        if body is None:
            return
        before = tuple([end for child in header for end in self._ends(child)])
        signature = self._signature(body) if body.span not in self.made else None
        if signature is not None:
            yield Handing("chord", before, signature, certain)
        for call in self.starting.get(body.span.start, ()):
            if call.span == body.span:
                for after in self._starts(call):
                    yield Handing("chord", before, after, certain and call.span in self.made)

    def _links(self, call: Call, value: Value) -> Iterator[Handing]:
        sending = self.sendings.of(self.module, self.function, call)
        if sending is None:
            return
        certain = sending.through in ("task", "signature") or self._canvas_of(call) in ("chain", "chord")
        before = (sending,) if sending.through == "task" else ()
        for kind in _LINKS:
            link = value.keyword(kind)
            items = () if link is None else link.items if link.kind == "sequence" else (link,)
            for item in items:
                signature = self._signature(item)
                if signature is not None:
                    yield Handing(kind, before, signature, certain and kind == "link")

    def _linked(self, call: Call) -> Iterator[Handing]:
        """``signature.link(other)``."""
        target = self.sendings.target(self.module, self.function, call.chain.rpartition(".")[0])
        given = call.argument(0, "callback")
        if target is None or target.through != "signature" or given.kind != "call":
            return
        after = self.made.get(self.calls[given.number].span)
        if after is not None:
            yield Handing("link", (), after, True)

    # ------------------------------------------------------------------ what canvases are made of

    def _signature(self, value: Value) -> Sending | None:
        """The signature that a value is: made there, with options of its message, or bound to a name."""
        if value.span in self.made:
            return self.made[value.span]
        if value.kind == "name":
            found = self.named.get(value.chain, ())
            changed = self.function.mentions(f"{value.chain}.")  # `last.set(immutable=True)`
            return found[0] if len(found) == 1 and not changed else None
        if value.kind == "call" and value.chain.endswith(".set"):
            for call in self.starting.get(value.span.start, ()):
                if call.span == value.span and (call.keyword("immutable") or call.is_open_ended):
                    return None
            made = [call for call in self.starting.get(value.span.start, ()) if call.span in self.made]
            return self.made[made[0].span] if len(made) == 1 else None
        return None

    def _surely_sends(self, call: Call, depth: int = 0) -> bool:
        """Whether what a call makes certainly hands on a result: an empty chain would not."""
        if call.span in self.made:
            return True
        made = self._canvas(call) if depth < _DEEPEST else ""
        if made == "chain":
            value = self.function.value_of(call)
            direct = {item.span for item in _links_of(value)} if value is not None else set()
            children = (child for child in self._children(call) if child.span in direct)
            return any(self._surely_sends(child, depth + 1) for child in children)
        return made in ("group", "chord")

    def _behind_the_first(self, call: Call, value: Value) -> list[Value]:
        """The links of a chain that stand behind one which is certainly there."""
        items = _links_of(value)
        sure = {child.span for child in self._children(call) if self._surely_sends(child)}
        for number, item in enumerate(items):
            if item.span in sure or self._signature(item) is not None:
                return [later for later in items[number + 1 :] if later.kind in ("call", "name")]
        return []

    def _canvas_of(self, call: Call) -> str:
        """What kind of canvas a call sends."""
        target = self.sendings.target(self.module, self.function, call.chain.rpartition(".")[0])
        return target.made if target is not None else ""

    def _canvas(self, call: Call) -> str:
        """``chain``, ``group``, ``chord`` or, for what is called with a body, ``chord()``."""
        name = f"{self.project.resolve(self.module, call.chain).name}()"
        if name in CANVASES:
            return name.rpartition(".")[2].removesuffix("()")
        return "chord()" if name.endswith(".chord()()") and name.removesuffix("()") in CANVASES else ""

    def _children(self, call: Call) -> list[Call]:
        """The signatures and canvases among the arguments of a canvas."""
        inside = self.inside.get(call.number, ())
        return [child for child in inside if child.span in self.made or self._canvas(child)]

    def _heads(self, call: Call) -> list[Call]:
        """The call that gives what this one calls."""
        same = self.starting[call.span.start]
        return [other for other in same if other is not call and self._canvas(other)]

    def _starts(self, call: Call, depth: int = 0) -> tuple[Sending, ...]:
        """The signatures that run first in what a call makes."""
        return self._outer(call, first=True, depth=depth)

    def _ends(self, call: Call, depth: int = 0) -> tuple[Sending, ...]:
        """The signatures whose results what a call makes hands on."""
        return self._outer(call, first=False, depth=depth)

    def _outer(self, call: Call, first: bool, depth: int) -> tuple[Sending, ...]:
        if call.span in self.made:
            return (self.made[call.span],)
        made = self._canvas(call) if depth < _DEEPEST else ""
        children = self._children(call) if made else []
        if made == "chain":
            children = children[:1] if first else children[-1:]
        elif made == "chord" and children:
            children = children[:-1] if first else children[-1:]
        return tuple([found for child in children for found in self._outer(child, first, depth + 1)])


def _links_of(value: Value) -> tuple[Value, ...]:
    """What a chain is made of, in a list or not."""
    items = value.items
    if len(items) == 1 and items[0].kind == "sequence":
        return items[0].items
    return items
