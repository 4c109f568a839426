"""Sessions that several coroutines use at the same time."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from celery_lint.analysis.resources.sessions.session_flow import WORK, SessionFlow, View
from celery_lint.diagnostics import Span
from celery_lint.inventory.resources.sessions import SessionName, Sessions
from celery_lint.model.arguments import Argument
from celery_lint.model.calls import Call
from celery_lint.model.facts import Class, Function, Module, Place
from celery_lint.model.steps import Step
from celery_lint.project.entity import UNKNOWN
from celery_lint.project.known import Known, facts

_TOGETHER = ("gather", "asyncio.wait", "create_task")
_GATHERINGS = frozenset({"asyncio.gather", "asyncio.tasks.gather", "asyncio.wait", "asyncio.tasks.wait"})
_SPAWNERS = frozenset({"asyncio.TaskGroup().create_task", "asyncio.taskgroups.TaskGroup().create_task"})
_STARTERS = frozenset({"asyncio.create_task", "asyncio.tasks.create_task", "asyncio.ensure_future"})
# What a coroutine may hold while another one waits for it.
_LOCKS = ("Lock()", "Semaphore()", "BoundedSemaphore()", "Condition()", "CapacityLimiter()")


class GatheredSession(NamedTuple):
    """An ``AsyncSession`` that coroutines use at the same time; ``others`` are the further uses.

    ``used`` is where the coroutine of the first place works with it, if that is another function.
    """

    place: Place
    name: str
    others: tuple[Place, ...]
    used: Place | None = None


class SessionSharing:
    """The sessions that the coroutines of a ``gather`` or a task group share."""

    def __init__(self, known: Known) -> None:
        self.session_flow = known.of(SessionFlow)
        self.sessions = known.of(Sessions)
        self.project = known.project
        self.functions = known.project.functions

    @facts
    def gathered(self) -> list[GatheredSession]:
        """The shared sessions, by function."""
        found: list[GatheredSession] = []
        for view, names in self.session_flow.views:
            if view.function.mentions(*_TOGETHER):
                for held in names.values():
                    if held.kind == "async":
                        found += _Search(self, view, names, held).shared()
        for module, function, tasks in self.sessions.reached:
            class_ = module.classes.get(function.owner) if function.owner else None
            if class_ is not None and function.is_async and function.mentions(*_TOGETHER):
                for attribute in self._attributes(module, class_):
                    flow, calls = self.functions.of(module, function), self.functions.calls(module, function)
                    view = View(module, function, flow, calls, tasks)
                    chain = f":{class_.qualname}().{attribute}"
                    held = SessionName(function.first(), "async", chain, (), False)
                    found += _Search(self, view, {}, held, attribute).shared()
        return found

    def _attributes(self, module: Module, class_: Class) -> Iterator[str]:
        """The attributes of a class that hold an ``AsyncSession``, by its type or by who makes the object."""
        for name, values in class_.attributes.items():
            made = [value for value in values if value.kind != "constant"]
            if len(made) != 1 or made[0].kind not in ("name", "call"):
                continue
            chain = made[0].chain if made[0].kind == "name" else f"{made[0].chain}()"
            if self.sessions.kind(module, chain) == "async" or (
                chain[:1] == "%" and self._is_given_session(module, class_, chain[1:])
            ):
                yield name

    def _is_given_session(self, home: Module, class_: Class, parameter: str) -> bool:
        """Whether what tasks run makes objects of a class with an ``AsyncSession`` as this parameter."""
        init = home.functions.get(f"{class_.qualname}.__init__")
        for module, function, _ in self.sessions.reached if init is not None else ():
            if not function.mentions(class_.name):
                continue
            for call in self.functions.calls(module, function):
                made = self.project.resolve(module, call.chain) if call.leaf() == class_.name else UNKNOWN
                if made.class_() is class_ and init is not None:
                    for given in call.takes:
                        named = init.parameter_given(call, given.chain) if given.kind == "name" else ""
                        if named == parameter and self.sessions.kind(module, given.chain) == "async":
                            return True
        return False


class _Search:
    """The search for the uses of one session that run at the same time."""

    def __init__(
        self,
        sharing: SessionSharing,
        view: View,
        names: dict[str, SessionName],
        held: SessionName,
        attribute: str = "",
    ) -> None:
        self.sharing = sharing
        self.project = sharing.project
        self.view = view
        self.held = held
        #: The attribute of the object itself that holds the session, if no name does.
        self.attribute = attribute
        self.used: dict[Span, Place] = {}  # by the call that makes the coroutine
        # Calls do not tell which of two sessions from the same maker they take; statements do.
        self.alike = {other.name for other in names.values() if other.chain == held.chain} - {held.name}

    def shared(self) -> Iterator[GatheredSession]:
        """One finding for a ``gather`` or a task group."""
        view = self.view
        groups: dict[int, list[Call]] = {}
        for step in view.flow.steps:
            for call in view.made_in(step):
                if call.leaf() in ("gather", "wait"):
                    if self.project.resolve(view.module, call.chain).name in _GATHERINGS:
                        yield from self._fact(list(self._together(step, call)))
                elif call.leaf() in ("create_task", "ensure_future") and self._starts(step, call):
                    yield from self._fact(self._side_by_side(step, call))
                elif call.leaf() == "create_task" and self._spawns(step, call):
                    group = next((s.number for s in view.flow.ancestors(step) if s.kind == "with"), -1)
                    loop = view.flow.inside(step, "for", "body")
                    repeated = loop is not None and loop.number > group
                    groups.setdefault(group, []).extend([call, call] if repeated else [call])
        for uses in groups.values():
            yield from self._fact(uses)

    def _fact(self, uses: list[Call]) -> Iterator[GatheredSession]:
        if len(uses) > 1:
            places = list(dict.fromkeys(self.view.module.place(call.span) for call in uses))
            used = self.used.get(uses[0].span)
            yield GatheredSession(places[0], self._label(), tuple(places[1:3]), used)

    def _label(self) -> str:
        return f"{self.held.name}.{self.attribute}" if self.attribute else self.held.name

    def _spawns(self, step: Step, call: Call) -> bool:
        if self.project.resolve(self.view.module, call.chain).name not in _SPAWNERS:
            return False
        return any(self._uses(step, inner) for inner in self.view.calls if inner.parent == call.number)

    def _starts(self, step: Step, call: Call) -> bool:
        """Whether a call starts a coroutine with the session, outside of a group."""
        if self.project.resolve(self.view.module, call.chain).name not in _STARTERS:
            return False
        return any(self._uses(step, inner) for inner in self.view.calls if inner.parent == call.number)

    def _side_by_side(self, step: Step, call: Call) -> list[Call]:
        """The call, and the one that the next statement makes before anything is awaited."""
        flow = self.view.flow
        siblings = [other for other in flow.steps if (other.parent, other.role) == (step.parent, step.role)]
        loop = flow.inside(step, "for", "body")
        if loop is not None and not any(self._awaits(other) for other in flow.below(loop)):
            return [call, call]
        for other in siblings:
            if other.number > step.number:
                found = [
                    later
                    for later in self.view.made_in(other)
                    if later.leaf() in ("create_task", "ensure_future") and self._starts(other, later)
                ]
                if found or self._awaits(other) or flow.below(other):
                    return [call, *found]
        return []

    def _awaits(self, step: Step) -> bool:
        return step.waits or any(call.is_awaited for call in self.view.made_in(step))

    def _together(self, step: Step, call: Call) -> Iterator[Call]:
        """The calls whose coroutines a ``gather`` runs; one of a comprehension counts twice."""
        direct = {given.number for given in call.takes if given.kind == "call"}
        several = any(given.kind == "starred" for given in call.takes)
        for inner in self.view.calls:
            if inner.parent == call.number and self._uses(step, inner):
                if inner.number in direct:
                    yield inner
                elif several and self._repeated(inner):
                    yield from (inner, inner)
        if several or call.leaf() == "wait":
            for name in step.loads:
                yield from self._listed(step, name)

    def _listed(self, gathering: Step, name: str) -> Iterator[Call]:
        """The coroutines that a list holds which is gathered later."""
        view = self.view
        for step in view.flow.steps[: gathering.number]:
            if name in step.stores and step.kind == "assign" and step.chains == ("[",):
                for call in view.made_in(step):
                    if self._uses(step, call):
                        yield from (call, call) if self._repeated(call) else (call,)
            elif name in step.loads and step.kind == "expr" and step.chains == (f"%{name}.append()",):
                again = view.flow.inside(step, "for", "body") is not None
                for call in view.made_in(step):
                    if self._uses(step, call):
                        yield from (call, call) if again else (call,)

    def _repeated(self, call: Call) -> bool:
        """Whether a call stands in a comprehension: it takes a name that no statement binds."""
        bound = {parameter.name for parameter in self.view.function.parameters}
        bound.update(name for step in self.view.flow.steps for name in step.stores)
        local = [given.chain for given in call.takes if given.chain[:1] == "%"]
        return any(chain[1:].partition(".")[0].rstrip("()[]") not in bound for chain in local)

    # ------------------------------------------------------------------ one coroutine

    def _uses(self, step: Step, call: Call) -> bool:
        """Whether a call makes a coroutine that works with the session, with no lock to wait for."""
        if call.is_awaited:
            return False
        here = self.held.name in step.loads and self.alike.isdisjoint(step.loads)
        if here and call.leaf() in WORK and call.chain.rpartition(".")[0] == self.held.chain:
            return True
        entity = self.project.resolve(self.view.module, call.chain)
        function = entity.function()
        if function is None or entity.module is None or not function.is_async:
            return False
        inner = function.parent == self.view.function.qualname
        if self.attribute and (inner or function.owner == self.view.function.owner):
            return self._noted(call, self._works_for_its_object(entity.module, function))
        if here and call.hands_on(self.held.chain):
            name = function.parameter_given(call, self.held.chain)
        elif function.parent == self.view.function.qualname and self._seen_by(function):
            name = self.held.name
        else:
            return False
        return bool(name) and self._noted(call, self._works(entity.module, function, name))

    def _noted(self, call: Call, used: Place | None) -> bool:
        """Whether there is a use, which is kept for the story."""
        if used is not None:
            self.used[call.span] = used
        return used is not None

    def _seen_by(self, function: Function) -> bool:
        """Whether a nested function sees the session of the function around it."""
        if any(parameter.name == self.held.name for parameter in function.parameters):
            return False
        steps = self.sharing.sessions.functions.of(self.view.module, function).steps
        return not any(self.held.name in step.stores for step in steps)

    def _works(self, module: Module, function: Function, name: str) -> Place | None:
        """Where a coroutine function awaits something with the session and holds no lock meanwhile."""
        flow = self.sharing.sessions.functions.of(module, function)
        calls = self.sharing.sessions.functions.calls(module, function)
        for step in flow.steps:
            if name not in step.loads or step.kind == "def":
                continue
            awaited = step.waits or any(calls[number].is_awaited for number in step.calls)
            if awaited and not any(self._waits(module, outer) for outer in flow.ancestors(step)):
                return module.place(step.span)
        return None

    def _works_for_its_object(self, module: Module, function: Function, depth: int = 2) -> Place | None:
        """The same of a method that takes the session out of the object, or awaits one that does."""
        flow = self.sharing.functions.of(module, function)
        itself = function.first() if function.owner and not function.parent else self.held.name
        for call in self.sharing.functions.calls(module, function):
            step = flow.step_of(call) if call.is_awaited else None
            if step is None or any(self._waits(module, outer) for outer in flow.ancestors(step)):
                continue
            if itself not in step.loads:
                continue  # the same of another object of the class, which has a session of its own
            if call.chain.startswith(f"{self.held.chain}.") or call.hands_on(self.held.chain):
                return module.place(call.span)
            other = self.project.resolve(module, call.chain).function() if depth else None
            own = other is not None and other.owner == self.view.function.owner
            if other is not None and own:
                used = self._works_for_its_object(module, other, depth - 1)
                if used is not None:
                    return used
        return None

    def _waits(self, module: Module, step: Step) -> bool:
        if step.kind != "with":
            return False
        for item in step.chains:
            entity = self.project.resolve(module, item.partition("=")[0])
            if entity.name.endswith("Semaphore()") and self._lets_several_in(entity.name[:-2]):
                continue
            if entity.kind == "unknown" or entity.name.endswith(_LOCKS):
                return True
        return False

    def _lets_several_in(self, maker: str) -> bool:
        """Whether the semaphores that the function makes are no locks."""
        made = [call for call in self.view.calls if call.chain == maker]
        return bool(made) and all(_lets_several_in(call.argument(0, "value")) for call in made)


def _lets_several_in(limit: Argument) -> bool:
    return bool(limit) and limit.data != 1
