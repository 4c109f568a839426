"""Tasks that are sent between what a session of SQLAlchemy is given and its commit."""

from __future__ import annotations

from collections.abc import Iterator

from celery_lint.analysis.transactions.callers import CommittingCallers
from celery_lint.analysis.transactions.carried import Carried
from celery_lint.analysis.transactions.committing import Committing, commit_after
from celery_lint.analysis.transactions.made_rows import MadeRows
from celery_lint.analysis.transactions.sent_before_commit import SentBeforeCommits, leads_to
from celery_lint.analysis.transactions.unrelated import Unrelated
from celery_lint.files.filter import Pair
from celery_lint.inventory.code.decided.given import given_by, is_closed
from celery_lint.inventory.code.graph import CallGraph
from celery_lint.inventory.tasks.sendings import Sending, Sendings
from celery_lint.inventory.tasks.task import Task
from celery_lint.model.calls import Call
from celery_lint.model.facts import Function, Module, Place
from celery_lint.model.records import NamedTuple
from celery_lint.model.steps import Step
from celery_lint.project.asking import asking
from celery_lint.project.functions import Flow
from celery_lint.project.known import Known, facts
from celery_lint.project.modules import leaf_of

_GIVING = frozenset({"add", "add_all", "merge"})
_CONVERTING = frozenset({"str", "int"})
# What a session does without a commit; what else gets the session between may commit.
_OPEN = frozenset({*_GIVING, "flush", "refresh", "execute", "get", "query", "scalar", "scalars", "exec"})

# A helper with one of these may commit before it sends, or send after the commit.
_ENDING = ("commit", "transaction", "listen")


class SentBeforeSessionCommit(NamedTuple):
    """A task that is told of a row which the session commits only afterwards.

    ``name``: the variable that holds it. ``ended``: the commit is that of the block or function which
    ``commit`` begins, ``begun`` where that is `begin()`, which refuses what comes after another commit.
    ``place``: the call that sends it, or that of a function which does.
    """

    place: Place
    sending: Sending
    task: Task
    name: str
    given: Place
    commit: Place
    ended: bool
    begun: bool = False


class _Row(NamedTuple):
    """A new row and its session in a function. ``step`` is the call that adds it or gives it.

    ``given``: the statement that names the session. ``by_another``: another function has added it.
    """

    flow: Flow
    call: Call
    session: str
    step: Step
    given: Step
    names: set[str]
    by_another: bool


