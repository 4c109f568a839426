"""Messages that wait: how long a call delays a task, when it expires, and what the broker makes of that."""

from __future__ import annotations

from collections.abc import Iterator

from celery_lint.analysis.limits.acknowledgement import Acknowledgement
from celery_lint.inventory.application.applications import Applications
from celery_lint.inventory.application.broker import VISIBILITY, Broker, BrokerSettings
from celery_lint.inventory.application.settings import Settings
from celery_lint.inventory.retries.calls import RetryCalls
from celery_lint.inventory.retries.kept import Kept
from celery_lint.inventory.retries.policies import Retries
from celery_lint.inventory.tasks.in_force import OptionsInForce
from celery_lint.inventory.tasks.options import TaskOptions
from celery_lint.inventory.tasks.sendings import Sending, Sendings
from celery_lint.inventory.tasks.task import Task
from celery_lint.inventory.tasks.tasks import Tasks
from celery_lint.inventory.workers.loading.idle.scripts import Scripts
from celery_lint.inventory.workers.unsent import Unsent
from celery_lint.model.facts import Module, Place, Value
from celery_lint.model.records import NamedTuple
from celery_lint.project.known import Known, facts, once

# RabbitMQ closes the channel of a consumer that acknowledges nothing for so long.
# https://www.rabbitmq.com/docs/consumers#acknowledgement-timeout
_CONSUMER_TIMEOUT = 1800.0
_LONGEST_DEFAULT = 3600.0
_TIMES = ("countdown", "eta", "expires")
_NOW = frozenset(
    {
        "datetime.datetime.now()",
        "datetime.datetime.utcnow()",
        "django.utils.timezone.now()",
        "celery.utils.time.utcnow()",
    }
)


class Delay(NamedTuple):
    """A task that waits in a worker for longer than it may. ``word`` is what says so: ``countdown`` …

    ``limit`` is how long a message may stay unacknowledged; ``certain`` tells whether that is known to be the
    broker's own limit, after which it delivers the message again. ``retry`` tells the wait of a retry.
    ``tasks`` are those that wait, where they are known.
    """

    place: Place
    word: str
    seconds: float
    limit: float
    broker: Broker
    certain: bool
    retry: bool
    tasks: tuple[Task, ...]


class Expiry(NamedTuple):
    """A message that expires before it may run. ``countdown`` is ``None`` where it expires at once."""

    place: Place
    expires: float
    countdown: float | None
    delay_place: Place


class LongRun(NamedTuple):
    """Late acknowledgement of work that may last longer than the broker waits for it.

    ``place`` is the time limit that allows so much; ``owner`` is a task or the application. ``rank`` is 0 for
    the longest limit.
    """

    place: Place
    owner: str
    limit: float
    broker: Broker
    rank: int = 0


class ResultsOnly(NamedTuple):
    """A visibility timeout among the options of the result backend, where the broker keeps its default."""

    place: Place
    broker: Broker


