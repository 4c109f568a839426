"""What runs in the process of a task: the functions that tasks call, and the way to them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from celery_lint.inventory.code.decided.fixed import Fixed
from celery_lint.inventory.code.decided.given import Given, given_by, is_closed
from celery_lint.inventory.code.decided.leading import Leading, Stop
from celery_lint.inventory.code.ends.caught import caught
from celery_lint.inventory.code.graph import DEPTH, Callee, CallGraph, View, view_of
from celery_lint.inventory.code.runs import Runs
from celery_lint.inventory.code.unawaited import Unawaited, is_only_returned
from celery_lint.inventory.code.walks import HOOKS
from celery_lint.inventory.tasks.options import TaskOptions
from celery_lint.inventory.tasks.task import Task
from celery_lint.inventory.workers.pools import Pools
from celery_lint.inventory.workers.running import Workers
from celery_lint.inventory.workers.unsent import Unsent
from celery_lint.model.calls import Call
from celery_lint.model.facts import Function, Module, Place
from celery_lint.model.purpose import is_product_path
from celery_lint.model.steps import Step
from celery_lint.project.entity import Entity, Key
from celery_lint.project.functions import Flow
from celery_lint.project.known import Known, once
from celery_lint.project.watching.functions import OUTLINE

_MOST_TASKS = 3
#: So many sets of constants that a function is given are told apart; one that gets more is given anything.
_MOST_GIVEN = 8


class Site(NamedTuple):
    """A function that runs in the process of tasks, and the first of these tasks."""

    module: Module
    function: Function
    tasks: tuple[Task, ...]

    @property
    def key(self) -> Key:
        """Path and qualified name."""
        return self.module.path, self.function.qualname

    def is_task(self) -> bool:
        """Whether the function is the body of a task."""
        return any(task.function is self.function for task in self.tasks)

    def related(self) -> tuple[tuple[Place, str], ...]:
        """The task that comes here, where it is another function."""
        if self.is_task():
            return ()
        return tuple((task.place, f"reached from task `{task.label}`") for task in self.tasks[:1])


class _Expansion(NamedTuple):
    """What a site calls, a method of this object and given these values; and what each call gives."""

    site: Site
    receiver: Entity | None
    values: Given
    callees: list[tuple[Callee, Given]]


class Sites:
    """The functions that tasks call, one after the other, in their own process.

    A function that is only mentioned, as a callback or the target of a thread, is not among them: nobody
    knows when and where it runs.
    """

    def __init__(self, known: Known) -> None:
        self.unawaited = known.of(Unawaited)
        self.project = known.project
        self.loops = known.of(Runs)
        self.graph = known.of(CallGraph)
        self.functions = known.project.functions
        self.pools = known.of(Pools)
        self.workers = known.of(Workers)
        self.unsent = known.of(Unsent)
        self.task_options = known.of(TaskOptions)
        self.fixed = known.of(Fixed)
        self._off: dict[Key, Given] = {}
        self._hooked: set[Key] = set()
        self._ways: dict[Key, list[tuple[Site, Call]]] = {}
        # What the calls of a function give it; an empty set of values is a call that may give it anything.
        self._given: dict[Key, dict[Given, list[Task]]] = {}
        self._leading = Leading()
        # What has been found of each function, under those that it was found from.
        self._found: dict[Key, list[_Expansion]] = {}

    @once
    def all(self) -> list[Site]:
        """All functions that tasks call, the tasks' own first."""
        return list(self.by_key.values())

    @once
    def by_key(self) -> dict[Key, Site]:
        """The same by path and qualified name."""
        return self._sites()

    def reaching(self, site: Site, step: Step | None) -> list[Task]:
        """All tasks that come to a statement of a site, the first ones first."""
        found = self._leading.tasks(site.key, self._coming_to(site, step), DEPTH + 1)
        return sorted(found, key=lambda task: task not in site.tasks)

    def _sites(self) -> dict[Key, Site]:
        found: dict[Key, Site] = {}
        level: dict[Stop, tuple[Site, Entity | None]] = {}
        for task in self.unsent.started:
            if task.function is not None:
                receiver = self.graph.receiver(task)
                home = self.graph.home(task), task.function
                for module, function in (home, *self._hooks(task), *self.graph.around(task)):
                    site = Site(module, function, (task,))
                    self._given.setdefault(site.key, {}).setdefault((), []).append(task)
                    if found.setdefault(site.key, site) is site and function is not task.function:
                        self._hooked.add(site.key)
                    stop: Stop = view_of(module, function, receiver), ()
                    self._leading.start(stop, task)
                    level.setdefault(stop, (site, receiver))
        seen = set(level)
        for _ in range(DEPTH):
            following: dict[Stop, tuple[Site, Entity | None]] = {}
            views: set[View] = set()
            while level:
                own: dict[Stop, tuple[Site, Entity | None]] = {}
                for stop, (site, receiver) in level.items():
                    for callee, handed in self._expanded(site, receiver, stop[1]):
                        key = (callee.module.path, callee.function.qualname)
                        self._ways.setdefault(key, []).append((site, callee.call))
                        its, view = callee.receiver, callee.view
                        sets = self._given.setdefault(key, {})
                        given = handed if handed in sets or len(sets) < _MOST_GIVEN else ()
                        known = found.get(key)
                        if known is None:
                            found[key] = Site(callee.module, callee.function, site.tasks)
                        elif len(known.tasks) < _MOST_TASKS and view in views:
                            more = [task for task in site.tasks if task not in known.tasks]
                            found[key] = known._replace(tasks=(*known.tasks, *more)[:_MOST_TASKS])
                        # A method is looked at again for each class whose own methods it may call, and a
                        # function for each set of values that it is given.
                        again = given not in sets and () not in sets
                        self._leading.lead(stop, (view, given if given in sets or again else ()))
                        tasks = sets.setdefault(given, [])
                        tasks += [task for task in site.tasks if task not in tasks]
                        if known is None or again or (its is not None and (view, given) not in seen):
                            seen.add((view, given))
                            views.add(view)
                            next_ = own if _is_own_coroutine(site, callee) else following
                            next_[view, given] = Site(callee.module, callee.function, site.tasks), its
                level = self._with_tasks(own, found)
            level = self._with_tasks(following, found)
        return found

    def _with_tasks(
        self, level: dict[Stop, tuple[Site, Entity | None]], found: dict[Key, Site]
    ) -> dict[Stop, tuple[Site, Entity | None]]:
        """What comes next, each as a function of the first of the tasks that come there."""
        return {
            (view, given): (self._given_by(found[view[0]], given) if its is None else site, its)
            for (view, given), (site, its) in level.items()
        }

    def _given_by(self, site: Site, given: Given) -> Site:
        """A function as that of the first of the tasks which give it these values."""
        return site._replace(tasks=tuple(self._given[site.key][given][:_MOST_TASKS]))

    def _expanded(self, site: Site, receiver: Entity | None, values: Given) -> list[tuple[Callee, Given]]:
        """The functions of the product that a site calls, each with what it is given; remembered."""
        callees = self._expand(site, receiver, values)
        expansion = _Expansion(site, receiver, values, callees)
        for key in {site.key, *((callee.module.path, callee.function.qualname) for callee, _ in callees)}:
            self._found.setdefault(key, []).append(expansion)
        return callees

    def _expand(self, site: Site, receiver: Entity | None, values: Given) -> list[tuple[Callee, Given]]:
        return [
            (callee, self._handed(site, callee, values))
            for callee in self._callees(site, receiver, values)
            if is_product_path(callee.module.path)
        ]

    def is_still_so(self, what: set[str], functions: set[Key]) -> bool:
        """Whether these functions call what they called, and are given what they were given.

        Nothing else of them is kept.
        """
        if not OUTLINE.isdisjoint(what):
            return False
        for path, qualname in functions:
            off = self._off.pop((path, qualname), None)
            module = self.project.modules[path]
            if off is not None and self._switched_off(Site(module, module.functions[qualname], ())) != off:
                return False
            for site, receiver, values, callees in self._found.get((path, qualname), ()):
                if self._expand(site, receiver, values) != callees:
                    return False
        return True

    def _handed(self, site: Site, callee: Callee, values: Given) -> Given:
        """What a call is certain to give, where that decides something."""
        call, function = callee.call, callee.function
        for argument in call.takes:  # of `run(work(None))` the inner call
            if argument.kind == "call" and not callee.is_called:
                inner = self.calls(site)[argument.number]
                if self.graph.target(site.module, inner.chain) == (callee.module, function):
                    call = inner
        if call is callee.call and not callee.is_called:
            return ()
        return given_by(call, function, self.functions.of(callee.module, function), values)

    def _callees(self, site: Site, receiver: Entity | None, values: Given) -> Iterator[Callee]:
        """The functions that a site calls, given these values, and those whose coroutines it runs."""
        for callee in self.graph.callees(site.module, site.function, receiver):
            if not callee.is_called or callee.call.in_lambda or callee.call.is_decorator:
                continue
            if not self._never_runs(site, callee) and not self._skips(site, callee.call, values):
                yield callee
        for call, coroutines in self._runs.get(site.key, ()):
            for module, function in () if self._skips(site, call, values) else coroutines:
                yield Callee(module, function, call)

    def _skips(self, site: Site, call: Call, values: Given) -> bool:
        """Whether a function that is given these values never makes a call."""
        values = (*values, *self._switched_off(site))
        flow = self.flow(site) if values else None
        step = flow.step_of(call) if flow is not None else None
        return flow is not None and step is not None and is_closed(flow, step, values)

    def _switched_off(self, site: Site) -> Given:
        """What a function asks for that is the same in every run: remembered."""
        found = self._off.get(site.key)
        if found is None:
            found = self._off[site.key] = self.fixed.of(site.module, site.function)
        return found

    def _never_runs(self, site: Site, callee: Callee) -> bool:
        """Whether a call makes a coroutine that its task returns: nothing of its function happens then."""
        return (
            self.unawaited.makes_coroutine(callee.module, callee.function)
            and is_only_returned(self.flow(site), callee.call)
            and any(task.function is site.function and self._is_final(task) for task in site.tasks)
        )

    def _is_final(self, task: Task) -> bool:
        """Whether what a task returns goes to Celery as it is, which awaits nothing."""
        if task.inner_decorators or task.wrapper is not None or task.class_ is not None:
            return False
        return not (self.pools.awaits_tasks or self.task_options.has_own_call(task))

    @once
    def _runs(self) -> dict[Key, list[tuple[Call, tuple[tuple[Module, Function], ...]]]]:
        found: dict[Key, list[tuple[Call, tuple[tuple[Module, Function], ...]]]] = {}
        for run in self.loops.all:
            if not run.helper:
                key = (run.module.path, run.function.qualname)
                found.setdefault(key, []).append((run.call, run.coroutines))
        return found

    def _hooks(self, task: Task) -> Iterator[tuple[Module, Function]]:
        """The methods of its class that run in the task's process before and after it."""
        class_ = self.graph.receiver(task)
        for name in HOOKS if class_ is not None else ():
            method = self.project.attribute(class_, name) if class_ is not None else None
            function = method.function() if method is not None else None
            if method is not None and method.module is not None and function is not None:
                yield method.module, function

    # ------------------------------------------------------------------ questions

    def is_open(self, site: Site, step: Step | None) -> bool:
        """Whether a statement is come to, with what the calls on the way from tasks are certain to give.

        In ``def f(x)``, ``f(None)`` closes what stands under ``if x`` or follows ``if x is None: return``.
        """
        return bool(self._coming_to(site, step))

    def coming_to(self, site: Site, step: Step | None) -> Site:
        """The site with the first of the tasks that come to one of its statements."""
        tasks = [task for given in self._coming_to(site, step) for task in self._sets(site)[given]]
        if not tasks or len(self._sets(site)) == 1:
            return site
        return site._replace(tasks=tuple({task.key: task for task in tasks}.values())[:_MOST_TASKS])

    def _sets(self, site: Site) -> dict[Given, list[Task]]:
        return self._given.get(site.key) or {(): list(site.tasks)}

    def _coming_to(self, site: Site, step: Step | None) -> list[Given]:
        """The sets of values with which a function comes to one of its statements."""
        sets = self._sets(site)
        if step is None:
            return [*sets]
        flow, off = self.flow(site), self._switched_off(site)
        if off and is_closed(flow, step, off):
            return []
        return [values for values in sets if not (values and is_closed(flow, step, (*values, *off)))]

    def made(self, site: Site) -> list[Call]:
        """The calls of a site that are come to, with what it is given."""
        calls = self.calls(site)
        if () in self._sets(site) and not self._switched_off(site):
            return calls
        flow = self.flow(site)
        return [call for call in calls if self.is_open(site, flow.step_of(call))]

    def holding(self, *words: str) -> Iterator[Site]:
        """The sites whose calls hold one of these words."""
        for site in self.all:
            if site.function.mentions(*words):
                yield site

    def calling(self, *leaves: str) -> Iterator[Site]:
        """The sites with a call whose chain ends in one of these."""
        for site in self.all:
            if site.function.may_call(*leaves):
                yield site

    def calls(self, site: Site) -> list[Call]:
        """The calls of a site."""
        return self.functions.calls(site.module, site.function)

    def flow(self, site: Site) -> Flow:
        """The statements of a site."""
        return self.functions.of(site.module, site.function)

    def name(self, module: Module, chain: str) -> str:
        """The dotted path of something outside the project."""
        entity = self.entity(module, chain)
        return entity.name if entity is not None else ""

    def entity(self, module: Module, chain: str) -> Entity | None:
        """Something outside the project that a chain leads to."""
        if not chain or chain[:1] == "%":
            return None
        entity = self.project.resolve(module, chain)
        return entity if entity.kind == "external" else None

    def forks(self, tasks: Iterable[Task]) -> bool:
        """Whether a pool that forks may run one of these tasks: prefork, or nobody can tell."""
        return self.workers.forks(tasks)

    def ways(self, site: Site) -> list[tuple[Site, Call]]:
        """The calls of other sites that lead to a site, and who makes them."""
        return self._ways.get(site.key, [])

    def escapes(self, site: Site, step: Step | None, names: frozenset[str], depth: int = DEPTH + 1) -> bool:
        """Whether an exception of one of these names, raised at a statement, leaves the task."""
        flow = self.flow(site)
        if not self.is_open(site, step):
            return False
        if step is not None and caught(flow, step, names, self.calls(site)):
            return False
        if site.is_task() or site.key in self._hooked:
            return not self._retried(site, names)
        if depth == 0:
            return False
        return any(
            self.escapes(caller, self.flow(caller).step_of(call), names, depth - 1)
            for caller, call in self.ways(site)
        )

    def _retried(self, site: Site, names: frozenset[str]) -> bool:
        """Whether the task asks for a retry after such an exception, or its class catches it around it."""
        around = [
            function
            for task in site.tasks
            for _, function in (*self._hooks(task), *self.graph.around(task))
            if function is not site.function
        ]
        if any(function.states(*names) for function in around):
            return True
        options = (self.task_options.get(task, "autoretry_for") for task in site.tasks)
        given = [item.chain for option in options if option is not None for item in option[1].items]
        return not names.isdisjoint(given)


def _is_own_coroutine(site: Site, callee: Callee) -> bool:
    """Whether a task does its work in a coroutine that it makes: ``asyncio.run(_work(pk))``, a layer less."""
    return callee.function.is_async and not site.function.is_async and site.is_task()