class SessionCommits:
    """The tasks that are sent before the commit that follows: below, or where the session is given back."""

    def __init__(self, known: Known) -> None:
        self.project = known.project
        self.functions = known.project.functions
        self.sendings = known.of(Sendings)
        self.before_commits = known.of(SentBeforeCommits)
        self.committing = known.of(Committing)
        self.callers = known.of(CommittingCallers)
        self.graph = known.of(CallGraph)
        self.carried = known.of(Carried)
        self.made_rows = known.of(MadeRows)
        self.unrelated = known.of(Unrelated)
        self._leaving: set[Pair] = set()

    @facts
    def sent_before(self) -> list[SentBeforeSessionCommit]:
        """One for each call that sends a task too early."""
        found: list[SentBeforeSessionCommit] = []
        places = {(m.path, f.qualname): (m, f) for m, f in self.project.calling(".add", ".add_all", ".merge")}
        for sending in self.sendings.all:  # the row may come from a function that is called there
            places.setdefault(
                (sending.module.path, sending.function.qualname), (sending.module, sending.function)
            )
        for module, function in places.values():
            own = self.sendings.within(module, function)
            told = [(sending.call, sending) for sending in own if not sending.call.in_lambda]
            told += self._by_helpers(module, function)
            for call, sending in told:
                found += self._judged(module, function, call, sending)
        return found

    def _by_helpers(self, module: Module, function: Function) -> list[tuple[Call, Sending]]:
        """The calls of functions that send a task with what they are given."""
        flow = self.functions.of(module, function)
        rows = tuple([f"{step.value}." for step in flow.steps if _makes(step)])
        found: list[tuple[Call, Sending]] = []
        for call in self.functions.calls(module, function) if rows else ():
            given = [each for each in call.takes if f"{each.chain}.".startswith(rows)]
            target = self.graph.target(module, call.chain) if given and not call.in_lambda else None
            if target is None or target[1].decorators or target[1].mentions(*_ENDING):
                continue
            home, helper = target
            if helper.is_async and not call.is_awaited:
                continue
            inside = self.functions.of(home, helper)
            filled = {helper.parameter_given(call, each.chain) for each in given} - {""}
            for sending in self.sendings.within(home, helper):
                step = inside.step_of(sending.call)
                if step is None or sending.call.in_lambda or filled.isdisjoint(step.loads):
                    continue
                if not is_closed(inside, step, given_by(call, helper, inside, ())):
                    found.append((call, sending))
        return found

    def _judged(
        self, module: Module, function: Function, call: Call, sending: Sending
    ) -> Iterator[SentBeforeSessionCommit]:
        flow = self.functions.of(module, function)
        step, task = flow.step_of(call), sending.task
        if step is None or task is None:
            return
        calls = self.functions.calls(module, function)
        for given in calls:
            row = self._row(module, function, given, step, task)
            if row is None or not leads_to(flow, row.step, step) or self._may_be_committed(module, row, step):
                continue
            found = self._commit(module, function, row, step)
            at_once = found is not None and self.before_commits.is_sent_at_once(sending, task)
            if found is not None and at_once and not self._looks_for_none(row, call, sending, task):
                places = module.place(call.span), module.place(given.span)
                begun = any(
                    outer.kind == "with" and _begins(outer) and module.place(outer.span) == found[0]
                    for outer in flow.ancestors(step)
                )
                yield SentBeforeSessionCommit(
                    places[0], sending, task, min(row.names), places[1], *found, begun
                )
                return

    def _looks_for_none(self, row: _Row, call: Call, sending: Sending, task: Task) -> bool:
        """Whether a task certainly does not look for the row: it asks no database, or gets no key of it."""
        if self.carried.is_unread(sending, task) or self.unrelated.is_certain(task):
            return True
        return call == sending.call and row.names <= self.carried.as_text(sending, task)

    def _row(self, module: Module, function: Function, given: Call, sent: Step, task: Task) -> _Row | None:
        """The new row that a call gives to a session, or that a function gives which has done so."""
        flow = self.functions.of(module, function)
        step = flow.step_of(given)
        if step is None or given.in_lambda or step.number >= sent.number:
            return None
        if given.leaf() in _GIVING:
            names = _made(flow, step, task) & _told(flow, step, sent)
            return (
                _Row(flow, given, given.chain.rpartition(".")[0], step, step, names, False) if names else None
            )
        if step.kind != "assign" or step.value != f"{given.chain}()" or len(step.stores) != 1:
            return None
        if (
            step.name not in _told(flow, step, sent)
            or sum(step.name in each.stores for each in flow.steps) > 1
        ):
            return None
        session = self.made_rows.session(module, function, given)
        if session is None:
            return None
        return _Row(flow, given, session.chain, step, session.step or step, {step.name}, True)

    def _may_be_committed(self, module: Module, row: _Row, sent: Step) -> bool:
        """Whether a call between may commit: it says so, or gets the session."""
        for call in self.functions.calls(module, row.flow.function):
            step = row.flow.step_of(call)
            if step is None or not row.step.number < step.number <= sent.number:
                continue
            of_session = call.chain.rpartition(".")[0] == row.session and call.leaf() not in _OPEN
            if call.leaf() == "commit" or call.hands_on(row.session) or of_session:
                return True
            target = self.graph.target(module, call.chain) if row.by_another else None
            if target is not None and any(
                inner.mentions(*_ENDING) for _, inner in self.graph.closure(*target)
            ):
                return True
        return False

    def _commit(self, module: Module, function: Function, row: _Row, sent: Step) -> tuple[Place, bool] | None:
        """The commit that certainly follows the sending: where it stands, or what ends with it."""
        session, given = row.session, row.given
        later = commit_after(row.flow, self.functions.calls(module, function), session, given, sent)
        if later is not None:
            return module.place(later.span), False
        opened = self.committing.around(module, function, session, given, sent)
        if opened is not None:
            return opened, True
        if self.callers.parameter(function, session, given) or session.startswith(f":{function.owner}()."):
            owner = function.owner.partition(".")[0] or function.name
            self._leaving.add((owner, leaf_of(module.path)))
        return self.callers.commit(module, function, session, given, sent)

    @asking("quiet")
    def words(self) -> set[Pair]:
        """The names of the functions, or of their classes, that leave the commit to whoever calls them."""
        _ = self.sent_before
        return self._leaving


def _begins(step: Step) -> bool:
    """Whether a ``with`` begins a transaction, and ends it: behind a `commit()` in it nothing else works."""
    return any(chain.partition("=")[0].endswith(".begin()") for chain in step.chains)


def _made(flow: Flow, before: Step, task: Task) -> set[str]:
    """The names in a statement that are bound to new objects alone: a row that was read is there already."""
    names = {name for name in before.loads if name.isidentifier()} - {task.label}
    binding = {name: [step for step in flow.steps if name in step.stores] for name in names}
    return {name for name, steps in binding.items() if steps and all(map(_makes, steps))}


def _makes(step: Step) -> bool:
    if step.kind != "assign" or not step.value.endswith("()"):
        return False
    return step.value[:-2].rpartition(".")[2].lstrip(":~%")[:1].isupper()


def _told(flow: Flow, before: Step, sent: Step) -> set[str]:
    """The names that a call is told of, themselves or by a variable that holds a part of them."""
    told = {*sent.loads}
    for step in flow.steps[before.number + 1 : sent.number]:
        if step.kind == "assign" and not told.isdisjoint(step.stores):
            told |= {*step.loads} - _CONVERTING
    return told
