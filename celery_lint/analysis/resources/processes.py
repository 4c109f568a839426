"""What tasks do to the process that they run in: start others, end it, take its signals."""

from __future__ import annotations

from collections.abc import Iterator

from celery_lint.inventory.code.graph import DEPTH
from celery_lint.inventory.code.sites import Site, Sites
from celery_lint.inventory.code.ways.on_request import OnRequest
from celery_lint.inventory.retries.escaping import Escaping
from celery_lint.inventory.workers.pools import Pools
from celery_lint.inventory.workers.running import UNFORKED
from celery_lint.libraries.threads import PROCESS_EXECUTORS
from celery_lint.libraries.views import WEB_APPLICATIONS
from celery_lint.model.calls import Call
from celery_lint.model.facts import Place
from celery_lint.model.records import NamedTuple
from celery_lint.model.steps import Step
from celery_lint.project.known import Known, facts, once

_CONTEXTS = ("multiprocessing", "multiprocessing.get_context()", "multiprocessing.context.get_context()")
_STARTERS = (
    PROCESS_EXECUTORS
    | frozenset(f"{context}.{name}" for context in _CONTEXTS for name in ("Process", "Pool", "Manager"))
    | {"multiprocessing.pool.Pool", "tqdm.contrib.concurrent.process_map", "loky.get_reusable_executor"}
)
#: Executors start their processes with the first work they get, wherever they were made.
_WORK = frozenset(f"{executor}().{method}" for executor in PROCESS_EXECUTORS for method in ("submit", "map"))
_SUBCLASS_START = "multiprocessing.Process().start"
_ASSERTION = frozenset({"~AssertionError"})

_RAISING = {"sys.exit": "sys.exit", "builtins.exit": "exit", "builtins.quit": "quit"}
#: Nobody writes these by accident: only in the body of a task itself.
_ENDING = frozenset({"os._exit", "os.abort"})
_EXIT_WORDS = ("exit", "~quit", "os.abort")
_MOST_EXITS = 32  # so many of one function are looked at; the first that happens is told
_LONGEST_WAY = 3  # assignments between a parameter and the condition that asks about it
_EXIT = frozenset({"~SystemExit", "~BaseException"})

#: Signals for which a prefork process has a handler of its own, or ignores on purpose.
_OWN_SIGNALS = ("SIGTERM", "SIGUSR1", "SIGINT", "SIGQUIT", "SIGHUP")
_ALARMS = frozenset({"signal.alarm", "signal.setitimer"})
#: What starts processes, ends the own one or takes its signals, by dotted path.
OF_PROCESSES = frozenset({*_STARTERS, *_RAISING, *_ENDING, *_ALARMS, "signal.signal", "builtins.SystemExit"})


class ChildProcess(NamedTuple):
    """A call in the code of tasks that starts processes with :mod:`multiprocessing`."""

    site: Site
    call: Call
    name: str

    @property
    def place(self) -> Place:
        """The call."""
        return self.site.module.place(self.call.span)


class ProcessExit(NamedTuple):
    """What ends the process in the code of tasks, uncaught on the way to the task.

    ``fate`` is ``lost`` (the worker process of a prefork pool ends), ``pending`` (the task ends and never
    has a result) or ``stopped`` (the whole worker ends).
    """

    site: Site
    place: Place
    name: str
    fate: str


class SignalChange(NamedTuple):
    """A signal that the code of tasks takes from the worker.

    ``fate`` is ``replaced`` (the worker's own handler is gone), ``thread`` (tasks run in threads, where
    Python raises ValueError) or ``fatal`` (an alarm that no handler waits for).
    """

    site: Site
    call: Call
    signal: str
    fate: str

    @property
    def place(self) -> Place:
        """The call."""
        return self.site.module.place(self.call.span)


