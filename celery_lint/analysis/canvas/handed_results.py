"""Signatures that get the result of another task in front of their arguments, and do not take it."""

from __future__ import annotations

from celery_lint.inventory.tasks.canvas.handings import Handings
from celery_lint.inventory.tasks.options import TaskOptions
from celery_lint.inventory.tasks.sendings import Sending
from celery_lint.inventory.tasks.signatures import Mismatch, Signature, Signatures, mismatch, type_error
from celery_lint.inventory.tasks.task import Task
from celery_lint.model.records import NamedTuple
from celery_lint.project.known import Known, facts


class UnfitResult(NamedTuple):
    """A signature whose task does not take the result that is put in front of its arguments."""

    sending: Sending
    signature: Signature
    mismatch: Mismatch
    error: str

    @property
    def task(self) -> Task:
        """The task that gets the result."""
        return self.signature.task


class HandedResults:
    """The later links of chains, the bodies of chords and the links of messages."""

    def __init__(self, known: Known) -> None:
        self.project = known.project
        self.handings = known.of(Handings)
        self.signatures = known.of(Signatures)
        self.task_options = known.of(TaskOptions)

    @facts
    def unfit(self) -> list[UnfitResult]:
        """Those that certainly fail in the worker."""
        return [
            fact
            for handing in self.handings.all
            if handing.certain and (fact := self._unfit(handing.after)) is not None
        ]

    def _unfit(self, sending: Sending) -> UnfitResult | None:
        """What is wrong with a signature that a result is put in front of."""
        task, given = sending.task, sending.given
        if task is None or given is None or sending.how != "s" or self.task_options.has_own_call(task):
            return None
        signature = self.signatures.of(task)
        if signature is None or mismatch(signature, given, partial=True) is not None:
            return None  # wrong by itself
        found = mismatch(signature, given, before=1)
        if found is None:
            return None
        return UnfitResult(sending, signature, found, type_error(signature, found))
