"""Entries of schedules that are never sent, fail at each run, or are due all the time."""

from __future__ import annotations

from collections.abc import Iterator

from celery_lint.inventory.application.beat.schedulers import Scheduler, Schedulers
from celery_lint.inventory.application.beat.unread import UnreadSchedules
from celery_lint.inventory.application.signals.connections import Signal, connected
from celery_lint.inventory.tasks.canvas.missing_bind import MissingBind
from celery_lint.inventory.tasks.options import TaskOptions
from celery_lint.inventory.tasks.schedules import PERIODIC, Entry, Schedules
from celery_lint.inventory.tasks.sendings import Given, Sendings
from celery_lint.inventory.tasks.signatures import Mismatch, Signature, Signatures, mismatch, type_error
from celery_lint.inventory.tasks.tasks import Tasks
from celery_lint.model.facts import Function, Module, Place, Value
from celery_lint.model.records import NamedTuple
from celery_lint.project.known import Known, facts

_SENDS = frozenset({"delay", "apply_async"})
# What `add_periodic_task` cannot do without, and by which other names people give it.
_NEEDED = ("schedule", "sig")
_MISTAKEN = {
    "schedule": ("interval", "run_every"),
    "sig": ("signature", "task"),
}
# What signals of applications give their receivers, all of it by keyword.
_SENDER = "sender"
_BY_NAME = ("positional", "keyword")
_GIVEN = {"on_after_configure": frozenset({"signal", _SENDER, "source"})}
_GIVEN_BY_ALL = frozenset({"signal", _SENDER})


class UnfitEntry(NamedTuple):
    """An entry whose arguments its task does not take."""

    place: Place
    signature: Signature
    mismatch: Mismatch
    error: str


class Endless(NamedTuple):
    """An entry that is due again at once: it has a period of no seconds, or less.

    ``scheduler`` is the one that works it off.
    """

    place: Place
    seconds: float
    scheduler: Scheduler


class NoSignature(NamedTuple):
    """What `add_periodic_task` gets in place of a signature: ``sent`` by this very call, or a ``text``."""

    place: Place
    written: str
    sent: bool
    text: bool = False


class IncompleteCall(NamedTuple):
    """A call of `add_periodic_task` that Python refuses: a parameter that it needs is ``missing``.

    ``misnamed``: what is given under another name, and is most likely meant for it; ``text``: that, where it
    is the name of a task.
    """

    place: Place
    missing: str
    misnamed: str
    text: str = ""


class UnfitReceiver(NamedTuple):
    """A receiver that adds entries to what a parameter gives it which its signal gives nothing."""

    place: Place
    name: str
    parameter: str
    signal: str


