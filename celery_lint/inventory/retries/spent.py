"""Statements that a task only comes to once it has been retried as often as it may be."""

from __future__ import annotations

from collections.abc import Collection

from celery_lint.inventory.retries.calls import EXCEEDED
from celery_lint.inventory.retries.policies import RetryPolicy
from celery_lint.model.arguments import unpack_argument
from celery_lint.model.chains import leaf_of_chain
from celery_lint.model.facts import Function, Module, Value
from celery_lint.model.steps import Step
from celery_lint.project.functions import Flow
from celery_lint.project.known import Known


class Spent:
    """Where the retries of a task are used up."""

    def __init__(self, known: Known) -> None:
        self.project = known.project
        self.functions = known.project.functions

    def is_spent(
        self, policy: RetryPolicy, module: Module, function: Function, step: Step, calls: Collection[int]
    ) -> bool:
        """Whether no automatic retry follows what a statement in the function of a task raises.

        It stands where the number of retries has been found to be as high as the bound of those, or where one
        of these calls of ``retry`` has found so itself. ``calls`` are their numbers in the function.
        """
        flow = self.functions.of(module, function)
        return _is_exceeded(flow, step, calls) or any(
            self._reaches_the_bound(policy, module, test, holds) for test, holds in flow.sides(step)
        )

    def _reaches_the_bound(self, policy: RetryPolicy, module: Module, test: Step, holds: bool) -> bool:
        """Whether a test that holds, or does not, finds as many retries as may be automatic."""
        word, _, more = test.asks_for.rpartition(":")
        if word[:1] != "<" or holds is not test.asks_in_the_negative:
            return False
        chain, most = word[1:], policy.most(self.project)
        given = self._given(policy)
        if any(chain == f"{call.call.chain.removesuffix('.retry')}.max_retries" for call in policy.calls):
            if not given:
                return int(more) >= 0  # whatever it is
            found = most
        elif chain[:1] == "#":
            data = unpack_argument(chain).data
            found = float(data) if isinstance(data, (int, float)) else None
        else:
            found = self.project.number(module, Value("name", test.span, None, chain))
        return found is not None and all(
            bound is not None and bound <= found + int(more) for bound in given or [most]
        )

    def _given(self, policy: RetryPolicy) -> list[float | None]:
        """The bounds of automatic retries that are not the task's own, ``None`` for one that is not known.

        A call of ``retry`` leaves its own behind, for the next automatic retry in the process.
        """
        found: list[float | None] = []
        for call in policy.calls:
            if call.sets("max_retries") is not False:
                found.append(self.project.number(call.module, call.given("max_retries")))
        option = policy.options.get("retry_kwargs")
        mapping = option[1] if option is not None else None
        automatic = mapping.keyword("max_retries") if mapping is not None else None
        if option is not None and automatic is not None:
            return [*found, self.project.number(option[0], automatic)]
        if mapping is not None and (mapping.kind != "mapping" or mapping.open_ended()):
            return [*found, None]
        return [*found, policy.most(self.project)] if found else []


def _is_exceeded(flow: Flow, step: Step, calls: Collection[int]) -> bool:
    """Whether a statement stands in a handler for the error by which one of these calls gives up."""
    for outer in flow.ancestors(step):
        if outer.kind != "handler" or not outer.chains:
            continue
        if any(leaf_of_chain(chain) != EXCEEDED for chain in outer.chains):
            continue
        attempt = flow.steps[outer.parent]
        inside = (inner for part in flow.body(attempt) for inner in (part, *flow.below(part)))
        if any(number in calls for inner in inside for number in inner.calls):
            return True
    return False
