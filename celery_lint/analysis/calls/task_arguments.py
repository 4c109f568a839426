"""Arguments that do not fit the task that they are sent to."""

from __future__ import annotations

from collections.abc import Iterator

from celery_lint.inventory.retries.calls import RetryCall, RetryCalls
from celery_lint.inventory.tasks.canvas.missing_bind import MissingBind
from celery_lint.inventory.tasks.made.handing_on import HandingOn
from celery_lint.inventory.tasks.options import TaskOptions
from celery_lint.inventory.tasks.sendings import Sending, Sendings, given_by
from celery_lint.inventory.tasks.signatures import Mismatch, Signature, Signatures, mismatch, type_error
from celery_lint.inventory.tasks.task import Task
from celery_lint.model.facts import Place
from celery_lint.model.records import NamedTuple
from celery_lint.project.known import Known, facts

# Options of a message that nobody means for a task, given to a call that takes none.
# https://docs.celeryq.dev/en/stable/reference/celery.app.task.html#celery.app.task.Task.apply_async
_OPTIONS = frozenset(
    [
        "countdown",
        "eta",
        "expires",
        "ignore_result",
        "link",
        "link_error",
        "priority",
        "queue",
        "retry_policy",
        "routing_key",
        "serializer",
        "soft_time_limit",
        "task_id",
        "time_limit",
    ]
)
_WITHOUT_OPTIONS = frozenset({"delay", "delay_on_commit"})
_PARTIAL = frozenset({"s", "signature"})


class UnfitArguments(NamedTuple):
    """Arguments that a task does not take. ``in_worker``: nobody notices before the worker calls it."""

    sending: Sending
    signature: Signature
    mismatch: Mismatch
    in_worker: bool

    @property
    def task(self) -> Task:
        """The task that is sent."""
        return self.signature.task

    @property
    def error(self) -> str:
        """What Python says."""
        return type_error(self.signature, self.mismatch)

    @property
    def place(self) -> Place:
        """The call."""
        return self.sending.place


class UnfitRetry(NamedTuple):
    """Arguments of ``retry`` that replace those of the run, and that the task does not take.

    ``in_worker``: the message is sent all the same, and the next run fails.
    """

    retry: RetryCall
    signature: Signature
    mismatch: Mismatch
    in_worker: bool

    @property
    def task(self) -> Task:
        """The task that is retried."""
        return self.signature.task

    @property
    def error(self) -> str:
        """What Python says."""
        return type_error(self.signature, self.mismatch)


class OptionsForTask(NamedTuple):
    """Options of a message in a call that hands all that it gets to the task.

    ``in_worker``: nobody notices before the worker calls it.
    """

    sending: Sending
    task: Task
    names: tuple[str, ...]
    swallowed: bool
    in_worker: bool

    @property
    def place(self) -> Place:
        """The first of the options."""
        value = self.sending.value
        given = value.keyword(self.names[0]) if value is not None else None
        return self.sending.module.place(given.span) if given is not None else self.sending.place


class TaskArguments:
    """What tasks are sent with, compared with what they take."""

    def __init__(self, known: Known) -> None:
        self.project = known.project
        self.functions = known.project.functions
        self.sendings = known.of(Sendings)
        self.signatures = known.of(Signatures)
        self.handing_on = known.of(HandingOn)
        self.missing_bind = known.of(MissingBind)
        self.task_options = known.of(TaskOptions)
        self.retry_calls = known.of(RetryCalls)

    @facts
    def unfit(self) -> list[UnfitArguments]:
        """The calls whose arguments certainly do not fit."""
        return list(self._unfit())

    def _unfit(self) -> Iterator[UnfitArguments]:
        misplaced = {fact.sending.place for fact in self.misplaced_options}
        for sending in self.sendings.all:
            if sending.task is None or sending.through not in ("task", "application"):
                continue
            given, signature = sending.given, self.signatures.of(sending.task)
            if given is None or signature is None or sending.place in misplaced:
                continue
            partial = sending.how in _PARTIAL
            found = mismatch(signature, given, partial=partial)
            if found is None or self.missing_bind.explains(sending.task, given, partial):
                continue
            by_name = sending.through == "application" and sending.how == "send_task"
            in_worker = by_name or not self.signatures.is_checked(sending.task)
            if not (in_worker and self.task_options.has_own_call(sending.task)):
                yield UnfitArguments(sending, signature, found, in_worker)

    @facts
    def unfit_retries(self) -> list[UnfitRetry]:
        """The retries whose own arguments certainly do not fit any of the tasks that they are about."""
        return [unfit for retry in self.retry_calls.all if (unfit := self._unfit_retry(retry)) is not None]

    def _unfit_retry(self, retry: RetryCall) -> UnfitRetry | None:
        """The first task of a retry, if its arguments fit none.

        What ``retry`` is not given is taken from the run: positional arguments alone may be too many, and
        keywords alone unknown, but only both together can lack something.
        """
        set_ = retry.sets("args"), retry.sets("kwargs")
        if not any(set_) or not retry.tasks or retry.value.open_ended():
            return None
        given = given_by(retry.given("args"), retry.given("kwargs"))
        if given is None:
            return None
        found = []
        for task in retry.tasks:
            signature = self.signatures.of(task)
            wrong = mismatch(signature, given, partial=not all(set_)) if signature else None
            if signature is None or wrong is None:
                return None
            found.append(UnfitRetry(retry, signature, wrong, not self.signatures.is_checked(task)))
        return found[0]

    @facts
    def misplaced_options(self) -> list[OptionsForTask]:
        """The options of messages that are handed to tasks as arguments."""
        return list(self._misplaced())

    def _misplaced(self) -> Iterator[OptionsForTask]:
        for sending in self.sendings.all:
            if sending.how not in _WITHOUT_OPTIONS or sending.through != "task" or sending.task is None:
                continue
            names = tuple([given.keyword for given in sending.call.takes if given.keyword in _OPTIONS])
            signature = self.signatures.of(sending.task) if names else None
            if signature is None:
                continue
            own = {*signature.positional, *signature.keyword_only, *signature.on_the_way}
            names = tuple([name for name in names if name not in own])
            if not names or (signature.more_keywords and self._reads_keywords(sending.task)):
                continue
            in_worker = not self.signatures.is_checked(sending.task)
            if not (in_worker and self.task_options.has_own_call(sending.task)):
                yield OptionsForTask(sending, sending.task, names, signature.more_keywords, in_worker)

    def _reads_keywords(self, task: Task) -> bool:
        """Whether a task, or a layer around it, does anything with what its ``**`` collects: it may look
        for them there."""
        if self.handing_on.reads_keywords(task):
            return True
        function = task.function
        assert function is not None
        names = [parameter.name for parameter in function.parameters if parameter.kind == "**"]
        home = self.project.modules.get(task.place.path)
        if home is None or function.qualname not in home.functions:
            return True
        return any(name in step.loads for step in self.functions.of(home, function).steps for name in names)
