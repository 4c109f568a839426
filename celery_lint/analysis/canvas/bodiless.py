"""Chords that are sent without a body."""

from __future__ import annotations

from collections.abc import Iterator

from celery_lint.inventory.tasks.results import only_binding
from celery_lint.libraries.celery import CHORDS
from celery_lint.model.calls import Call
from celery_lint.model.facts import Function, Module, Place, Value
from celery_lint.model.records import NamedTuple
from celery_lint.project.known import Known, facts


class BodilessChord(NamedTuple):
    """A chord that is sent, and nothing gives it a body. ``how``: ``apply_async``, ``delay``, or a call."""

    place: Place
    how: str
    made: Place


class BodilessChords:
    """The chords that have a header alone."""

    def __init__(self, known: Known) -> None:
        self.project = known.project
        self.functions = known.project.functions

    @facts
    def sent(self) -> list[BodilessChord]:
        """Those that are sent."""
        return [
            fact
            for module, function in self.project.calling("chord")
            for fact in self._sent(module, function)
        ]

    def _sent(self, module: Module, function: Function) -> Iterator[BodilessChord]:
        calls = self.functions.calls(module, function)
        made = [call for call in calls if call.leaf() == "chord" and self._is_chord(module, call)]
        for chord in made:
            value = function.value_of(chord)
            if value is None or not _has_no_body(value):
                continue
            for call in calls:
                if self._sends(module, function, chord, call):
                    how = call.leaf() if call.chain.rpartition(".")[0] == f"{chord.chain}()" else "()"
                    yield BodilessChord(module.place(call.span), how, module.place(chord.span))

    def _is_chord(self, module: Module, call: Call) -> bool:
        return self.project.resolve(module, call.chain).name in CHORDS

    def _sends(self, module: Module, function: Function, chord: Call, call: Call) -> bool:
        """Whether a call sends this chord, and gives it no body."""
        if call.is_open_ended or not self._is_of(module, function, chord, call):
            return False
        named = {given.keyword for given in call.takes}
        if call.chain == f"{chord.chain}()":
            return not call.takes
        if call.chain == f"{chord.chain}().delay":
            return "body" not in named
        return (
            call.chain == f"{chord.chain}().apply_async"
            and len(call.positional) < 2
            and "kwargs" not in named
        )

    def _is_of(self, module: Module, function: Function, chord: Call, call: Call) -> bool:
        """Whether a call is one of this chord: on the spot, or of the variable that holds it and no more."""
        if call.span.start == chord.span.start:
            return True
        flow = self.functions.of(module, function)
        bound, step = flow.step_of(chord), flow.step_of(call)
        if bound is None or step is None or bound.kind != "assign" or bound.value != f"{chord.chain}()":
            return False
        name = bound.name
        readers = [other for other in flow.steps if name in other.loads]
        return only_binding(flow, name) is bound and readers == [step]


def _has_no_body(chord: Value) -> bool:
    if chord.open_ended():
        return False
    body = chord.items[1] if len(chord.items) > 1 else chord.keyword("body")
    return body is None or (body.kind == "constant" and body.data is None)
