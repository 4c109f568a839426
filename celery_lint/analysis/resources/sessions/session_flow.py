"""What functions that tasks run do with a session: leave it open, or use it too late."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from celery_lint.inventory.code.graph import CallGraph
from celery_lint.inventory.resources.sessions import SessionName, Sessions
from celery_lint.inventory.tasks.task import Task
from celery_lint.libraries.sqlalchemy import USERS_OF_ENGINES
from celery_lint.model.calls import Call
from celery_lint.model.facts import Function, Module, Place
from celery_lint.model.records import NamedTuple
from celery_lint.model.steps import Step
from celery_lint.project.entity import Key
from celery_lint.project.functions import Flow
from celery_lint.project.known import Known, facts, once

_CLOSINGS = frozenset({"close", "aclose", "remove"})
#: Calls on a closed session, or on one whose transaction has failed, that are allowed and do no harm.
HARMLESS = frozenset(
    {"close", "aclose", "remove", "rollback", "expunge", "expunge_all", "reset", "invalidate", "expire_all"}
)
#: Methods of a session that talk to the database, or will.
WORK = frozenset(
    [
        "add",
        "add_all",
        "bulk_insert_mappings",
        "bulk_save_objects",
        "commit",
        "connection",
        "delete",
        "exec",
        "execute",
        "flush",
        "get",
        "get_one",
        "merge",
        "query",
        "refresh",
        "run_sync",
        "scalar",
        "scalars",
        "stream",
        "stream_scalars",
    ]
)


class UnclosedSession(NamedTuple):
    """A session that its ``owner`` opens and closes never, or (``skipped``) only when nothing raises."""

    place: Place
    name: str
    skipped: bool
    owner: Key
    task: Task


class SessionAfterBlock(NamedTuple):
    """A use of a session after the ``with`` that closed it."""

    place: Place
    name: str
    block: Place


class View(NamedTuple):
    """One function with its statements and calls."""

    module: Module
    function: Function
    flow: Flow
    calls: list[Call]
    tasks: tuple[Task, ...]

    def made_in(self, step: Step) -> Iterator[Call]:
        """The calls that a statement makes."""
        return (self.calls[number] for number in step.calls)


class SessionFlow:
    """The session facts that need the statements of functions."""

    def __init__(self, known: Known) -> None:
        self.sessions = known.of(Sessions)
        self.project = known.project
        self.functions = known.project.functions
        self.graph = known.of(CallGraph)

    @once
    def views(self) -> list[tuple[View, dict[str, SessionName]]]:
        """The functions that hold sessions, with the names that do."""
        return [
            (self._view(module, function, tasks), names)
            for module, function, tasks in self.sessions.reached
            if (names := self.sessions.names(module, function))
        ]

    @once
    def with_handlers(self) -> list[tuple[View, dict[str, SessionName]]]:
        """Those with an ``except``, with the names that are ``None`` before they hold a session."""
        return [
            (self._view(module, function, tasks), names)
            for module, function, tasks in self.sessions.reached
            if function.has("handler") and (names := self.sessions.names_or_none(module, function))
        ]

    def _view(self, module: Module, function: Function, tasks: tuple[Task, ...]) -> View:
        flow, calls = self.functions.of(module, function), self.functions.calls(module, function)
        return View(module, function, flow, calls, tasks)

    @once
    def methods(self) -> list[View]:
        """The methods with a handler that tasks run: their objects may hold a session."""
        return [
            self._view(module, function, tasks)
            for module, function, tasks in self.sessions.reached
            if function.owner and function.has("handler")
        ]

    # ------------------------------------------------------------------ opened and not closed

    @once
    def unclosed(self) -> list[UnclosedSession]:
        """The sessions that a ``with`` or a ``finally`` should close."""
        found: list[UnclosedSession] = []
        for view, names in self.views:
            for held in names.values():
                if held.kind != "scoped" and len(held.steps) == 1 and not held.closes:
                    call = self._opening(view, held)
                    skipped = self._left_open(view, held) if call is not None else None
                    if call is not None and skipped is not None:
                        place = view.module.place(call.span)
                        owner = view.module.path, view.function.qualname
                        found.append(UnclosedSession(place, held.name, skipped, owner, view.tasks[0]))
        return found

    def _opening(self, view: View, held: SessionName) -> Call | None:
        step = view.flow.steps[held.steps[0]]
        if step.kind != "assign":
            return None
        for call in view.made_in(step):
            if f"{call.chain}()" == held.chain and call.is_bound:
                return call
        return None

    def _left_open(self, view: View, held: SessionName) -> bool | None:
        """``None``: it is closed, or may be elsewhere. Else whether some way through closes it."""
        always, in_handler = False, False
        for step in view.flow.steps:
            if held.name not in step.loads:
                continue
            if self._gives_away(view, step, held):
                return None
            if any(self.is_on(call, held, _CLOSINGS) for call in view.made_in(step)):
                if view.flow.inside(step, "try", "finally") is not None:
                    return None
                if any(outer.kind == "handler" for outer in view.flow.ancestors(step)):
                    in_handler = True
                else:
                    always = True
        if always and in_handler:
            return None
        return always or in_handler

    def _gives_away(self, view: View, step: Step, held: SessionName) -> bool:
        """Whether a statement hands the session to somebody who may close it."""
        if step.kind in ("def", "class") or step.yields:
            return True
        value = step.value
        if step.kind in ("return", "assign", "expr") and value in (held.chain, "?", "(", "[", "{"):
            return True
        if step.kind == "with" and any(chain.partition("=")[0] == held.chain for chain in step.chains):
            return True
        return any(
            any(given.chain.startswith(f"{held.chain}.") for given in call.takes)  # `callback(session.close)`
            or (call.hands_on(held.chain) and not self._borrows(view, call))
            for call in view.made_in(step)
        )

    def _borrows(self, view: View, call: Call) -> bool:
        """Whether what is called uses a session and leaves it to its owner."""
        entity = self.project.resolve(view.module, call.chain)
        function = entity.function()
        if function is None or entity.module is None:
            return entity.kind == "external" and entity.name.startswith(USERS_OF_ENGINES)
        return not any(inner.mentions("close") for _, inner in self.graph.closure(entity.module, function))

    def is_on(self, call: Call, held: SessionName, leaves: Iterable[str]) -> bool:
        """Whether a call is one of these methods of the session."""
        return call.leaf() in leaves and call.chain.rpartition(".")[0] in (held.chain, f"%{held.name}")

    def lent(self, view: View, call: Call, chain: str) -> bool:
        """Whether a call hands a session, or an object made with it, to a function of the project."""
        if not call.hands_on(chain):
            return False
        entity = self.project.resolve(view.module, call.chain)
        return entity.function() is not None

    # ------------------------------------------------------------------ after the block

    @facts
    def after_blocks(self) -> list[SessionAfterBlock]:
        """The uses of a session after the ``with`` that closed it."""
        found: list[SessionAfterBlock] = []
        for view, names in self.views:
            for held in names.values():
                if held.closes:
                    found += self._after_block(view, held)
        return found

    def _after_block(self, view: View, held: SessionName) -> Iterator[SessionAfterBlock]:
        flow = view.flow
        for step in flow.steps[held.steps[0] + 1 :]:
            if held.name not in step.loads or step.kind == "def" or step.number in held.steps:
                continue
            if any(outer.number in held.steps for outer in flow.ancestors(step)):
                continue
            for call in view.made_in(step):
                on_it = call.leaf() in WORK and call.chain.rpartition(".")[0] == held.chain
                if on_it or self.lent(view, call, held.chain):
                    block = next(number for number in reversed(held.steps) if number < step.number)
                    place = view.module.place(call.span)
                    yield SessionAfterBlock(place, held.name, view.module.place(flow.steps[block].span))
                    return
