"""Tasks by key: registered, checked, dispatched."""

from __future__ import annotations

from typing import Any

import pytest
from celery import Celery
from celery.exceptions import Reject
from sqlalchemy.orm import sessionmaker

from celery_lint.runtime.bridge import DuplicateTaskKey, TaskBridge, UnknownTaskKey
from celery_lint.runtime.retries import RetryPolicy
from celery_lint.runtime.tracking import track

app = Celery("shop", broker="memory://", backend="cache+memory://", set_as_current=False)
tracked = Celery("tracked", broker="memory://", backend="cache+memory://", set_as_current=False)
track(tracked, sessionmaker())
attempts: list[int] = []


@app.task
def sync_users(limit: int = 10, execution_id: str | None = None) -> str:
    return f"{execution_id}: {limit} users"


@app.task(bind=True)
def clean(self: Any, execution_id: str | None = None) -> str:
    return f"{self.name} for {execution_id}, {self.request.headers}"


@app.task
def untracked(limit: int = 10) -> None:
    pass


@tracked.task
def tracked_by_its_application(limit: int = 10) -> int:
    return limit


@app.task
def demanding(report: str, execution_id: str | None = None) -> None:
    pass


@app.task
def fails(execution_id: str | None = None) -> None:
    raise ValueError("no users")


@app.task(**RetryPolicy((ConnectionError,), base=60, limit=2).options())
def is_retried(execution_id: str | None = None) -> int:
    attempts.append(1)
    if len(attempts) % 3:
        raise ConnectionError("busy")
    return len(attempts)


@app.task
def rejects(execution_id: str | None = None) -> None:
    raise Reject("no good", requeue=False)


def test_registered_by_call_by_dictionary_and_by_decorator() -> None:
    bridge = TaskBridge({"users.sync": sync_users})
    assert bridge.register("history.clean", clean) is clean
    bridge.update({"reports.send": demanding})

    @bridge.register("mail.send", queue="slow")
    @app.task
    def send_mail(execution_id: str | None = None) -> None: ...

    assert list(bridge) == ["users.sync", "history.clean", "reports.send", "mail.send"]
    assert bridge["mail.send"] is send_mail
    assert len(bridge) == 4


def test_an_unknown_key_raises_with_the_nearest_one() -> None:
    bridge = TaskBridge({"users.sync": sync_users})
    with pytest.raises(UnknownTaskKey) as caught:
        bridge.dispatch("user.sync")
    assert str(caught.value) == "no task is registered as 'user.sync'; did you mean 'users.sync'?"
    with pytest.raises(UnknownTaskKey) as caught:
        bridge["xyz"]
    assert str(caught.value) == "no task is registered as 'xyz'"
    assert "xyz" not in bridge
    assert bridge.get("xyz") is None


def test_a_duplicate_raises_and_the_same_task_again_does_not() -> None:
    bridge = TaskBridge({"users.sync": sync_users})
    bridge.register("users.sync", sync_users)
    with pytest.raises(DuplicateTaskKey, match=r"cannot be '.*\.clean' as well"):
        bridge.register("users.sync", clean)


def test_a_function_is_no_task() -> None:
    with pytest.raises(TypeError, match="is no Celery task; register what"):
        TaskBridge().register("x", lambda: None)  # type: ignore[call-overload]


def test_initialize_names_every_task_whose_end_nobody_reports() -> None:
    bridge = TaskBridge({"users.sync": sync_users, "tracked": tracked_by_its_application})
    bridge.initialize()
    bridge.update({"a": untracked, "b": demanding})
    with pytest.raises(TypeError, match="nobody reports how these tasks end") as caught:
        bridge.initialize()
    assert "'a'" in str(caught.value)
    assert "'b'" not in str(caught.value)
    TaskBridge({"a": untracked}, enabled=False).initialize()  # who runs it here reports it


def test_arguments_are_checked_before_a_job_has_them() -> None:
    bridge = TaskBridge({"users.sync": sync_users, "b": demanding, "tracked": tracked_by_its_application})
    bridge.check("users.sync", {"limit": 5})
    bridge.check("tracked", {})
    for key, arguments, message in (
        ("users.sync", {"limits": 5}, "unexpected keyword argument 'limits'"),
        ("b", {}, "missing a required argument: 'report'"),
        ("tracked", {"execution_id": "x"}, "is given by the scheduler"),
        ("users.sync", {"execution_id": "x"}, "is given by the scheduler"),
    ):
        with pytest.raises(TypeError, match=message):
            bridge.check(key, arguments)
    with pytest.raises(UnknownTaskKey):
        bridge.check("users.synk", {})


def sent(
    bridge: TaskBridge, monkeypatch: pytest.MonkeyPatch, key: str, *arguments: Any, **options: Any
) -> Any:
    """What the bridge hands to Celery, and what it returns."""
    kind = bridge[key].__class__
    found: list[dict[str, Any]] = []
    apply_async = kind.apply_async

    def record(self: Any, **options: Any) -> Any:
        found.append(options)
        return apply_async(self, **options)

    monkeypatch.setattr(kind, "apply_async", record)
    return bridge.dispatch(key, *arguments, **options), found[0]


def test_dispatch_passes_the_execution_and_returns_the_id(monkeypatch: pytest.MonkeyPatch) -> None:
    bridge = TaskBridge()
    bridge.register("users.sync", sync_users, queue="slow", expires=60)
    dispatched, options = sent(
        bridge, monkeypatch, "users.sync", "e1", {"limit": 3}, sending=2, expires=90, headers={"trace": "t"}
    )
    assert options == {
        "kwargs": {"limit": 3, "execution_id": "e1"},
        "task_id": "e1",
        "headers": {"execution_id": "e1", "execution_sending": 2, "trace": "t"},
        "ignore_result": True,
        "queue": "slow",
        "expires": 90,
    }
    assert dispatched == ("e1", False, None)


def test_a_task_without_the_parameter_has_the_execution_in_its_headers(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    bridge = TaskBridge({"tracked": tracked_by_its_application})
    _, options = sent(bridge, monkeypatch, "tracked", "e1", {"limit": 3})
    assert options["kwargs"] == {"limit": 3}
    assert options["headers"] == {"execution_id": "e1"}


def test_inline_by_choice_and_it_says_so() -> None:
    tasks = {
        "users.sync": sync_users,
        "clean": clean,
        "fails": fails,
        "retried": is_retried,
        "rejects": rejects,
    }
    bridge = TaskBridge(tasks, enabled=False)
    dispatched = bridge.dispatch("users.sync", "e1", {"limit": 3})
    assert dispatched == ("e1", True, "e1: 3 users")
    assert bridge.dispatch("clean", "e2", sending=1).result.endswith(
        "clean for e2, {'execution_id': 'e2', 'execution_sending': 1}"
    )
    with pytest.raises(ValueError, match="no users"):
        bridge.dispatch("fails", "e3")
    assert bridge.dispatch("retried", "e4").result == 3  # without waiting for its minutes
    with pytest.raises(Reject, match="no good"):
        bridge.dispatch("rejects", "e5")
