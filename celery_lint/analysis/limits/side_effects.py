"""What tasks do that should happen once, or hold a worker up."""

from __future__ import annotations

from celery_lint.analysis.limits.acknowledgement import Acknowledgement
from celery_lint.inventory.code.graph import CallGraph, Reached
from celery_lint.inventory.code.ways.following import following
from celery_lint.inventory.retries.kept import Kept
from celery_lint.inventory.retries.policies import Retries
from celery_lint.inventory.tasks.task import Task, reached_from
from celery_lint.inventory.tasks.tasks import Tasks
from celery_lint.model.arguments import Argument
from celery_lint.model.calls import Call
from celery_lint.model.facts import Function, Module, Place
from celery_lint.model.purpose import is_product_path
from celery_lint.model.records import NamedTuple
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

    def related(self) -> tuple[tuple[Place, str], ...]:
        """The tasks, where the sleep stands elsewhere."""
        return reached_from(way.task for way in self.reached if way.through is not None)


class SideEffects:
    """Effects and sleeps."""

    def __init__(self, known: Known) -> None:
        self.acknowledgement = known.of(Acknowledgement)
        self.project = known.project
        self.retries = known.of(Retries)
        self.kept = known.of(Kept)
        self.tasks = known.of(Tasks)
        self.functions = known.project.functions
        self.graph = known.of(CallGraph)

    # ------------------------------------------------------------------ effects

    @facts
    def effects(self) -> list[RepeatedEffect]:
        """The first effect of each task that may run twice."""
        automatic = {
            (policy.task.module.path, policy.task.qualname)
            for policy in self.retries.policies
            if policy.automatic and not self.kept.is_never_automatic(policy)
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
            later = {number for other in following(flow, step) for number in other.calls} if step else set()
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


def _is_idempotent(given: Argument) -> bool:
    """Whether an argument tells the other side what belongs to one and the same request."""
    return given.keyword == "headers" or any(
        "idempot" in word for word in (given.keyword, given.chain, given.text)
    )
