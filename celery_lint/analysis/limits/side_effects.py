"""What tasks do that should happen once, hold a worker up, or end in the middle."""

from __future__ import annotations

import re
from collections.abc import Iterator

from celery_lint.analysis.limits.acknowledgement import Acknowledgement
from celery_lint.inventory.application.applications import is_application
from celery_lint.inventory.code.graph import CallGraph, Reached
from celery_lint.inventory.retries.policies import Retries
from celery_lint.inventory.tasks.sendings import Sendings
from celery_lint.inventory.tasks.task import Task
from celery_lint.inventory.tasks.tasks import Tasks
from celery_lint.inventory.workers.pools import Pool, Pools
from celery_lint.libraries.celery import RESULTS
from celery_lint.model.arguments import Argument
from celery_lint.model.calls import Call
from celery_lint.model.facts import Function, Module, Place
from celery_lint.model.purpose import is_product_path
from celery_lint.model.records import NamedTuple
from celery_lint.model.steps import Step
from celery_lint.project.functions import Flow
from celery_lint.project.known import Known, facts

# Calls that somebody outside notices, each time they are made.
_EFFECTS = frozenset(
    [
        *(f"django.core.mail.{name}" for name in ("send_mail", "send_mass_mail", "mail_admins")),
        *(f"django.core.mail.{name}().send" for name in ("EmailMessage", "EmailMultiAlternatives")),
        *(
            f"smtplib.{name}().{method}"
            for name in ("SMTP", "SMTP_SSL")
            for method in ("sendmail", "send_message")
        ),
        "flask_mail.Mail().send",
        "httpx.post",
        "requests.post",
        "sendgrid.SendGridAPIClient().send",
        "slack_sdk.WebClient().chat_postMessage",
        "twilio.rest.Client().messages.create",
    ]
)
_LONG = 30.0

# Where one greenlet is ended, and where nothing is.
_GREEN = ("gevent", "eventlet")
_UNABLE = ("threads", "solo")

# Of a task these are names, not the id of one of its runs.
_NAMES = frozenset({"__name__", "name", "task_name"})
_ID = re.compile(r"[0-9a-fA-F]{8}(-?[0-9a-fA-F]{4}){3}-?[0-9a-fA-F]{12}")

# Calls that send a task under an id of the project's own.
_GIVING_IDS = (".apply_async", ".send_task", ".signature", ".s", ".si", ".set")


class RepeatedEffect(NamedTuple):
    """A call that a second run of the task makes again. ``retried``: because the task is retried."""

    task: Task
    place: Place
    call: str
    retried: bool


class LongSleep(NamedTuple):
    """A sleep of a task, in seconds."""

    place: Place
    seconds: float
    reached: tuple[Reached, ...]

    def related(self) -> list[tuple[Place, str]]:
        """The tasks, where the sleep stands elsewhere."""
        others = [way for way in self.reached if way.through is not None]
        return [(way.task.place, f"reached from task `{way.task.label}`") for way in others[:3]]


class Termination(NamedTuple):
    """A task that is revoked with ``terminate=True``. ``pool`` is the first of those that cannot do it."""

    place: Place
    signal: str
    pool: Pool | None


