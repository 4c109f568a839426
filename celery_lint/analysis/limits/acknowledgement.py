"""When messages are acknowledged: late, never, or before what is told about them can matter."""

from __future__ import annotations

from collections.abc import Iterator

from celery_lint.analysis.limits.redelivered import Redelivered
from celery_lint.files.filter import Pair
from celery_lint.inventory.application.applications import Application, Applications
from celery_lint.inventory.application.broker import BrokerSettings
from celery_lint.inventory.application.commands import STARTING, Commands
from celery_lint.inventory.application.eager import EagerSettings
from celery_lint.inventory.application.settings import Settings
from celery_lint.inventory.code.graph import CallGraph, Reached
from celery_lint.inventory.tasks.belonging import Belonging
from celery_lint.inventory.tasks.in_force import OptionsInForce
from celery_lint.inventory.tasks.options import TaskOptions
from celery_lint.inventory.tasks.task import Task, reached_from
from celery_lint.inventory.tasks.tasks import Tasks
from celery_lint.inventory.workers.loading.idle.scripts import Scripts
from celery_lint.inventory.workers.loading.imported import WorkerImports
from celery_lint.inventory.workers.loading.unrun import Unrun
from celery_lint.inventory.workers.loading.unwritten import Unwritten
from celery_lint.inventory.workers.pools import Pools, WorkerPools
from celery_lint.inventory.workers.queues import Queues
from celery_lint.inventory.workers.running import UNFORKED, Workers
from celery_lint.inventory.workers.unsent import Unsent
from celery_lint.model.facts import Function, Module, Place
from celery_lint.model.purpose import is_product_path
from celery_lint.model.records import NamedTuple
from celery_lint.model.steps import Step
from celery_lint.project.entity import Key
from celery_lint.project.functions import Flow
from celery_lint.project.known import Known, facts
from celery_lint.project.modules import leaf_of

_REJECT = "celery.exceptions.Reject"
_WITHOUT_DEAD_LETTERS = "redis"
_LATE = ("acks_late", "task_acks_late")
_LOST = ("reject_on_worker_lost", "task_reject_on_worker_lost")
_ON_FAILURE = ("acks_on_failure_or_timeout", "task_acks_on_failure_or_timeout")
_PREFETCH = ("worker_prefetch_multiplier", "worker_disable_prefetch")
# What a condition that keeps a message from being delivered forever looks at.
_COUNTERS = ("redeliver", "retries", "attempt", "tries", "count", "request", "delivery")


class Rejection(NamedTuple):
    """A ``Reject`` that tasks raise. ``late`` tells whether they acknowledge late; ``None``: nobody knows.

    ``guarded`` says that the function looks at something that may keep it from rejecting forever; ``drops``
    that rejecting does nothing but drop the message, at whatever time: the broker keeps no dead letters.
    """

    module: Module
    function: Function
    step: Step
    tasks: tuple[Task, ...]
    requeue: bool
    late: bool | None
    guarded: bool
    drops: bool

    @property
    def place(self) -> Place:
        """The statement that raises it."""
        return self.module.place(self.step.span)

    def related(self) -> tuple[tuple[Place, str], ...]:
        """The tasks, where they are other functions."""
        return reached_from(task for task in self.tasks if task.function is not self.function)


class LostWorkerOption(NamedTuple):
    """``reject_on_worker_lost`` where it is switched on, for a task or (``task`` is ``None``) for all.

    ``late`` tells whether messages are acknowledged late; ``bounded`` whether something ends the deliveries;
    ``broker`` is the kind of broker that makes them, or likely does. ``application`` is the one whose setting
    it is, or that runs the task, if that is known: that tasks come back is decided once for all of them.
    """

    place: Place
    task: Task | None
    late: bool | None
    bounded: bool
    broker: str
    application: Key | None = None


class FailureOption(NamedTuple):
    """``acks_on_failure_or_timeout=False`` together with late acknowledgement."""

    place: Place


class GreedyPrefetch(NamedTuple):
    """An application that acknowledges late and takes the default number of messages in advance."""

    place: Place


