"""Tasks that are sent while the transaction that writes for them is open."""

from __future__ import annotations

from collections.abc import Iterator

from celery_lint.analysis.transactions.around.open_transactions import Caller, OpenTransactions
from celery_lint.analysis.transactions.carried import Carried
from celery_lint.analysis.transactions.other_rows import OtherRows
from celery_lint.analysis.transactions.transactions import Transaction, Transactions
from celery_lint.analysis.transactions.unrelated import Unrelated
from celery_lint.analysis.transactions.writes import Write, Writes
from celery_lint.files.filter import Pair
from celery_lint.inventory.code.handlers import in_loop, is_log
from celery_lint.inventory.tasks.options import TaskOptions
from celery_lint.inventory.tasks.sendings import Sending, Sendings
from celery_lint.inventory.tasks.signatures import Signatures
from celery_lint.inventory.tasks.task import Task
from celery_lint.libraries.django import CREATING, MANAGERS
from celery_lint.model.calls import Call
from celery_lint.model.facts import Function, Module, Place
from celery_lint.model.records import NamedTuple
from celery_lint.model.steps import Step
from celery_lint.project.functions import Flow
from celery_lint.project.known import Known, facts
from celery_lint.project.modules import leaf_of

_DEEPEST = 3
# What a view has anything from: that something of it is written says nothing of the rest.
_OBJECTS = frozenset({"request", "self"})
_LATER = frozenset({"countdown", "eta"})
_SENDING_METHODS = frozenset({"apply_async", "delay"})
# What gives a row that is in the database.
_FOUND = (".get()", ".first()", ".last()", ".latest()", ".earliest()", "get_object_or_404()", ".get_object()")
_COMMITTING = ("commit", "transaction", "atomic")


class SentBeforeCommit(NamedTuple):
    """A task that is sent in a transaction after something was written there.

    ``name`` is the variable that holds what was written and that the task is told of; ``existed`` says that
    its row was there before. There is no name where the task is not told of it, or asks no database.
    """

    sending: Sending
    task: Task
    transaction: Transaction
    written: Place
    name: str
    existed: bool


