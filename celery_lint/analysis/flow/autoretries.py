"""Exceptions in ``autoretry_for`` that never arrive there."""

from __future__ import annotations

from celery_lint.inventory.code.bodies import Bodies, Body
from celery_lint.inventory.retries.escaping import Escaping
from celery_lint.inventory.retries.policies import Retries, RetryOption, RetryPolicy
from celery_lint.inventory.retries.spent import Spent
from celery_lint.inventory.workers.limits import TimeLimits
from celery_lint.model.facts import Module, Place, Value
from celery_lint.model.records import NamedTuple
from celery_lint.model.steps import Step
from celery_lint.project.known import Known, facts

_EVERY = frozenset({"builtins.BaseException", "builtins.Exception"})
_HARD = "TimeLimitExceeded"
_SOFT = "SoftTimeLimitExceeded"
_LIMIT_MODULES = ("celery.exceptions.", "billiard.exceptions.")


class UnreachableAutoretry(NamedTuple):
    """A time limit's exception in ``autoretry_for`` that cannot arrive there. ``listed``: the first there."""

    exception: str
    place: Place
    hard: bool
    listed: Place


class Autoretries:
    """What the automatic retries of a project wait for in vain."""

    def __init__(self, known: Known) -> None:
        self.retries = known.of(Retries)
        self.project = known.project
        self.functions = known.project.functions
        self.time_limits = known.of(TimeLimits)
        self.bodies = known.of(Bodies)
        self.spent = known.of(Spent)
        self.escaping = known.of(Escaping)

    @facts
    def unreachable(self) -> list[UnreachableAutoretry]:
        """The exceptions of time limits that `autoretry_for` waits for in vain."""
        found: dict[Place, UnreachableAutoretry | None] = {}
        for option in self.retries.options:
            module, listed = self._list(option)
            for item in listed if option.name == "autoretry_for" else ():
                entity = self.retries.entity(module, item)
                name = entity.name.rpartition(".")[2] if entity.kind == "external" else ""
                if entity.name.startswith(_LIMIT_MODULES) and name in (_HARD, _SOFT):
                    place = module.place(item.span)
                    fact = UnreachableAutoretry(name, place, name == _HARD, module.place(listed[0].span))
                    if found.setdefault(place, fact):
                        found[place] = found[place] if self._is_unreachable(name, option) else None
        return [fact for fact in found.values() if fact is not None]

    def _list(self, option: RetryOption) -> tuple[Module, tuple[Value, ...]]:
        """The exceptions of an option, and the module that lists them."""
        value, module = option.value, option.module
        if value.kind == "name":
            entity = self.retries.entity(module, value)
            value, module = entity.value or value, entity.module or module
        return module, value.items if value.kind == "sequence" else ()

    def _is_unreachable(self, name: str, option: RetryOption) -> bool:
        if self._raised_here(name):
            return False
        possible = self.time_limits.soft_limit_possible
        return name == _HARD or not any(possible(policy.task) for policy in option.policies)

    def _raised_here(self, name: str) -> bool:
        """Whether the project itself raises the exception of a time limit."""
        return any(
            step.kind == "raise" and any(chain.endswith((f".{name}()", f".{name}")) for chain in step.chains)
            for module, function in self.project.stating(f".{name}")
            for step in self.functions.of(module, function).steps
        )

    def waits_by_hand(self, policy: RetryPolicy, own_delay: bool) -> bool:
        """Whether ``retry`` gets all that ``autoretry_for`` waits for, with an ``own_delay`` each time.

        So no delay of the options ever counts, but for ``default_retry_delay`` where the call has none: the
        automatic retry lets the exception ``Retry`` through, and finds the limit reached where that call
        does.
        """
        if not self._end_together(policy):
            return False
        body = self.bodies.by_key.get((policy.task.module.path, policy.task.qualname))
        if body is None or body.role != "task":
            return False
        if own_delay and not all(call.has_delay for call in policy.calls):
            return False
        calls = frozenset(call.call.number for call in policy.calls if call.function is body.function)
        return any(self._retries(policy, body, attempt, calls) for attempt in body.flow.body())

    def _retries(self, policy: RetryPolicy, body: Body, attempt: Step, calls: frozenset[int]) -> bool:
        """Whether a ``try`` around all work of a task hands each ordinary exception to one of these calls.

        What a handler does before that, and the ``finally``, is no work. Another one may go on where the
        retries are used up.
        """
        flow = body.flow
        handlers = flow.body(attempt, "handler")
        work = [step for step in (*flow.body(), *flow.body(attempt, "else")) if step is not attempt]
        if not handlers or self.escaping.may_come_from(body.module, body.function, work):
            return False
        for handler in handlers:
            below = flow.below(handler)
            raised = [step for step in below if step.kind == "raise" and calls.isdisjoint(step.calls)]
            if not all(
                self.spent.is_spent(policy, body.module, body.function, step, calls) for step in raised
            ):
                return False
            named = {self.project.resolve(body.module, chain).name for chain in handler.chains}
            if not handler.chains or named & _EVERY:
                return any(not calls.isdisjoint(step.calls) for step in below)
        return False

    def _end_together(self, policy: RetryPolicy) -> bool:
        """Whether the automatic retry goes on no longer than one by hand."""
        option = policy.options.get("retry_kwargs")
        if option is None:
            return True
        if option[1].kind != "mapping" or option[1].open_ended():
            return False
        automatic = option[1].keyword("max_retries")
        if automatic is None:
            return True
        most = policy.most(self.project)
        number = self.project.number(option[0], automatic)
        return most is not None and number is not None and number <= most
