"""Proofs of what becomes of tasks by the way in which their module and their names are made."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.proofs.harness import Servers, Worker, until

Start = Callable[..., Worker]


@pytest.mark.proof("CEL656")
def test_an_import_sends(start: Start, servers: Servers) -> None:
    """Nobody but the worker has imported the module."""
    worker = start("at_import", "prefork", servers, concurrency=1)
    assert until(lambda: any(name.startswith("sent by") for name in worker.marks()))
    assert "sent by nobody" not in worker.marks()