class SentBeforeCommits:
    """The tasks that may run before the rows are there that they are sent for."""

    def __init__(self, known: Known) -> None:
        self.project = known.project
        self.functions = known.project.functions
        self.sendings = known.of(Sendings)
        self.signatures = known.of(Signatures)
        self.task_options = known.of(TaskOptions)
        self.transactions = known.of(Transactions)
        self.open = known.of(OpenTransactions)
        self.unrelated = known.of(Unrelated)
        self.carried = known.of(Carried)
        self.other_rows = known.of(OtherRows)
        self.writes = known.of(Writes)

    @facts
    def all(self) -> list[SentBeforeCommit]:
        """Each call that sends a task too early."""
        return [
            found
            for module, function in self.project.calling(".delay", ".apply_async", ".send_task")
            for sending in self.sendings.within(module, function)
            if (found := self._judged(module, function, sending)) is not None
        ]

    def words(self) -> set[Pair]:
        """The names of functions that send a task of a row which a caller may have written just before."""
        found: set[Pair] = set()
        if not self.open.requests.may_be:
            return found
        for module, function in self.project.calling(".delay", ".apply_async", ".send_task"):
            for sending in self.sendings.within(module, function):
                step = self._step(module, function, sending)
                if step is not None and sending.task is not None and self._told(sending, sending.task, step):
                    found |= self._ways(module, function, step, _DEEPEST)
        return found

    def explore(self) -> None:
        """Follow what gives the rows of which tasks are told: it may make them."""
        if not self.open.requests.may_be:
            return
        for module, function in self.project.calling(".delay", ".apply_async"):
            for sending in self.sendings.within(module, function):
                step = self._step(module, function, sending)
                if step is not None and self.open.around(module, function, step) is not None:
                    self.writes.of(module, function)

    def _ways(self, module: Module, function: Function, step: Step, depth: int) -> set[Pair]:
        if not depth or self.transactions.around(module, function, step) is not None:
            return set()
        found = {(function.name, leaf_of(module.path))}
        for caller in self.open.callers(module, function, step):
            found |= self._ways(caller.module, caller.function, caller.step, depth - 1)
        return found

    def _step(self, module: Module, function: Function, sending: Sending) -> Step | None:
        """The statement that sends a message there and then."""
        task = sending.task
        if task is None or sending.call.in_lambda or not self.is_sent_at_once(sending, task):
            return None
        return self.functions.of(module, function).step_of(sending.call)

    def _judged(self, module: Module, function: Function, sending: Sending) -> SentBeforeCommit | None:
        step, task = self._step(module, function, sending), sending.task
        if step is None or task is None:
            return None
        transaction = self.transactions.around(module, function, step)
        if transaction is None:
            if not self.open.requests.may_be:
                return None
            names = self._told(sending, task, step) - _OBJECTS
            return self._of_caller(sending, task, Caller(module, function, sending.call, step), names)
        flow = self.functions.of(module, function)
        writes = self.writes.of(module, function)
        before = [write for write in writes if _comes_before(flow, write, sending.call, step, transaction)]
        if not before:
            return None
        names = self._told(sending, task, step)
        if not names and self.unrelated.is_certain(task) and not _may_be_undone(flow, step, transaction):
            return None
        told = [write for write in before if write.names & names]
        write = (told or before)[-1]
        name = min(write.names & names, default="")
        existed = bool(name) and _existed(flow, name, told)
        if name and self._waits_for_row(flow, name, told, task):
            return None
        return SentBeforeCommit(sending, task, transaction, module.place(write.call.span), name, existed)

    def _told(self, sending: Sending, task: Task, step: Step) -> set[str]:
        """The variables that hold rows of which a task is told, as far as it may look for them."""
        if self.unrelated.is_certain(task):
            return set()
        names = {name for name in step.loads if name != task.label}
        names -= names if self.carried.is_unread(sending, task) else self.carried.as_text(sending, task)
        return names - self.other_rows.of(sending, task, names) if names else names

    def _of_caller(
        self, sending: Sending, task: Task, way: Caller, names: set[str], depth: int = _DEEPEST
    ) -> SentBeforeCommit | None:
        """A row that is written in a transaction which a caller has opened, or the request.

        It is written on the way to the call that sends: in that function, or in one that gives it the row.
        """
        module, function, call, step = way
        flow = self.functions.of(module, function)
        writes = [each for each in self.writes.of(module, function) if each.rows & names]
        transaction = self.open.around(module, function, step) if writes else None
        if transaction is not None:
            told = [each for each in writes if _comes_before(flow, each, call, step, transaction)]
            name = min(told[-1].rows & names, default="") if told else ""
            if name and not self._waits_for_row(flow, name, told, task):
                existed = _existed(flow, name, told)
                place = module.place(told[-1].call.span)
                return SentBeforeCommit(sending, task, transaction, place, name, existed)
        given = names & {parameter.name for parameter in function.parameters}
        for caller in self.open.callers(module, function, step) if depth and given else ():
            names = self.open.gives(caller, way, given)
            found = self._of_caller(sending, task, caller, names, depth - 1) if names else None
            if found is not None:
                return found
        return None

    def _waits_for_row(self, flow: Flow, name: str, told: list[Write], task: Task) -> bool:
        """Whether a task locks a row that the transaction has changed: it waits there until that has ended.

        A row that is created is not there for others, and so locks nobody out.
        """
        function = task.function
        if function is None or not function.may_call(".select_for_update"):
            return False
        if not (_existed(flow, name, told) or _is_of_another(flow, name)):
            return False
        calls = self.functions.calls(task.module, function)
        locking = [call for call in calls if call.leaf() == "select_for_update"]
        read = [call for call in calls if _is_read(call.chain)]
        return all(not call.keyword("skip_locked") and not call.keyword("nowait") for call in locking) and (
            bool(read) and all(".select_for_update()." in call.chain for call in read[:1])
        )

    def is_sent_at_once(self, sending: Sending, task: Task) -> bool:
        """Whether a message leaves when the call is made: no delay, no class that waits for a commit."""
        value = sending.value
        if value is None or (sending.has_options and value.open_ended()):
            return False
        if any(key in _LATER for key, _ in sending.options):
            return False
        return self.signatures.is_plain(task) and all(
            self._hands_on_at_once(module, function) for module, function in self._own_senders(task)
        )

    def _own_senders(self, task: Task) -> Iterator[tuple[Module, Function]]:
        """What the classes of a task put in the place of ``delay`` and ``apply_async``."""
        for entity in self.task_options.classes(task):
            for name in _SENDING_METHODS:
                own = self.project.attribute(entity, name)
                function = own.function()
                if function is not None and own.module is not None:
                    yield own.module, function

    def _hands_on_at_once(self, module: Module, function: Function) -> bool:
        """Whether a method that sends hands its message on where it stands, whatever else it does."""
        if any(inner.mentions(*_COMMITTING) for inner in self.functions.within(module, function.qualname)):
            return False
        return any(
            call.leaf() in _SENDING_METHODS and not call.in_lambda
            for call in self.functions.calls(module, function)
        )


