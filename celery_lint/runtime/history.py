"""Forget old executions, so that the tables stay small."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from celery_lint.runtime.models import FINAL, ScheduledJob
from celery_lint.runtime.models import ScheduledJobExecution as Execution
from celery_lint.runtime.sending import now_of


def forget_executions(sessions: Callable[[], Session], older_than: timedelta, batch: int = 1000) -> int:
    """Delete the executions that ended so long ago, and removed jobs without any; how many executions.

    They are deleted in batches, each in a transaction of its own. What has not ended stays, however old.
    """
    removed = 0
    with sessions() as session:
        before = now_of(session) - older_than
    while True:
        with sessions() as session:
            old = select(Execution.id).where(Execution.completed_at < before, Execution.status.in_(FINAL))
            ids = session.scalars(old.limit(batch)).all()
            session.execute(delete(Execution).where(Execution.id.in_(ids)))
            session.commit()
        removed += len(ids)
        if len(ids) < batch:
            break
    with sessions() as session:
        left = select(Execution.job_id).where(Execution.job_id == ScheduledJob.id).exists()
        gone = delete(ScheduledJob).where(ScheduledJob.active_key.is_(None), ~left)
        session.execute(gone.execution_options(synchronize_session=False))
        session.commit()
    return removed


__all__ = ["forget_executions"]
