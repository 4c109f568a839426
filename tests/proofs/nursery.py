"""Where workers come from: out of a process that has imported what every worker imports, see ``forking``."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from tests.forking import Forked, nursery

#: Pools of greenlets patch Python before Celery is imported, and so start with nothing.
COLD = ("gevent", "eventlet")
#: What workers and the applications of proofs import; what is not installed is left to those who need it.
IMPORTED = (
    "celery.apps.worker",
    "celery.backends.redis",
    "celery.bin.celery",
    "celery.concurrency.prefork",
    "celery.concurrency.solo",
    "celery.concurrency.thread",
    "celery.worker.components",
    "celery.worker.consumer",
    "kombu.transport.redis",
    "asyncpg",
    "psycopg2",
    "sqlalchemy.dialects.postgresql.asyncpg",
    "sqlalchemy.dialects.postgresql.psycopg2",
    "sqlalchemy.ext.asyncio",
    "sqlalchemy.orm",
)


def celery(
    pool: str, arguments: Sequence[str], variables: Mapping[str, str], folder: Path, log: Path
) -> Forked | subprocess.Popen[bytes]:
    """Start ``python -m celery`` with these arguments and only these variables.

    It leads a session of its own, and writes to the end of a file.
    """
    if pool in COLD:
        with log.open("ab") as output:
            return subprocess.Popen(
                [sys.executable, "-m", "celery", *arguments],
                cwd=folder,
                env=variables,
                stdout=output,
                stderr=subprocess.STDOUT,
                stdin=subprocess.DEVNULL,
                start_new_session=True,
            )
    return nursery(IMPORTED).start("celery", arguments, variables, folder, (os.devnull, log, log))
