"""The endpoints over a database and a bridge that runs inline."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("fastapi")
pytest.importorskip("httpx")
pytest.importorskip("cronsim")

import fastapi
from celery import Celery
from sqlalchemy import create_engine, text, update
from sqlalchemy.orm import Session, sessionmaker

from celery_lint.runtime.api import make_router
from celery_lint.runtime.bridge import TaskBridge
from celery_lint.runtime.jobs import Jobs
from celery_lint.runtime.models import ScheduledJob
from celery_lint.runtime.tracking import current_run
from tests.runtime import databases

# Imported so, it may say that it prefers another client.
TestClient = pytest.importorskip("fastapi.testclient").TestClient

app = Celery("shop", broker="memory://", backend="cache+memory://", set_as_current=False)
away = Celery("away", broker="redis://127.0.0.1:1/0", set_as_current=False)
away.conf.task_publish_retry_policy = {"max_retries": 0}


@app.task
def sync_users(limit: int = 10) -> str:
    current_run().summary = f"{limit} users"
    return f"{limit} users"


@app.task
def fails() -> None:
    raise ValueError("cannot log in at postgresql://admin:secret@db/shop")


@away.task
def unreachable(execution_id: str | None = None) -> None: ...


TASKS = {"users.sync": sync_users, "fails": fails}
Client = Callable[..., Any]


def client_of(jobs: Jobs, **options: Any) -> Any:
    web = fastapi.FastAPI()
    web.include_router(make_router(jobs, **options))
    return TestClient(web, raise_server_exceptions=False, headers={"Content-Type": "application/json"})


@pytest.fixture
def sessions(tmp_path: Path) -> Iterator[sessionmaker[Session]]:
    """On SQLite, for what is answered before a database is asked."""
    with databases.with_tables(f"sqlite:///{tmp_path}/jobs.db") as made:
        yield made


@pytest.fixture
def jobs(sessions: sessionmaker[Session]) -> Jobs:
    return Jobs(sessions, TaskBridge(TASKS, enabled=False))


@pytest.fixture
def client(jobs: Jobs) -> Any:
    return client_of(jobs, allow_anonymous=True, show_errors=True)


@pytest.fixture
def everywhere(empty_database: str) -> Iterator[Any]:
    """A client on each kind of database."""
    with databases.with_tables(empty_database) as sessions:
        yield client_of(
            Jobs(sessions, TaskBridge(TASKS, enabled=False)), allow_anonymous=True, show_errors=True
        )


def made(client: Any, **values: Any) -> dict[str, Any]:
    answer = client.post("/scheduler/jobs", json={"job_key": "users.sync", "interval_hours": 1, **values})
    assert answer.status_code == 201, answer.text
    found: dict[str, Any] = answer.json()
    return found


def test_the_life_of_a_job(everywhere: Any) -> None:
    client = everywhere
    job = made(client, names={"en": "Users", "ar": "مستخدمون"}, time_zone="Africa/Cairo")
    assert (job["job_type"], job["task_key"], job["time_zone"]) == ("interval", "users.sync", "Africa/Cairo")
    assert job["next_run_at"] > job["created_at"]
    path = f"/scheduler/jobs/{job['id']}"
    assert client.get(path).json() == job
    assert [one["id"] for one in client.get("/scheduler/jobs").json()] == [job["id"]]

    changed = client.patch(path, json={"interval_hours": None, "cron_expression": "0 3 * * 1"})
    assert (changed.status_code, changed.json()["job_type"]) == (200, "cron")
    assert client.post(f"{path}/pause").json()["next_run_at"] is None
    assert client.post(f"{path}/resume").json()["is_enabled"]

    run = client.post(f"{path}/trigger")
    assert (run.status_code, run.json()["status"], run.json()["result_summary"]) == (
        202,
        "success",
        "10 users",
    )
    assert client.get(f"{path}/executions").json() == [run.json()]
    assert client.get(f"/scheduler/executions/{run.json()['id']}").json() == run.json()
    assert client.get("/scheduler/instances").json() == []

    removed = client.delete(path)
    assert (removed.status_code, removed.content) == (204, b"")
    assert client.get(path).status_code == 404
    assert client.get("/scheduler/jobs").json() == []
    assert client.get(f"{path}/executions").json() == [run.json()]  # history outlives its job
    assert made(client)["id"] != job["id"]


# ------------------------------------------------------------------------------------ who may call


def test_who_may_call_has_to_be_said(jobs: Jobs) -> None:
    with pytest.raises(ValueError, match="say who may call the scheduler"):
        make_router(jobs)
    with pytest.raises(ValueError, match="say who may call the scheduler"):
        make_router(jobs, dependencies=[fastapi.Depends(lambda: None)], allow_anonymous=True)


def key_holder(x_key: str = fastapi.Header("")) -> None:
    if x_key not in ("user", "admin"):
        raise fastapi.HTTPException(401)


def administrator(x_key: str = fastapi.Header("")) -> bool:
    return x_key == "admin"


def test_every_endpoint_asks_who_calls(jobs: Jobs) -> None:
    client = client_of(jobs, dependencies=[fastapi.Depends(key_holder)])
    routes = [route for route in make_router(jobs, allow_anonymous=True).routes if hasattr(route, "methods")]
    assert len(routes) >= 13
    for route in routes:
        path = route.path.replace("{job_id}", "x").replace("{execution_id}", "x")
        for method in route.methods - {"HEAD"}:
            assert client.request(method, path).status_code == 401, (method, path)
            assert client.request(method, path, headers={"x-key": "user"}).status_code != 401, (method, path)


@pytest.mark.parametrize(
    "options, key, seen",
    [
        ({}, "user", False),
        ({"show_errors": True}, "user", True),
        ({"show_errors": administrator}, "user", False),
        ({"show_errors": administrator}, "admin", True),
    ],
)
def test_what_a_task_raised_is_for_those_who_may_see_it(
    jobs: Jobs, options: dict[str, Any], key: str, seen: bool
) -> None:
    client = client_of(jobs, dependencies=[fastapi.Depends(key_holder)], **options)
    client.headers["x-key"] = key
    job = made(client, job_key="fails")
    run = client.post(f"/scheduler/jobs/{job['id']}/trigger")
    answers = [run, client.get(f"/scheduler/executions/{run.json()['id']}")]
    answers += [client.get("/scheduler/executions"), client.get(f"/scheduler/jobs/{job['id']}/executions")]
    assert run.json()["status"] == "failed"
    for answer in answers:
        assert ("secret" in answer.text) == seen


# ------------------------------------------------------------------------------------ what is refused


REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"interval_hours": None}, "either an interval or a cron expression"),
    ({"task_key": "users.synk"}, "did you mean 'users.sync'?"),
    ({"job_key": None}, "job_key"),
    ({"job_key": ""}, "job_key is a text"),
    ({"job_key": "a b"}, "job_key is a text"),
    ({"job_key": "a\x00"}, "job_key is a text"),
    ({"arguments": {"limits": 1}}, "limits"),
    ({"arguments": None}, "arguments cannot be null"),
    ({"arguments": [1]}, "arguments: "),
    ({"arguments": {"limit": {"a": "\ud800"}}}, "a character that databases do not store"),
    ({"arguments": {"\x00": 1}}, "a character that databases do not store"),
    ({"interval_hours": -1}, "interval_hours is a whole number from 0"),
    ({"interval_hours": 1.5}, "interval_hours: "),
    ({"interval_hours": "1"}, "interval_hours: "),
    ({"interval_hours": True}, "interval_hours: "),
    ({"interval_hours": 2**31}, "interval_hours is a whole number from 0 to 2147483647"),
    ({"interval_days": 10**9}, "longer than 3660 days"),
    ({"interval_days": 10**30}, "interval_days"),
    ({"max_instances": None}, "max_instances cannot be null"),
    ({"max_instances": 0}, "max_instances is a whole number from 1"),
    ({"misfire_grace_time": 0}, "misfire_grace_time is a whole number from 1"),
    ({"coalesce": None}, "coalesce cannot be null"),
    ({"coalesce": "yes"}, "coalesce: "),
    ({"is_enabled": None}, "is_enabled cannot be null"),
    ({"names": {"en": None}}, "names"),
    ({"names": {"en": "x" * 201}}, "names.en is a text of at most 200"),
    ({"time_zone": "Mars/Olympus"}, "no time zone 'Mars/Olympus'"),
    ({"time_zone": None}, "time_zone cannot be null"),
    ({"interval_hours": None, "cron_expression": "0 0 30 2 *"}, "bad day-of-month"),
    ({"interval_hours": None, "cron_expression": "x" * 101}, "cron_expression is a text"),
    ({"colour": "red"}, "colour: "),
    ({"next_run_at": None}, "next_run_at: "),
    ({"job_type": "cron"}, "job_type: "),
]


@pytest.mark.parametrize("values, message", REFUSED)
def test_what_could_not_run_is_refused_with_a_sentence(
    client: Any, values: dict[str, Any], message: str
) -> None:
    body = {"job_key": "users.sync", "interval_hours": 1}
    answer = client.post("/scheduler/jobs", content=json.dumps({**body, **values}))
    assert answer.status_code == 422, answer.text
    assert message in answer.json()["detail"]
    assert client.get("/scheduler/jobs").json() == []
    job = made(client)
    if values == {"interval_hours": None}:
        values = {**values, "cron_expression": None}
    answer = client.patch(f"/scheduler/jobs/{job['id']}", content=json.dumps(values))
    assert answer.status_code == 422, answer.text
    assert message in answer.json()["detail"]
    assert client.get("/scheduler/jobs").json() == [job]


@pytest.mark.parametrize(
    "body",
    [
        '{"job_key": "users.sync", "interval_hours": 1, "arguments": {"limit": NaN}}',
        '{"job_key": "users.sync", "interval_hours": 1, "arguments": {"limit": Infinity}}',
        '{"job_key": "users.sync", "interval_hours": 1e400}',
        '{"job_key": "users.sync", "interval_hours": NaN}',
        '{"job_key": "users.sync", "interval_hours": ' + "9" * 5000 + "}",
        '{"job_key": "users.sync", "interval_hours": 1, "arguments": {"limit": '
        + "[" * 100
        + "]" * 100
        + "}}",
        "[" * 100_000,
        '{"\\ud800": 1}',
        "[1]",
        "null",
        "",
        "{",
        "\x00",
    ],
)
def test_whatever_is_sent_is_no_error_of_the_server(client: Any, body: str) -> None:
    answers = [client.post("/scheduler/jobs", content=body)]
    job = made(client)
    answers.append(client.patch(f"/scheduler/jobs/{job['id']}", content=body))
    for answer in answers:
        assert answer.status_code == 422, answer.text
        assert isinstance(answer.json()["detail"], str)
    assert client.get("/scheduler/jobs").json() == [job]


@pytest.mark.parametrize("path", ["", "/pause", "/resume", "/trigger", "/executions"])
@pytest.mark.parametrize(
    "job_id", ["nobody", "x" * 500, "%00", "%F0%9F%98%80", "00000000-0000-0000-0000-000000000000"]
)
def test_a_job_that_is_not_there(client: Any, path: str, job_id: str) -> None:
    method = "get" if path in ("", "/executions") else "post"
    assert client.request(method, f"/scheduler/jobs/{job_id}{path}").status_code == 404
    if not path:
        assert client.get(f"/scheduler/executions/{job_id}").status_code == 404
        assert client.post(f"/scheduler/executions/{job_id}/cancel").status_code == 404


def test_conflicts(client: Any) -> None:
    job = made(client)
    again = client.post("/scheduler/jobs", json={"job_key": "users.sync", "interval_hours": 1})
    assert (again.status_code, again.json()["detail"]) == (409, "there is a job 'users.sync'")
    run = client.post(f"/scheduler/jobs/{job['id']}/trigger").json()
    cancelled = client.post(f"/scheduler/executions/{run['id']}/cancel")
    assert (cancelled.status_code, "has ended, and is success" in cancelled.text) == (409, True)


def test_the_same_request_runs_once(client: Any) -> None:
    path = f"/scheduler/jobs/{made(client)['id']}/trigger"
    first, second = (client.post(path, headers={"Idempotency-Key": "payday"}) for _ in range(2))
    assert first.json() == second.json()
    assert client.post(path).json()["id"] != first.json()["id"]
    assert client.post(path, headers={"Idempotency-Key": "x" * 101}).status_code == 422


def test_pages(everywhere: Any) -> None:
    client = everywhere
    path = f"/scheduler/jobs/{made(client)['id']}"
    for key in ("a", "b"):
        made(client, job_key=key, task_key="users.sync")
    ids = [client.post(f"{path}/trigger").json()["id"] for _ in range(5)]
    page = client.get(f"{path}/executions", params={"limit": 2, "offset": 1})
    assert ([one["id"] for one in page.json()], page.headers["X-Total-Count"]) == ([ids[3], ids[2]], "5")
    none = client.get("/scheduler/executions", params={"status": "failed"})
    assert (none.json(), none.headers["X-Total-Count"]) == ([], "0")
    listed = client.get("/scheduler/jobs", params={"limit": 1, "offset": 2})
    assert ([one["job_key"] for one in listed.json()], listed.headers["X-Total-Count"]) == (
        ["users.sync"],
        "3",
    )
    for wrong in (
        {"limit": 0},
        {"limit": 501},
        {"offset": -1},
        {"offset": 2**31},
        {"status": "gone"},
        {"limit": "x"},
    ):
        assert client.get("/scheduler/executions", params=wrong).status_code == 422


def test_a_row_that_does_not_fit_does_not_hide_the_others(
    client: Any, sessions: sessionmaker[Session]
) -> None:
    job, other = made(client), made(client, job_key="other", task_key="users.sync")
    with sessions.begin() as session:
        broken = update(ScheduledJob).where(ScheduledJob.id == job["id"])
        session.execute(broken.values(arguments=["none"], cron_expression="0 0 * * *"))
    assert len(client.get("/scheduler/jobs").json()) == 2
    refused = client.post(f"/scheduler/jobs/{job['id']}/trigger")
    assert refused.status_code == 422
    assert client.post(f"/scheduler/jobs/{other['id']}/trigger").status_code == 202
    assert client.post(f"/scheduler/jobs/{job['id']}/pause").status_code == 200
    mended = client.patch(f"/scheduler/jobs/{job['id']}", json={"arguments": {}, "cron_expression": None})
    assert mended.status_code == 200


def test_a_broker_and_a_database_that_are_away(sessions: sessionmaker[Session]) -> None:
    jobs = Jobs(sessions, TaskBridge({"unreachable": unreachable}))
    client = client_of(jobs, allow_anonymous=True)
    job = made(client, job_key="unreachable")
    answer = client.post(f"/scheduler/jobs/{job['id']}/trigger")
    assert answer.status_code == 503
    run = jobs.executions(job["id"])[0]
    assert answer.json()["detail"] == f"execution {run.id} could not be sent: the broker cannot be reached"

    nowhere = create_engine("postgresql+psycopg2://nobody@127.0.0.1:1/nothing")
    client = client_of(Jobs(sessionmaker(nowhere), TaskBridge()), allow_anonymous=True)
    answer = client.get("/scheduler/jobs")
    assert (answer.status_code, "cannot be reached" in answer.json()["detail"]) == (503, True)
    nowhere.dispose()


def test_an_error_of_the_server_is_one(client: Any, sessions: sessionmaker[Session]) -> None:
    with sessions.begin() as session:
        session.execute(text("drop table scheduler_instances"))
    assert client.get("/scheduler/instances").status_code == 500


def test_the_description_tells_the_answers(client: Any) -> None:
    described = client.get("/openapi.json").json()
    paths = {path: entry for path, entry in described["paths"].items() if path.startswith("/scheduler")}
    assert len(paths) == 10
    for path, methods in paths.items():
        for method, entry in methods.items():
            assert {"404", "409", "422", "503"} <= set(entry["responses"]), (method, path)
            assert entry.get("description"), (method, path)