class Entries:
    """The entries of a project's schedules, compared with what they run."""

    def __init__(self, known: Known) -> None:
        self.project = known.project
        self.functions = known.project.functions
        self.schedules = known.of(Schedules)
        self.schedulers = known.of(Schedulers)
        self.signatures = known.of(Signatures)
        self.unread = known.of(UnreadSchedules)
        self.task_options = known.of(TaskOptions)
        self.tasks = known.of(Tasks)
        self.missing_bind = known.of(MissingBind)
        self.sendings = known.of(Sendings)

    # ------------------------------------------------------------------ arguments

    @facts
    def unfit(self) -> list[UnfitEntry]:
        """The entries whose arguments certainly do not fit."""
        found = [self._unfit(entry) for entry in self.schedules.all if not self.unread.holds(entry.place)]
        return self.schedules.unless_by_nobody([unfit for unfit in found if unfit is not None])

    def _unfit(self, entry: Entry) -> UnfitEntry | None:
        task = self.schedules.task(entry) if not entry.hidden and entry.written != "row" else None
        signature = self.signatures.of(task) if task is not None else None
        given = self._given(entry) if signature is not None else None
        if task is None or signature is None or given is None or self.task_options.has_own_call(task):
            return None
        found = mismatch(signature, given)
        if found is None or self.missing_bind.explains(task, given):
            return None
        if entry.written == "call" and entry.given["sig"].kind == "call" and found.kind != "missing":
            return None  # that of the signature itself is told of any signature
        return UnfitEntry(entry.place, signature, found, type_error(signature, found))

    def _given(self, entry: Entry) -> Given | None:
        """What an entry gives its task; ``None`` where that cannot be read."""
        items: tuple[Value, ...] = ()
        keywords: tuple[tuple[str, Value], ...] = ()
        args, kwargs = entry.given.get("args"), entry.given.get("kwargs")
        if args is not None:
            known = self.project.constant(entry.module, args)
            if known is None or known.kind != "sequence" or any(item.data == "*" for item in known.items):
                return None
            items = known.items
        if kwargs is not None:
            known = self.project.constant(entry.module, kwargs)
            if known is None or known.kind != "mapping":
                return None
            keywords = known.keywords
            if any(key in ("**", "?") for key, _ in keywords):
                return None
        if entry.written != "call" or entry.given["sig"].kind == "name":
            return Given(items, keywords, False, False)
        sending = self.schedules.signature(entry)
        own = sending.given if sending is not None and sending.through == "task" else None
        if sending is None or sending.how not in ("s", "si") or own is None:
            return None
        joined = {**dict(own.keywords), **dict(keywords)}
        return Given(items + own.positional, tuple(joined.items()), own.more_positional, own.more_keywords)

    # ------------------------------------------------------------------ periods

    @facts
    def endless(self) -> list[Endless]:
        """The entries that are due all the time."""
        found = []
        for entry in self.schedules.all:
            given = entry.given.get("schedule") if entry.written != "row" else None
            seconds = self.project.number(entry.module, given)
            if given is None or seconds is None or self.unread.holds(entry.place):
                continue
            if seconds <= 0:
                redbeat = Scheduler("redbeat") if entry.written == "entry" else None
                place = entry.module.place(given.span)
                found.append(Endless(place, seconds, redbeat or self.schedulers.only))
        return self.schedules.unless_by_nobody(found)

    # ------------------------------------------------------------------ no signature

    @facts
    def without_signature(self) -> list[NoSignature]:
        """What is no signature, and no task."""
        return list(self._without_signature())

    def _without_signature(self) -> Iterator[NoSignature]:
        for entry in self.schedules.all:
            given = entry.given.get("sig") if entry.written == "call" else None
            if given is None or entry.call is None or entry.function is None:
                continue
            place = entry.module.place(given.span)
            if given.kind == "constant" or given.kind == "lambda":
                written = "lambda" if given.kind == "lambda" else repr(given.data)
                yield NoSignature(place, written, False, given.kind == "constant" and given.is_text())
            elif given.kind == "name" and self._is_plain_function(entry, given):
                yield NoSignature(place, given.chain.lstrip(":.~%").rpartition(".")[2], False)
            elif given.kind == "call" and given.chain:
                called, _, leaf = given.chain.rpartition(".")
                if leaf in _SENDS and self.tasks.of(self.project.resolve(entry.module, called)):
                    yield NoSignature(place, f"{called.lstrip(':.~%').rpartition('.')[2]}.{leaf}()", True)
                elif self.tasks.of(self.project.resolve(entry.module, given.chain)):
                    yield NoSignature(place, f"{given.chain.lstrip(':.~%').rpartition('.')[2]}()", True)

    @facts
    def incomplete(self) -> list[IncompleteCall]:
        """The calls of an application's `add_periodic_task` without a schedule or a signature."""
        own = self.functions.named(self.project.product_modules(), PERIODIC)
        if any(function.owner for _, function in own):
            return []  # an application of the project may take other parameters
        return list(self._incomplete())

    def _incomplete(self) -> Iterator[IncompleteCall]:
        for entry in self.schedules.all:
            if entry.written != "call" or entry.hidden or not self._is_of_application(entry):
                continue
            missing = next((each for each in _NEEDED if each not in entry.given), "")
            if missing:
                misnamed = next((each for each in _MISTAKEN[missing] if each in entry.given), "")
                meant = entry.given.get(misnamed)
                is_name = (
                    missing == "sig" and meant is not None and meant.kind == "constant" and meant.is_text()
                )
                text = repr(meant.data) if is_name and meant is not None else ""
                yield IncompleteCall(entry.place, missing, misnamed, text)

    def _is_of_application(self, entry: Entry) -> bool:
        """Whether the call is one of an application, or of what a signal gives its receiver."""
        call, function = entry.call, entry.function
        if call is None or function is None:
            return False
        receiver = call.chain.rpartition(".")[0]
        if receiver[:1] != "%":
            return self.sendings.is_application(entry.module, receiver)
        takes = any(parameter.name == _SENDER for parameter in function.parameters)
        return receiver == f"%{_SENDER}" and takes and self._signal_of(entry.module, function) is not None

    def _signal_of(self, module: Module, function: Function) -> Signal | None:
        """The signal of an application that a function receives: by a decorator, or by a call beside it."""
        chains = [decorator.chain.removesuffix("()") for decorator in function.decorators]
        for caller in module.functions.calling(".connect") if not chains else ():
            for call in self.functions.calls(module, caller):
                first = call.argument(0, "receiver").chain
                if call.leaf() == "connect" and first.lstrip(":%") == function.name:
                    chains.append(call.chain)
        signals = [signal for chain in chains if (signal := connected(self.project, module, chain))]
        return next((signal for signal in signals if signal.of_application), None)

    # ------------------------------------------------------------------ receivers

    @facts
    def unfit_receivers(self) -> list[UnfitReceiver]:
        """The receivers whose parameter for the application has another name than the signal gives it by."""
        found: dict[Place, UnfitReceiver] = {}
        for entry in self.schedules.all:
            if entry.written == "call" and entry.call is not None and entry.function is not None:
                unfit = self._unfit_receiver(entry.module, entry.function, entry.call.chain)
                if unfit is not None:
                    found.setdefault(unfit.place, unfit)
        return list(found.values())

    def _unfit_receiver(self, module: Module, function: Function, chain: str) -> UnfitReceiver | None:
        name = chain.rpartition(".")[0].removeprefix("%")
        lowest = [each.chain.removesuffix("()") for each in function.decorators[-1:]]
        if lowest and connected(self.project, module, lowest[0]) is None:
            return None  # what stands between may give it anything
        needs = any(p.name == name and p.required and p.kind in _BY_NAME for p in function.parameters)
        signal = self._signal_of(module, function) if needs and f"%{name}" in chain else None
        if signal is None or name in _GIVEN.get(signal.name, _GIVEN_BY_ALL) or self._is_called(function):
            return None
        return UnfitReceiver(module.place(function.span), function.name, name, signal.name)

    def _is_called(self, function: Function) -> bool:
        """Whether code calls a function of this name, too."""
        return any(
            call.leaf() == function.name
            for module, caller in self.project.calling(function.name)
            for call in self.functions.calls(module, caller)
        )

    def _is_plain_function(self, entry: Entry, given: Value) -> bool:
        """Whether a name is a function that nothing makes a task."""
        entity = self.project.resolve(entry.module, given.chain)
        function = entity.function()
        return function is not None and not function.decorators and self.tasks.of(entity) is None
