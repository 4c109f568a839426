"""Options about retries that do nothing, or not what they say."""

from __future__ import annotations

from collections.abc import Iterator

from celery_lint.analysis.flow.autoretries import Autoretries
from celery_lint.analysis.flow.sketches import Sketches
from celery_lint.diagnostics import Span
from celery_lint.inventory.retries.calls import RetryCall, RetryCalls
from celery_lint.inventory.retries.kept import Kept
from celery_lint.inventory.retries.policies import Retries, RetryOption, RetryPolicy
from celery_lint.inventory.tasks.in_force import OptionsInForce
from celery_lint.inventory.tasks.options import TaskOptions
from celery_lint.inventory.tasks.task import Task
from celery_lint.libraries.messages import MESSAGE_OPTIONS, MESSAGE_PROPERTIES, RETRY_OPTIONS
from celery_lint.model.facts import Module, Place, Value
from celery_lint.model.records import NamedTuple
from celery_lint.nearest import nearest
from celery_lint.project.entity import Key
from celery_lint.project.known import Known, facts

_OF_AUTORETRY = frozenset(
    {"dont_autoretry_for", "retry_backoff", "retry_backoff_max", "retry_jitter", "retry_kwargs"}
)
# `retries` is none of them: `retry` sets it itself, and so raises TypeError.
_KNOWN = (MESSAGE_OPTIONS | RETRY_OPTIONS) - {"retries"}
_DELAYS = frozenset({"default_retry_delay", "retry_backoff", "retry_kwargs"})
_LIMITS = ("max_retries", "default_retry_delay")
# Words of other libraries, and of older or other options, for what `retry` calls otherwise.
_MEANT = {
    "backoff": "countdown",
    "default_retry_delay": "countdown",
    "delay": "countdown",
    "interval": "countdown",
    "max_attempts": "max_retries",
    "max_retry": "max_retries",
    "retries": "max_retries",
    "retry_countdown": "countdown",
    "retry_delay": "countdown",
    "wait": "countdown",
}
_OF_TASK = (_OF_AUTORETRY | {"autoretry_for"}) - {"retry_kwargs"}
_MOST_SECONDS = 600.0  # what `retry_backoff_max` is unless set


class InertRetryOption(NamedTuple):
    """An option that only works together with ``autoretry_for``, for tasks that have none.

    ``bound`` is the number of retries that is all in it, where the calls of ``retry`` do not look at it.
    ``by_hand`` is a call that would take a delay from it, ``retried`` says whether there may be one at all.
    """

    option: RetryOption
    bound: int | None
    by_hand: RetryCall | None
    retried: bool


class IgnoredDelay(NamedTuple):
    """A delay that another option overrides, or bounds. ``delay`` and ``winner`` are the names of the two.

    ``chosen``: the one that wins is a number of seconds, and not just switched on.
    """

    delay: str
    winner: str
    place: Place
    winner_place: Place
    chosen: bool = False


class _Winner(NamedTuple):
    """The option that decides how long retries wait, and the seconds of the first if they are known."""

    name: str
    place: Place
    seconds: float | None


class EndlessRetries(NamedTuple):
    """``max_retries=None`` of a task that is retried without another bound.

    ``growing`` is a delay by hand that grows with every retry.
    """

    option: RetryOption
    growing: Place | None


class UnusedRetryLimit(NamedTuple):
    """``max_retries`` or ``default_retry_delay`` of tasks that nothing retries."""

    option: RetryOption


class UnknownRetryKey(NamedTuple):
    """A keyword that ``retry`` does not know. ``nearest`` is what is meant, empty for an option of tasks."""

    key: str
    nearest: str
    place: Place


