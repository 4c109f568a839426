"""Descriptors and memory of one worker after thousands of tasks: they should not grow.

    python benchmarks/endurance.py [POOL ...] [--tasks N] [--samples N]

The tasks of ``benchmarks/soak.py`` are sent in parts, one part when the one before has been answered; after
each, the open files and the resident memory of every process of the worker are counted. What came out is kept
in ``benchmarks/endurance.json`` for each pool and Python. It needs Redis and PostgreSQL, see
``tests/proofs/services.py``.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).parent.parent
if __name__ == "__main__":
    sys.path.insert(0, str(REPOSITORY))

from benchmarks.soak import HUNG, POOLS, keep, soaked  # noqa: E402
from tests.proofs import services  # noqa: E402
from tests.proofs.harness import Servers, Worker  # noqa: E402

RESULTS = REPOSITORY / "benchmarks" / "endurance.json"


def sample(worker: Worker) -> dict[str, Any]:
    """Open files and resident memory (MiB) of the worker's processes together."""
    import psutil

    files = memory = processes = 0
    for process in worker.processes():
        with suppress(psutil.Error):
            files += process.num_fds()
            memory += process.memory_info().rss
            processes += 1
    return {"processes": processes, "descriptors": files, "memory": round(memory / 2**20, 1)}


def endure(pool: str, servers: Servers, tasks: int, samples: int) -> dict[str, Any]:
    """Send the tasks in parts to one worker."""
    part = tasks // samples
    found: list[dict[str, Any]] = []
    succeeded = 0
    with soaked(pool, servers) as worker:
        for number in range(1, samples + 1):
            succeeded += worker.run("query", times=part, numbered=True, settle=0, hung=HUNG).succeeded
            found.append({"tasks": number * part, **sample(worker)})
        stopped = worker.stop(HUNG)
    return {
        "python": platform.python_version(),
        "pool": pool,
        "sent": part * samples,
        "succeeded": succeeded,
        "stopped": stopped,
        "samples": found,
        "load": round(os.getloadavg()[0], 1),
        "processors": os.cpu_count(),
    }


def main() -> int:
    """Run it pool after pool; 1 if a task failed. Whether it grew is for the reader of the numbers."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else None)
    parser.add_argument("pools", nargs="*", default=POOLS, metavar="POOL", help=", ".join(POOLS))
    parser.add_argument("--tasks", type=int, default=10_000)
    parser.add_argument("--samples", type=int, default=5)
    options = parser.parse_args()
    good = True
    with ExitStack() as stack:
        redis = stack.enter_context(services.redis())
        servers = Servers(redis, redis, stack.enter_context(services.postgres()))
        for pool in options.pools:
            outcome = endure(pool, servers, options.tasks, options.samples)
            good = good and outcome["succeeded"] == outcome["sent"]
            print(json.dumps(outcome), flush=True)
            keep(outcome, RESULTS)
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