class Processes:
    """Processes that tasks start, exits and signal handlers."""

    def __init__(self, known: Known) -> None:
        self.sites = known.of(Sites)
        self.on_request = known.of(OnRequest)
        self.project = known.project
        self.pools = known.of(Pools)
        self.escaping = known.of(Escaping)

    # ------------------------------------------------------------------ processes

    @facts
    def children(self) -> list[ChildProcess]:
        """The processes that tasks of a prefork pool start."""
        if self.pools.all.only(*UNFORKED):
            return []
        found = []
        for site in self.sites.holding("multiprocessing.", "rocess", "loky", ".submit", ".map", ".start"):
            for call in self.sites.calls(site):
                name = self._started(site, call)
                if name and self._fails(site, call):
                    coming = self.sites.coming_to(site, self.sites.flow(site).step_of(call))
                    found.append(ChildProcess(coming, call, name))
        if found and self._daemon_lifted:
            return []
        return [child for child in found if self.sites.forks(child.site.tasks)]

    def _started(self, site: Site, call: Call) -> str:
        if call.chain[:1] in "%~" or call.is_decorator:
            return ""
        leaf = call.leaf()
        if leaf in ("submit", "map", "start"):
            entity = self.sites.entity(site.module, call.chain)
            if entity is None:
                return ""
            if leaf == "start":
                own = not call.chain.startswith("multiprocessing") and entity.name == _SUBCLASS_START
                return "multiprocessing.Process" if own else ""
            return "ProcessPoolExecutor" if entity.name in _WORK and entity.origin is not None else ""
        if not any(leaf == name.rpartition(".")[2] for name in _STARTERS):
            return ""
        name = self.sites.name(site.module, call.chain)
        if name not in _STARTERS:
            return ""
        return name.rpartition(".")[2] if name in PROCESS_EXECUTORS or "()" in name else name

    def _fails(self, site: Site, call: Call) -> bool:
        """Whether nothing says that the code knows where it may start processes."""
        step = self.sites.flow(site).step_of(call)
        if step is None:
            return True
        return not self.on_request.holds(site, step) and self.sites.escapes(site, step, _ASSERTION)

    @once
    def _daemon_lifted(self) -> bool:
        """Whether the project asks for, or changes, what its own process is: such code knows daemons."""
        return any(
            function.mentions("multiprocessing") for _, function in self.project.holding("current_process")
        )

    # ------------------------------------------------------------------ exits

    @facts
    def exits(self) -> list[ProcessExit]:
        """What ends the process of a task, the first place in each function: a second says nothing new."""
        found: list[ProcessExit] = []
        for site in self.sites.all:
            ends: list[ProcessExit] = []
            if site.function.mentions(*_EXIT_WORDS):
                ends.extend(self._exit_calls(site))
            if site.function.states("~SystemExit"):
                ends.extend(self._exit_raises(site))
            found.extend(sorted(ends, key=lambda end: end.place.span)[:1])
        return found

    def _exit_calls(self, site: Site) -> Iterator[ProcessExit]:
        forked = site.function.mentions("os.fork")
        exits = [c for c in self.sites.made(site) if any(word in c.chain for word in _EXIT_WORDS)]
        for call in exits[:_MOST_EXITS]:
            if call.in_lambda or call.is_argument:
                continue
            name = self.sites.name(site.module, call.chain)
            place = site.module.place(call.span)
            step = self.sites.flow(site).step_of(call)
            if name in _RAISING and self._happens(site, step):
                coming = self.sites.coming_to(site, step)
                yield ProcessExit(coming, place, _RAISING[name], self._fate(coming, raised=True))
            elif name in _ENDING and not forked and site.is_task():
                yield ProcessExit(site, place, name, self._fate(site, raised=False))

    def _exit_raises(self, site: Site) -> Iterator[ProcessExit]:
        for step in self.sites.flow(site).steps:
            raised = step.value.removesuffix("()") if step.kind == "raise" and step.chains else ""
            if raised == "~SystemExit" and self._happens(site, step):
                place, coming = site.module.place(step.span), self.sites.coming_to(site, step)
                yield ProcessExit(coming, place, "raise SystemExit", self._fate(coming, raised=True))

    def _happens(self, site: Site, step: Step | None) -> bool:
        """Whether an exit leaves the task, and no caller raises before for what it asks about."""
        if not self.sites.escapes(site, step, _EXIT) or self._refuses_to_start(site, step):
            return False
        around = self.sites.flow(site).ancestors(step) if step is not None else ()
        if not all(
            self.escaping.is_reached(site.module, site.function, outer)
            for outer in around
            if outer.kind == "handler"
        ):
            return False
        asked = self._decides(site, step) if step is not None else set()
        ways = self.sites.ways(site) if asked else []
        return not ways or not all(self._is_checked(caller, call, site, asked) for caller, call in ways)

    def _refuses_to_start(self, site: Site, step: Step | None) -> bool:
        """Whether an exit is a condition of every start: of what makes the web application, from constants.

        A server that is configured so does not start either, and nobody's task is to run under it.
        """
        around = self.sites.flow(site).ancestors(step) if step is not None else ()
        return any(outer.kind in ("if", "handler") for outer in around) and self._is_of_start(site, DEPTH)

    def _is_of_start(self, site: Site, depth: int) -> bool:
        """Whether every way from a task to a function leads through one that makes the web application."""
        ways = [] if site.is_task() else self.sites.ways(site)
        if ways and any(
            f"{self.sites.name(site.module, call.chain)}()" in WEB_APPLICATIONS
            for call in self.sites.calls(site)
        ):
            return all(given.chain[:1] != "%" for _, call in ways for given in call.takes)
        return depth > 0 and bool(ways) and all(self._is_of_start(caller, depth - 1) for caller, _ in ways)

    def _decides(self, site: Site, step: Step) -> set[str]:
        """The parameters of a function that the conditions around a statement ask about, by way of others."""
        flow = self.sites.flow(site)
        names = {name for outer in flow.ancestors(step) if outer.kind == "if" for name in outer.loads}
        for _ in range(_LONGEST_WAY if names else 0):
            for other in flow.steps:
                if not names.isdisjoint((*other.stores, *_filled(other))):
                    names.update(other.loads)
                    names.update(name for outer in flow.ancestors(other) for name in outer.loads)
        return names & {parameter.name for parameter in site.function.parameters}

    def _is_checked(self, caller: Site, call: Call, site: Site, asked: set[str]) -> bool:
        """Whether a caller raises before its call, under a condition about what it gives for a parameter."""
        flow = self.sites.flow(caller)
        step = flow.step_of(call)
        filled = site.function.filled()
        given = {call.argument(filled.index(name), name).chain for name in asked if name in filled}
        named = {chain[1:] for chain in given if chain[:1] == "%" and "." not in chain}
        for other in flow.steps[: step.number] if step is not None and named else ():
            if other.kind == "raise":
                around = [outer for outer in flow.ancestors(other) if outer.kind in ("if", "for")]
                if any(outer.kind == "if" for outer in around) and any(
                    not named.isdisjoint(outer.loads) for outer in around
                ):
                    return True
        return False

    def _fate(self, site: Site, raised: bool) -> str:
        if self.sites.forks(site.tasks):
            return "lost"
        return "stopped" if not raised or self.pools.of(site.tasks).only("solo") else "pending"

    # ------------------------------------------------------------------ signals

    @facts
    def signals(self) -> list[SignalChange]:
        """The signals that tasks take."""
        found: list[SignalChange] = []
        for site in self.sites.holding("signal."):
            for call in self.sites.made(site):
                if "signal" not in call.chain:
                    continue
                name = self.sites.name(site.module, call.chain)
                if name == "signal.signal":
                    change = self._handler(site, call)
                    if change is not None:
                        found.append(change)
                elif name in _ALARMS and self._unheard(call):
                    found.append(SignalChange(site, call, name, "fatal"))
        return found

    def _handler(self, site: Site, call: Call) -> SignalChange | None:
        signal = self.sites.name(site.module, call.argument(0, "signalnum").chain)
        label = signal.rpartition(".")[2]
        if self.pools.of(site.tasks).only("threads"):
            return SignalChange(site, call, label or "signal", "thread")
        if label in _OWN_SIGNALS and self.sites.forks(site.tasks) and not self._restored(site, call):
            return SignalChange(site, call, label, "replaced")
        return None

    def _restored(self, site: Site, call: Call) -> bool:
        """Whether the same signal is set again: before the end, or after what a context manager yields."""
        return any(
            other.argument(0) == call.argument(0) and other.number != call.number and other.leaf() == "signal"
            for other in self.sites.calls(site)
        )

    def _unheard(self, call: Call) -> bool:
        """Whether an alarm is set and no code of the product handles alarms."""
        seconds = call.argument(0 if call.leaf() == "alarm" else 1)
        if not seconds or seconds.amount == 0:
            return False
        if call.leaf() == "setitimer" and call.argument(0).leaf != "ITIMER_REAL":
            return False
        return not any(self.project.holding("SIGALRM"))


def _filled(step: Step) -> tuple[str, ...]:
    """The list that a statement adds to: `wrong.append(name)`."""
    is_method = step.kind == "expr" and step.value.endswith((".append()", ".add()", ".extend()", ".update()"))
    return step.loads if is_method else ()
