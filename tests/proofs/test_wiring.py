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
