"""Tasks that no worker runs for certain.

Nothing imports their module, no worker takes messages of their queue, or another task has their name. What is
sent all the same is meant to run: rules about wiring say what is missing, and all others go on.
"""

from __future__ import annotations

from typing import Literal

from celery_lint.inventory.application.commands import Commands
from celery_lint.inventory.application.settings import Settings
from celery_lint.inventory.tasks.belonging import Belonging
from celery_lint.inventory.tasks.sendings import Sendings
from celery_lint.inventory.tasks.task import Task, given_name
from celery_lint.inventory.tasks.tasks import Tasks
from celery_lint.inventory.workers.consumers import Consumers
from celery_lint.inventory.workers.loading.idle.passed_by import PassedBy
from celery_lint.inventory.workers.loading.idle.uninstalled import Uninstalled
from celery_lint.inventory.workers.loading.imported import WorkerImports
from celery_lint.inventory.workers.loading.orphans import Orphans
from celery_lint.inventory.workers.loading.repeated_names import RepeatedNames
from celery_lint.inventory.workers.loading.unimportable import Unimportable
from celery_lint.inventory.workers.queues import Queues
from celery_lint.inventory.workers.sent import Sent
from celery_lint.model.words import held
from celery_lint.project.entity import Key
from celery_lint.project.known import Known, once

Why = Literal[
    "unimported",
    "shadowed",
    "unnamed",
    "unstarted",
    "unconsumed",
    "doubled",
    "unimportable",
    "replaced",
    "uninstalled",
]

# What gives a message another queue than its task has.
_ELSEWHERE = frozenset({"queue", "exchange", "routing_key", "router", "**"})
_SENDING = (".apply_async", ".send_task", ".signature", ".subtask", ".set")


class Unrun:
    """The tasks of the product that no worker runs for certain."""

    def __init__(self, known: Known) -> None:
        self.project = known.project
        self.sent = known.of(Sent)
        self.tasks = known.of(Tasks)
        self.queues = known.of(Queues)
        self.orphans = known.of(Orphans)
        self.commands = known.of(Commands)
        self.belonging = known.of(Belonging)
        self.settings = known.of(Settings)
        self.sendings = known.of(Sendings)
        self.consumers = known.of(Consumers)
        self.worker_imports = known.of(WorkerImports)
        self.repeated_names = known.of(RepeatedNames)
        self.unimportable = known.of(Unimportable)
        self.passed_by = known.of(PassedBy)
        self.uninstalled = known.of(Uninstalled)

    @once
    def all(self) -> dict[Key, Why]:
        """Why no worker runs them, by task; none where that would be all tasks.

        The workers of a sketch may start without any task. Of two tasks with one name no worker has both, and
        nobody can tell which it has; of a module that cannot be imported none has any. Nor has any worker
        what only the image of one would run, which always gets another command, or what nobody could start.
        """
        always: dict[Key, Why] = dict.fromkeys(self.repeated_names.keys, "doubled")
        always.update(dict.fromkeys(self.repeated_names.left_behind, "unnamed"))
        for task in self.tasks.product:
            if task.module.path in self.unimportable.all:
                always[task.key] = "unimportable"
            elif task.module.path in self.uninstalled.all:
                always[task.key] = "uninstalled"
            elif self._is_replaced(task):
                always[task.key] = "replaced"
        left = self._unconsumed() | self._unimported()
        left.update(dict.fromkeys(self.passed_by.keys, "unimported"))
        return always | left if len(left) < len({task.key for task in self.tasks.product}) else always

    def _is_replaced(self, task: Task) -> bool:
        replaced = self.commands.replaced
        own = self.belonging.of(task) if replaced else []
        return bool(own) and all(application in replaced for application in own)

    def has_no_worker(self, task: Task) -> bool:
        """Whether no worker has a task for certain, sent or not: none raises what its runs would raise."""
        path = task.module.path
        if self.worker_imports.never(path) or self.orphans.why(path) is not None:
            return True
        if path in self.unimportable.all or task.key in self.repeated_names.left_behind:
            return True
        own = self.belonging.of(task) if self.worker_imports.runs_nowhere(path) else []
        return bool(own) and all(application in self.commands.started for application in own)

    # ------------------------------------------------------------------ nothing imports them

    def _of_module(self, path: str) -> Why | None:
        """Why nothing that runs imports a module, if that is certain."""
        if self.worker_imports.runs_nowhere(path):
            return "unimported"
        why = self.orphans.why(path)
        return why if why != "late" else None  # other processes have it, and send what it defines

    def _unimported(self) -> dict[Key, Why]:
        """The tasks of modules that no started worker imports, where nothing that runs asks for them."""
        tasks = self.tasks.product
        left = {task.key: why for task in tasks if (why := self._of_module(task.module.path)) is not None}
        if not left:
            return left
        for sending in self.sendings.all:
            if sending.task is not None and self._of_module(sending.module.path) is None:
                left.pop(sending.task.key, None)
        scheduled = {
            value.data
            for setting in self.settings.named("beat_schedule")
            if self._of_module(setting.module.path) is None
            for value in held(self.project.constant(setting.module, setting.value) or setting.value)
            if isinstance(value.data, str)
        }
        for task in tasks:
            if task.name in scheduled:
                left.pop(task.key, None)
        return left | self.copies

    @once
    def copies(self) -> dict[Key, Why]:
        """The tasks that no worker has, since nothing imports their module, while it has one of their name.

        Whoever sends one by its name, or even imports it and sends that, has the other one run.
        """
        named: dict[str, list[Task]] = {}
        for task in self.tasks.product:
            named.setdefault(task.name, []).append(task)
        return {
            task.key: why
            for found in named.values()
            if len(found) > 1
            for task in found
            if (why := self._of_module(task.module.path)) is not None
            and any(self._is_copied(task, other) for other in found)
        }

    def _is_copied(self, task: Task, other: Task) -> bool:
        """Whether workers may have another task by the name of one: of one application, of one project."""
        if task.application != other.application or self._of_module(other.module.path) is not None:
            return False
        if task.application is not None:
            return True
        home = self.project.deployment.project_of
        return home(task.module.path) == home(other.module.path) and all(map(_is_named, (task, other)))

    # ------------------------------------------------------------------ no worker takes their messages

    def _unconsumed(self) -> dict[Key, Why]:
        """The tasks that nothing is seen to send, and whose queue no worker consumes."""
        consumed = self.consumers.all
        if consumed is None or self._is_sent_elsewhere():
            return {}
        found: dict[Key, Why] = {}
        for task in self.tasks.product:
            if not self.sent.is_sent(task) and self._waits(task, consumed.queues):
                found[task.key] = "unconsumed"
        return found

    def _waits(self, task: Task, consumed: frozenset[str]) -> bool:
        destination = self.queues.destination(task)
        return destination is not None and destination.queue not in consumed

    def _is_sent_elsewhere(self) -> bool:
        """Whether a call sends what only the run knows, and may do so to a queue that it names."""
        known = {(s.module.path, s.call.number, s.function.qualname) for s in self.sendings.all if s.task}
        return any(
            (module.path, call.number, function.qualname) not in known
            and not _ELSEWHERE.isdisjoint(given.keyword for given in call.takes)
            for module, function in self.project.calling(*_SENDING)
            for call in self.project.functions.calls(module, function)
            if f".{call.leaf()}" in _SENDING
        )


def _is_named(task: Task) -> bool:
    """Whether a task says its name: of two services each may have its own `app.tasks.send`."""
    return given_name(task.options) is not None
