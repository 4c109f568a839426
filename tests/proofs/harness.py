"""Real Celery workers for proofs, and what became of the tasks that were sent to them.

::

    with Worker("event_loops", "gevent", servers) as worker:
        outcome = worker.bad("run", "asyncio.run", "sleep", times=20)
        assert outcome.failed_only_with("RuntimeError: .*")
"""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import tempfile
import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from tests.proofs import nursery
from tests.proofs.pools import LONG

if TYPE_CHECKING:  # where they are missing the proofs are skipped, and the tests still collected
    import psutil
    from celery import Celery

HERE = Path(__file__).parent
REPOSITORY = HERE.parent.parent

#: How many tasks each pool runs at a time.
CONCURRENCY = {"prefork": 2, "solo": 1, "threads": 10, "gevent": 20, "eventlet": 20}
#: Seconds that a machine with much else to do may need; what waits looks often and goes on at once.
DEADLINE = 60.0
#: Seconds without an answer after which what is missing counts as hung; proofs of hanging name fewer.
HUNG = 60.0
#: Seconds within which connections that are closed are gone.
GONE = 2.0
#: The long form is written down, with the connections that are left; else those who look at them say so.
SETTLE = GONE if LONG else 0.0


class Servers(NamedTuple):
    """Where the servers are; ``database`` is empty where a proof needs none."""

    broker: str
    backend: str
    database: str = ""


class Outcome(NamedTuple):
    """What became of the tasks that were sent together."""

    sent: int
    succeeded: int
    #: Exact texts (``RuntimeError: …``; what differs by chance is left out) and how often each came.
    errors: dict[str, int]
    #: Tasks without an answer when the deadline had passed.
    hung: int
    #: What the successful tasks returned.
    results: list[Any]
    #: Connections of the worker that the database still had afterwards; ``None`` without a database.
    connections: int | None
    #: How many more files than before were open at a time, in the process where this was most.
    descriptors: int

    def all_succeeded(self) -> bool:
        """Whether every task did."""
        return self.succeeded == self.sent

    def failed_only_with(self, *patterns: str) -> bool:
        """Whether some tasks failed, and each of them with a text that one of the patterns matches whole."""
        known = re.compile("|".join(f"(?:{pattern})" for pattern in patterns), re.DOTALL)
        return bool(self.errors) and not self.hung and all(map(known.fullmatch, self.errors))

    def count(self, pattern: str) -> int:
        """How many tasks failed with a text in which the pattern is found."""
        return sum(number for text, number in self.errors.items() if re.search(pattern, text))


#: What differs from run to run in error texts.
CHANCE = [
    (r"Task <Task .*? got Future <.*> attached", "Task <…> got Future <…> attached"),
    (r" at 0x[0-9a-f]+", ""),
    (r"'(ThreadPoolExecutor-\d+_|Dummy-|GreenThread-)\d+'", r"'\1N'"),
    (r"\bTask-\d+", "Task-N"),
    (r"\bfileno \d+", "fileno N"),
    (r"\bJob: \d+", "Job: N"),
    (r"\n.*", ""),
]


def text_of(error: Mapping[str, Any]) -> str:
    """An exception, as the backend keeps it, in one line without what differs from run to run."""
    message = error["exc_message"]
    parts = message if isinstance(message, list) else [message]
    text = f"{error['exc_type']}: {', '.join(map(str, parts))}"
    for pattern, replacement in CHANCE:
        text = re.sub(pattern, replacement, text, flags=re.DOTALL)
    return text


class Sent:
    """A task that was sent; in place of Celery's result, which holds on to connections."""

    def __init__(self, task_id: str) -> None:
        self.id = task_id


