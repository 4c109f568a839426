"""Jobs in a database, fired by any number of scheduler processes.

The next moment of a job stands in its row. A scheduler that finds it passed locks the row, adds the run and
moves the job on, in one transaction; then it sends the task. So each moment is claimed once, whoever dies,
and a moment that passes while no scheduler runs, or while the database is away, is found afterwards.

**At least once sent, once run.** Whoever claims a run has a lease on it. If it is not known to be sent when
that ends (its scheduler was killed, the broker was away) any scheduler sends it again under the same id, and
whichever message begins first is the one that runs: :mod:`celery_lint.runtime.tracking` refuses the others.
What this cannot promise: a task whose worker dies in the middle is delivered again by the broker and begins
again; a task that nobody tracks is run as often as it was sent; a message that the broker loses stays
``pending`` until it is given up for ``lost``.
"""

from __future__ import annotations

import logging
import os
import socket
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import NamedTuple

from sqlalchemy import delete, func, or_, select, update
from sqlalchemy.orm import Session

from celery_lint.runtime import records
from celery_lint.runtime.jobs import Jobs
from celery_lint.runtime.models import FINAL, LOST, PENDING, ScheduledJob, SchedulerInstance, new_id
from celery_lint.runtime.models import ScheduledJobExecution as Execution
from celery_lint.runtime.schedule import Schedule, schedule_of
from celery_lint.runtime.sending import LEASE, Order, Sender, claim, lock_job, now_of, order
from celery_lint.runtime.tracking import lost_executions
from celery_lint.runtime.transient import may_pass

logger = logging.getLogger("celery_lint.runtime")


class Due(NamedTuple):
    """What to do with a job whose moment has passed: the moment to run it for, if any, and its next one."""

    moment: datetime | None
    next_run_at: datetime | None
    #: The moment that was missed because it is too long ago.
    missed: datetime | None = None


def due(job: ScheduledJob, schedule: Schedule, now: datetime) -> Due:
    """Which moment of a job to make up for, by its ``misfire_grace_time`` and ``coalesce``."""
    moment = job.next_run_at
    if moment is None or moment > now:  # a row that was made by hand, or that another scheduler has moved on
        return Due(None, moment or schedule.after(now))
    if job.coalesce:
        moment = max(moment, schedule.latest(now) or moment)
    if job.misfire_grace_time is not None:
        earliest = now - timedelta(seconds=job.misfire_grace_time)
        if moment < earliest:
            return Due(None, schedule.after(now if job.coalesce else earliest), moment)
    return Due(moment, schedule.after(moment))


