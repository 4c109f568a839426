"""Tasks that are sent between what a session of SQLAlchemy is given and its commit."""

from __future__ import annotations

from collections.abc import Iterator

from celery_lint.analysis.transactions.committing import Committing
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
_CONVERTING = frozenset({"str", "int"})
# What a session does without a commit; what else gets the session between may commit.
_OPEN = frozenset({*_GIVING, "flush", "refresh", "execute", "get", "query", "scalar", "scalars", "exec"})


class SentBeforeSessionCommit(NamedTuple):
    """A task that is told of a row which the session commits only afterwards.

    ``name``: the variable that holds it. ``ended``: the commit is that of the block or function which
    ``commit`` begins.
    """

    sending: Sending
    task: Task
    name: str
    given: Place
    commit: Place
    ended: bool


class SessionCommits:
    """The tasks that are sent before the commit that follows: below, or where the session is given back."""

    def __init__(self, known: Known) -> None:
        self.project = known.project
        self.functions = known.project.functions
        self.sendings = known.of(Sendings)
        self.before_commits = known.of(SentBeforeCommits)
        self.committing = known.of(Committing)

    @facts
    def sent_before(self) -> list[SentBeforeSessionCommit]:
        """One for each call that sends a task too early."""
        return [
            found
            for module, function in self.project.calling(".add", ".add_all", ".merge")
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
        for given in calls:
            before = flow.step_of(given) if given.leaf() in _GIVING and not given.in_lambda else None
            if before is None or before.number >= step.number or not leads_to(flow, before, step):
                continue
            names = _made(flow, before, task) & _told(flow, before, step)
            if not names or self._may_be_committed(flow, calls, given, before, step):
                continue
            found = self._commit(module, function, given, before, step)
            if found is not None and self.before_commits.is_sent_at_once(sending, task):
                place = module.place(given.span)
                yield SentBeforeSessionCommit(sending, task, min(names), place, *found)
                return

    def _may_be_committed(self, flow: Flow, calls: list[Call], given: Call, before: Step, sent: Step) -> bool:
        """Whether a call between may commit: it says so, or gets the session."""
        session = given.chain.rpartition(".")[0]
        for call in calls:
            step = flow.step_of(call)
            if step is None or not before.number < step.number <= sent.number:
                continue
            of_session = call.chain.rpartition(".")[0] == session and call.leaf() not in _OPEN
            if call.leaf() == "commit" or call.hands_on(session) or of_session:
                return True
        return False

    def _commit(
        self, module: Module, function: Function, given: Call, before: Step, sent: Step
    ) -> tuple[Place, bool] | None:
        """The commit that certainly follows the sending: where it stands, or what ends with it."""
        flow = self.functions.of(module, function)
        session = given.chain.rpartition(".")[0]
        blocks = {sent.parent, *(outer.parent for outer in flow.ancestors(sent))}
        for call in self.functions.calls(module, function):
            step = flow.step_of(call) if call.chain == f"{session}.commit" and not call.in_lambda else None
            if step is None or step.number <= sent.number or step.parent not in blocks:
                continue
            # Two sessions of one class have one chain, and are told apart by their names.
            if {*step.loads} <= {*before.loads} and leads_to(flow, sent, step):
                return module.place(step.span), False
        opened = self.committing.around(module, function, session, before, sent)
        return (opened, True) if opened is not None else None


def _made(flow: Flow, before: Step, task: Task) -> set[str]:
    """The names in a statement that are bound to new objects alone: a row that was read is there already."""
    names = {name for name in before.loads if name.isidentifier()} - {task.label}
    binding = {name: [step for step in flow.steps if name in step.stores] for name in names}
    return {name for name, steps in binding.items() if steps and all(map(_makes, steps))}


def _makes(step: Step) -> bool:
    leaf = step.value.removesuffix("()").rpartition(".")[2].lstrip(":~%")
    return step.kind == "assign" and step.value.endswith("()") and leaf[:1].isupper()


def _told(flow: Flow, before: Step, sent: Step) -> set[str]:
    """The names that a call is told of, themselves or by a variable that holds a part of them."""
    told = {*sent.loads}
    for step in flow.steps[before.number + 1 : sent.number]:
        if step.kind == "assign" and not told.isdisjoint(step.stores):
            told |= {*step.loads} - _CONVERTING
    return told
