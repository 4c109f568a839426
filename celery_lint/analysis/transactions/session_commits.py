"""Tasks that are sent between what a session of SQLAlchemy is given and its commit."""

from __future__ import annotations

from collections.abc import Iterator

from celery_lint.analysis.transactions.sent_before_commit import SentBeforeCommits, leads_to
from celery_lint.inventory.tasks.sendings import Sending, Sendings
from celery_lint.inventory.tasks.task import Task
from celery_lint.model.calls import Call
from celery_lint.model.facts import Function, Module, Place
from celery_lint.model.records import NamedTuple
from celery_lint.model.steps import Step
from celery_lint.project.functions import Flow
from celery_lint.project.known import Known, facts

_GIVING = frozenset({"add", "add_all", "merge"})


class SentBeforeSessionCommit(NamedTuple):
    """A task that is told of a row which the session commits only afterwards. ``name``: the variable."""

    sending: Sending
    task: Task
    name: str
    given: Place
    commit: Place


class SessionCommits:
    """The tasks that are sent before the commit that follows in the same function."""

    def __init__(self, known: Known) -> None:
        self.project = known.project
        self.functions = known.project.functions
        self.sendings = known.of(Sendings)
        self.before_commits = known.of(SentBeforeCommits)

    @facts
    def sent_before(self) -> list[SentBeforeSessionCommit]:
        """One for each call that sends a task too early."""
        return [
            found
            for module, function in self.project.calling(".commit")
            if function.may_call(".add", ".add_all", ".merge")
            for sending in self.sendings.within(module, function)
            for found in self._judged(module, function, sending)
        ]

    def _judged(
        self, module: Module, function: Function, sending: Sending
    ) -> Iterator[SentBeforeSessionCommit]:
        flow = self.functions.of(module, function)
        step, task = flow.step_of(sending.call), sending.task
        if step is None or task is None or sending.call.in_lambda:
            return
        calls = self.functions.calls(module, function)
        commits = [each for each in calls if each.leaf() == "commit" and not each.in_lambda]
        for given in calls:
            commit = self._commit(flow, given, step, commits)
            before = flow.step_of(given) if commit is not None else None
            if commit is None or before is None or not self.before_commits.is_sent_at_once(sending, task):
                continue
            own = {name for name in before.loads if name.isidentifier()} - {task.label}
            names = own & {*step.loads} - {*commit.loads}
            if names:
                place, committed = module.place(given.span), module.place(commit.span)
                yield SentBeforeSessionCommit(sending, task, min(names), place, committed)
                return

    def _commit(self, flow: Flow, given: Call, sent: Step, commits: list[Call]) -> Step | None:
        """The statement that commits what a session was given, if that certainly follows the sending."""
        session, _, leaf = given.chain.rpartition(".")
        before = flow.step_of(given)
        if leaf not in _GIVING or given.in_lambda or before is None or before.number >= sent.number:
            return None
        steps = [(call, step) for call in commits if (step := flow.step_of(call)) is not None]
        if any(before.number < step.number <= sent.number for _, step in steps):
            return None
        blocks = {sent.parent, *(outer.parent for outer in flow.ancestors(sent))}
        following = [
            step
            for call, step in steps
            if call.chain == f"{session}.commit" and step.number > sent.number and step.parent in blocks
            # Two sessions of one class have one chain, and are told apart by their names.
            if {*step.loads} <= {*before.loads} and leads_to(flow, sent, step)
        ]
        return following[0] if following and leads_to(flow, before, sent) else None