def _existed(flow: Flow, name: str, told: list[Write]) -> bool:
    """Whether the row of a variable was read from the database before it was written."""
    written = told[-1].step
    around = {(-1, "body"), *((inner.parent, inner.role) for inner in (written, *flow.ancestors(written)))}
    values: list[str] = []
    for step in flow.steps:
        if name in step.stores:
            if step.number < written.number and step.kind == "assign" and (step.parent, step.role) in around:
                values.clear()  # whatever it held before
            values.append(step.value)
    creating = any(write.call.leaf().removeprefix("a") in CREATING for write in told)
    return bool(values) and not creating and all(value.endswith(_FOUND) for value in values)


def _is_of_another(flow: Flow, name: str) -> bool:
    """Whether a variable only ever holds what another object refers to: `lead = session.lead`."""
    values = [step.value for step in flow.steps if name in step.stores]
    return bool(values) and all(_is_reference(value) for value in values)


def _is_reference(value: str) -> bool:
    """Whether a chain is an attribute of what a variable or a parameter holds, and no call."""
    owner, _, attribute = value.rpartition(".")
    return attribute.isidentifier() and (owner[:1] == "%" or owner.endswith("()"))


def _is_read(chain: str) -> bool:
    """Whether a call asks the database for a row."""
    return f"{chain}()".endswith(_FOUND) and any(manager in chain for manager in MANAGERS)


def _comes_before(flow: Flow, write: Write, call: Call, step: Step, transaction: Transaction) -> bool:
    """Whether a write of the same transaction may have been made when the call is."""
    if write.step.number == step.number:
        return write.call.parent == call.number
    if write.step.number > step.number:
        return False
    opened = transaction.opened
    if opened is not None and opened not in flow.ancestors(write.step):
        return False
    return leads_to(flow, write.step, step)


def _may_be_undone(flow: Flow, step: Step, transaction: Transaction) -> bool:
    """Whether anything comes after a statement that may fail, and roll the transaction back with it."""
    opened = transaction.opened
    if in_loop(flow, step) is not None:
        return True
    inside = {inner.number for inner in (flow.below(opened) if opened is not None else flow.steps)}
    return any(
        later.number in inside and (later.kind == "raise" or (later.calls and not is_log(later)))
        for later in flow.after(step)
    )


def leads_to(flow: Flow, earlier: Step, later: Step) -> bool:
    """Whether the run can come from one statement to another that stands below it."""
    around = {outer.number for outer in flow.ancestors(later)}
    part = {outer.number: inner for inner, outer in _upwards(flow, later)}
    for inner, outer in _upwards(flow, earlier):
        if outer.number in around:
            other = part[outer.number]
            if outer.kind == "match":
                return other.number == inner.number
            return outer.kind != "if" or other.role == inner.role
        if outer.kind in ("if", "case", "handler") and flow.ends(flow.body(outer, inner.role)):
            return False
    return True


def _upwards(flow: Flow, step: Step) -> list[tuple[Step, Step]]:
    """Each statement around one, with the statement inside it that leads there."""
    pairs = []
    for outer in flow.ancestors(step):
        pairs.append((step, outer))
        step = outer
    return pairs
