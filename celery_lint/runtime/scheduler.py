"""Jobs in a database, fired by any number of scheduler processes, each moment of each job exactly once.

APScheduler keeps the time; the jobs, what became of them and who is alive stand in the tables of
:mod:`celery_lint.runtime.models`; a :class:`~celery_lint.runtime.bridge.TaskBridge` sends the tasks.
"""

from __future__ import annotations

import logging
import os
import socket
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.schedulers.background import BackgroundScheduler
from sqlalchemy import delete, func, select, update
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.orm import Session

from celery_lint.runtime.bridge import TaskBridge
from celery_lint.runtime.jobs import Jobs
from celery_lint.runtime.models import FINAL, ScheduledJob, SchedulerInstance, utcnow
from celery_lint.runtime.models import ScheduledJobExecution as Execution
from celery_lint.runtime.schedule import trigger_of
from celery_lint.runtime.tracking import lost_executions

logger = logging.getLogger("celery_lint.runtime")


class SchedulerService(Jobs):
    """One scheduler process, and the jobs that all of them share.

    Every ``heartbeat`` seconds it says that it is alive, takes over what others have changed in the jobs,
    forgets instances that have been silent for three heartbeats, and marks executions as lost that did not
    end within ``lost_after``, which must be longer than any task may take.
    """

    def __init__(
        self,
        sessions: Callable[[], Session],
        bridge: TaskBridge,
        *,
        heartbeat: float = 10.0,
        lost_after: timedelta = timedelta(hours=6),
    ) -> None:
        super().__init__(sessions, bridge)
        self._heartbeat = heartbeat
        self._lost_after = lost_after
        self._instance = ""
        self._scheduled: dict[str, datetime] = {}
        self._scheduler = BackgroundScheduler(timezone="UTC", executors={"default": _Executor(10)})

    def start(self) -> str:
        """Check the bridge against the jobs, register this instance, load the jobs and fire them; its id.

        Raises ``TypeError`` or ``UnknownTaskKey`` for jobs whose task does not fit or is missing.
        """
        self.bridge.initialize({job.job_key: job.arguments for job in self.all()})
        with self.sessions() as session:
            instance = SchedulerInstance(host=socket.gethostname(), process_id=os.getpid())
            session.add(instance)
            session.commit()
            self._instance = instance.id
        self.refresh()
        self._scheduler.add_job(
            self._beat, "interval", seconds=self._heartbeat, coalesce=True, misfire_grace_time=None
        )
        self._scheduler.start()
        return self._instance

    def shutdown(self) -> None:
        """Stop firing, wait for what is being sent, and unregister."""
        self._scheduler.shutdown(wait=True)
        with self.sessions() as session:
            session.execute(delete(SchedulerInstance).where(SchedulerInstance.id == self._instance))
            session.commit()

    def refresh(self) -> None:
        """Take over now what has changed in the jobs, instead of at the next heartbeat."""
        jobs = {job.id: job for job in self.all() if job.is_enabled}
        for gone in set(self._scheduled) - set(jobs):
            del self._scheduled[gone]
            self._scheduler.remove_job(gone)
        for job in jobs.values():
            if self._scheduled.get(job.id) != job.updated_at:
                self._schedule(job)

    def _beat(self, *_: datetime) -> None:
        now = utcnow()
        with self.sessions() as session:
            silent = SchedulerInstance.heartbeat_at < now - timedelta(seconds=3 * self._heartbeat)
            mine = SchedulerInstance.id == self._instance
            session.execute(update(SchedulerInstance).where(mine).values(heartbeat_at=now))
            session.execute(delete(SchedulerInstance).where(silent))
            session.execute(lost_executions(self._lost_after))
            session.commit()
        self.refresh()

    def _schedule(self, job: ScheduledJob) -> None:
        job_id = job.id
        self._scheduler.add_job(
            lambda *due: self._fire(job_id, *due),  # APScheduler does not know what its executor passes
            trigger_of(job),
            id=job_id,
            coalesce=job.coalesce,
            misfire_grace_time=job.misfire_grace_time,
            max_instances=100,  # how many may run is decided by their executions, in all processes
            replace_existing=True,
        )
        self._scheduled[job_id] = job.updated_at

    def _fire(self, job_id: str, moment: datetime) -> None:
        """Fire one moment of a job, also when the server has ended the connection that the pool gives out."""
        try:
            self._claim(job_id, moment)
        except DBAPIError as error:
            if not error.connection_invalidated:
                raise
            self._claim(job_id, moment)

    def _claim(self, job_id: str, moment: datetime) -> None:
        """Claim one moment of a job and send its task, unless another scheduler was first."""
        with self.sessions() as session:
            job = session.get(ScheduledJob, job_id)
            if job is None or not (job.is_active and job.is_enabled):
                return
            others = select(func.count()).where(
                Execution.job_id == job_id,
                Execution.status.not_in(FINAL),
                Execution.scheduled_at != moment,
            )
            running = session.scalar(others) or 0
            if running >= job.max_instances:
                logger.warning("%s is not run at %s: %s of it have not ended", job.job_key, moment, running)
                return
            execution = Execution(job_id=job_id, scheduled_at=moment)
            session.add(execution)
            try:
                session.commit()
            except IntegrityError:  # claimed by another scheduler
                session.rollback()
                return
            self.send(session, job, execution)


class _Executor(ThreadPoolExecutor):  # type: ignore[misc]
    """Calls each job with the moments that it was due, which APScheduler keeps to itself."""

    def _do_submit_job(self, job: Any, run_times: list[datetime]) -> None:
        def run() -> None:
            try:
                for moment in run_times:
                    late = utcnow() - moment
                    grace = job.misfire_grace_time
                    if grace is None or late <= timedelta(seconds=grace):
                        job.func(moment)
                    else:
                        logger.warning("a run due at %s was missed by %s", moment, late)
            except Exception as error:
                self._run_job_error(job.id, error, error.__traceback__)
            else:
                self._run_job_success(job.id, [])

        self._pool.submit(run)


__all__ = ["SchedulerService"]
