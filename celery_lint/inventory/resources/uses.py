"""What coroutines use that outlives the loop they run on: engines, and whatever nobody disposes of."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence

from celery_lint.inventory.code.decided.given import Given
from celery_lint.inventory.code.graph import CallGraph, Reached
from celery_lint.inventory.code.runs import LoopRun, Runs
from celery_lint.inventory.code.walks import Walks
from celery_lint.inventory.resources.emptied import Emptied
from celery_lint.inventory.resources.lifetimes import Lifetimes
from celery_lint.inventory.resources.resets import Resets
from celery_lint.inventory.resources.resources import Resource, Resources
from celery_lint.libraries.clients import RELEASES
from celery_lint.model.calls import Call
from celery_lint.model.facts import Function, Module, Place
from celery_lint.model.records import NamedTuple
from celery_lint.project.asking import asking
from celery_lint.project.entity import Key
from celery_lint.project.known import Known, once


class Use(NamedTuple):
    """A resource that the coroutine of a run uses, and where."""

    resource: Resource
    place: Place


class RunUses(NamedTuple):
    """What a run uses: ``engines`` all async engines, ``outliving`` what is pooled and nobody disposes of."""

    engines: tuple[Use, ...]
    outliving: tuple[Use, ...]


class Uses:
    """What outlives the event loops of a project's coroutine runs."""

    def __init__(self, known: Known) -> None:
        self._known: dict[tuple[str, str, int], RunUses] = {}
        self.project = known.project
        self.graph = known.of(CallGraph)
        self.resources = known.of(Resources)
        self.emptied = known.of(Emptied)
        self.resets = known.of(Resets)
        self.functions = known.project.functions
        self.runs = known.of(Runs)
        self.lifetimes = known.of(Lifetimes)
        self.walks = known.of(Walks)

    def explore(self) -> None:
        """Follow the chains that lead from runs to what they use."""
        for run in self.runs.all:
            self.of(run)

    def ways_to(self, run: LoopRun, resource: Resource) -> tuple[Reached, ...]:
        """The tasks of a run whose own coroutine uses a resource: a helper runs those of many.

        All of its tasks where nobody can tell.
        """
        if len(run.reached) < 2:
            return run.reached
        return tuple(way for way in run.reached if self._leads_to(run, way, resource)) or run.reached

    def _leads_to(self, run: LoopRun, way: Reached, resource: Resource) -> bool:
        closures = (self.graph.deep_closure(*each) for each in self.runs.handed_over(run, way))
        used = (
            use.key
            for closure in closures
            for module, function in closure
            for use, _ in self._used_in(module, function)
        )
        direct = (use.resource.key for use in self._direct_uses((run.module, run.function), run.call, [way]))
        return resource.key in used or resource.key in direct

    @once
    def told(self) -> frozenset[Hashable]:
        """What runs of ``asyncio.run`` and its like break first: told there, and nowhere else."""
        left = (self.of(run).outliving for run in self.runs.all if run.is_plain)
        return frozenset(uses[0].resource.cause for uses in left if uses)

    @asking("hint")
    def of(self, run: LoopRun) -> RunUses:
        """What the coroutines of a run use."""
        key = run.module.path, run.function.qualname, run.call.number
        found = self._known.get(key)
        if found is None:
            runner = run.module, run.function
            found = self._known[key] = self.among(run.coroutines, runner, run.reached, run.call)
        return found

    def among(
        self,
        coroutines: Sequence[tuple[Module, Function]],
        runner: tuple[Module, Function],
        reached: Sequence[Reached],
        run: Call,
    ) -> RunUses:
        """What coroutines use that this call, in this function, runs."""
        disposed = self._disposed(runner, reached) | self._disposed_by_callers(reached)
        for module, function in coroutines:
            if self.runs.awaited_parameters(module, function):  # one around others: `_cleanly(coroutine)`
                disposed.update(*(self._disposed_in(*inner) for inner in self.graph.here(module, function)))
        engines: dict[Key, Use] = {}
        outliving: dict[Key, Use] = {}
        for module, function in coroutines:
            closure = self.graph.deep_closure(module, function)
            mine = set(disposed)
            for inner in closure:
                mine |= self._disposed_in(*inner)
            for current_module, current in closure:
                for resource, call in self._used_in(current_module, current):
                    use = Use(resource, current_module.place(call.span))
                    if resource.kind == "engine" and resource.pooled is not None:
                        engines.setdefault(resource.key, use)
                    if resource.pooled is True and not resource.is_among(mine):
                        outliving.setdefault(resource.key, use)
        if outliving:
            self._leave_out_closed(outliving, coroutines, runner, reached)
        for use in self._direct_uses(runner, run, reached):
            if not use.resource.is_among(disposed):
                outliving.setdefault(use.resource.key, use)
        left = (use for use in outliving.values() if self._outlives(use.resource, coroutines, reached))
        return RunUses(tuple(engines.values()), tuple(left))

    def _used_in(self, module: Module, function: Function) -> list[tuple[Resource, Call]]:
        """The resources that a function's own calls use, but for those calls that are never made."""
        used = self.resources.used_in(module, function, self.functions.calls)
        never = self.graph.unreached.calls(module, function) if used else ()
        return [(resource, call) for resource, call in used if call.number not in never]

    def _leave_out_closed(
        self,
        outliving: dict[Key, Use],
        coroutines: Sequence[tuple[Module, Function]],
        runner: tuple[Module, Function],
        reached: Sequence[Reached],
    ) -> None:
        """Leave out what no coroutine comes to with what it is given: `get_sessions(force_new=True)`."""
        callers = [runner, *((module, caller) for module, caller, _ in self.runs.callers(reached))]
        open_uses: dict[Key, Use] = {}
        for coroutine in coroutines:
            walk = self.walks.of(self.walks.starts(*coroutine, callers))
            anew = {key for key in outliving if self._is_bound_anew(key, walk)}
            for module, function in self.graph.deep_closure(*coroutine):
                ways = walk.get((module.path, function.qualname), set())
                for resource, call in self._used_in(module, function):
                    if (
                        resource.key in outliving
                        and resource.key not in anew
                        and any(not self.walks.skips(module, function, call, given) for given in ways)
                    ):
                        open_uses.setdefault(resource.key, Use(resource, module.place(call.span)))
        for key in [*outliving]:
            if key in open_uses:
                outliving[key] = open_uses[key]
            else:
                del outliving[key]

    def _is_bound_anew(self, key: Key, walk: dict[Key, set[Given]]) -> bool:
        """Whether a run binds what is kept anew since an argument says so: `get_engine(fresh=True)`."""
        module = self.project.modules[key[0]]
        return any(
            self.walks.binds(module, function, key[1], given)
            for path, name in walk
            if path == module.path and (function := module.functions.get(name)) is not None
            for given in walk[path, name]
        )

    def _outlives(
        self, resource: Resource, coroutines: Sequence[tuple[Module, Function]], reached: Sequence[Reached]
    ) -> bool:
        """Whether a worker has a resource, and keeps it after these coroutines."""
        running = (inner for coroutine in coroutines for inner in self.graph.deep_closure(*coroutine))
        if not self.lifetimes.is_made(resource) or self.lifetimes.is_forgotten(resource, running):
            return False
        using = [
            coroutine
            for coroutine in coroutines
            if any(
                used.key == resource.key
                for inner in self.graph.deep_closure(*coroutine)
                for used, _ in self._used_in(*inner)
            )
        ]
        tasks = [way.task for way in reached]
        return not self.lifetimes.is_made_anew(resource, using or coroutines, tasks)

    def _direct_uses(
        self, runner: tuple[Module, Function], run: Call, reached: Sequence[Reached]
    ) -> Iterator[Use]:
        """The clients whose own coroutines are run: ``asyncio.run(client.get(url))``, also by a helper."""
        for module, function, call in [(*runner, run), *self.runs.callers(reached)]:
            given = call.argument(0)
            if given.kind == "call":
                inner = self.functions.calls(module, function)[given.number]
                resource = self.resources.used_by(module, inner)
                if resource is not None and resource.kind == "client" and inner.leaf() not in RELEASES:
                    yield Use(resource, module.place(inner.span))
                yield from self._handed_over(module, function, inner, reached)

    def _handed_over(
        self, module: Module, function: Function, call: Call, reached: Sequence[Reached]
    ) -> Iterator[Use]:
        """The clients and engines that a coroutine function is given and uses: ``send(self.bot, text)``."""
        target = self.graph.target(module, call.chain)
        if target is None or not target[1].is_async or call.is_open_ended:
            return
        task = next((way.task for way in reached if way.task.function is function), None)
        itself = self.graph.receiver(task) if task is not None else None
        for given in call.takes:
            own = given.chain.startswith(f"%{function.first()}.")
            if given.kind != "name" or (given.chain[:1] == "%" and not own):
                continue
            resource = self.resources.handed(module, given.chain, itself)
            place = self._used_as(*target, call, given.chain) if resource is not None else None
            if resource is not None and resource.pooled is True and place is not None:
                yield Use(resource, place)

    def _used_as(self, module: Module, function: Function, call: Call, chain: str) -> Place | None:
        """Where a function uses the parameter that a call fills with a chain, and does not end it."""
        name = function.parameter_given(call, chain)
        parameter = next((each for each in function.parameters if each.name == name), None)
        if parameter is None:
            return None
        receivers = {f"%{name}", f"{parameter.annotation}()"}
        if any(
            step.kind == "with" and not receivers.isdisjoint(item.partition("=")[0] for item in step.chains)
            for step in self.functions.of(module, function).steps
        ):
            return None
        used = [
            each
            for each in self.functions.calls(module, function)
            if not receivers.isdisjoint((each.chain, each.chain.rpartition(".")[0]))
        ]
        if any(each.leaf() in RELEASES for each in used):
            return None
        return module.place(used[0].span) if used else None

    def _disposed(self, runner: tuple[Module, Function], reached: Sequence[Reached]) -> set[Key]:
        found = self.emptied.before(way.task for way in reached)
        for module, function in self.graph.deep_closure(*runner):
            found |= self._disposed_in(module, function)
        here = list(self.graph.here(*runner))
        for module, function in [*here, *(inner for pair in here for inner in self.resets.named(*pair))]:
            found |= self.emptied.within(module, function)
            found |= self.resets.within(module, function)
        return found

    def _disposed_by_callers(self, reached: Sequence[Reached]) -> set[Key]:
        """What all functions release that call the function of a run."""
        released = [self._disposed_in(module, caller) for module, caller, _ in self.runs.callers(reached)]
        return set.intersection(*released) if released else set()

    def _disposed_in(self, module: Module, function: Function) -> set[Key]:
        return self.resources.released_in(module, function, self.functions.calls)
