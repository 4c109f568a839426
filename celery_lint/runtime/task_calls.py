"""The calls of tasks in this process, as Celery's signals tell of them, and what is recorded of each."""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable
from contextvars import ContextVar
from typing import Any
from weakref import WeakKeyDictionary

from celery import Celery, Task, signals
from celery.exceptions import WorkerLostError
from sqlalchemy.orm import Session

from celery_lint.runtime import records
from celery_lint.runtime.models import FAILED, LOST, RETRYING, REVOKED
from celery_lint.runtime.records import Attempt, Outcome

logger = logging.getLogger("celery_lint.runtime")

#: The headers that the bridge sends: which execution this is, and which of its sendings.
EXECUTION_HEADER, SENDING_HEADER = "execution_id", "execution_sending"
#: Seconds for which the main process of a worker waits for the database; it has all tasks to look after.
_PATIENCE_OF_MAIN = 3.0


#: The call that runs in this thread, greenlet or coroutine.
call_here: ContextVar[TaskCall | None] = ContextVar("celery_lint_call", default=None)
#: The attempt that a scheduler makes in its own process.
inline_attempt: ContextVar[Attempt | None] = ContextVar("celery_lint_inline_attempt", default=None)


class TaskCall:
    """One call of a task in this process, and the attempt that it is."""

    def __init__(self, task: Task, task_id: str) -> None:
        self.task = task
        self.task_id = task_id
        self.request = task.request
        #: The call in which this one is made, by an eager task.
        self.outer = call_here.get()
        self.attempt: Attempt | None = None
        #: What has been written of its end.
        self.recorded: Outcome | None = None
        #: Writes about the attempt; nothing while whoever began it does so.
        self.record: Callable[[Callable[[Session], Any]], None] | None = None

    def ended(self, outcome: Outcome) -> None:
        """Write how it ended, unless that is written."""
        attempt, record = self.attempt, self.record
        if attempt is None or record is None:
            return
        if self.recorded is not None and self.recorded.status == outcome.status:
            return
        self.recorded = outcome
        try:
            record(lambda session: records.end(session, attempt, outcome))
        except Exception:
            records.tell_unrecorded(attempt.execution_id, unwritten(attempt, outcome))


# ------------------------------------------------------------ every task of an application


class Tracker:
    """How the runs of one application are recorded."""

    def __init__(self, sessions: Callable[[], Session], most_lost: int, patience: float) -> None:
        self.sessions = sessions
        self.most_lost = most_lost
        self.patience = patience

    def begin(self, call: TaskCall) -> None:
        """Record that a run begins; raises what refuses it."""
        attempt = attempt_of(call.request)
        if attempt is None or call.attempt is not None:
            return
        try:
            refusal = records.patiently(
                self.sessions, lambda session: records.begin(session, attempt, self.most_lost), self.patience
            )
            attempt.is_recorded = True
        except Exception:
            records.tell_unrecorded(attempt.execution_id, {"attempt": attempt.id, "status": "running"})
            refusal = None
        if refusal is not None:
            logger.warning("%s", refusal)
            raise refusal
        call.attempt, call.record = attempt, self.record

    def record(self, write: Callable[[Session], Any], patience: float | None = None) -> None:
        """Write, with patience; raises what the last try raised."""
        records.patiently(self.sessions, write, self.patience if patience is None else patience)


trackers: WeakKeyDictionary[Celery, Tracker] = WeakKeyDictionary()


def attempt_of(request: Any) -> Attempt | None:
    """The attempt that a message stands for, if a scheduler has sent it."""
    headers = request.headers or {}
    execution_id, sending = headers.get(EXECUTION_HEADER), headers.get(SENDING_HEADER)
    if not isinstance(execution_id, str):
        return None
    known = sending if isinstance(sending, int) else None
    return Attempt(execution_id, sending=known, retries=request.retries or 0)


# ------------------------------------------------------------ what Celery tells


def _on_prerun(task_id: str, task: Task, **_: object) -> None:
    call = TaskCall(task, task_id)
    call.attempt = inline_attempt.get()
    call_here.set(call)


def _on_success(sender: Task, **_: object) -> None:
    _tell(sender.request.id, records.outcome_of(None))


def _on_retry(sender: Task, request: Any, reason: Any = None, **_: object) -> None:
    here = call_here.get()
    if here is not None and here.task_id == request.id:
        _tell(request.id, records.outcome_of(reason))
        return
    cause = getattr(reason, "exc", None)
    if isinstance(cause, WorkerLostError):  # the main process sends anew what its child has died over
        outcome = Outcome(RETRYING, records.named(cause), worker_died=True)
    else:  # it gives up a run because its connection to the broker is gone
        outcome = Outcome(RETRYING, "interrupted by its worker", comes_again=True)
    _tell_from_outside(sender, request.id, outcome)


def _on_failure(sender: Task, task_id: str, exception: BaseException, **_: object) -> None:
    here = call_here.get()
    if here is not None and here.task_id == task_id:
        _tell(task_id, records.outcome_of(exception))
    else:  # the main process: a hard limit, or a child that was killed
        lost = isinstance(exception, WorkerLostError)
        outcome = Outcome(LOST if lost else FAILED, records.named(exception), comes_again=lost)
        _tell_from_outside(sender, task_id, outcome)


def _on_revoked(sender: Task, request: Any, expired: bool = False, **_: object) -> None:
    reason = "expired before a worker took it" if expired else "revoked"
    _tell_from_outside(sender, request.id, Outcome(REVOKED, reason))


def _on_postrun(task_id: str, retval: Any, state: str | None, **_: object) -> None:
    call = call_here.get()
    if call is None or call.task_id != task_id:
        return
    try:
        if state in ("IGNORED", "REJECTED") and isinstance(retval, Exception):
            _tell(task_id, records.outcome_of(retval))
        elif state is None:
            error = sys.exc_info()[1]
            if error is not None:
                _tell(task_id, records.outcome_of(error))
    finally:
        call_here.set(call.outer)


def _tell(task_id: str, outcome: Outcome) -> None:
    """Record the outcome of the call that ends in this thread or greenlet."""
    call = call_here.get()
    if call is not None and call.task_id == task_id:
        call.ended(outcome)


def _tell_from_outside(task: Task, task_id: str, outcome: Outcome) -> None:
    tracker = trackers.get(task.app)
    if tracker is None:
        return
    try:
        tracker.record(lambda session: records.end_from_outside(session, task_id, outcome), _PATIENCE_OF_MAIN)
    except Exception:
        records.tell_unrecorded(task_id, {"status": outcome.status, "message": outcome.message})


def unwritten(attempt: Attempt, outcome: Outcome) -> dict[str, Any]:
    """What should have been written."""
    return {
        "attempt": attempt.id,
        "status": outcome.status,
        "message": outcome.message,
        "summary": records.said(attempt.summary),
    }


def _connect() -> None:
    """Listen to Celery's signals; a second time changes nothing."""
    for signal, handler in (
        (signals.task_prerun, _on_prerun),
        (signals.task_success, _on_success),
        (signals.task_retry, _on_retry),
        (signals.task_failure, _on_failure),
        (signals.task_revoked, _on_revoked),
        (signals.task_postrun, _on_postrun),
    ):
        signal.connect(handler, weak=False, dispatch_uid=f"celery_lint.runtime.tracking.{handler.__name__}")


_connect()

__all__ = [
    "EXECUTION_HEADER",
    "SENDING_HEADER",
    "TaskCall",
    "Tracker",
    "attempt_of",
    "call_here",
    "inline_attempt",
    "trackers",
    "unwritten",
]
