"""What tasks hand to ``replace`` that is no signature any more."""

from __future__ import annotations

from collections.abc import Iterator

from celery_lint.inventory.code.bodies import Bodies, Body
from celery_lint.inventory.tasks.in_force import OptionsInForce
from celery_lint.libraries.celery import CANVASES, SENDING
from celery_lint.model.calls import Call
from celery_lint.model.facts import Place
from celery_lint.model.records import NamedTuple
from celery_lint.project.known import Known, facts


class SentReplacement(NamedTuple):
    """A call of ``replace`` that gets what sending has given back. ``task`` is the one that is replaced."""

    place: Place
    task: str


class Replacements:
    """The calls of ``replace`` of a project."""

    def __init__(self, known: Known) -> None:
        self.project = known.project
        self.functions = known.project.functions
        self.bodies = known.of(Bodies)
        self.in_force = known.of(OptionsInForce)

    @facts
    def sent(self) -> list[SentReplacement]:
        """The results that are handed to ``replace`` in place of a signature."""
        return [fact for body in self.bodies.all for fact in self._sent(body)]

    def _sent(self, body: Body) -> Iterator[SentReplacement]:
        task = body.task
        if task.function is None or not body.function.may_call(".replace"):
            return
        if not self.in_force.is_bound(task):
            return
        calls = self.functions.calls(body.module, body.function)
        for call in calls:
            if call.chain == f"%{task.function.first()}.replace" and self._is_result(body, calls, call):
                yield SentReplacement(body.module.place(call.span), task.label)

    def _is_result(self, body: Body, calls: list[Call], call: Call) -> bool:
        given = call.argument(0, "sig")
        made = calls[given.number].chain if given.kind == "call" else given.chain.removesuffix("()")
        if not made or (given.kind == "name" and not given.chain.endswith("()")):
            return False
        if made.rpartition(".")[2] in SENDING:
            return True
        # `chord(...)(body)` sends at once, as a call of any canvas does.
        return made.endswith("()") and self.project.resolve(body.module, made).name in CANVASES
