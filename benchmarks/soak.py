"""The runtime on real workers for as long as it takes: every pool, a pooled engine, coroutines that log.

    python benchmarks/soak.py [POOL ...] [--tasks N] [--cycles N]

For each pool: tasks sent at once, connections left after the worker has ended, tasks that are interrupted
while their coroutine holds a connection, and workers that are started, used and stopped again. What came out
is kept in ``benchmarks/soak.json``, for each version of Python, and shown in ``docs/proofs.md``. It needs
Redis and PostgreSQL, see ``tests/proofs/services.py``, and takes some ten minutes.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, NamedTuple

REPOSITORY = Path(__file__).parent.parent
if __name__ == "__main__":
    sys.path.insert(0, str(REPOSITORY))

from tests.proofs import services  # noqa: E402
from tests.proofs.harness import Servers, Worker, until  # noqa: E402

RESULTS = REPOSITORY / "benchmarks" / "soak.json"
POOLS = ("prefork", "solo", "threads", "gevent", "eventlet")
PACKAGES = ("celery", "kombu", "redis", "sqlalchemy", "asyncpg", "gevent", "eventlet")
#: Seconds without any answer after which tasks count as hung, on a machine with much else to do.
HUNG = 120.0


class Ending(NamedTuple):
    """What became of a task that was interrupted while its coroutine held a connection."""

    by: str
    #: How the backend knows it: a state, or the name of an exception.
    outcome: str
    #: Whether the coroutine's ``finally`` block ran to its end.
    cleaned_up: bool
    #: Connections that stayed in a transaction.
    stuck: int
    #: Whether tasks sent afterwards succeeded.
    usable: bool

    def good(self) -> bool:
        """Whether the task ended, its coroutine cleaned up, and no connection is lost."""
        return bool(self.outcome) and self.cleaned_up and not self.stuck and self.usable


#: For each pool, how a task that runs can be interrupted: options of the task, or ``None`` to revoke it.
INTERRUPTIONS: Mapping[str, Mapping[str, dict[str, Any] | None]] = {
    "prefork": {"soft_time_limit": {"soft_time_limit": 1, "time_limit": 60}, "revoke(terminate=True)": None},
    "gevent": {"time_limit": {"time_limit": 1}, "revoke(terminate=True)": None},
}


@contextmanager
def soaked(pool: str, servers: Servers) -> Iterator[Worker]:
    """A worker with the tasks to be sent."""
    folder = REPOSITORY / "tests" / "runtime" / "applications"
    with Worker("soaked", pool, servers, folder=folder) as worker:
        yield worker


def burst(pool: str, servers: Servers, tasks: int) -> dict[str, Any]:
    """Send tasks at once, then end the worker: what became of both."""
    with soaked(pool, servers) as worker:
        begun = time.monotonic()
        outcome = worker.run("query", times=tasks, numbered=True, settle=0, hung=HUNG)
        seconds = time.monotonic() - begun
        right = sorted(outcome.results) == list(range(tasks))
        stopped = worker.stop(HUNG)
        return {
            "sent": outcome.sent,
            "succeeded": outcome.succeeded if right else 0,
            "errors": outcome.errors,
            "hung": outcome.hung,
            "seconds": round(seconds, 1),
            "connections": outcome.connections,
            "left": worker.connections(),
            "descriptors": outcome.descriptors,
            "stopped": stopped,
        }


def endings(pool: str, servers: Servers) -> list[Ending]:
    """Interrupt a task in every way that the pool has, all in one worker."""
    found = []
    with soaked(pool, servers) as worker:
        for by, options in INTERRUPTIONS.get(pool, {}).items():
            trace = by.partition("(")[0]
            if options is None:
                task_id = worker.send("holds", trace, 60)
                until(lambda trace=trace: f"{trace} begun" in worker.marks(), HUNG)
                worker.revoke(task_id)
                answer = worker.answer(task_id, HUNG)
                outcome = answer["status"] if answer else ""
            else:
                outcome = struck(worker, trace, options)
            cleaned_up = until(lambda trace=trace: f"{trace} finally" in worker.marks(), 20)
            stuck = worker.connections(20, "idle in transaction%")
            usable = worker.run("query", times=10, numbered=True, settle=0, hung=HUNG).all_succeeded()
            found.append(Ending(by, outcome, cleaned_up, stuck, usable))
    return found


def struck(worker: Worker, trace: str, limit: dict[str, Any]) -> str:
    """The exception of a task whose time limit struck while its coroutine waited.

    On a busy machine the limit may strike before there is a coroutine: then it gets more time.
    """
    outcome = ""
    for longer in (0, 4, 16):
        more = {name: seconds + longer for name, seconds in limit.items()}
        errors = worker.run("holds", trace, 60, settle=0, hung=HUNG, **more).errors
        outcome = "".join(errors).partition(":")[0]
        if f"{trace} begun" in worker.marks():
            break
    return outcome


def cycle(pool: str, servers: Servers) -> bool:
    """Start a worker, use it, stop it; whether all of it went well."""
    with soaked(pool, servers) as worker:
        used = worker.run("query", times=4, numbered=True, settle=0, hung=HUNG).all_succeeded()
        return used and worker.stop(HUNG) and not worker.connections()


# ------------------------------------------------------------------------------------ the long form


def soak(pool: str, servers: Servers, tasks: int, cycles: int) -> dict[str, Any]:
    """All of it for one pool."""
    load = os.getloadavg()[0]
    outcome = burst(pool, servers, tasks)
    interrupted = endings(pool, servers)
    good = sum(cycle(pool, servers) for _ in range(cycles))
    return {
        "python": platform.python_version(),
        "pool": pool,
        **outcome,
        "cycles": cycles,
        "good_cycles": good,
        "endings": [ending._asdict() for ending in interrupted],
        "load": [round(load, 1), round(os.getloadavg()[0], 1)],
        "processors": os.cpu_count(),
        "packages": _versions(),
    }


def sound(outcome: Mapping[str, Any]) -> bool:
    """Whether nothing failed, hung or was left behind."""
    return (
        outcome["succeeded"] == outcome["sent"]
        and outcome["good_cycles"] == outcome["cycles"]
        and not outcome["left"]
        and outcome["stopped"]
        and all(Ending(**ending).good() for ending in outcome["endings"])
    )


def _versions() -> dict[str, str]:
    found = {}
    for package in PACKAGES:
        with suppress(PackageNotFoundError):
            found[package] = version(package)
    return found


def keep(outcome: dict[str, Any], results: Path = RESULTS) -> None:
    """Put an outcome into the file, in place of the one for this pool and this Python."""
    kept = json.loads(results.read_text(encoding="utf-8")) if results.exists() else []
    kept = [old for old in kept if _place(old) != _place(outcome)]
    kept.append(outcome)
    kept.sort(key=_place)
    results.write_text(json.dumps(kept, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def _place(outcome: Mapping[str, Any]) -> tuple[int, int]:
    return int(outcome["python"].split(".")[1]), POOLS.index(outcome["pool"])


def main() -> int:
    """Run it pool after pool; 1 if anything was not as it should be."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else None)
    parser.add_argument("pools", nargs="*", default=POOLS, metavar="POOL", help=", ".join(POOLS))
    parser.add_argument("--tasks", type=int, default=2000)
    parser.add_argument("--cycles", type=int, default=20)
    options = parser.parse_args()
    good = True
    with ExitStack() as stack:
        redis = stack.enter_context(services.redis())
        servers = Servers(redis, redis, stack.enter_context(services.postgres()))
        for pool in options.pools:
            outcome = soak(pool, servers, options.tasks, options.cycles)
            good = good and sound(outcome)
            print(json.dumps(outcome), flush=True)
            keep(outcome)
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
