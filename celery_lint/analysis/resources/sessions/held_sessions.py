"""The sessions that functions with an ``except`` hold, and the objects that are made with them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from celery_lint.analysis.resources.sessions.session_flow import SessionFlow, View
from celery_lint.inventory.code.runs import Runs
from celery_lint.inventory.resources.sessions import SessionName
from celery_lint.inventory.tasks.layers import Layers
from celery_lint.inventory.tasks.options import TaskOptions
from celery_lint.inventory.workers.pools import Pools
from celery_lint.model.steps import Step
from celery_lint.project.functions import Flow
from celery_lint.project.known import Known


class HeldSession(NamedTuple):
    """A session, the names that hold it or an object made with it, and the chains of those objects."""

    session: SessionName
    names: frozenset[str]
    owners: frozenset[str]

    def is_in(self, step: Step) -> bool:
        """Whether a statement reads one of the names."""
        return not self.names.isdisjoint(step.loads)

    def is_there_after(self, flow: Flow, attempt: Step) -> bool:
        """Whether what fails in a ``try`` leaves this session, and no other, to the handlers.

        It is opened before, or in the ``try`` once and under no condition, and not by a ``with``. One that a
        ``with`` opens is there in its block.
        """
        around = {outer.number for outer in flow.ancestors(attempt)}
        if self.session.closes:
            return not around.isdisjoint(self.session.steps)
        later = [number for number in self.session.steps if number not in around and number > attempt.number]
        if not later:
            return True
        opening = flow.steps[later[0]]
        direct = opening.kind == "assign" and (opening.parent, opening.role) == (attempt.number, "body")
        return direct and len(self.session.steps) == 1


class HeldSessions:
    """Who holds which session where an exception may be caught."""

    def __init__(self, known: Known) -> None:
        self.session_flow = known.of(SessionFlow)
        self.project = known.project
        self.layers = known.of(Layers)
        self.task_options = known.of(TaskOptions)
        self.pools = known.of(Pools)
        self.runs = known.of(Runs)

    def views(self) -> Iterator[tuple[View, list[HeldSession]]]:
        """The functions with a handler, and the sessions that they or their objects hold."""
        for view, names in self.session_flow.with_handlers:
            if self._runs(view):
                kind = "async" if view.function.is_async else "sync"
                opened = (one for each in names.values() for one in _by_block(view.flow, each))
                yield view, [self._held(view, each) for each in opened if each.kind == kind]
        for view in self.session_flow.methods:
            if view.function.has("handler") and self._runs(view):
                yield view, self._held_by_object(view)

    def _runs(self, view: View) -> bool:
        """Whether the body runs: that of a task that nobody awaits does not."""
        if (
            not view.function.is_async
            or (view.module.path, view.function.qualname) in self.runs.task_coroutines
        ):
            return True
        return self.pools.awaits_tasks or any(
            self.layers.coroutine(task) is None or self.task_options.has_own_call(task) for task in view.tasks
        )

    def _held_by_object(self, view: View) -> list[HeldSession]:
        """The sessions in attributes of the object of a method, of which its other methods make use too."""
        kind = "async" if view.function.is_async else "sync"
        itself, names = frozenset({f":{view.function.owner}()"}), frozenset({view.function.first()})
        sessions = self.session_flow.sessions.of_object(view.module, view.function)
        return [HeldSession(each, names, itself) for each in sessions if each.kind == kind]

    def _held(self, view: View, session: SessionName) -> HeldSession:
        """A session with the objects that are made with it: `OrderService(session)`."""
        chains, names = {session.chain}, {session.name}
        used = {call.chain.rpartition(".")[0].removesuffix("()") for call in view.calls}
        for step in view.flow.steps:
            if step.kind == "assign" and len(step.stores) == 1 and not names.isdisjoint(step.loads):
                for call in view.made_in(step):
                    made = f"{call.chain}()"
                    if (
                        made == step.value
                        and any(given.chain in chains for given in call.takes)
                        and self.project.resolve(view.module, call.chain).kind == "class"
                    ):
                        chains.add(made)
                        names.add(step.name)
        for call in view.calls:  # `await DealService(session).qualify(deal)`
            made = f"{call.chain}()"
            if (
                made not in chains
                and call.chain in used
                and any(given.chain in chains for given in call.takes)
                and self.project.resolve(view.module, call.chain).kind == "class"
            ):
                chains.add(made)
        for step in view.flow.steps:  # one that is bound again may hold an object of another session
            if names.isdisjoint(step.loads) and step.kind == "assign" and step.number not in session.steps:
                names.difference_update({*step.stores} - {session.name})
        return HeldSession(session, frozenset(names), frozenset(chains - {session.chain}))


def _by_block(flow: Flow, session: SessionName) -> Iterator[SessionName]:
    """The sessions of a name: each of several ``with`` blocks opens its own."""
    if not session.closes or len(session.steps) == 1:
        yield session
        return
    makers = {
        number: next((c for c in flow.steps[number].chains if c.endswith(f"={session.name}")), "")
        for number in session.steps
    }
    if not all(makers.values()):
        yield session
        return
    # What is bound to different things stands in chains by its name.
    chain = session.chain if len(set(makers.values())) == 1 else f"%{session.name}"
    for number, maker in makers.items():
        yield session._replace(chain=chain, steps=(number,), maker=maker.rpartition("=")[0])