class Delays:
    """The calls that send tasks at a later time."""

    def __init__(self, known: Known) -> None:
        self.acknowledgement = known.of(Acknowledgement)
        self.delivery = known.of(BrokerSettings)
        self.project = known.project
        self.tasks = known.of(Tasks)
        self.retries = known.of(Retries)
        self.kept = known.of(Kept)
        self.sendings = known.of(Sendings)
        self.functions = known.project.functions
        self.applications = known.of(Applications)
        self.settings = known.of(Settings)
        self.task_options = known.of(TaskOptions)
        self.in_force = known.of(OptionsInForce)
        self.retry_calls = known.of(RetryCalls)
        self.unsent = known.of(Unsent)
        self.scripts = known.of(Scripts)

    # ------------------------------------------------------------------ calls

    @once
    def _timed(self) -> list[tuple[Sending, Value]]:
        """The sendings that say when they run or expire, with the values of their arguments."""
        found = []
        for module, function in self.project.holding(*(f"{name}:" for name in _TIMES)):
            if self.unsent.is_within(module, function):
                continue
            for sending in self.sendings.within(module, function):
                value = sending.value if sending.has_options else None
                if value is not None and any(given.keyword in _TIMES for given in sending.call.takes):
                    found.append((sending, value))
        return found

    # ------------------------------------------------------------------ delays

    @facts
    def all(self) -> list[Delay]:
        """The delays that are longer than a message may wait."""
        broker = self.delivery.broker
        if broker.kind == "other" or (broker.kind == "amqp" and self._counted_queues):
            return []
        limit, certain = self._limit(broker)
        if limit is None:
            return []
        found = [
            Delay(place, word, seconds, limit, broker, certain, retry, tasks)
            for delays, retry in ((self._sent_later(), False), (self._retried_later(), True))
            for place, word, seconds, tasks in delays
            if seconds > limit
        ]
        each: dict[Place, Delay] = {}
        for delay in found:
            before = each.get(delay.place)
            each[delay.place] = delay._replace(tasks=delay.tasks + before.tasks) if before else delay
        return list(each.values())

    @property
    def _counted_queues(self) -> bool:
        """Whether the queues are not the classic ones: RabbitMQ itself holds delayed messages of others."""
        return bool(self.settings.named("task_default_queue_type"))

    def _limit(self, broker: Broker) -> tuple[float | None, bool]:
        if broker.redelivers:
            return broker.visibility, True
        if broker.kind == "amqp":
            return _CONSUMER_TIMEOUT, False
        if broker.kind:  # Redis or SQS, configured where nobody can look
            return None, False
        if broker.place is not None:
            return broker.visibility, False
        return (_LONGEST_DEFAULT, False) if not self._set_somewhere else (None, False)

    @property
    def _set_somewhere(self) -> bool:
        """Whether the transport may have options that cannot be read."""
        settings = self.settings
        written = bool(settings.named("broker_transport_options"))
        return written or settings.hidden or not self.applications.product

    def _sent_later(self) -> Iterator[tuple[Place, str, float, tuple[Task, ...]]]:
        for sending, value in self._timed:
            tasks = (sending.task,) if sending.task is not None else ()
            for place, word, seconds in self._delay_of(sending.module, value):
                yield place, word, seconds, tasks

    def _retried_later(self) -> Iterator[tuple[Place, str, float, tuple[Task, ...]]]:
        for call in self.retry_calls.all:
            times = [
                (name, given) for name in ("countdown", "eta") if (given := call.given(name)) is not None
            ]
            if not times or self.retries.gives_up(call):
                continue
            word, given = times[0]
            known = self.project.number if word == "countdown" else self._from_now
            seconds = known(call.module, given)
            if seconds is not None:
                yield call.module.place(given.span), word, seconds, call.tasks
        for policy in self.retries.policies:
            option = policy.options.get("default_retry_delay")
            if option is None or (policy.automatic and policy.backs_off(self.project)):
                continue
            automatic = policy.automatic and not self.kept.is_never_automatic(policy)
            waits = automatic or any(
                call.sets("countdown") is False and call.sets("eta") is False
                for call in policy.calls
                if not self.retries.gives_up(call)
            )
            seconds = self.project.number(*option)
            if waits and seconds is not None:
                yield option[0].place(option[1].span), "default_retry_delay", seconds, (policy.task,)

    def _delay_of(self, module: Module, value: Value) -> Iterator[tuple[Place, str, float]]:
        countdown, eta = value.keyword("countdown"), value.keyword("eta")
        seconds = self.project.number(module, countdown)
        if countdown is not None and seconds is not None:
            yield module.place(countdown.span), "countdown", seconds
        elif eta is not None:
            seconds = self._from_now(module, eta)
            if seconds is not None:
                yield module.place(eta.span), "eta", seconds

    def _from_now(self, module: Module, value: Value) -> float | None:
        """How many seconds from now a time is: ``now() + timedelta(days=1)``."""
        if value.kind != "arithmetic" or value.data != "Add" or len(value.items) != 2:
            return None
        left, right = value.items
        for start, offset in ((left, right), (right, left)):
            if start.kind == "call" and self.project.value_entity(module, start).name in _NOW:
                return self.project.number(module, offset)
        return None

    # ------------------------------------------------------------------ expiry

    @facts
    def expiries(self) -> list[Expiry]:
        """The messages that nobody will ever run."""
        found = []
        for sending, value in self._timed:
            module, task, place = sending.module, sending.task, sending.place
            own = value.keyword("expires")
            option = (module, own) if own is not None else None
            if own is None and task is not None:
                option = self.task_options.get(task, "expires")
            expires = self._seconds(*option) if option is not None else None
            if option is None or expires is None:
                continue
            expires_place = option[0].place(option[1].span)
            delays = list(self._delay_of(module, value))
            if own is not None and expires <= 0:
                found.append(Expiry(expires_place, expires, None, expires_place))
            elif delays and expires <= delays[0][2]:
                where = place if own is None else expires_place
                found.append(Expiry(where, expires, delays[0][2], delays[0][0]))
        return found

    def _seconds(self, module: Module, value: Value) -> float | None:
        """The seconds from now: a number, or a point in time. A ``timedelta`` is no valid time of expiry."""
        if value.kind == "arithmetic":
            from_now = self._from_now(module, value)
            if from_now is not None:
                return from_now
        if value.kind == "call":
            return None
        return self.project.number(module, value)

    # ------------------------------------------------------------------ long runs

    @facts
    def timeouts_of_results(self) -> list[ResultsOnly]:
        """The visibility timeouts that the broker never hears of, and late acknowledgement is meant for."""
        broker = self.delivery.broker
        if not broker.redelivers or broker.place is not None:
            return []
        found = []
        for setting in self.settings.certain("result_backend_transport_options"):
            options = self.project.constant(setting.module, setting.value)
            given = options.keyword(VISIBILITY) if options is not None else None
            seconds = self.project.number(setting.module, given)
            if given is None or seconds is None or seconds <= (broker.visibility or 0.0):
                continue
            if any(self.acknowledgement.late(task) is not False for task in self.tasks.product):
                found.append(ResultsOnly(setting.module.place(given.span), broker))
        return found

    @facts
    def long_runs(self) -> list[LongRun]:
        """The limits that let tasks of late acknowledgement run longer than the broker waits.

        With Redis workers give back what others hold for too long, while they wait for messages: one of the
        solo pool that is alone does neither during a run (tried with Celery 5.7).
        """
        broker = self.delivery.broker
        if not broker.redelivers or broker.visibility is None:
            return []
        if broker.kind == "redis" and self.scripts.are_one_solo:
            return []
        found: dict[Place, LongRun] = {}
        for task in self.unsent.product:
            if not self.acknowledgement.late(task):
                continue
            for name in ("time_limit", "soft_time_limit"):
                option = self.task_options.get(task, name)
                setting, certain = self.in_force.setting(task, f"task_{name}")
                if option is None and (setting is None or not certain):
                    continue
                at = option or (setting.module, setting.value)  # type: ignore[union-attr]
                seconds, place = self.project.number(*at), at[0].place(at[1].span)
                if seconds is not None and seconds > broker.visibility:
                    owner = f"task `{task.label}`" if option is not None else "the application"
                    found.setdefault(place, LongRun(place, owner, seconds, broker))
                break
        longest = sorted(found.values(), key=lambda run: -run.limit)
        return [run._replace(rank=rank) for rank, run in enumerate(longest)]
