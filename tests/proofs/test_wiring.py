"""Proofs of what becomes of tasks that are sent through a registry."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.proofs.harness import Worker, until

Start = Callable[..., Worker]


@pytest.mark.proof("CEL720")
def test_a_task_that_takes_other_arguments_cannot_be_sent(alone: Start) -> None:
    """Celery checks the arguments before it sends anything."""
    worker = alone("bridges", "prefork", concurrency=1)
    assert worker.bad("dispatch", "refuses").failed_only_with(
        r"TypeError: refuses\(\) got an unexpected keyword argument 'execution_id'"
    )
    assert worker.good("dispatch", "accepts").all_succeeded()
    assert until(lambda: worker.marks() == {"accepts"})


@pytest.mark.proof("CEL721")
def test_a_function_cannot_be_sent(alone: Start) -> None:
    """It has no ``delay``."""
    worker = alone("bridges", "prefork", concurrency=1)
    assert worker.bad("dispatch", "plain").failed_only_with(
        "AttributeError: 'function' object has no attribute 'delay'"
    )
    assert worker.good("dispatch", "accepts").all_succeeded()
    assert until(lambda: worker.marks() == {"accepts"})


@pytest.mark.proof("CEL710", "CEL723")
def test_a_message_for_a_name_that_no_task_has_is_thrown_away(alone: Start) -> None:
    """The worker says so in its log, and nothing has run."""
    worker = alone("bridges", "prefork", concurrency=1)
    assert worker.bad("acepts").failed_only_with("NotRegistered: .*acepts.*")
    assert "The message has been ignored and discarded" in worker.log()
    assert not worker.marks()
    assert worker.good("accepts").all_succeeded()
    assert worker.marks() == {"accepts"}


@pytest.mark.proof("CEL724")
def test_a_route_for_another_name_changes_nothing(alone: Start) -> None:
    """The task goes where it would go without any route."""
    worker = alone("bridges", "prefork", concurrency=1)
    assert worker.bad("queue_of", "bridges.acepts").results == ["celery"]
    assert worker.good("queue_of", "bridges.accepts").results == ["slow"]


@pytest.mark.proof("CEL711")
def test_a_worker_does_not_know_what_it_does_not_import(alone: Start) -> None:
    """Searching a package for its module of tasks leaves its other modules alone."""
    worker = alone("bridges", "prefork", concurrency=1)
    assert worker.bad("knows", "discovered", "jobs").results == [False]
    assert worker.good("knows", "included", "jobs.reports").results == [True]


@pytest.mark.proof("CEL712")
def test_a_worker_ends_at_a_module_that_is_missing(alone: Start) -> None:
    """It imports all that is named when it starts."""
    worker = alone("bridges", "prefork", concurrency=1)
    assert worker.bad("knows", "included", "jobs.reprots").failed_only_with("ModuleNotFoundError: .*")
    assert worker.bad("knows", "included", "jobs.reports,jobs").failed_only_with("ModuleNotFoundError: .*")
    assert worker.good("knows", "included", "jobs.reports").results == [True]


@pytest.mark.proof("CEL726")
def test_a_worker_leaves_queues_alone_that_it_is_not_told(alone: Start) -> None:
    """The message waits where it was sent to, until somebody tells a worker to consume the queue."""
    worker = alone("bridges", "prefork", concurrency=1)
    assert worker.bad("send_to", "mails").all_succeeded()
    assert worker.good("send_to", "").all_succeeded()
    assert until(lambda: worker.marks() == {"accepts"})
    worker.forget_marks()
    assert worker.run("application.ping").all_succeeded()
    assert not worker.marks()
    worker.app.control.add_consumer("mails", reply=True)
    assert until(lambda: worker.marks() == {"accepts"})
    worker.app.control.cancel_consumer("mails", reply=True)