class Acknowledgement:
    """How the tasks of a project acknowledge their messages."""

    def __init__(self, known: Known) -> None:
        self.project = known.project
        self.settings = known.of(Settings)
        self.broker_settings = known.of(BrokerSettings)
        self.tasks = known.of(Tasks)
        self.functions = known.project.functions
        self.task_options = known.of(TaskOptions)
        self.applications = known.of(Applications)
        self.belonging = known.of(Belonging)
        self.commands = known.of(Commands)
        self.in_force = known.of(OptionsInForce)
        self.graph = known.of(CallGraph)
        self.pools = known.of(Pools)
        self.unsent = known.of(Unsent)
        self.unrun = known.of(Unrun)
        self.worker_imports = known.of(WorkerImports)
        self.queues = known.of(Queues)
        self.workers = known.of(Workers)
        self.scripts = known.of(Scripts)
        self.eager = known.of(EagerSettings)
        self.unwritten = known.of(Unwritten)
        self.redelivered = known.of(Redelivered)

    def late(self, task: Task) -> bool | None:
        """Whether a task acknowledges its message after it has run; ``None``: nobody knows."""
        return self.in_force.option(task, *_LATE)

    # ------------------------------------------------------------------ Reject

    @facts
    def rejections(self) -> list[Rejection]:
        """Every ``Reject`` that a task of the product raises, itself or in a function that it calls."""
        found: list[Rejection] = []
        for (path, qualname), reached in self.graph.reached.items():
            module = self.project.modules.get(path)
            function = module.functions.get(qualname) if module is not None else None
            if module is None or function is None or not function.states("Reject"):
                continue
            if is_product_path(path):
                found.extend(self._rejections(module, function, reached))
        return found

    def _rejections(self, module: Module, function: Function, reached: list[Reached]) -> Iterator[Rejection]:
        flow = self.functions.of(module, function)
        for step in flow.steps:
            if step.kind != "raise" or not step.chains or not self._is_reject(module, step.value):
                continue
            tasks = tuple({(w.task.module.path, w.task.qualname): w.task for w in reached}.values())
            late = {self.late(task) for task in tasks}
            requeue = self._requeues(module, function, step)
            if requeue is not None:
                known = late.pop() if len(late) == 1 else None
                guarded = self._is_guarded(flow, function, step)
                drops = not requeue and self.broker_settings.likely == _WITHOUT_DEAD_LETTERS
                yield Rejection(module, function, step, tasks, requeue, known, guarded, drops)

    def _is_reject(self, module: Module, chain: str) -> bool:
        if not chain.removesuffix("()").endswith("Reject"):
            return False
        return self.project.resolve(module, chain.removesuffix("()")).name == _REJECT

    def _requeues(self, module: Module, function: Function, step: Step) -> bool | None:
        """Whether the message shall be delivered again; ``None`` where that is not written down."""
        if not step.value.endswith("()"):
            return False
        for call in self.functions.calls(module, function):
            if call.number in step.calls and self._is_reject(module, call.chain):
                given = call.argument(1, "requeue")
                if not given:
                    return None if call.is_open_ended else False
                return given.is_true if given.kind == "constant" else None
        return None

    def _is_guarded(self, flow: Flow, function: Function, step: Step) -> bool:
        """Whether a condition before it may look at how often the message has been delivered, or it waits."""
        if any(function.mentions(f".{word}") for word in ("sleep", "redelivered")):
            return True
        bound = any(decorator.keyword("bind") is not None for decorator in function.decorators)
        own = function.first() if bound and function.parameters else "self"
        for other in flow.steps[: step.number]:
            names = [*other.loads, *other.stores]
            asks = other.kind in ("if", "while", "match", "assign")
            if asks and any(name == own or _counts(name) for name in names):
                return True
        return False

    # ------------------------------------------------------------------ lost workers

    @facts
    def lost_worker_options(self) -> list[LostWorkerOption]:
        """Where ``reject_on_worker_lost`` is switched on, for workers that have processes to lose."""
        found: dict[Place, LostWorkerOption] = {}
        broker = self.broker_settings.likely
        switched: set[Key] = set()
        for application in self.applications.product:
            setting, certain = self.settings.setting(application, _LOST[1])
            if setting is not None and certain and self._is((setting.module, setting.value), True):
                if self._loses_none(self.pools.of_applications([application])):
                    continue
                if self.eager.has_no_workers(application) or not self.commands.may_start(application):
                    continue
                if self.worker_imports.has_no_tasks(application):
                    continue
                switched.add(application.origin)
                late, bounded = self._any_late(application), self._bounded([application])
                bounded = bounded or self._runs_nothing_twice(application)
                option = LostWorkerOption(setting.place, None, late, bounded, broker, application.origin)
                found.setdefault(setting.place, option)
        for task in self.tasks.product:
            given = self.task_options.get(task, _LOST[0])
            if given is None or not self._is(given, True) or self.workers.only(UNFORKED, [task]) is not None:
                continue
            if self.pools.may_be_green(self.pools.of([task])) or self.scripts.never_fork:
                continue
            place, applications = given[0].place(given[1].span), self.belonging.of(task)
            if applications and all(map(self.eager.has_no_workers, applications)):
                continue
            if applications and not any(map(self.commands.may_start, applications)):
                continue
            bounded = self._bounded(applications, task) or self.redelivered.is_harmless(task)
            origins = [application.origin for application in applications]
            origins.sort(key=lambda origin: origin not in switched)  # the one that has the setting, too
            own = origins[0] if origins else None
            option = LostWorkerOption(place, task, self.late(task), bounded, broker, own)
            earlier = found.get(place)
            if earlier is not None and earlier.late != option.late:  # a base class of several tasks
                option = option._replace(late=None)
            if earlier is not None and not earlier.bounded:  # options that several tasks share
                option = option._replace(bounded=False)
            found[place] = option
        return list(found.values())

    def words(self) -> set[Pair]:
        """What starts workers of applications with the option that nothing seen so far starts."""
        return {
            (word, leaf_of(application.module.path))
            for application in self.applications.product
            if self.settings.candidates(application, _LOST[1]) and not self.commands.may_start(application)
            for word in STARTING
        }

    def _loses_none(self, pools: WorkerPools) -> bool:
        """Whether no worker has processes of its own to lose, or may have none."""
        return pools.only(*UNFORKED) or self.pools.may_be_green(pools) or self.scripts.never_fork

    def _runs_nothing_twice(self, application: Application) -> bool:
        """Whether no task of an application that something sends would begin again."""
        tasks = [task for task in self.unsent.product if application in self.belonging.of(task)]
        return bool(self.tasks.product) and all(map(self._is_harmless, tasks))

    def _is_harmless(self, task: Task) -> bool:
        """Whether a message that comes back is none the worse, or somebody may send one by hand at most.

        What only says something takes no memory: nothing kills a process for it.
        """
        if self.redelivered.is_harmless(task):
            return True
        return self.unwritten.only_tells(task) and self.unsent.is_unnamed(task)

    def _any_late(self, application: Application) -> bool | None:
        """Whether any task of an application acknowledges late: ``False`` only where that is certain."""
        setting = self.settings.switch(application, _LATE[1])
        if setting is not False:
            return setting
        if self.settings.hides(application) or self.settings.candidates(application, "task_annotations"):
            return None
        tasks = [task for task in self.tasks.product if application in self.belonging.of(task)]
        states = {self.late(task) for task in tasks}
        return True if True in states else None if None in states else False

    def _bounded(self, applications: list[Application], task: Task | None = None) -> bool:
        """Whether something ends the deliveries: retries in their place, or queues that count them."""
        for name in ("task_retry_on_worker_lost", "task_default_queue_type"):
            given = self.settings.of_some(applications, name)
            if given if applications else self.settings.named(name):
                return True
        if self._end_in_queues(applications, task):
            return True
        return task is not None and self.task_options.get(task, "retry_on_worker_lost") is not None

    def _end_in_queues(self, applications: list[Application], task: Task | None) -> bool:
        """Whether the messages of these tasks lie in queues of RabbitMQ alone that end it by themselves."""
        declared = self.queues.declared(applications)
        ending = {queue.name for queue in declared if self.queues.ends_deliveries(queue)}
        if not ending or self.broker_settings.likely not in ("amqp", ""):
            return False
        tasks = [task] if task is not None else self._run_by(applications)
        queues = self.queues.of(tasks)
        return bool(queues) and ending.issuperset(queues or ())

    def _run_by(self, applications: list[Application]) -> list[Task]:
        """The tasks that something sends, and that workers of these applications may have."""
        return [
            task
            for task in self.unsent.product
            if not self.unrun.has_no_worker(task)
            and any(application in applications for application in self.belonging.of(task))
        ]

    def _is(self, option: tuple[Module, object], wanted: bool) -> bool:
        known = self.project.constant(*option)  # type: ignore[arg-type]
        return known is not None and known.kind == "constant" and known.data is wanted

    # ------------------------------------------------------------------ failures, prefetching

    @facts
    def failure_options(self) -> list[FailureOption]:
        """Where failed and timed-out tasks of late acknowledgement are not acknowledged.

        SQS knows no rejection: both come back after the visibility timeout, as often as its queue allows.
        """
        if self.broker_settings.may_be("sqs"):
            return []
        found: dict[Place, FailureOption] = {}
        for task in self.tasks.product:
            given = self.task_options.get(task, _ON_FAILURE[0])
            if given is not None and self._is(given, False) and self.late(task):
                place = given[0].place(given[1].span)
                found[place] = FailureOption(place)
        for application in self.applications.product:
            setting, certain = self.settings.setting(application, _ON_FAILURE[1])
            if setting is None or not certain or not self._any_late(application):
                continue
            if self._is((setting.module, setting.value), False):
                found[setting.place] = FailureOption(setting.place)
        return list(found.values())

    @facts
    def prefetches(self) -> list[GreedyPrefetch]:
        """The settings that switch late acknowledgement on, where nothing says how much is taken."""
        found: dict[Place, GreedyPrefetch] = {}
        for application in self.applications.product:
            late, certain = self.settings.setting(application, _LATE[1])
            if late is None or not certain or not self.settings.switch(application, _LATE[1]):
                continue
            named = any(self.settings.candidates(application, name) for name in _PREFETCH)
            if named or self.settings.hides(application):
                continue
            if not any(command.prefetch for command in self.commands.of([application])):
                found[late.place] = GreedyPrefetch(late.place)
        return list(found.values())


def _counts(name: str) -> bool:
    lowered = name.lower()
    return any(word in lowered for word in _COUNTERS)
