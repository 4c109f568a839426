"""The queues that tasks are sent to, and that workers consume unless their command says otherwise."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from celery_lint.inventory.application.applications import Application, Applications
from celery_lint.inventory.application.settings import Setting, Settings
from celery_lint.inventory.tasks.belonging import Belonging
from celery_lint.inventory.tasks.in_force import OptionsInForce
from celery_lint.inventory.tasks.makers import Option
from celery_lint.inventory.tasks.options import TaskOptions
from celery_lint.inventory.tasks.task import Task
from celery_lint.inventory.workers.routes import Destination, Routes
from celery_lint.model.commands import ANY_QUEUE
from celery_lint.model.facts import Module, Value
from celery_lint.project.known import Known
from celery_lint.project.project import Project

DEFAULT_QUEUE = "celery"
# What a queue tells RabbitMQ so that no message comes back to it forever: how old one may be, and how often
# one is delivered. A quorum queue counts deliveries by itself.
_AGE = "x-message-ttl"
_NUMBER = "x-delivery-limit"
_TYPE = ("x-queue-type", "quorum")
# What the class of an application says itself where it sends in another way than Celery does.
_WAYS = frozenset({"send_task", "amqp", "amqp_cls"})


class Declared(NamedTuple):
    """A queue of the setting ``task_queues``: its name, where that is a text, and what it is given."""

    name: str | None
    module: Module
    given: Value

    def arguments(self, project: Project) -> tuple[tuple[str, Value], ...]:
        """What it gives to the broker by name (``queue_arguments``), as far as that is written down."""
        told = self.given.keyword("queue_arguments")
        known = project.constant(self.module, told) if told is not None else None
        return known.keywords if known is not None else ()


class Queues:
    """The queues of tasks and workers."""

    def __init__(self, known: Known) -> None:
        self.project = known.project
        self.applications = known.of(Applications)
        self.settings = known.of(Settings)
        self.routes = known.of(Routes)
        self.belonging = known.of(Belonging)
        self.in_force = known.of(OptionsInForce)
        self.task_options = known.of(TaskOptions)

    def of(self, tasks: Iterable[Task]) -> set[str] | None:
        """The queues of some tasks, or ``None`` where only the run knows one of them."""
        found = set()
        for task in tasks:
            destination = self.destination(task)
            if destination is None:
                return None
            found.add(destination.queue)
        return found

    def destination(self, task: Task) -> Destination | None:
        """The queue of a task: its own, that of a route, or the default; and what says so.

        ``None`` where only the run knows. The place of the default is that of the task.
        """
        option = self.own(task)
        if option is not None:
            module, value = option
            own = self.project.text(module, value)
            return Destination(own, module.place(value.span)) if own is not None else None
        routed = self.routed(task)
        if routed is None or routed.queue:
            return routed
        defaults = {self.default(application) for application in self.belonging.of(task)}
        if not defaults and task.application is None:
            defaults = {DEFAULT_QUEUE}
        queue = defaults.pop() if len(defaults) == 1 else None
        return Destination(queue, task.place) if queue is not None else None

    def routed(self, task: Task) -> Destination | None:
        """The queue that a route gives a task: ``""`` if none does, ``None`` if only the run knows."""
        for setting in self.in_force.settings_of(task, "task_routes"):
            routed = self.routes.queue(setting, task.name)
            if routed is None or routed.queue:
                return routed
        return Destination("", task.place)

    def sent_by(self, application: Application, task: Task) -> Destination | None:
        """The queue of a message for a task that this application sends by the task's name.

        Its own routes count and its own default, whatever the applications are told that run the task: the
        router is that of the sender (`Celery.send_task`). ``None`` where only the run knows; so it is of a
        task with a queue of its own, which a sender knows that has imported it, from Celery 5.7 on.
        """
        own = self.own(task)
        routes = self.settings.of_some([application], "task_routes")
        hidden = not self.applications.is_plain(application) or self.settings.hides(application)
        hidden = hidden or self.is_out_of_reach(application, task)
        if own is not None or hidden or not all(setting.certain for setting in routes):
            return None
        for setting in routes:
            routed = self.routes.queue(setting, task.name)
            if routed is None or routed.queue:
                return routed
        default = self.default(application)
        return Destination(default, task.place) if default is not None else None

    def is_out_of_reach(self, application: Application, task: Task) -> bool:
        """Whether nobody knows where a message of an application goes for this task.

        Its class may send in a way of its own, or its broker is another one than that of the task's workers.
        """
        if application.value.keyword("amqp") is not None or self._sends_by_itself(application):
            return True
        sending = self._brokers([application])
        return bool(sending) and sending.isdisjoint(self._brokers(self.belonging.of(task)) or sending)

    def _sends_by_itself(self, application: Application) -> bool:
        made = self.applications.made(application)._replace(kind="class")
        classes = [base.class_() for base in self.project.bases(made)]
        return any(not _WAYS.isdisjoint((*each.methods, *each.attributes)) for each in classes if each)

    def _brokers(self, applications: Iterable[Application]) -> set[str]:
        """The addresses that the brokers of these applications may have: none where one is unknown."""
        found = set[str]()
        for application in applications:
            settings = self.settings.of_some([application], "broker_url")
            texts = [self.project.text(setting.module, setting.value) for setting in settings]
            if not texts or None in texts or self.settings.hides(application):
                return set()
            found.update(text for text in texts if text is not None)
        return found

    def own(self, task: Task) -> Option | None:
        """The queue that a task's own options name."""
        return self.task_options.get(task, "queue")

    def default(self, application: Application) -> str | None:
        """The queue of an application's tasks that nothing else is said of."""
        given = self.settings.of_some([application], "task_default_queue")
        if not given:  # a file out of sight may name one
            return None if self.settings.is_foreign(application) else DEFAULT_QUEUE
        names = {self.project.text(setting.module, setting.value) for setting in given}
        return names.pop() if len(names) == 1 else None

    def consumed(self, applications: Iterable[Application]) -> tuple[str, ...]:
        """The queues of a worker of these applications whose command names none.

        Those that are declared; the default queue is one of them only where it stands among these, or where
        whoever sends to it may get `QueueNotFound`.
        """
        found: dict[str, None] = {}
        for application in applications:
            declared = self.settings.of_some([application], "task_queues")
            whole = len(declared) == 1 and declared[0].certain
            for setting in declared:
                queues = self.written(setting)
                if queues is None:
                    found[ANY_QUEUE] = None
                    continue
                found.update(dict.fromkeys(queue.name or ANY_QUEUE for queue in queues))
                whole = whole and bool(queues)
            if not whole or self.settings.of_some([application], "task_create_missing_queues"):
                found[self.default(application) or ANY_QUEUE] = None
        return tuple(found) or (DEFAULT_QUEUE,)

    def declared(self, applications: Iterable[Application]) -> list[Declared]:
        """The queues that the settings of these applications declare, as far as they are written down."""
        settings = self.settings.of_some(applications, "task_queues")
        return [queue for setting in settings for queue in self.written(setting) or ()]

    def written(self, setting: Setting) -> list[Declared] | None:
        """The queues that a setting lists: `Queue("mails")`, a text, or the name and the fields of one."""
        module = setting.module
        known = self.project.constant(module, setting.value)
        if known is None or known.kind not in ("sequence", "mapping"):
            return None
        if known.kind == "mapping":
            pairs = zip(known.items, known.keywords, strict=False)
            return [Declared(self.project.text(module, key), module, given) for key, (_, given) in pairs]
        return [
            Declared(self.project.text(module, item.first() or item.keyword("name") or item), module, item)
            for item in known.items
        ]

    def ends_deliveries(self, queue: Declared) -> bool:
        """Whether RabbitMQ ends it by itself that a message comes back to a queue.

        By its age, which a message keeps that is put back, or by the number of its deliveries, which a quorum
        queue limits unless its own limit is negative.
        """
        arguments = dict(queue.arguments(self.project))
        if queue.given.keyword("message_ttl") is not None or _AGE in arguments:
            return True
        if _NUMBER in arguments:
            limit = self.project.number(queue.module, arguments[_NUMBER])
            return limit is None or limit >= 0
        key, quorum = _TYPE
        return key in arguments and self.project.text(queue.module, arguments[key]) == quorum
