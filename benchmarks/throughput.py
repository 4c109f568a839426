"""Tasks per second in the prefork pool: a coroutine with two small queries, run in three ways side by side.

    python benchmarks/throughput.py [--tasks N] [--rounds N] [--processes N]

``run_async`` keeps an engine with its pool for the life of a process; the widespread helper that asks for a
running loop, and ``asyncio.run``, must dispose of theirs in each task. The ways take turns in one worker. The
tasks of a round wait in the queue until all are sent, and the clocks of the tasks themselves count: from the
begin of the first to the end of the last. On a shared machine trust the ratios. What came out is kept in
``benchmarks/throughput.json`` and shown in ``docs/proofs.md``. It needs Redis and PostgreSQL, see
``tests/proofs/services.py``.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import sys
from contextlib import ExitStack
from pathlib import Path

REPOSITORY = Path(__file__).parent.parent
if __name__ == "__main__":
    sys.path.insert(0, str(REPOSITORY))

from tests.proofs import services  # noqa: E402
from tests.proofs.harness import Servers, Worker  # noqa: E402

RESULTS = REPOSITORY / "benchmarks" / "throughput.json"
OURS = "run_async"
OTHERS = ("adaptive helper", "asyncio.run")
FOLDER = REPOSITORY / "tests" / "runtime" / "applications"


def rate(worker: Worker, way: str, tasks: int, number: int) -> float:
    """Tasks per second of one round."""
    gate = f"gate-{number}-{way}"
    for _ in range(worker.concurrency):
        worker.send("gate", gate)
    ids = [worker.send("timed", way) for _ in range(tasks)]
    (worker.marks_folder / gate).touch()
    worker.answer(ids[-1], 120)  # to ask for all of them all the time would take part in the race
    answers = worker.answers(ids, 120)
    times = [answer["result"] for answer in answers if answer and answer["status"] == "SUCCESS"]
    if len(times) != tasks:
        raise RuntimeError(f"only {len(times)} of {tasks} tasks succeeded with {way}")
    return tasks / (max(end for _, end in times) - min(begin for begin, _ in times))


def measure(servers: Servers, tasks: int, rounds: int, processes: int) -> dict[str, list[float]]:
    """The rates of all rounds by the way of running the coroutine."""
    rates: dict[str, list[float]] = {way: [] for way in (OURS, *OTHERS)}
    with Worker("timed", "prefork", servers, concurrency=processes, folder=FOLDER) as worker:
        for way in rates:  # modules are imported and connections made
            rate(worker, way, 4 * processes, -1)
        for number in range(rounds):
            for way, found in rates.items():
                found.append(rate(worker, way, tasks, number))
    return rates


def main() -> int:
    """Print the rates and how many times as fast ours is."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else None)
    parser.add_argument("--tasks", type=int, default=300)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--processes", type=int, default=2)
    options = parser.parse_args()
    with ExitStack() as stack:
        redis = stack.enter_context(services.redis())
        servers = Servers(redis, redis, stack.enter_context(services.postgres()))
        rates = measure(servers, options.tasks, options.rounds, options.processes)
    load = round(os.getloadavg()[0], 1)
    print(f"load {load} on {os.cpu_count()} processors")
    for way, found in rates.items():
        print(f"{way:16} {statistics.median(found):7.0f} tasks/s (median of {len(found)} rounds)")
    for other in OTHERS:
        ratios = [ours / theirs for ours, theirs in zip(rates[OURS], rates[other], strict=True)]
        low, middle, high = min(ratios), statistics.median(ratios), max(ratios)
        print(f"{OURS} is {middle:.1f} times as fast as {other} (from {low:.1f} to {high:.1f})")
    kept = {
        "python": platform.python_version(),
        "load": load,
        "processors": os.cpu_count(),
        **vars(options),
        "rates": {way: [round(number) for number in found] for way, found in rates.items()},
    }
    RESULTS.write_text(json.dumps(kept, indent=1) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
