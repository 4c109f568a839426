"""Tasks that are sent to queues that no worker consumes."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator

from celery_lint.analysis.wiring.unimported_applications import UnimportedApplications
from celery_lint.inventory.application.applications import (
    Application,
    Applications,
    is_application,
    is_current,
)
from celery_lint.inventory.application.beat.unread import SCHEDULE
from celery_lint.inventory.application.commands import Commands
from celery_lint.inventory.application.settings import Settings
from celery_lint.inventory.tasks.belonging import Belonging
from celery_lint.inventory.tasks.schedules import Entry, Schedules
from celery_lint.inventory.tasks.sendings import Sending, Sendings
from celery_lint.inventory.tasks.task import Task
from celery_lint.inventory.tasks.tasks import Tasks
from celery_lint.inventory.workers.consumers import Consumed, Consumers
from celery_lint.inventory.workers.queues import DEFAULT_QUEUE, Queues
from celery_lint.inventory.workers.routes import Destination
from celery_lint.inventory.workers.unsent import Unsent
from celery_lint.libraries.celery import CANVASES, SENDING
from celery_lint.model.commands import WorkerCommand
from celery_lint.model.facts import Function, Module, Place, Value
from celery_lint.model.records import NamedTuple
from celery_lint.project.entity import Key
from celery_lint.project.known import Known, facts, once
from celery_lint.project.tables import written_mapping

# Options that say by other means where a message goes.
_OTHER_WAYS = frozenset({"exchange", "routing_key", "router", "connection", "producer", "**", "*"})
# What gives a signature other options than its task has: `signature.set(…)`, `signature.options`.
_CHANGING = ("queue", "exchange", "routing_key", "router", ".set\t", ".set()", ".options", ".clone")
_PARTIAL = frozenset({"s", "si"})
# What an application has that is made to send: neither routes nor a default queue.
_PLAIN = frozenset({"", "main", "broker", "backend"})
_CONFIGURING = (".conf", "config_from_object", "config_from_envvar", "add_defaults", "amqp")
# What projects call a queue that somebody looks into when something went wrong.
_DEAD_LETTERS = re.compile(
    r"(?<![a-z])(?:dead[-_.: ]?letter(?:s|ed)?|dlq|dlx|graveyard|parking[-_ ]lot)(?![a-z])"
    r"|^failed[-_](?:tasks|messages|jobs)$"
)
# What a queue gives to the broker: where messages go that expire or that nobody takes.
_WHERE_TO = frozenset({"x-dead-letter-exchange", "x-dead-letter-routing-key"})


Sent = tuple[Task, Destination, Place]
"""A task that somebody sends, its queue, and the place that sends it."""


class Waiting(NamedTuple):
    """A queue that nothing consumes: what sends a task there, the task, and who sends it."""

    place: Place
    queue: str
    task: Task
    sent: Place


class Unconsumed(NamedTuple):
    """The queues of one file that nothing consumes, what workers do consume, and the workers.

    ``apart``: the launch file whose workers these are, where other deployments have others.
    """

    queues: tuple[Waiting, ...]
    consumed: tuple[str, ...]
    workers: tuple[WorkerCommand, ...]
    apart: str = ""


class UnconsumedQueues:
    """The queues that tasks of the project wait in, compared with those that its workers consume."""

    def __init__(self, known: Known) -> None:
        self.project = known.project
        self.applications = known.of(Applications)
        self.belonging = known.of(Belonging)
        self.sendings = known.of(Sendings)
        self.schedules = known.of(Schedules)
        self.queues = known.of(Queues)
        self.settings = known.of(Settings)
        self.consumers = known.of(Consumers)
        self.commands = known.of(Commands)
        self.tasks = known.of(Tasks)
        self.unsent = known.of(Unsent)
        self.unimported = known.of(UnimportedApplications)

    @facts
    def unconsumed(self) -> list[Unconsumed]:
        """The queues that no worker consumes, with the first task that is sent to each, by file.

        Then those that the workers of one deployment leave alone, and others consume. Where a deployment is
        started with a file that is not there, other workers may consume the first, and where that file may
        be put on top of others, those of each.
        """
        found = self._nowhere()
        if found and self.commands.elsewhere:
            found = []
        told = {waiting.queue for each in found for waiting in each.queues}
        apart = list(self._apart(told))
        if apart and not all(each.cluster for each in self.commands.elsewhere):
            apart = []
        return [*found, *apart]

    def _apart(self, told: Collection[str]) -> Iterator[Unconsumed]:
        """The queues that the workers of one deployment leave alone, but for those that are told already."""
        for deployed in self.consumers.apart:
            sent = [
                each
                for each in self._sent(deployed.beats)
                if self._waits_there(each[0], deployed.applications)
            ]
            for each in self._left(sorted(sent, key=self._rank), deployed.consumed, deployed.path):
                if not any(waiting.queue in told for waiting in each.queues):
                    yield each

    def _nowhere(self) -> list[Unconsumed]:
        consumed = self.consumers.even_in_development
        if consumed is None:
            return []
        all_sent = sorted(self._sent(), key=self._rank)
        if consumed.in_development and any(
            destination.queue in consumed.queues for _, destination, _ in all_sent
        ):
            return []  # these run, and whoever develops may do without the others
        return self._left(all_sent, consumed)

    def _waits_there(self, task: Task, applications: tuple[Application, ...]) -> bool:
        """Whether a task is certainly sent, and belongs to these applications alone."""
        own = self.belonging.of(task)
        return bool(own) and all(each in applications for each in own) and self.unsent.why(task) is None

    def _left(self, all_sent: list[Sent], consumed: Consumed, apart: str = "") -> list[Unconsumed]:
        """The queues of messages that these workers do not consume, by the file that names them."""
        found: dict[tuple[str, str], Waiting] = {}
        for task, destination, sent in all_sent:
            queue, place = destination
            # Each application has a configuration of its own, whose routes are of no use to another.
            by_route = place in self._routes
            key = (queue, place.path if by_route else "")
            if queue not in consumed.queues and key not in found and not self._is_for_dead_letters(queue):
                found[key] = Waiting(sent if place == task.place else place, queue, task, sent)
        routed = {queue for queue, path in found if path}
        told = [waiting for (queue, path), waiting in found.items() if path or queue not in routed]
        files: dict[str, list[Waiting]] = {}
        for waiting in sorted(told, key=lambda waiting: waiting.place):
            files.setdefault(waiting.place.path, []).append(waiting)
        names = tuple(sorted(consumed.queues))
        return [Unconsumed(tuple(queues), names, consumed.commands, apart) for queues in files.values()]

    @once
    def _routes(self) -> frozenset[Place]:
        """The lines of all tables of routes."""
        tables = [self.queues.routes.tables(setting) for setting in self.settings.named("task_routes")]
        return frozenset(
            entry.place for found in tables if found is not None for table in found for entry in table
        )

    def _is_for_dead_letters(self, queue: str) -> bool:
        """Whether messages are to stay in a queue until somebody looks at them."""
        return _DEAD_LETTERS.search(queue.lower()) is not None or queue in self._dead_letters

    @once
    def _dead_letters(self) -> frozenset[str]:
        """The names that queues give to the broker for the messages that nobody takes."""
        found = set()
        for setting in self.settings.named("task_queues"):
            for queue in self.queues.written(setting) or ():
                for key, value in queue.arguments(self.project):
                    if key in _WHERE_TO:
                        found.add(self.project.text(queue.module, value) or "")
        return frozenset(found)

    def _sent(self, beats: bool = True) -> Iterator[Sent]:
        """The tasks that somebody sends who runs, with their queue, and the place that sends them."""
        for task, destination, place in (*self._all_sent(), *(self._scheduled() if beats else ())):
            if self.unsent.why(task) != "unsent" and not self._is_of_unstarted(task):
                yield task, destination, place

    def _rank(self, sent: Sent) -> bool:
        """The rank of a task of those that wait in one queue: who is told is sent by no other task."""
        return self.tasks.is_within(sent[2])

    def _is_of_unstarted(self, task: Task) -> bool:
        """Whether a task is made for an application that nobody starts, though another."""
        return any(application.origin == task.application for application in self.commands.unstarted)

    def _all_sent(self) -> Iterator[Sent]:
        for sending in self.sendings.all:
            if sending.task is not None and sending.sends and sending.how != "apply":
                destination = self._of_sending(sending, sending.task)
                if destination is not None and self._is_known_there(destination, sending, sending.task):
                    yield sending.task, destination, sending.place
        yield from self._in_canvases()

    def _scheduled(self) -> Iterator[Sent]:
        for entry in self.schedules.all:
            task = self.schedules.task(entry) if entry.certain and not entry.hidden else None
            destination = self._of_entry(entry, task) if task is not None else None
            if task is not None and destination is not None:
                yield task, destination, entry.place

    def _in_canvases(self) -> Iterator[Sent]:
        """The tasks whose signatures stand in a canvas that the same function sends, as it is."""
        for sending in self.sendings.all:
            task = sending.task if sending.how in _PARTIAL and sending.through == "task" else None
            is_sent = self._sent_as_they_are.get(_key(sending)) == "canvas"
            if task is None or not is_sent or not self._stands_in_a_canvas(sending):
                continue
            destination = self.queues.destination(task)
            if destination is not None and self._is_known_there(destination, sending, task):
                yield task, destination, sending.place

    @once
    def _sent_as_they_are(self) -> dict[Key, str]:
        """The functions that send signatures or a canvas, and give none of them options of its own."""
        found: dict[Key, Sending] = {}
        for sending in self.sendings.all:
            signed = sending.how in SENDING and sending.through in ("canvas", "signature")
            if signed and (sending.through == "canvas" or _key(sending) not in found):
                found[_key(sending)] = sending
        return {key: each.through for key, each in found.items() if not _may_change(each.function)}

    def _stands_in_a_canvas(self, sending: Sending) -> bool:
        if sending.call.parent < 0:
            return False
        outer = self.project.functions.calls(sending.module, sending.function)[sending.call.parent]
        return f"{self.project.resolve(sending.module, outer.chain).name}()" in CANVASES

    def _is_known_there(self, destination: Destination, sending: Sending, task: Task) -> bool:
        """Whether who sends a task has the broker of its workers, and knows the queue that it is given."""
        if self.unimported.goes_elsewhere(sending, task):
            return False
        if destination.queue == DEFAULT_QUEUE or self.queues.own(task) is not None:
            return True
        if destination != self.queues.destination(task):  # the message itself names it
            return True
        return not self.unimported.is_out_of_sight(sending, task)

    def _of_sending(self, sending: Sending, task: Task) -> Destination | None:
        signed = sending.through == "signature" and _key(sending) in self._sent_as_they_are
        if sending.through not in ("task", "application") and not signed:
            return None  # the signature may have a queue of its own
        usual = self.queues.destination(task)
        if sending.how == "send_task":
            sender = self._sender(sending)
            if sender is not None and self.queues.is_out_of_reach(sender, task):
                return None  # whatever queue the message names
            usual = self._of_sender(sending, sender, task)
        if not sending.has_options:
            return usual
        value = sending.value
        return self._told(sending.module, value.keywords, usual) if value is not None else None

    def _of_sender(self, sending: Sending, sender: Application | None, task: Task) -> Destination | None:
        """The queue that a message gets from what sends it: the routes of other applications do not count."""
        if sender is not None:
            return self._by([sender], task)
        if self._is_by_a_plain_sender(sending):
            return Destination(DEFAULT_QUEUE, task.place)
        return self.queues.destination(task)

    def _sender(self, sending: Sending) -> Application | None:
        receiver = self.project.resolve(sending.module, sending.call.chain.rpartition(".")[0])
        return self.applications.get(receiver.origin)

    def _by(self, senders: list[Application], task: Task) -> Destination | None:
        """The queue that a message gets from one of these; the usual one where they are those of the task."""
        own = self.belonging.of(task)
        if not senders or not own or any(sender in own for sender in senders):
            return self.queues.destination(task)
        found = {self.queues.sent_by(sender, task) for sender in senders}
        return found.pop() if len(found) == 1 else None

    def _is_by_a_plain_sender(self, sending: Sending) -> bool:
        """Whether a function makes an application to send a name, and configures nothing but its broker.

        That one has no routes, and does not know what the task says of itself.
        """
        receiver, function = sending.call.chain.rpartition(".")[0], sending.function
        name = self.project.resolve(sending.module, receiver).name
        if not name.startswith("celery.") or not is_application(name) or is_current(name):
            return False
        if function.mentions(*_CONFIGURING) or function.hands_on(receiver):
            return False
        steps = self.project.functions.of(sending.module, function).steps
        if any(step.kind == "assign" and not step.stores for step in steps):
            return False  # `sender.conf.task_default_queue = "slow"`
        calls = self.project.functions.calls(sending.module, function)
        made = [call for call in calls if f"{call.chain}()" == receiver]
        return bool(made) and all(
            len(call.positional) <= 1 and _PLAIN.issuperset(given.keyword for given in call.takes)
            for call in made
        )

    def _of_entry(self, entry: Entry, task: Task) -> Destination | None:
        if entry.written == "call":
            signature = entry.given["sig"]
            if signature.kind == "call" and not signature.chain.endswith((".s", ".si")):
                return None
            return self._told(entry.module, tuple(entry.given.items()), self.queues.destination(task))
        usual = self._by(self._having(entry), task)
        if entry.written == "row":
            return self._told(entry.module, tuple(entry.given.items()), usual)
        given = entry.given.get("options")
        if given is None:
            return usual
        known = self.project.constant(entry.module, given)
        if known is None or known.kind != "mapping":
            return None
        return self._told(entry.module, known.keywords, usual)

    def _having(self, entry: Entry) -> list[Application]:
        """The applications whose schedule an entry stands in: beat is started with one of them."""
        found = []
        for application in self.applications.product:
            for setting in self.settings.candidates(application, SCHEDULE):
                owner, mapping = written_mapping(self.project, setting.module, setting.value)
                span = (mapping or setting.value).span
                if owner.path == entry.place.path and span.line <= entry.place.span.line <= span.end_line:
                    found.append(application)
        return found

    def _told(
        self, module: Module, options: tuple[tuple[str, Value], ...], usual: Destination | None
    ) -> Destination | None:
        """The queue that options of a message name, or the usual one where they name none."""
        if not _OTHER_WAYS.isdisjoint(key for key, _ in options):
            return None
        for key, value in options:
            if key == "queue":
                name = self.project.text(module, value)
                return Destination(name, module.place(value.span)) if name is not None else None
        return usual


def _key(sending: Sending) -> Key:
    return sending.module.path, sending.function.qualname


def _may_change(function: Function) -> bool:
    """Whether anything in a function may give a signature options of its own."""
    return function.mentions(*_CHANGING) or function.states(*_CHANGING)
