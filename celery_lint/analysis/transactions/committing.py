"""What commits a session of SQLAlchemy at its end: a block, or what gives the session to a function."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from celery_lint.analysis.transactions.sent_before_commit import leads_to
from celery_lint.libraries.sqlalchemy import ASYNC_MAKERS, SYNC_MAKERS
from celery_lint.model.calls import Call
from celery_lint.model.facts import Function, Module, Place
from celery_lint.model.steps import Step
from celery_lint.project.entity import Key, is_decorated
from celery_lint.project.functions import Flow
from celery_lint.project.known import Known

_BEGIN = ".begin()"
_COMMIT = ".commit()"
_DEPENDS = frozenset({"fastapi.Depends"})
_GENERATORS = frozenset({"contextmanager", "asynccontextmanager"})


class Committing:
    """The blocks and generators that commit at their end what was given to their session."""

    def __init__(self, known: Known) -> None:
        self.project = known.project
        self.functions = known.project.functions
        self._generators: dict[Key, bool] = {}

    def around(
        self, module: Module, function: Function, session: str, before: Step, sent: Step
    ) -> Place | None:
        """What commits this session behind two statements of a function, if that is certain."""
        flow = self.functions.of(module, function)
        outside = {step.number for step in flow.ancestors(before)}
        for opened in flow.ancestors(sent):
            if opened.kind != "with" or opened.number not in outside:
                continue
            if any(self._commits(module, session, chain) for chain in opened.chains):
                return module.place(opened.span)
        return self._given(module, function, before)

    def _commits(self, module: Module, session: str, chain: str) -> bool:
        """Whether a ``with`` gives, or begins a transaction of, this session, and commits it at its end."""
        opened = chain.partition("=")[0]
        if opened == f"{session}{_BEGIN}":
            return True
        if opened != session:
            return False
        if opened.endswith(_BEGIN):
            name = self.project.resolve(module, opened.removesuffix(_BEGIN)).name
            return name in SYNC_MAKERS or name in ASYNC_MAKERS
        entity = self.project.resolve(module, opened.removesuffix("()"))
        made = entity.function()
        if made is None or entity.module is None or not is_decorated(made, _GENERATORS):
            return False
        return self._commits_at_its_end(entity.module, made)

    def _commits_at_its_end(self, module: Module, generator: Function) -> bool:
        """Whether a generator commits, whenever all goes well, after it has yielded."""
        key = (module.path, generator.qualname)
        found = self._generators.get(key)
        if found is None:
            found = self._generators[key] = any(self._ends(module, generator))
        return found

    def _ends(self, module: Module, generator: Function) -> Iterator[bool]:
        if not generator.is_generator:
            return
        flow = self.functions.of(module, generator)
        for step in flow.steps:
            if step.yields:
                yield any(self._is_block(module, outer, step) for outer in flow.ancestors(step))
                yield any(
                    later.value.endswith(_COMMIT) and self._follows(flow, step, later)
                    for later in flow.after(step)
                )

    def _is_block(self, module: Module, outer: Step, yielding: Step) -> bool:
        given = yielding.value
        return outer.kind == "with" and any(self._commits(module, given, chain) for chain in outer.chains)

    def _follows(self, flow: Flow, yielding: Step, commit: Step) -> bool:
        """Whether a statement is reached after a yield in which nothing failed."""
        blocks = {yielding.parent, *(outer.parent for outer in flow.ancestors(yielding))}
        return commit.parent in blocks and commit.role in ("body", "else")

    def _given(self, module: Module, function: Function, before: Step) -> Place | None:
        """``db = Depends(get_db)``, where ``get_db`` commits when the function has returned."""
        waiting = [p.name for p in function.parameters if p.default.removesuffix("()") in _DEPENDS]
        outer = module.functions.get(function.parent)
        if outer is None or not any(name in before.loads for name in waiting):
            return None
        start, end = function.span.start, self.functions.of(module, function).steps[0].span.start
        calls = [
            call
            for call in self.functions.calls(module, outer)
            if start < call.span.start < end and call.chain in _DEPENDS
        ]
        for name, call in zip(waiting, sorted(calls, key=lambda call: call.span), strict=False):
            given = self.project.resolve(module, call.argument(0, "dependency").chain)
            made = given.function()
            if name not in before.loads or made is None or given.module is None:
                continue
            if self._commits_at_its_end(given.module, made):
                return module.place(call.span)
        return None


def commit_after(flow: Flow, calls: Sequence[Call], session: str, before: Step, sent: Step) -> Step | None:
    """The statement below another one that certainly commits the session which a third one uses."""
    blocks = {sent.parent, *(outer.parent for outer in flow.ancestors(sent))}
    for call in calls:
        step = flow.step_of(call) if call.chain == f"{session}.commit" and not call.in_lambda else None
        if step is None or step.number <= sent.number or step.parent not in blocks:
            continue
        # Two sessions of one class have one chain, and are told apart by their names.
        names = {name for name in step.loads if name.isidentifier()}
        if names <= {*before.loads} and leads_to(flow, sent, step):
            return step
    return None
