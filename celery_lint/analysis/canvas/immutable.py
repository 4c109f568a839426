"""What immutable signatures are given when they are sent."""

from __future__ import annotations

from celery_lint.inventory.tasks.sendings import Sending, Sendings
from celery_lint.inventory.tasks.task import Task
from celery_lint.model.records import NamedTuple
from celery_lint.project.known import Known, facts

_SENDING = frozenset({"delay", "apply_async", "apply"})


class LostArguments(NamedTuple):
    """Arguments that are given to an immutable signature, which takes none."""

    sending: Sending
    task: Task


class ImmutableSignatures:
    """The signatures that are made by ``si``."""

    def __init__(self, known: Known) -> None:
        self.project = known.project
        self.sendings = known.of(Sendings)

    @facts
    def given_more(self) -> list[LostArguments]:
        """The calls that send them with arguments."""
        return [
            LostArguments(sending, sending.task)
            for sending in self.sendings.all
            if sending.through == "signature" and sending.task is not None and sending.how in _SENDING
            if sending.call.chain.endswith(f".si().{sending.how}")
            if (given := sending.given) is not None
            if given.positional or given.keywords
            if not self._is_made_mutable(sending)
        ]

    def _is_made_mutable(self, sending: Sending) -> bool:
        """Whether the function changes what signatures take: ``signature.set_immutable(False)``."""
        module, function = sending.module, sending.function
        if any(a.key == "immutable" and a.function == function.qualname for a in module.assignments):
            return True
        return any(
            call.leaf() == "set_immutable"
            or (call.leaf() == "set" and (call.keyword("immutable") or call.is_open_ended))
            for call in self.project.functions.calls(module, function)
        )
