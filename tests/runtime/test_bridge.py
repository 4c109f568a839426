"""Tasks by key: registered, checked, dispatched."""

from __future__ import annotations

from typing import Any

import pytest
from celery import Celery

from celery_lint.runtime.bridge import DuplicateTaskKey, TaskBridge, UnknownTaskKey

app = Celery("shop", broker="memory://", backend="cache+memory://")


@app.task
def sync_users(limit: int = 10, execution_id: str | None = None) -> str:
    return f"{execution_id}: {limit} users"


@app.task(bind=True)
def clean(self: Any, execution_id: str | None = None) -> str:
    return f"{self.name} for {execution_id}"


@app.task
def untracked(limit: int = 10) -> None:
    pass


@app.task
def demanding(report: str, execution_id: str | None = None) -> None:
    pass


@app.task
def fails(execution_id: str | None = None) -> None:
    raise ValueError("no users")


def test_registered_by_call_by_dictionary_and_by_decorator() -> None:
    bridge = TaskBridge({"users.sync": sync_users})
    assert bridge.register("history.clean", clean) is clean
    bridge.update({"reports.send": demanding})

    @bridge.register("mail.send")
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
        TaskBridge().register("x", lambda: None)  # type: ignore[type-var]


def test_initialize_names_every_task_that_would_fail() -> None:
    bridge = TaskBridge({"users.sync": sync_users, "history.clean": clean})
    bridge.initialize()
    bridge.initialize({"users.sync": {"limit": 5}})
    bridge.update({"a": untracked, "b": demanding})
    with pytest.raises(TypeError) as caught:
        bridge.initialize()
    assert "'a'" in str(caught.value)
    assert "'b'" not in str(caught.value)  # what a job passes is not known yet
    with pytest.raises(TypeError) as caught:
        bridge.initialize({"users.sync": {"limits": 5}})
    for key in ("'a'", "'b'", "'users.sync'"):
        assert key in str(caught.value)
    with pytest.raises(UnknownTaskKey):
        bridge.initialize({"users.synk": {}})


def test_dispatch_passes_the_execution_and_returns_the_id(monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[dict[str, Any]] = []
    apply_async = type(sync_users._get_current_object()).apply_async  # type: ignore[attr-defined]

    def record(self: Any, **options: Any) -> Any:
        sent.append(options)
        return apply_async(self, **options)

    monkeypatch.setattr(type(sync_users._get_current_object()), "apply_async", record)  # type: ignore[attr-defined]
    bridge = TaskBridge({"users.sync": sync_users})
    dispatched = bridge.dispatch("users.sync", "e1", {"limit": 3}, queue="slow")
    assert sent == [{"kwargs": {"limit": 3, "execution_id": "e1"}, "queue": "slow"}]
    assert dispatched.task_id
    assert not dispatched.inline
    assert dispatched.result is None


def test_inline_by_choice_and_it_says_so() -> None:
    bridge = TaskBridge({"users.sync": sync_users, "history.clean": clean, "fails": fails}, enabled=False)
    dispatched = bridge.dispatch("users.sync", "e1", {"limit": 3})
    assert dispatched.inline
    assert dispatched.result == "e1: 3 users"
    assert bridge.dispatch("history.clean", "e2").result.endswith("clean for e2")
    with pytest.raises(ValueError, match="no users"):
        bridge.dispatch("fails", "e3")
