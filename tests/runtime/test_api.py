"""The endpoints over a database and a bridge that runs inline."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from celery import Celery
from sqlalchemy import create_engine
from sqlalchemy.orm import sessionmaker

from celery_lint.runtime.bridge import TaskBridge
from celery_lint.runtime.models import Base
from celery_lint.runtime.scheduler import SchedulerService

fastapi = pytest.importorskip("fastapi")
testclient = pytest.importorskip("fastapi.testclient")

app = Celery("shop", broker="memory://", backend="cache+memory://")


@app.task
def sync_users(limit: int = 10, execution_id: str | None = None) -> str:
    return f"{limit} users"


@pytest.fixture
def client(tmp_path: Path) -> Iterator[Any]:
    from celery_lint.runtime.api import make_router

    engine = create_engine(f"sqlite:///{tmp_path}/jobs.db", connect_args={"timeout": 30})
    Base.metadata.create_all(engine)
    bridge = TaskBridge({"users.sync": sync_users}, enabled=False)
    service = SchedulerService(sessionmaker(engine, expire_on_commit=False), bridge)
    service.start()
    web = fastapi.FastAPI()
    web.include_router(make_router(service))
    with testclient.TestClient(web) as opened:
        opened.service = service
        yield opened
    service.shutdown()
    engine.dispose()


def test_the_life_of_a_job(client: Any) -> None:
    made = client.post("/scheduler/jobs", json={"job_key": "users.sync", "interval_hours": 1})
    assert made.status_code == 201
    job = made.json()
    assert job["job_type"] == "interval"
    path = f"/scheduler/jobs/{job['id']}"
    assert job["id"] in client.service._scheduled
    assert client.get(path).json() == job
    assert [one["id"] for one in client.get("/scheduler/jobs").json()] == [job["id"]]

    changed = client.patch(path, json={"interval_hours": None, "cron_expression": "0 3 * * 1"})
    assert (changed.status_code, changed.json()["job_type"]) == (200, "cron")
    assert not client.post(f"{path}/pause").json()["is_enabled"]
    assert job["id"] not in client.service._scheduled
    assert client.post(f"{path}/resume").json()["is_enabled"]

    run = client.post(f"{path}/trigger")
    assert (run.status_code, run.json()["status"]) == (202, "success")
    assert client.get(f"{path}/executions").json() == [run.json()]
    assert len(client.get("/scheduler/instances").json()) == 1

    assert client.delete(path).status_code == 204
    assert client.get(path).status_code == 404
    assert client.get("/scheduler/jobs").json() == []


@pytest.mark.parametrize(
    "values, code, message",
    [
        ({"job_key": "users.sync"}, 422, "either an interval or a cron expression"),
        ({"job_key": "users.synk", "interval_hours": 1}, 422, "did you mean 'users.sync'?"),
        ({"job_key": "users.sync", "interval_hours": 1, "arguments": {"limits": 1}}, 422, "limits"),
        ({"job_key": "users.sync", "interval_hours": -1}, 422, "greater than or equal to 0"),
        ({"job_key": "users.sync", "interval_hours": 1, "colour": "red"}, 422, "not permitted"),
    ],
)
def test_what_could_not_run_is_refused(client: Any, values: dict[str, Any], code: int, message: str) -> None:
    answer = client.post("/scheduler/jobs", json=values)
    assert answer.status_code == code
    assert message in answer.text


def test_a_key_is_taken_once(client: Any) -> None:
    values = {"job_key": "users.sync", "interval_hours": 1}
    assert client.post("/scheduler/jobs", json=values).status_code == 201
    assert client.post("/scheduler/jobs", json=values).status_code == 409


@pytest.mark.parametrize("path", ["", "/pause", "/resume", "/trigger", "/executions"])
def test_a_job_that_is_not_there(client: Any, path: str) -> None:
    method = "get" if path in ("", "/executions") else "post"
    assert client.request(method, f"/scheduler/jobs/nobody{path}").status_code == 404
