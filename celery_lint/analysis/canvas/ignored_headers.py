"""Chords over tasks whose results nobody keeps, where the backend waits for these results."""

from __future__ import annotations

from celery_lint.inventory.application.backend import BackendSettings
from celery_lint.inventory.tasks.canvas.handings import Handings
from celery_lint.inventory.tasks.in_force import OptionsInForce
from celery_lint.inventory.tasks.options import TaskOptions
from celery_lint.inventory.tasks.sendings import Sending
from celery_lint.libraries.celery import COUNTING_RESULTS
from celery_lint.model.facts import Place
from celery_lint.model.records import NamedTuple
from celery_lint.project.known import Known, facts


class IgnoredHeader(NamedTuple):
    """A signature in the header of a chord whose result is never there, and the option that says so."""

    sending: Sending
    body: Sending
    option: Place


class IgnoredHeaders:
    """The headers of chords."""

    def __init__(self, known: Known) -> None:
        self.project = known.project
        self.handings = known.of(Handings)
        self.task_options = known.of(TaskOptions)
        self.in_force = known.of(OptionsInForce)
        self.backends = known.of(BackendSettings)

    @facts
    def all(self) -> list[IgnoredHeader]:
        """The first of each chord that its body waits for in vain."""
        found = []
        for handing in self.handings.all:
            for before in handing.before if handing.kind == "chord" else ():
                option = self._ignored(before)
                if option is not None:
                    found.append(IgnoredHeader(before, handing.after, option))
                    break
        return found

    def _ignored(self, sending: Sending) -> Place | None:
        task = sending.task
        given = self.task_options.get(task, "ignore_result") if task is not None else None
        if task is None or given is None or given[1].kind != "constant" or given[1].data is not True:
            return None
        applications = self.in_force.belonging.of(task)
        if not applications or any(self.backends.scheme(one) not in COUNTING_RESULTS for one in applications):
            return None
        calls = self.project.functions.calls(sending.module, sending.function)
        if any(call.keyword("ignore_result") or call.leaf() == "set" for call in calls):
            return None  # the message may say something else
        return given[0].place(given[1].span)