class SideEffects:
    """Effects, sleeps and terminations."""

    def __init__(self, known: Known) -> None:
        self.acknowledgement = known.of(Acknowledgement)
        self.project = known.project
        self.retries = known.of(Retries)
        self.pools = known.of(Pools)
        self.sendings = known.of(Sendings)
        self.tasks = known.of(Tasks)
        self.functions = known.project.functions
        self.graph = known.of(CallGraph)
        self._pools: dict[str, Pool | None] = {}

    # ------------------------------------------------------------------ effects

    @facts
    def effects(self) -> list[RepeatedEffect]:
        """The first effect of each task that may run twice."""
        automatic = {
            (policy.task.module.path, policy.task.qualname)
            for policy in self.retries.policies
            if policy.automatic
        }
        found = []
        for task in self.tasks.product:
            retried = (task.module.path, task.qualname) in automatic
            if task.function is not None and (retried or self.acknowledgement.late(task)):
                effect = self._effect(task, task.function, retried)
                if effect is not None:
                    found.append(effect)
        return found

    def _effect(self, task: Task, function: Function, retried: bool) -> RepeatedEffect | None:
        flow = self.functions.of(task.module, function)
        calls = self.functions.calls(task.module, function)
        for call in calls:
            name = self._name(task.module, call)
            if not (name in _EFFECTS or (name.startswith("stripe.") and name.endswith(".create"))):
                continue
            if any(_is_idempotent(given) for given in call.takes):
                continue
            step = flow.step_of(call)
            later = {number for other in _following(flow, step) for number in other.calls} if step else set()
            fails_later = any(n in later and self._may_fail(task.module, calls[n]) for n in later)
            place = task.module.place(call.span)
            if retried and fails_later:
                return RepeatedEffect(task, place, call.leaf(), True)
            if self.acknowledgement.late(task):
                return RepeatedEffect(task, place, call.leaf(), False)
        return None

    def _name(self, module: Module, call: Call) -> str:
        if not call.chain or call.chain[:1] in "%~":
            return ""
        entity = self.project.resolve(module, call.chain)
        return entity.name if entity.kind == "external" else ""

    def _may_fail(self, module: Module, call: Call) -> bool:
        """Whether a call may raise something that is worth a retry: it is none of Python's or of logging."""
        entity = self.project.resolve(module, call.chain)
        safe = ("builtins.", "logging.", "celery.utils.log.", "datetime.", "structlog.")
        return not (entity.kind == "external" and entity.name.startswith(safe))

    # ------------------------------------------------------------------ sleeps

    @facts
    def sleeps(self) -> list[LongSleep]:
        """The long sleeps of tasks."""
        found = []
        for (path, qualname), reached in self.graph.reached.items():
            module = self.project.modules.get(path)
            function = module.functions.get(qualname) if module is not None else None
            if module is None or function is None or not function.may_call("sleep"):
                continue
            if not is_product_path(path):
                continue
            for call in self.functions.calls(module, function):
                if call.leaf() == "sleep" and self._name(module, call) == "time.sleep":
                    seconds = self._number(module, call.argument(0, "secs"))
                    if seconds is not None and seconds > _LONG:
                        found.append(LongSleep(module.place(call.span), seconds, tuple(reached)))
        return found

    def _number(self, module: Module, given: Argument) -> float | None:
        if given.kind == "name":
            entity = self.project.resolve(module, given.chain)
            known = self.project.number(entity.module, entity.value) if entity.module is not None else None
            return known if entity.kind == "value" else None
        return given.amount

    # ------------------------------------------------------------------ terminations

    @facts
    def terminations(self) -> list[Termination]:
        """The calls that kill what runs a task."""
        if self.pools.all.first(*_GREEN):  # there they end one greenlet
            return []
        return [fact for module in self.project.product_modules() for fact in self._terminations(module)]

    def _terminations(self, module: Module) -> Iterator[Termination]:
        if "/management/commands/" in f"/{module.path}":  # a command is given by somebody who looks
            return
        for function in module.functions.values():
            if not function.may_call(".revoke", ".control.terminate"):
                continue
            for call in self.functions.calls(module, function):
                if not self._terminates(module, call):
                    continue
                signal = call.keyword("signal").text or "SIGTERM"
                yield Termination(module.place(call.span), signal, self._unable(module))

    def _unable(self, module: Module) -> Pool | None:
        """A pool that cannot end a task, if it runs what a module terminates.

        A program that ends tasks by their id has the ids of those that it has sent, to queues that it names.
        """
        if module.path not in self._pools:
            queues: set[str] | None = set()
            for function in module.functions.values():
                for sending in self.sendings.within(module, function):
                    given = dict(sending.options).get("queue")
                    name = self.project.text(module, given) if given is not None else None
                    queues = queues | {name} if name is not None and queues is not None else None
            pools = self.pools.all
            running = pools.consuming(queues)
            unable = pools.complete and running and all(pool.name in _UNABLE for pool in running)
            self._pools[module.path] = running[0] if unable else None
        return self._pools[module.path]

    def _terminates(self, module: Module, call: Call) -> bool:
        owner, _, leaf = call.chain.rpartition(".")
        if leaf != "terminate" and (leaf != "revoke" or not call.keyword("terminate").is_true):
            return False
        if self._is_no_id(module, call.argument(0, "task_id")):
            return False  # nothing runs under it, so nothing is ended
        if owner.endswith(".control") and owner[:1] == "%":
            return leaf == "revoke"  # nothing else has a `control` that revokes and terminates
        entity = self.project.resolve(module, owner)
        if entity.kind == "external":
            application, _, name = entity.name.rpartition(".")
            if name == "AsyncResult()" and is_application(application):
                return leaf == "revoke"
            if name == "control" and (is_application(application) or application.startswith("celery.")):
                return True
            return leaf == "revoke" and entity.name in RESULTS
        task, _, made = owner.rpartition(".")
        sends = made in ("delay()", "apply_async()", "AsyncResult()")
        known = self.tasks.of(self.project.resolve(module, task)) if sends else None
        return leaf == "revoke" and (known is not None or self._is_control(module, owner))

    def _is_no_id(self, module: Module, given: Argument) -> bool:
        """Whether what is revoked is the name of a task or of an entry of beat, under which nothing runs."""
        if given.leaf.lstrip("%") in _NAMES:
            return True
        text = given.text
        if given.chain and given.chain[:1] != "%":
            entity = self.project.resolve(module, given.chain)
            known = entity.value if entity.kind == "value" else None
            text = known.data if known is not None and isinstance(known.data, str) else ""
        if not text or _ID.fullmatch(text):
            return False
        return not any(
            function.may_call(*_GIVING_IDS)
            and function.mentions(f"task_id:'{text}", f"task_id:={given.chain or '-'}")
            for each in self.project.product_modules()
            for function in each.functions.values()
        )

    def _is_control(self, module: Module, owner: str) -> bool:
        """Whether a chain is the ``control`` of something that nobody can see through."""
        return owner.endswith(".control") and self.project.resolve(module, owner).kind == "unknown"


def _is_idempotent(given: Argument) -> bool:
    """Whether an argument tells the other side what belongs to one and the same request."""
    return given.keyword == "headers" or any(
        "idempot" in word for word in (given.keyword, given.chain, given.text)
    )


def _following(flow: Flow, step: Step) -> Iterator[Step]:
    """The statements that may run after one, without those of other branches and of handlers."""
    current: Step | None = step
    while current is not None:
        parent = flow.steps[current.parent] if current.parent >= 0 else None
        block = flow.body(parent, current.role)
        later = [other for other in block if other.number > current.number]
        for other in later:
            yield other
            yield from flow.below(other)
        if flow.ends(later):
            return
        current = parent
