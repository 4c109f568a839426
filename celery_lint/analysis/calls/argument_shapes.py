"""Arguments of `apply_async` that are no tuple and no dictionary."""

from __future__ import annotations

from collections.abc import Iterator

from celery_lint.inventory.tasks.sendings import Sending, Sendings
from celery_lint.inventory.tasks.signatures import Signatures
from celery_lint.model.facts import Place, Value
from celery_lint.model.records import NamedTuple
from celery_lint.project.known import Known, facts

_CALLS = frozenset({"apply_async", "apply", "send_task"})
_SCALARS = frozenset({"~str", "~int", "~float", "~bool", "~bytes", "~len"})
# What looks like a tuple and is none: Celery refuses them all.
_NO_TUPLES = frozenset({*_SCALARS, "~set", "~dict", "~frozenset", "~range"})
_NO_MAPPINGS = frozenset({*_SCALARS, "~list", "~tuple", "~set", "~frozenset", "~range"})


class WrongShape(NamedTuple):
    """Arguments that Celery refuses. ``spread``: it is the second one, given in place of the keywords."""

    place: Place
    sending: Sending
    spread: bool


class ArgumentShapes:
    """How arguments are handed to the calls that take them together."""

    def __init__(self, known: Known) -> None:
        self.project = known.project
        self.functions = known.project.functions
        self.sendings = known.of(Sendings)
        self.signatures = known.of(Signatures)

    @facts
    def wrong(self) -> list[WrongShape]:
        """The arguments that are certainly refused."""
        return list(self._wrong())

    def _wrong(self) -> Iterator[WrongShape]:
        for sending in self.sendings.all:
            value = sending.value
            if value is None or sending.how not in _CALLS or sending.through == "canvas":
                continue
            if any(key == "*" for key, _ in value.keywords) or self._is_own(sending):
                continue
            first = 1 if sending.through == "application" else 0
            items = value.items[first:]
            given = items[0] if items else value.keyword("args")
            second = items[1] if len(items) > 1 else value.keyword("kwargs")
            if given is not None and self._is(sending, given, _NO_TUPLES, ("mapping",)):
                yield WrongShape(sending.module.place(given.span), sending, False)
            elif second is not None and self._is(sending, second, _NO_MAPPINGS, ("sequence",)):
                yield WrongShape(sending.module.place(second.span), sending, True)

    def _is_own(self, sending: Sending) -> bool:
        """Whether the project has its own way to send the task."""
        task = sending.task
        return task is not None and (
            bool(self.signatures.overridden(task)) or not self.signatures.is_plain(task)
        )

    def _is(self, sending: Sending, value: Value, made: frozenset[str], kinds: tuple[str, ...]) -> bool:
        """Whether a value is certainly of one of these kinds, or a scalar."""
        if value.kind == "constant":
            return value.data is not None
        if value.kind in ("text", *kinds) or value.data in ("set", "generator"):
            return True
        if value.kind == "unknown":
            return value.data == "list" and "sequence" in kinds
        if value.kind == "call":
            return value.chain in made
        return value.kind == "name" and self._annotated(sending, value.chain)

    def _annotated(self, sending: Sending, chain: str) -> bool:
        """Whether a parameter that nothing else fills says that it is a scalar."""
        function = sending.function
        return any(
            chain == f"%{parameter.name}" and parameter.annotation in _SCALARS and parameter.required
            for parameter in function.parameters
        ) and not any(chain[1:] in step.stores for step in self.sendings.flow(sending).steps)