class Scheduler:
    """One scheduler process for the jobs of a database.

    * ``poll``: seconds after which it looks for jobs that others have changed.
    * ``heartbeat``: every so many seconds it says that it is alive, forgets instances that have been silent
      for three heartbeats, and gives up runs for ``lost`` that have not ended within ``lost_after``, which
      must be longer than any task may take.
    * ``lease``: seconds after which a run that is not known to be sent is sent again.
    * ``at_once``: how many runs it sends, or makes in this process, at the same time. While all of them are
      under way it claims nothing more: other schedulers do.

    All times are those of the database's clock.
    """

    def __init__(
        self,
        jobs: Jobs,
        *,
        poll: float = 1.0,
        heartbeat: float = 10.0,
        lease: float = LEASE,
        lost_after: timedelta = timedelta(hours=6),
        at_once: int = 10,
    ) -> None:
        self._jobs = jobs
        self._sender = Sender(jobs.sessions, jobs.bridge)
        self._poll = poll
        self._heartbeat = heartbeat
        self._lease = lease
        self._lost_after = lost_after
        self._at_once = at_once
        self._free = threading.Semaphore(at_once)
        self._woken = threading.Event()
        self._stopping = threading.Event()
        self._threads: list[threading.Thread] = []
        self._executor: ThreadPoolExecutor | None = None
        self._id = ""
        #: The last complaint about each job, so that it is not repeated at every look.
        self._complaints: dict[str, str] = {}

    # ------------------------------------------------------------ the process

    def start(self) -> str:
        """Check the bridge, register this instance and fire the jobs; its id.

        Jobs that cannot run are logged and left alone: another process may know their task. Raises
        ``TypeError`` for tasks whose runs nobody would report, ``RuntimeError`` if it runs already, and what
        the database raises when it cannot be reached.
        """
        if self._threads:
            raise RuntimeError("this scheduler runs already")
        self._jobs.bridge.initialize()
        self._id = new_id()
        with self._jobs.sessions() as session:
            session.add(self._instance(now_of(session)))
            session.commit()
        self._stopping.clear()
        self._executor = ThreadPoolExecutor(self._at_once, "celery-lint-run")
        self._jobs.on_change.append(self.wake)
        for body in (self._keep_time, self._keep_alive):
            thread = threading.Thread(target=body, name=f"celery-lint{body.__name__}", daemon=True)
            thread.start()
            self._threads.append(thread)
        return self._id

    def wake(self) -> None:
        """Look at the jobs now, instead of at the next poll."""
        self._woken.set()

    def shutdown(self) -> None:
        """Stop firing, wait for what is being sent or made here, and unregister."""
        self._stopping.set()
        self._woken.set()
        if self.wake in self._jobs.on_change:
            self._jobs.on_change.remove(self.wake)
        for thread in self._threads:
            thread.join()
        self._threads.clear()
        if self._executor is not None:
            self._executor.shutdown(wait=True)
        try:
            with self._jobs.sessions() as session:
                session.execute(delete(SchedulerInstance).where(SchedulerInstance.id == self._id))
                session.commit()
        except Exception as error:
            if not may_pass(error):
                raise
            logger.warning("this scheduler could not unregister: %s", error)

    def _instance(self, now: datetime) -> SchedulerInstance:
        return SchedulerInstance(
            id=self._id, host=socket.gethostname(), process_id=os.getpid(), started_at=now, heartbeat_at=now
        )

    # ------------------------------------------------------------ alive

    def _keep_alive(self) -> None:
        while not self._stopping.wait(self._heartbeat):
            try:
                self._beat()
                self._complaints.pop("heartbeat", None)
            except Exception as error:
                self._complain("heartbeat", "this scheduler cannot say that it is alive", error)

    def _beat(self) -> None:
        with self._jobs.sessions() as session:
            records.begin_writing(session)
            now = now_of(session)
            mine = SchedulerInstance.id == self._id
            if session.scalar(select(SchedulerInstance.id).where(mine)) is None:  # taken for dead meanwhile
                session.add(self._instance(now))
            session.execute(update(SchedulerInstance).where(mine).values(heartbeat_at=now))
            silent = SchedulerInstance.heartbeat_at < now - timedelta(seconds=3 * self._heartbeat)
            session.execute(delete(SchedulerInstance).where(silent))
            session.commit()
            session.execute(lost_executions(self._lost_after, now))
            session.commit()

    # ------------------------------------------------------------ time

    def _keep_time(self) -> None:
        while not self._stopping.is_set():
            self._woken.clear()
            begun = time.monotonic()
            try:
                pause = self._look()
                self._complaints.pop("database", None)
            except Exception as error:
                self._complain("database", "the jobs cannot be looked at", error)
                pause = self._poll
            self._woken.wait(max(0.0, pause - (time.monotonic() - begun)))

    def _look(self) -> float:
        """Claim what is due and hand it over to be sent; how many seconds to wait for the next look."""
        with self._jobs.sessions() as session:
            now = now_of(session)
            soon = now + timedelta(seconds=self._poll)
            moment = ScheduledJob.next_run_at
            waiting = select(ScheduledJob.id, moment).where(
                ScheduledJob.is_enabled,
                ScheduledJob.active_key.is_not(None),
                or_(moment <= soon, moment.is_(None)),
            )
            found = session.execute(waiting.order_by(moment)).all()
            unsent = session.scalars(
                select(Execution.id)
                .where(Execution.status == PENDING, Execution.leased_until < now)
                .order_by(Execution.leased_until)
                .limit(100)
            ).all()
        claimed = False
        for claiming, known in (
            (self._claim_again, unsent),
            (self._claim, [job for job, at in found if at is None or at <= now]),
        ):
            for row in known:
                if self._stopping.is_set() or not self._free.acquire(timeout=self._poll):
                    return self._poll
                claimed |= self._hand_over(claiming, row)
        if claimed:
            return 0.0
        ahead: list[float] = [(at - now).total_seconds() for _, at in found if at is not None and at > now]
        return min([self._poll, *ahead])

    def _hand_over(self, claiming: Callable[[Session, str], Order | None], row: str) -> bool:
        """Claim a row in a transaction and let it be sent. What is wrong with it stops nothing else."""
        wanted: Order | None = None
        try:
            with self._jobs.sessions() as session:
                found = claiming(session, row)
                session.commit()
            wanted = found
            self._complaints.pop(row, None)
        except Exception as error:
            if may_pass(error):
                raise
            self._complain(row, f"row {row} is left alone", error)
        finally:
            if wanted is None:
                self._free.release()
        if wanted is None or self._executor is None:
            return False
        self._executor.submit(self._send, wanted)
        return True

    def _claim(self, session: Session, job_id: str) -> Order | None:
        """Claim one moment of a job and move the job on, unless another scheduler does so at this moment."""
        job = lock_job(
            session, job_id, ScheduledJob.is_enabled, ScheduledJob.active_key.is_not(None), skip_locked=True
        )
        if job is None:
            return None
        self._jobs.check(job)
        now = now_of(session)
        found = due(job, schedule_of(job), now)
        moved = update(ScheduledJob).where(ScheduledJob.id == job.id).values(next_run_at=found.next_run_at)
        session.execute(moved.execution_options(synchronize_session=False))
        if found.missed is not None:
            logger.warning("%s was not run at %s: it is too late by now", job.job_key, found.missed)
        if found.moment is None:
            return None
        of_job = select(func.count()).where(Execution.job_id == job.id)
        if session.scalar(of_job.where(Execution.scheduled_at == found.moment)):
            return None
        running = session.scalar(of_job.where(Execution.status.not_in(FINAL))) or 0
        if running >= job.max_instances:
            logger.warning("%s is not run at %s: %s of it have not ended", job.job_key, found.moment, running)
            return None
        return claim(session, job, found.moment, now, self._lease)

    def _claim_again(self, session: Session, execution_id: str) -> Order | None:
        """Claim a run that is not known to be sent, unless it is too late for it."""
        records.begin_writing(session)
        wanted = select(Execution).where(Execution.id == execution_id, Execution.status == PENDING)
        execution = session.scalars(wanted.with_for_update(skip_locked=True)).one_or_none()
        now = now_of(session)
        if execution is None or execution.leased_until is None or execution.leased_until > now:
            return None
        job = session.scalars(select(ScheduledJob).where(ScheduledJob.id == execution.job_id)).one()
        patience = timedelta(seconds=max(3 * self._lease, job.misfire_grace_time or 0))
        if job.misfire_grace_time is not None and now - execution.scheduled_at > patience:
            execution.status, execution.completed_at, execution.leased_until = LOST, now, None
            why = execution.error_message or "it is not known whether it was sent"
            execution.error_message = f"{why}; it is too late to send it again"
            logger.error("%s was not run at %s: %s", job.job_key, execution.scheduled_at, why)
            return None
        execution.sendings += 1
        execution.leased_until = now + timedelta(seconds=self._lease)
        session.flush()
        return order(execution, job)

    def _send(self, wanted: Order) -> None:
        try:
            self._sender.send(wanted)
        except Exception:
            logger.exception("it is not known whether %s was sent", wanted.job_key)
        finally:
            self._free.release()
            self._woken.set()

    def _complain(self, about: str, what: str, error: Exception) -> None:
        """Log a complaint, once as long as it stays the same."""
        text = f"{type(error).__name__}: {error}"
        if self._complaints.get(about) != text:
            self._complaints[about] = text
            logger.error("%s: %s", what, text, exc_info=not may_pass(error))


__all__ = ["Due", "Scheduler", "due"]
