"""The schedule under fire: schedulers that are killed between claim and dispatch, a database that goes away.

    python benchmarks/scheduling.py [KIND ...] [--jobs N] [--moments N] [--kills N] [--outages N]

Two scheduler processes and a worker with four children fire jobs every second. Half of the kills hit a
scheduler after it has claimed a run and before it has sent it, the other half after it has sent it and before
it could say so. While the database is away its connections are cut and refused (SQLite: another process holds
the lock). What is counted: moments that were never claimed, runs that were never made, and runs that were
made twice. Kept in ``benchmarks/scheduling.json`` for each kind of database. It needs Redis and the servers
that ``tests/runtime/databases.py`` names, and takes some three minutes for each.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import signal
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from datetime import timedelta
from importlib.metadata import version
from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).parent.parent
if __name__ == "__main__":
    sys.path.insert(0, str(REPOSITORY))

from benchmarks.cut import Wire  # noqa: E402
from tests.proofs import services  # noqa: E402
from tests.proofs.harness import Servers, Worker, until  # noqa: E402
from tests.runtime import databases  # noqa: E402

RESULTS = REPOSITORY / "benchmarks" / "scheduling.json"
PACKAGES = ("celery", "kombu", "redis", "sqlalchemy", "cronsim")
#: Seconds for what a machine with much else to do may need.
DEADLINE = 300.0


class Fleet:
    """Two scheduler processes; one that was killed is started again."""

    def __init__(self, worker: Worker, database: str) -> None:
        self._variables = {**worker._variables(), "FIRED_DATABASE": database}
        self._log = worker.marks_folder / ".schedulers.log"
        self._stopping = threading.Event()
        self.killed = 0
        self._processes = [self._start() for _ in range(2)]
        self._thread = threading.Thread(target=self._supervise)
        self._thread.start()

    def _start(self) -> subprocess.Popen[bytes]:
        with self._log.open("ab") as log:
            return subprocess.Popen(
                [sys.executable, "-m", "firing"],
                env=self._variables,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def _supervise(self) -> None:
        while not self._stopping.wait(0.1):
            for number, process in enumerate(self._processes):
                if process.poll() is not None:
                    self.killed += process.returncode == -signal.SIGKILL
                    self._processes[number] = self._start()

    def stop(self) -> None:
        """End both as a supervisor does."""
        self._stopping.set()
        self._thread.join()
        for process in self._processes:
            process.terminate()
        for process in self._processes:
            with suppress(subprocess.TimeoutExpired):
                process.wait(60)
            process.kill()
            process.wait()

    def log(self) -> str:
        """What the schedulers have written."""
        return self._log.read_text(errors="replace")


class Database:
    """A database with a way to take it away for a while."""

    def __init__(self, url: str, wire: Wire | None) -> None:
        self.url = databases.driven(url)
        self.wire = wire
        #: What the schedulers and the worker connect to.
        self.exposed = self.url if wire is None else databases.driven(wire.through(url))

    def take_away(self, seconds: float) -> None:
        """Let nobody reach it for so long."""
        if self.wire is not None:
            self.wire.cut()
            time.sleep(seconds)
            self.wire.mend()
            return
        holder = sqlite3.connect(self.url.removeprefix("sqlite:///"), timeout=60, isolation_level=None)
        holder.execute("begin exclusive")
        time.sleep(seconds)
        holder.execute("rollback")
        holder.close()


@contextmanager
def database(kind: str) -> Iterator[Database]:
    """An empty database of a kind."""
    with tempfile.TemporaryDirectory(prefix="celery-lint-") as folder:
        if kind == "sqlite":
            yield Database(f"sqlite:///{folder}/jobs.db", None)
            return
        with databases.fresh(os.environ[databases.VARIABLES[kind]]) as url, Wire.to(url) as wire:
            yield Database(url, wire)


def under_fire(
    kind: str, redis: str, *, jobs: int, moments: int, kills: int, outages: int, away: float
) -> dict[str, Any]:
    """Fire so many moments of each job, through kills and outages; what became of them."""
    from celery import Celery

    from celery_lint.runtime.bridge import TaskBridge
    from celery_lint.runtime.jobs import Jobs
    from celery_lint.runtime.models import FINAL

    # The jobs are made here and run elsewhere: all that counts is what the task takes.
    def fired() -> None: ...

    stand_in = Celery("stand-in", set_as_current=False).task(fired, name="fired.fired")

    folder = REPOSITORY / "tests" / "runtime" / "applications"
    with ExitStack() as stack:
        place = stack.enter_context(database(kind))
        sessions = stack.enter_context(databases.with_tables(place.url))
        variables = {"FIRED_DATABASE": place.exposed}
        servers = Servers(redis, redis)
        worker = stack.enter_context(
            Worker("fired", "prefork", servers, concurrency=4, folder=folder, environment=variables)
        )
        by_hand = Jobs(sessions, TaskBridge({"fired": stand_in}))
        made = [
            by_hand.create(
                f"fired.{number}",
                task_key="fired",
                interval_seconds=1,
                coalesce=False,
                misfire_grace_time=None,
                max_instances=10_000,
            )
            for number in range(jobs)
        ]
        begun = time.monotonic()
        fleet = Fleet(worker, place.exposed)
        stack.callback(fleet.stop)
        for number in range(kills + outages):
            # Evenly, the outages among the kills.
            time.sleep(max(0.0, begun + (number + 1) * moments / (kills + outages + 1) - time.monotonic()))
            if outages and number % ((kills + outages) // outages) == (kills + outages) // outages - 1:
                place.take_away(away)
            else:
                when = ("before", "after")[number % 2]
                (worker.marks_folder / f"kill {when} {number:03}").touch()
        claimed = until(
            lambda: (
                all(by_hand.count_executions(job.id) >= moments for job in made)
                and fleet.killed >= min(kills, len(list(worker.marks_folder.glob("kill* *"))))
            ),
            DEADLINE,
        )
        for job in made:
            _patiently(lambda job=job: by_hand.pause(job.id))
        ended = until(
            lambda: (
                sum(by_hand.count_executions(status=state) for state in FINAL) == by_hand.count_executions()
            ),
            DEADLINE,
        )
        seconds = time.monotonic() - begun
        ledger = worker.marks_folder / "runs"
        runs = Counter(ledger.read_text().split() if ledger.exists() else ())
        rows = [row for job in made for row in by_hand.executions(job.id, limit=100_000)]
        skipped = 0
        for job in made:
            fired = {row.scheduled_at for row in rows if row.job_id == job.id}
            last = (max(fired) - job.created_at) // timedelta(seconds=1)
            skipped += len({job.created_at + timedelta(seconds=n + 1) for n in range(last)} - fired)
        known = {row.execution_id for row in rows}
        return {
            "kind": kind,
            "moments": len(rows),
            "killed": fleet.killed,
            "outages": outages,
            "away": away,
            "finished": claimed and ended,
            "never_claimed": skipped,
            "never_run": sum(runs[row.execution_id] == 0 for row in rows),
            "run_twice": sum(number > 1 for number in runs.values()),
            "unknown_runs": len(set(runs) - known),
            "states": dict(Counter(row.status for row in rows)),
            "sent_again": sum(row.sendings > 1 for row in rows),
            "refused": worker.log().count(" is not run: "),
            "seconds": round(seconds, 1),
            "log": (fleet.log() + worker.log())[-4000:] if not (claimed and ended) else "",
        }


def _patiently(do: Any) -> None:
    """SQLite has one writer at a time."""
    for _ in range(10):
        with suppress(Exception):
            do()
            return
        time.sleep(1)
    do()


def main() -> int:
    """Run the long form and keep what came out; 1 if anything was lost or run twice."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("kinds", nargs="*", default=["postgresql", "mysql", "sqlite"])
    parser.add_argument("--jobs", type=int, default=8)
    parser.add_argument("--moments", type=int, default=50, help="of each job")
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--outages", type=int, default=2)
    parser.add_argument("--away", type=float, default=10.0, help="seconds of each outage")
    options = parser.parse_args()
    kept = json.loads(RESULTS.read_text()) if RESULTS.exists() else []
    good = True
    with services.redis() as redis:
        for kind in options.kinds:
            found = under_fire(
                kind,
                redis,
                jobs=options.jobs,
                moments=options.moments,
                kills=options.kills,
                outages=options.outages,
                away=options.away,
            )
            found["python"] = platform.python_version()
            found["packages"] = {package: version(package) for package in PACKAGES}
            print(json.dumps(found, indent=1))
            good &= is_good(found)
            kept = [one for one in kept if (one["kind"], one["python"]) != (kind, found["python"])] + [found]
    RESULTS.write_text(json.dumps(kept, indent=1) + "\n")
    return 0 if good else 1


def is_good(found: dict[str, Any]) -> bool:
    """Whether each moment was claimed, and each run made once."""
    wrong = ("never_claimed", "never_run", "run_twice", "unknown_runs")
    return (
        bool(found["finished"])
        and not any(found[name] for name in wrong)
        and set(found["states"]) == {"success"}
    )


if __name__ == "__main__":
    sys.exit(main())
