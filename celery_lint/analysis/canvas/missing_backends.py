"""Work that needs a result backend, where there is none or one that cannot do it."""

from __future__ import annotations

from collections.abc import Iterator

from celery_lint.analysis.canvas.made_chords import MadeChords
from celery_lint.inventory.application.backend import Backend, BackendSettings
from celery_lint.inventory.tasks.results import WORDS, Results
from celery_lint.model.facts import Function, Module, Place
from celery_lint.model.records import NamedTuple
from celery_lint.project.known import Known, facts

_CHORDS = frozenset({"celery.chord", "celery.canvas.chord"})
_READING = frozenset({"get", "join", "wait", "collect", "ready", "successful", "failed"})


class MissingBackend(NamedTuple):
    """A chord, or a question to a result (``method``), that the backend does not allow."""

    place: Place
    method: str
    backend: Backend


class MissingBackends:
    """What the result backend of a project does not allow."""

    def __init__(self, known: Known) -> None:
        self.project = known.project
        self.functions = known.project.functions
        self.settings = known.of(BackendSettings)
        self.results = known.of(Results)
        self.made_chords = known.of(MadeChords)

    @facts
    def all(self) -> list[MissingBackend]:
        """All of the product."""
        backend = self.settings.backend
        if backend.kind not in ("none", "rpc"):
            return []
        return [
            MissingBackend(place, method, backend)
            for module, function in self.project.holding("chord", "group", *WORDS)
            for place, method in self._found(module, function, backend.kind == "none")
        ]

    def _found(self, module: Module, function: Function, disabled: bool) -> Iterator[tuple[Place, str]]:
        reads = disabled and function.mentions(*WORDS)
        if function.may_call("group"):
            for call in self.made_chords.of(module, function):
                yield module.place(call.span), ""
        if not reads and not function.may_call("chord"):
            return
        for call in self.functions.calls(module, function):
            leaf = call.leaf()
            if leaf == "chord" and self.project.resolve(module, call.chain).name in _CHORDS:
                yield module.place(call.span), ""
            elif reads and leaf in _READING and not call.is_awaited:
                result = self.results.of(module, function, call.chain.rpartition(".")[0])
                if result is not None and not result.is_eager:
                    yield module.place(call.span), leaf
