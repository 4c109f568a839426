"""A task that a scheduler fires and that leaves a trace of each run, and the scheduler as a process.

python -m fired        a scheduler, which is killed where a file in the folder of traces asks for it
"""

from __future__ import annotations

import os
from typing import Any

from application import MARKS, app
from sqlalchemy import create_engine
from sqlalchemy.orm import sessionmaker

from celery_lint.runtime.tracking import track

engine = create_engine(os.environ["FIRED_DATABASE"], pool_pre_ping=True)
Sessions = sessionmaker(engine, expire_on_commit=False)
track(app, Sessions)


@app.task(bind=True)
def fired(self: Any) -> None:
    """Say on disk that this execution has run: the database may be away."""
    with (MARKS / "runs").open("a") as ledger:
        ledger.write(f"{self.request.headers['execution_id']}\n")
