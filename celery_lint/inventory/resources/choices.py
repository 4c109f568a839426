"""Engines of which a branch makes one or the other: one for a server, one for a file or for tests."""

from __future__ import annotations

import re
from collections.abc import Sequence

from celery_lint.libraries.sqlalchemy import ASYNC_ENGINES
from celery_lint.model.facts import Function, Module, Value
from celery_lint.model.steps import Step
from celery_lint.project.entity import Entity
from celery_lint.project.functions import Flow
from celery_lint.project.known import Known

#: SQLAlchemy keeps no pooled connection between uses with these.
POOLLESS = frozenset({"NullPool"})
_SQLITE = "sqlite"
# What a test asks for that is never so where workers run.
_NOT_DEPLOYED = re.compile(r"sqlite|(?<![a-z])test", re.IGNORECASE)
# An argument for the driver of SQLite alone.
_OF_SQLITE = "check_same_thread"


class Choices:
    """What makes the engines among which a branch decides."""

    def __init__(self, known: Known) -> None:
        self.project = known.project
        self.functions = known.project.functions

    def beside(self, entity: Entity) -> list[Value]:
        """The calls that make an engine under the same name as that of an entity, its own among them."""
        module, value = entity.module, entity.value
        if module is None or value is None:
            return []
        around = self.functions.around(module, value)
        path, name = entity.origin or ("", "")
        found: Sequence[Value] = ()
        if around is None and path == module.path:
            found = module.bindings.get(name, ())
        elif around is not None and around.owner in module.classes:
            kept = module.classes[around.owner].attributes.values()
            found = next((values for values in kept if value in values), ())
        if value not in found and around is not None and _gives(around, value):
            found = [made for _, made in around.values]
        if value not in found:
            return []
        return [each for each in found if self._is_engine(module, each)]

    def _is_engine(self, module: Module, value: Value) -> bool:
        return value.kind == "call" and self.project.value_entity(module, value).name in ASYNC_ENGINES

    def are_for_servers(self, module: Module, pooled: Sequence[Value], poolless: Sequence[Value]) -> bool:
        """Whether the engines without a pool are for SQLite or for tests, so that workers have the others."""
        return all(
            self._is_for_a_file(each) or self._is_decided_by_address(module, each, pooled)
            for each in poolless
        )

    def gives_no_pool_to_others(self, module: Module, value: Value) -> bool:
        """Whether the options of an engine name a class without a pool only for SQLite or for tests."""
        around = self.functions.around(module, value)
        if around is None:
            return False
        flow = Flow(around)
        address = value.first()
        naming = [step for step in flow.steps if not POOLLESS.isdisjoint(step.loads)]
        return bool(naming) and all(_decides(flow, step, address) for step in naming)

    def _is_for_a_file(self, value: Value) -> bool:
        """Whether a call makes an engine for SQLite, as its arguments say."""
        given = value.keyword("connect_args")
        if given is not None and given.keyword(_OF_SQLITE) is not None:
            return True
        address = value.first()
        return address is not None and address.is_text() and str(address.data).startswith(_SQLITE)

    def _is_decided_by_address(self, module: Module, value: Value, pooled: Sequence[Value]) -> bool:
        """Whether the test that chooses an engine asks which database there is, or for tests."""
        around = self.functions.around(module, value)
        if around is None:
            return self._follows_question(module, value)
        flow = Flow(around)
        address = value.first()
        for each in (value, *pooled):
            step = _step_of(flow, each)
            if step is not None and any(outer.kind == "if" for outer in flow.ancestors(step)):
                return _decides(flow, step, address)
        return False

    def _follows_question(self, module: Module, value: Value) -> bool:
        """Whether code of a module asks what an address begins with, just before it makes an engine."""
        own = module.functions[""]
        asked = [
            call.span.line
            for call in self.functions.calls(module, own)
            if call.leaf() == "startswith" and call.argument(0).text.startswith(_SQLITE)
        ]
        before = max((line for line in asked if line <= value.span.line), default=0)
        return before > 0 and not any(
            other.chain == value.chain and before < other.span.line < value.span.line
            for _, other in own.values
        )


def _step_of(flow: Flow, value: Value) -> Step | None:
    """The statement that binds or returns a value."""
    return next(
        (
            step
            for step in flow.steps
            if step.kind in ("assign", "return") and step.span.line <= value.span.line <= step.span.end_line
        ),
        None,
    )


def _decides(flow: Flow, step: Step, address: Value | None) -> bool:
    """Whether the innermost test around a statement asks which database there is, or for tests."""
    test = next((outer for outer in flow.ancestors(step) if outer.kind == "if"), None)
    if test is None:
        return False
    if _NOT_DEPLOYED.search(" ".join((*test.loads, *test.chains))):
        return True
    return address is not None and address.chain[:1] == "%" and test.loads == (address.chain[1:],)


def _gives(function: Function, value: Value) -> bool:
    """Whether a function returns what a call makes."""
    given = [*function.returns]
    given += [part for returned in function.returns if returned.kind == "sequence" for part in returned.items]
    return any(value.chain == returned.chain.removesuffix("()") for returned in given)
