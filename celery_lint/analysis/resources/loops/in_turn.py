"""Clients that one task makes once and uses on several event loops, one after another."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from celery_lint.analysis.resources.loops.order import follows, repeating
from celery_lint.inventory.code.graph import LAYERS, CallGraph
from celery_lint.inventory.code.runs import HANDING_ON, LoopRun, Runs
from celery_lint.inventory.resources.bound import Bound
from celery_lint.inventory.resources.owners import Owners
from celery_lint.inventory.tasks.task import Task
from celery_lint.libraries.asyncio import NEW_LOOP
from celery_lint.libraries.clients import MADE_ON_A_LOOP, RELEASES
from celery_lint.model.calls import Call
from celery_lint.model.facts import Function, Module, Place, Value
from celery_lint.model.records import NamedTuple
from celery_lint.model.steps import Step
from celery_lint.project.entity import Entity, Key
from celery_lint.project.functions import Flow
from celery_lint.project.known import Known, facts

# Runs of kind ``run`` whose loop belongs to an object, which may have several runs.
_OF_AN_OBJECT = ("Runner.run", "BlockingPortal.call")
# So many turns before one are compared with it: more branches, of which one is run, are rare.
_MOST_BEFORE = 8
_NEW_LOOPS = frozenset(f"{name}()" for name in NEW_LOOP)
# Words that end a client, so that its next use begins anew.
_ENDING = (*sorted(RELEASES), "shutdown")


class ClientInTurn(NamedTuple):
    """A client that a function makes once, for runs of which each has an event loop of its own.

    ``name`` is the variable that holds it, or an object with it. ``before`` is the loop statement that runs
    coroutines again and again, or the run before; ``place`` the run that finds it bound to a closed loop.
    """

    run: LoopRun
    name: str
    made: Place
    before: Place
    is_repeated: bool
    place: Place
    owner: Key


class _Turn(NamedTuple):
    """A statement of a function that has a coroutine use one of its variables, on a loop of its own."""

    run: LoopRun
    module: Module
    function: Function
    step: Step
    name: str
    place: Place


class ClientsInTurn:
    """The clients of functions that tasks run, by what becomes of their connections within one call."""

    def __init__(self, known: Known) -> None:
        self.project = known.project
        self.functions = known.project.functions
        self.graph = known.of(CallGraph)
        self.runs = known.of(Runs)
        self.bound = known.of(Bound)
        self.owners = known.of(Owners)
        # The statements that bind a name of a function, if only one does; and whether it binds a client.
        self._binding: dict[Key, dict[str, Step]] = {}
        self._new: dict[tuple[str, str, str], bool] = {}

    @facts
    def all(self) -> list[ClientInTurn]:
        """The clients that a loop statement, or a second run, brings to another event loop."""
        turns: dict[tuple[str, str, str], list[_Turn]] = {}
        for run in self.runs.all:
            if self._has_own_loop(run):
                for turn in self._turns(run):
                    turns.setdefault((turn.module.path, turn.function.qualname, turn.name), []).append(turn)
        return [found for several in turns.values() if (found := self._judge(several)) is not None]

    @staticmethod
    def _has_own_loop(run: LoopRun) -> bool:
        """Whether each call of a run has a loop made for it, as far as its own function is concerned."""
        if run.adaptive or run.runner.endswith(_OF_AN_OBJECT):
            return False
        return run.kind in ("run", "new", "bridge")

    # ------------------------------------------------------------------ which variables a run uses

    def _turns(self, run: LoopRun) -> Iterator[_Turn]:
        """The statements that have a run use a client of theirs: its own, or those of its callers."""
        tasks = list({way.task.key: way.task for way in run.reached}.values())
        level: list[tuple[Module, Function, Call, str]] = [(run.module, run.function, run.call, "")]
        if run.helper:
            level = [(*caller, "") for caller in self.runs.callers(run.reached)]
        seen: set[tuple[str, str, int, str]] = set()
        for _ in range(LAYERS):
            following: list[tuple[Module, Function, Call, str]] = []
            for module, function, call, parameter in level:
                key = module.path, function.qualname, call.number, parameter
                step = self.functions.of(module, function).step_of(call)
                if key in seen or step is None:
                    continue
                seen.add(key)
                place = module.place(call.span) if run.helper else run.place
                for name in self._names(module, function, call, step, parameter):
                    if function.takes(name):
                        following += self._given(tasks, function, name)
                    else:
                        yield _Turn(run, module, function, step, name, place)
            level = following

    def _given(
        self, tasks: Sequence[Task], function: Function, name: str
    ) -> Iterator[tuple[Module, Function, Call, str]]:
        """The calls that give a function something for one of its parameters."""
        for task in tasks:
            for module, caller, call in self.graph.callers(task, function):
                yield module, caller, call, name

    def _names(
        self, module: Module, function: Function, call: Call, step: Step, parameter: str
    ) -> Iterator[str]:
        """The variables and parameters of a function that a call has a coroutine use.

        ``parameter`` is that of the called function which a coroutine uses; without one the call is a run.
        """
        for name in dict.fromkeys(self._read(module, function, step)):
            chain = self._chain(module, function, name)
            if not chain:
                continue
            if parameter:
                target = self.graph.target(module, call.chain)
                if target is not None and target[1].parameter_given(call, chain) == parameter:
                    yield name
            elif self._uses(module, function, call, step, name, chain):
                yield name

    def _read(self, module: Module, function: Function, step: Step) -> Iterator[str]:
        """The names that a statement reads, and those that a coroutine function defined here reads."""
        for name in step.loads:
            if name.isidentifier():
                yield name
                inner = module.functions.get(f"{function.qualname}/{name}")
                if inner is not None and inner.is_async:
                    for other in self.functions.of(module, function).steps:
                        if other.kind == "def" and other.name == name:
                            yield from (each for each in other.loads if each.isidentifier())

    def _chain(self, module: Module, function: Function, name: str) -> str:
        """How chains on a variable begin that holds a client, or on a parameter; nothing for others."""
        if function.takes(name):
            if function.owner and name == function.first():
                return ""
            parameter = next(each for each in function.parameters if each.name == name)
            return f"{parameter.annotation}()" if parameter.annotation else f"%{name}"
        made = self._made(module, function, name)
        return made.value if made is not None else ""

    def _made(self, module: Module, function: Function, name: str) -> Step | None:
        """The one statement that binds a variable to a new client, or to a new object that has one."""
        key = module.path, function.qualname
        known = self._binding.get(key)
        if known is None:
            known = self._binding[key] = _bound_once(self.functions.of(module, function))
        step = known.get(name)
        if step is None:
            return None
        variable = (*key, name)
        if variable not in self._new:
            self._new[variable] = self._is_new(module, step)
        return step if self._new[variable] else None

    def _is_new(self, module: Module, step: Step) -> bool:
        """Whether a statement binds a new client, or a new object that has one."""
        entity = self.bound.whole(module, Value("name", step.span, None, step.value))
        if entity.origin is not None:
            return False
        if self.bound.is_client(entity):
            return entity.name not in MADE_ON_A_LOOP
        return entity.kind == "instance" and bool(self._members(entity))

    def _members(self, entity: Entity) -> set[str]:
        """The members of an object that use a client which it has from its beginning."""
        class_, home = entity.class_(), entity.module
        if class_ is None or home is None:
            return set()
        found = self.owners.leading(home, class_).items()
        return {name for name, owned in found if owned.kind == "client" and owned.value.kind != "name"}

    # ------------------------------------------------------------------ what a coroutine does with it

    def _uses(self, module: Module, function: Function, run: Call, step: Step, name: str, chain: str) -> bool:
        """Whether the coroutine that a call runs uses a variable, and leaves it open."""
        calls = self.functions.calls(module, function)
        if run.chain.endswith("()"):  # `async_to_sync(client.get)(url)`
            made = self.runs.async_to_sync.argument(module, function, run)
            owner, _, leaf = made.chain.rpartition(".")
            if owner == chain:
                return self._stays_open(module, chain, leaf)
            inner = [run._replace(chain=made.chain)] if made.chain else []
        else:
            inner = [calls[number] for number in step.calls if _is_below(calls, calls[number], run)]
            around = [run, *(call for call in inner if call.leaf() in HANDING_ON)]
            if chain == f"%{name}" and any(
                given.kind == "unknown" for call in around for given in call.takes
            ):
                return True  # a call of an object of which nothing is known here
        return any(self._is_use(module, function, call, name, chain) for call in inner)

    def _is_use(self, module: Module, function: Function, call: Call, name: str, chain: str) -> bool:
        """Whether a call makes a coroutine that uses a variable."""
        if call.chain.startswith(f"{chain}."):
            return self._stays_open(module, chain, call.chain.removeprefix(f"{chain}."))
        target = self.graph.target(module, call.chain)
        if target is None or not target[1].is_async:
            return False
        is_inside = target[1].parent == function.qualname and not target[1].takes(name)
        if is_inside and self._awaits(*target, chain, LAYERS):
            return True
        given = target[1].parameter_given(call, chain)
        return bool(given) and self._awaits(*target, self._within(target[1], given), LAYERS)

    @staticmethod
    def _within(function: Function, name: str) -> str:
        """How chains on a parameter begin in its function."""
        parameter = next((each for each in function.parameters if each.name == name), None)
        return f"{parameter.annotation}()" if parameter is not None and parameter.annotation else f"%{name}"

    def _stays_open(self, module: Module, chain: str, rest: str) -> bool:
        """Whether a method of a client, or of an object that has one, uses it and does not end it."""
        leaf = rest.rpartition(".")[2]
        if leaf in _ENDING or "()" in rest:
            return False
        entity = self.project.resolve(module, chain)
        if entity.kind != "instance":
            return True
        if "." in rest or rest not in self._members(entity):
            return False
        target = self.graph.target(module, f"{chain}.{rest}")
        return (
            target is not None
            and target[1].is_async
            and not any(
                inner.mentions(*_ENDING) or _opens(inner) for _, inner in self.graph.deep_closure(*target)
            )
        )

    def _awaits(self, module: Module, function: Function, chain: str, depth: int) -> bool:
        """Whether a coroutine function awaits something of a chain, and ends it nowhere."""
        flow = self.functions.of(module, function)
        receivers = (f"{chain}.", f"{chain}[")
        for step in flow.steps:
            if step.kind == "with" and any(item.partition("=")[0] == chain for item in step.chains):
                return False  # the block ends it
        calls = self.functions.calls(module, function)
        if any(call.chain.startswith(receivers) and call.leaf() in _ENDING for call in calls):
            return False
        if any(step.waits and step.value.startswith(receivers) for step in flow.steps):
            return True
        if any(call.is_awaited and call.chain.startswith(receivers) for call in calls):
            return True
        for call in calls if depth else ():
            target = self.graph.target(module, call.chain)
            given = target[1].parameter_given(call, chain) if target is not None else ""
            if target is None or not given or not target[1].is_async:
                continue
            if self._awaits(*target, self._within(target[1], given), depth - 1):
                return True
        return False

    # ------------------------------------------------------------------ whether it comes to another loop

    def _judge(self, turns: Sequence[_Turn]) -> ClientInTurn | None:
        """The first of the turns of one variable that comes to a loop after another."""
        turns = sorted(turns, key=lambda turn: turn.step.number)
        module, function, name = turns[0].module, turns[0].function, turns[0].name
        flow = self.functions.of(module, function)
        made = self._made(module, function, name)
        before, late = self._late(flow, turns, made) if made is not None else (None, None)
        if made is None or before is None or late is None:
            return None
        inside = flow.below(before)
        is_repeated = late.step in inside
        between = inside if is_repeated else flow.steps[before.number + 1 : late.step.number]
        if self._ends_in(module, function, between, made.value):
            return None
        return ClientInTurn(
            run=late.run,
            name=name,
            made=module.place(made.span),
            before=module.place(before.span),
            is_repeated=is_repeated,
            place=late.place,
            owner=(module.path, function.qualname),
        )

    @staticmethod
    def _late(flow: Flow, turns: Sequence[_Turn], made: Step) -> tuple[Step | None, _Turn | None]:
        """A turn on another event loop than one before, and the loop statement or the turn before it."""
        making = [step for step in flow.steps if step.kind == "assign" and step.value in _NEW_LOOPS]
        repeated: dict[int, set[int]] = {}
        for turn in turns:
            around = repeating(flow, turn.step)
            if around is None:
                continue
            below = repeated.get(around.number)
            if below is None:
                below = repeated[around.number] = {step.number for step in flow.below(around)}
            anew = all(step.number in below for step in making if step.name in turn.step.loads)
            if anew and made.number not in below:
                return around, turn
        for at, turn in enumerate(turns):
            loops = [step for step in making if step.name in turn.step.loads]
            for other in turns[max(at - _MOST_BEFORE, 0) : at]:
                first, second = other.step, turn.step
                anew = (
                    not loops
                    or any(step.name not in first.loads for step in loops)
                    or any(first.number < step.number < second.number for step in loops)
                )
                if anew and made.number < first.number < second.number and follows(flow, first, second):
                    return first, turn
        return None, None

    def _ends_in(self, module: Module, function: Function, steps: Sequence[Step], chain: str) -> bool:
        """Whether one of these statements ends a client, itself or by a coroutine function defined here."""
        calls = self.functions.calls(module, function)
        for step in steps:
            for number in step.calls:
                call = calls[number]
                if call.leaf() in _ENDING and call.chain.startswith(f"{chain}."):
                    return True
                if any(given.leaf in _ENDING and given.chain.startswith(chain) for given in call.takes):
                    return True
                target = self.graph.target(module, call.chain)
                if target is not None and target[1].is_async and target[1].may_call(*_ENDING):
                    return True
        return False


def _is_below(calls: Sequence[Call], call: Call, outer: Call) -> bool:
    """Whether a call stands among the arguments of another."""
    while call.parent >= 0:
        call = calls[call.parent]
        if call.number == outer.number:
            return True
    return False


def _opens(function: Function) -> bool:
    """Whether a block of a method ends its object, or what that has: ``async with self.client:``."""
    itself = f":{function.owner}()"
    return bool(function.owner) and any(
        step.kind == "with" and step.waits and any(item.startswith(itself) for item in step.chains)
        for step in function.steps()
    )


def _bound_once(flow: Flow) -> dict[str, Step]:
    """The names that one statement of a function binds, by a plain assignment."""
    found: dict[str, Step | None] = {}
    for step in flow.steps:
        if step.chains == ("#None",):
            continue
        for name in step.stores:
            is_plain = step.kind == "assign" and len(step.stores) == 1
            found[name] = step if is_plain and name not in found else None
    return {name: step for name, step in found.items() if step is not None}