class Worker:
    """A worker as a process of its own, for one module of ``applications``."""

    def __init__(
        self,
        application: str,
        pool: str,
        servers: Servers,
        *,
        concurrency: int = 0,
        options: Sequence[str] = (),
        environment: Mapping[str, str] | None = None,
        folder: Path = HERE / "applications",
    ) -> None:
        self.application = application
        self.pool = pool
        self.servers = servers
        self.concurrency = concurrency or CONCURRENCY[pool]
        self.options = options
        self.environment = environment or {}
        self.folder = folder
        self._most_open: dict[psutil.Process, int] = {}
        self.name = f"proof-{uuid.uuid4().hex[:12]}"
        #: The outcomes of the bad and of the good form, with the call that shows which it was.
        self.outcomes: list[tuple[str, str, Outcome]] = []
        #: Whether it ended when it was asked to; ``None`` where nobody has asked.
        self.stopped: bool | None = None

    # -------------------------------------------------------------------------------- the process

    def __enter__(self) -> Worker:
        self.marks_folder = Path(tempfile.mkdtemp(prefix="celery-lint-"))
        self.log_path = self.marks_folder / ".log"
        self.app = self._client()
        try:
            self.launch()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *details: object) -> None:
        self.kill()
        self._forget()
        shutil.rmtree(self.marks_folder, ignore_errors=True)

    def launch(self) -> None:
        """Start the process, also once more for the same queue when it has ended."""
        self.process = nursery.celery(
            self.pool, self._arguments(), self._variables(), self.marks_folder, self.log_path
        )
        self._wait_until_ready()

    def _arguments(self) -> list[str]:
        quiet = ["--without-gossip", "--without-mingle", "--without-heartbeat"]
        return [
            *("-A", self.application, "worker"),
            *("-P", self.pool, "-c", str(self.concurrency), "-n", f"{self.name}@%h", "-l", "WARNING"),
            *(*quiet, *self.options),
        ]

    def _variables(self) -> dict[str, str]:
        variables = {key: value for key, value in os.environ.items() if not key.startswith("PYTEST_")}
        paths = [
            str(self.folder),
            str(HERE / "applications"),
            str(REPOSITORY),
            variables.get("PYTHONPATH", ""),
        ]
        return {
            **variables,
            "PYTHONPATH": os.pathsep.join(filter(None, paths)),
            "C_FORCE_ROOT": "1",
            "PROOF_BROKER": self.servers.broker,
            "PROOF_BACKEND": self.servers.backend,
            "PROOF_DATABASE": self.servers.database or "postgresql://",
            "PROOF_PREFIX": self.name,
            "PROOF_MARKS": str(self.marks_folder),
            **self.environment,
        }

    def _wait_until_ready(self) -> None:
        """A worker that answers is ready."""
        answer = self._send("application.ping", (), {})
        end = time.monotonic() + DEADLINE
        while self._answer(answer) is None:
            if not self.alive() or time.monotonic() > end:
                raise RuntimeError(f"the worker did not start:\n{self.log()[-3000:]}")
            time.sleep(0.05)

    def processes(self) -> list[psutil.Process]:
        """The worker and its children."""
        import psutil

        try:
            parent = psutil.Process(self.process.pid)
            return [parent, *parent.children(recursive=True)]
        except psutil.NoSuchProcess:
            return []

    def alive(self) -> bool:
        """Whether the worker runs."""
        return self.process.poll() is None

    def stop(self, deadline: float = 20.0) -> bool:
        """Ask the worker to end, as a supervisor does; whether it has within the deadline."""
        self.process.send_signal(signal.SIGTERM)
        with suppress(subprocess.TimeoutExpired):
            self.process.wait(deadline)
        self.stopped = not self.alive()
        return self.stopped

    def kill(self) -> None:
        """End the worker and all that it started, whatever state they are in: what is in its session."""
        import psutil

        for pid in psutil.pids():
            with suppress(OSError):
                if os.getsid(pid) == self.process.pid:
                    os.kill(pid, signal.SIGKILL)
        self.process.wait()

    def log(self) -> str:
        """What the worker has written."""
        return self.log_path.read_text(encoding="utf-8", errors="replace")

    def marks(self) -> set[str]:
        """The traces that tasks have left."""
        return {path.name for path in self.marks_folder.iterdir() if not path.name.startswith(".")}

    def forget_marks(self) -> None:
        """Remove the traces that earlier tasks have left."""
        for name in self.marks():
            (self.marks_folder / name).unlink(missing_ok=True)

    # -------------------------------------------------------------------------------- tasks

    def _client(self) -> Celery:
        from celery import Celery

        app = Celery(set_as_current=False, broker=self.servers.broker, backend=self.servers.backend)
        prefix = {"global_keyprefix": f"{self.name}:"}
        if self.servers.broker.startswith("redis"):
            app.conf.broker_transport_options = prefix
        app.conf.result_backend_transport_options = prefix
        app.conf.task_default_queue = self.name
        return app

    def _forget(self) -> None:
        """Leave nothing in the servers and close the connections."""
        client = self.app.backend.client
        keys = list(client.scan_iter(f"*{self.name}*", count=1000))
        if keys:
            client.delete(*keys)
        if self._counts_connections():
            self._ask(f'drop table if exists "{self.name}"')
        if self.servers.broker.startswith("amqp"):
            with self.app.connection_for_write() as connection:
                connection.default_channel.queue_delete(self.name)
        self.app.backend.result_consumer.stop()
        client.close()
        client.connection_pool.disconnect()
        self.app.close()

    def bad(self, task: str, *arguments: Any, **options: Any) -> Outcome:
        """Send the form that a rule speaks of, see ``run``."""
        return self.noted("bad", task, *arguments, **options)

    def good(self, task: str, *arguments: Any, **options: Any) -> Outcome:
        """Send the form that stands in its place, see ``run``."""
        return self.noted("good", task, *arguments, **options)

    def noted(self, form: str, task: str, *arguments: Any, **options: Any) -> Outcome:
        """Send tasks and keep the outcome for the file of results."""
        outcome = self.run(task, *arguments, **options)
        call = f"{task}({', '.join(map(repr, arguments))})"
        self.outcomes.append((form, call, outcome))
        return outcome

    def run(
        self,
        task: str,
        *arguments: Any,
        times: int = 1,
        at_once: bool = True,
        settle: float = SETTLE,
        hung: float = HUNG,
        numbered: bool = False,
        **options: Any,
    ) -> Outcome:
        """Send a task ``times`` times and wait for what becomes of it.

        ``at_once``: all are sent before the first is waited for, otherwise one after the other.
        ``settle``: seconds that the connections of the worker get to go away, for those who look at them.
        ``hung``: seconds without any answer after which what is missing counts as hung.
        ``numbered``: the last argument of each task is its number, from 0.
        ``options`` are those of ``send_task``.
        """
        name = task if "." in task else f"{self.application}.{task}"
        before = self._descriptors()
        self._most_open = dict(before)
        answers: list[dict[str, Any] | None] = []
        calls = [(*arguments, number) if numbered else arguments for number in range(times)]
        for group in [calls] if at_once else [[call] for call in calls]:
            answers += self._answers([self._send(name, call, options) for call in group], hung)
        grown = [number - before[process] for process, number in self._most_open.items()]
        done = [answer for answer in answers if answer]
        results = [answer["result"] for answer in done if answer["status"] == "SUCCESS"]
        errors = Counter(text_of(answer["result"]) for answer in done if answer["status"] != "SUCCESS")
        return Outcome(
            sent=times,
            succeeded=len(results),
            errors=dict(errors),
            hung=times - len(done),
            results=results,
            connections=self.connections(settle) if self._counts_connections() else None,
            descriptors=max(grown, default=0),
        )

    def send(self, task: str, *arguments: Any) -> str:
        """Send one task and wait for nothing; its id."""
        return self._send(task if "." in task else f"{self.application}.{task}", arguments, {})

    def revoke(self, task_id: str, signal: str | int = "SIGTERM") -> None:
        """Revoke a task that runs; ``signal`` is sent to its process."""
        self.app.control.revoke(task_id, terminate=True, signal=signal)

    def answer(self, task_id: str, hung: float = HUNG) -> dict[str, Any] | None:
        """What the backend has of one task once it has ended, ``None`` if it has not within these seconds."""
        return self.answers([task_id], hung)[0]

    def answers(self, ids: Sequence[str], hung: float = HUNG) -> list[dict[str, Any] | None]:
        """The same of several tasks; ``hung``: seconds without any answer."""
        self._most_open = self._descriptors()
        return self._answers(ids, hung)

    def _send(self, task: str, arguments: tuple[Any, ...], options: Mapping[str, Any]) -> str:
        return str(self.app.send_task(task, arguments, queue=self.name, result_cls=Sent, **options).id)

    def _answer(self, task_id: str) -> dict[str, Any] | None:
        """The state in the backend if it is final, with the exception's own words."""
        backend = self.app.backend
        kept = backend.client.get(backend.get_key_for_task(task_id))
        answer: dict[str, Any] = json.loads(kept) if kept else {"status": "PENDING"}
        return answer if answer["status"] in ("SUCCESS", "FAILURE", "REVOKED") else None

    def _answers(self, ids: Sequence[str], hung: float) -> list[dict[str, Any] | None]:
        """The states that the backend has, once all are final or nothing has come for a while."""
        found: dict[str, dict[str, Any] | None] = dict.fromkeys(ids)
        last = time.monotonic()
        while None in found.values() and time.monotonic() < last + hung:
            for task_id in [key for key, answer in found.items() if answer is None]:
                found[task_id] = self._answer(task_id)
                if found[task_id]:
                    last = time.monotonic()
            for process, number in self._descriptors(self._most_open).items():
                self._most_open[process] = max(number, self._most_open[process])
            time.sleep(0.02)
        return list(found.values())

    def _descriptors(self, processes: Iterable[psutil.Process] = ()) -> dict[psutil.Process, int]:
        """The number of open files of each process."""
        import psutil

        numbers = {}
        for process in processes or self.processes():
            with suppress(psutil.Error):
                numbers[process] = process.num_fds()
        return numbers

    # -------------------------------------------------------------------------------- the database

    def connections(self, settle: float = GONE, state: str = "%") -> int:
        """The fewest connections of the worker that the database had within these seconds."""
        counted = "select count(*) from pg_stat_activity where application_name = %s"
        counted += " and coalesce(state, '') like %s"
        end = time.monotonic() + settle
        fewest = int(self._ask(counted, self.name, state))
        while fewest and time.monotonic() < end:
            time.sleep(0.05)
            fewest = min(fewest, int(self._ask(counted, self.name, state)))
        return fewest

    def _counts_connections(self) -> bool:
        """Only PostgreSQL lets a client name its connections."""
        return self.servers.database.startswith("postgresql")

    def _ask(self, statement: str, *values: str) -> Any:
        """The first value of what the database answers."""
        import psycopg2

        connection = psycopg2.connect(self.servers.database)
        try:
            connection.autocommit = True
            with connection.cursor() as cursor:
                cursor.execute(statement, values)
                return cursor.fetchone()[0] if cursor.description else None
        finally:
            connection.close()


def until(condition: Callable[[], Any], deadline: float = DEADLINE) -> bool:
    """Whether the condition comes to hold before the deadline."""
    end = time.monotonic() + deadline
    while time.monotonic() < end:
        if condition():
            return True
        time.sleep(0.05)
    return bool(condition())