class RetryOptions:
    """What is wrong with the options about retries of a project."""

    def __init__(self, known: Known) -> None:
        self.retries = known.of(Retries)
        self.project = known.project
        self.in_force = known.of(OptionsInForce)
        self.task_options = known.of(TaskOptions)
        self.retry_calls = known.of(RetryCalls)
        self.autoretries = known.of(Autoretries)
        self.kept = known.of(Kept)
        self.functions = known.project.functions
        self.sketches = known.of(Sketches)

    # ------------------------------------------------------------------ CEL413, CEL444

    @facts
    def inert(self) -> list[InertRetryOption]:
        """The first option of each task that needs ``autoretry_for`` and has none."""
        found: list[InertRetryOption] = []
        told: set[Key] = set()
        for option in self.retries.options:
            if option.name in _OF_AUTORETRY and all(self._is_inert(option, p) for p in option.policies):
                tasks = {(p.task.module.path, p.task.qualname) for p in option.policies}
                if not tasks <= told:
                    bounds = {self._bound_in_vain(option, policy) for policy in option.policies}
                    bound = bounds.pop() if len(bounds) == 1 else None
                    found.append(InertRetryOption(option, bound, *self._retried(option, bound)))
                told |= tasks
        return found

    def _is_inert(self, option: RetryOption, policy: RetryPolicy) -> bool:
        if policy.automatic or not policy.known or self.retries.reads(option.name):
            return False
        if not self.in_force.own_application(policy.task) or self.sketches.holds(policy.task):
            return False
        known = self.retries.constant((option.module, option.value))
        if not policy.calls and (_asks_for_none(known or option.value) or self.kept.keeps_all(policy)):
            return False
        if option.name != "retry_jitter" and known is not None and _is_nothing(known):
            return False
        # A retry that says its own delay shows that nobody waits for the option, if it holds no bound.
        delayed = bool(policy.calls) and all(call.has_delay for call in policy.calls)
        return not delayed or self._bound_in_vain(option, policy) is not None

    def _retried(self, option: RetryOption, bound: int | None) -> tuple[RetryCall | None, bool]:
        """The first call of ``retry`` that does without an option, and whether anything may retry at all."""
        calls = [call for policy in option.policies for call in policy.calls]
        waiting = (call for call in calls if bound is not None or not call.has_delay)
        hidden = any(self.retry_calls.hidden(policy.task) for policy in option.policies)
        return next(waiting, None), bool(calls) or hidden

    def _bound_in_vain(self, option: RetryOption, policy: RetryPolicy) -> int | None:
        """The ``max_retries`` in ``retry_kwargs`` of a task that is retried by hand more often, or less."""
        if option.name != "retry_kwargs" or option.value.kind != "mapping" or len(option.value.keywords) != 1:
            return None
        given = option.value.keyword("max_retries")
        number = self.project.number(option.module, given) if given is not None else None
        most = policy.most(self.project)
        ignored = bool(policy.calls) and all(call.sets("max_retries") is False for call in policy.calls)
        return int(number) if ignored and number is not None and most not in (None, number) else None

    @facts
    def unused(self) -> list[UnusedRetryLimit]:
        """The bounds and delays of tasks that nothing retries."""
        inert = {(p.task.module.path, p.task.qualname) for fact in self.inert for p in fact.option.policies}
        told: set[Key] = set(inert)
        found: list[UnusedRetryLimit] = []
        for name in _LIMITS:
            for option in self.retries.options:
                if option.name != name or not all(self._is_unused(option, p) for p in option.policies):
                    continue
                tasks = {(p.task.module.path, p.task.qualname) for p in option.policies}
                if not tasks & told:
                    found.append(UnusedRetryLimit(option))
                told |= tasks
        return found

    def _is_unused(self, option: RetryOption, policy: RetryPolicy) -> bool:
        if policy.automatic or not policy.known or policy.calls:
            return False
        known = self.retries.constant((option.module, option.value))
        if known is not None and _is_nothing(known):
            return False  # `max_retries=0` and `None` say what happens anyway
        task = policy.task
        if self._retried_when_lost(task) or self.sketches.holds(task):
            return False
        if not self.in_force.own_application(task) and not self._retries_by_hand(task):
            return False
        return not self.retry_calls.hidden(task) and not self.retries.reads_near(task, option.name)

    def _retried_when_lost(self, task: Task) -> bool:
        """Whether Celery itself may retry the task, after the loss of its process."""
        if self.in_force.settings_of(task, "task_retry_on_worker_lost"):
            return True
        return self.task_options.get(task, "retry_on_worker_lost") is not None

    def _retries_by_hand(self, task: Task) -> bool:
        """Whether other tasks of the same application call ``retry``: then the application does not do it."""
        others = (other for call in self.retry_calls.all for other in call.tasks)
        return any(other.application == task.application for other in others)

    # ------------------------------------------------------------------ CEL414

    @facts
    def ignored(self) -> list[IgnoredDelay]:
        """The delays that another option overrides, where a retry may be automatic at all."""
        found = []
        for option in self.retries.options:
            own = option.name == "default_retry_delay"
            by_hand = self.autoretries.waits_by_hand
            if option.name in _DELAYS and any(by_hand(policy, own) for policy in option.policies):
                continue
            if option.name in _DELAYS and all(map(self._is_in_vain, option.policies)):
                continue
            if option.name == "default_retry_delay":
                winners = [self._winner(policy) for policy in option.policies]
                first = winners[0]
                known = self.retries.constant((option.module, option.value))
                number = known is None or isinstance(known.data, (int, float))
                if known is not None and all(each and each.seconds == known.data for each in winners):
                    continue  # both say the same
                if first is not None and all(winners) and number and not self.retries.reads(option.name):
                    chosen = first.seconds not in (None, 1)
                    found.append(IgnoredDelay(option.name, first.name, option.place, first.place, chosen))
            elif option.name == "retry_kwargs":
                places = [self._overridden(policy) for policy in option.policies]
                if places[0] is not None and all(places):
                    backoff = self._seconds(option.policies[0].options["retry_backoff"])
                    chosen = backoff not in (None, 1)
                    found.append(IgnoredDelay("countdown", "retry_backoff", *places[0], chosen))
            elif option.name == "retry_backoff":
                bounds = [self._bound(option, policy) for policy in option.policies]
                if bounds[0] is not None and all(bounds):
                    found.append(IgnoredDelay("retry_backoff", "retry_backoff_max", option.place, bounds[0]))
        return found

    def _is_in_vain(self, policy: RetryPolicy) -> bool:
        """Whether no exception of the work of a task gets to its automatic retry."""
        return self.kept.is_never_automatic(policy) or (policy.automatic and self.kept.keeps_all(policy))

    def _bound(self, option: RetryOption, policy: RetryPolicy) -> Place | None:
        """Where the bound stands that every automatic retry of a task waits for, in place of its backoff.

        That is the backoff itself where nobody sets one.
        """
        backoff = self.project.number(option.module, option.value)
        given = policy.options.get("retry_backoff_max")
        most = self.project.number(*given) if given is not None else _MOST_SECONDS
        if backoff is None or most is None or backoff <= most or not policy.automatic or not policy.known:
            return None
        return given[0].place(given[1].span) if given is not None else option.place

    def _winner(self, policy: RetryPolicy) -> _Winner | None:
        """What decides about the delay of every retry of a task, in place of ``default_retry_delay``."""
        if not policy.automatic or any(not call.has_delay for call in policy.calls):
            return None
        if self.retry_calls.hidden(policy.task):
            return None
        backoff = self._backoff(policy)
        if backoff is not None:
            return _Winner("retry_backoff", backoff, self._seconds(policy.options["retry_backoff"]))
        mapping = self._retry_kwargs(policy)
        given = mapping[1].keyword("countdown") if mapping is not None else None
        if mapping is not None and given is not None and not _is_nothing_but_zero(given):
            return _Winner("countdown", mapping[0].place(given.span), self._seconds((mapping[0], given)))
        return None

    def _seconds(self, option: tuple[Module, Value]) -> float | None:
        """The seconds that an option says; those of ``True`` are one, as Celery takes it."""
        known = self.retries.constant(option)
        return float(known.data) if known is not None and isinstance(known.data, (int, float)) else None

    def _overridden(self, policy: RetryPolicy) -> tuple[Place, Place] | None:
        """The ``countdown`` in ``retry_kwargs`` and the backoff that wins over it."""
        backoff = self._backoff(policy) if policy.automatic else None
        mapping = self._retry_kwargs(policy)
        given = mapping[1].keyword("countdown") if mapping is not None else None
        if backoff is None or mapping is None or given is None:
            return None
        return mapping[0].place(given.span), backoff

    def _backoff(self, policy: RetryPolicy) -> Place | None:
        """Where a backoff is switched on, if that can be told."""
        option = policy.options.get("retry_backoff")
        known = self.retries.constant(option)
        if option is None or known is None or known.kind != "constant" or not known.data:
            return None
        return option[0].place(option[1].span)

    def _retry_kwargs(self, policy: RetryPolicy) -> tuple[Module, Value] | None:
        """The mapping that a task gives as ``retry_kwargs``, if it is written there."""
        option = policy.options.get("retry_kwargs")
        return option if option is not None and option[1].kind == "mapping" else None

    # ------------------------------------------------------------------ CEL418

    @facts
    def unbounded(self) -> list[EndlessRetries]:
        """The tasks whose retries never end."""
        found = []
        for option in self.retries.options:
            known = self.retries.constant((option.module, option.value))
            if option.name != "max_retries" or known is None or known.kind != "constant":
                continue
            if known.data is None and all(self._never_ends(policy) for policy in option.policies):
                growing = (self._growing(call) for policy in option.policies for call in policy.calls)
                found.append(EndlessRetries(option, next(filter(None, growing), None)))
        return found

    def _growing(self, call: RetryCall) -> Place | None:
        """The delay of a retry, if it is a product or a power of the number of retries."""
        delay = call.given("countdown")
        if delay is None:
            return None
        if delay.chain[:1] != "%" or "." in delay.chain:
            return call.module.place(delay.span) if _grows(delay) else None
        steps = self.functions.of(call.module, call.function).steps
        binding = [step for step in steps if delay.chain[1:] in step.stores]
        counted = len(binding) == 1 and any(load.endswith(".retries") for load in binding[0].loads)
        return call.module.place(binding[0].span) if counted and binding[0].value == "*" else None

    def _never_ends(self, policy: RetryPolicy) -> bool:
        if self.in_force.annotated(policy.task, frozenset({"max_retries", "expires"})):
            return False
        if self.task_options.get(policy.task, "expires") is not None:
            return False
        if self.retries.reads_near(policy.task, "retries"):
            return False
        if any(call.sets("max_retries") is not False for call in policy.calls):
            return False
        if any(call.sets("expires") is not False for call in policy.calls):
            return False
        if not policy.automatic or self.kept.is_never_automatic(policy):
            return bool(policy.calls)
        if "retry_kwargs" not in policy.options:
            return True
        mapping = self._retry_kwargs(policy)
        given = mapping[1].keyword("max_retries") if mapping is not None else None
        closed = mapping is not None and not mapping[1].open_ended()
        return closed and (given is None or (given.kind == "constant" and given.data is None))

    # ------------------------------------------------------------------ CEL421

    @facts
    def unknown_keys(self) -> list[UnknownRetryKey]:
        """The keywords of ``retry`` and in ``retry_kwargs`` that mean nothing there."""
        found: list[UnknownRetryKey] = []
        for option in self.retries.options:
            used = option.name == "retry_kwargs" and any(p.automatic for p in option.policies)
            if used and option.value.kind == "mapping" and not self.retries.reads("retry_kwargs"):
                for key, given in zip(option.value.items, option.value.keywords, strict=True):
                    found.extend(self._judged(option.module, given[0], key.span))
        for call in self.retry_calls.all:
            for name, value in call.value.keywords:
                found.extend(self._judged(call.module, name, value.span))
        return found

    def _judged(self, module: Module, key: str, span: Span) -> Iterator[UnknownRetryKey]:
        if key in _KNOWN or key in MESSAGE_PROPERTIES or not key.isidentifier():
            return
        if key in _OF_TASK:
            yield UnknownRetryKey(key, "", module.place(span))
            return
        meant = _MEANT.get(key) or nearest(key, _KNOWN)
        if meant:
            yield UnknownRetryKey(key, meant, module.place(span))


def _grows(value: Value, scaled: bool = False) -> bool:
    """Whether a delay is a product or a power of the number of retries, without a bound."""
    if value.kind == "name":
        return scaled and value.chain.endswith(".retries")
    if value.kind == "arithmetic" and value.data in ("Add", "Mult", "Pow"):
        scaled = scaled or value.data != "Add"
    elif value.kind != "call" or value.chain != "~int":
        return False
    return any(_grows(item, scaled) for item in value.items)


def _asks_for_none(value: Value) -> bool:
    """Whether ``retry_kwargs`` says that nothing is retried, which is so anyway: ``{"max_retries": 0}``."""
    given = value.keyword("max_retries") if value.kind == "mapping" else None
    return given is not None and given.kind == "constant" and given.data == 0


def _is_nothing(value: Value) -> bool:
    return value.kind == "constant" and not value.data


def _is_nothing_but_zero(value: Value) -> bool:
    return value.kind == "constant" and value.data is None
