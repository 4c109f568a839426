"""Receivers of signals: kept by their module, by the signal, or by nobody."""

from __future__ import annotations

from functools import partial
from typing import Any

from application import app, mark
from celery.signals import task_prerun, worker_process_init

SIGNALS = {"process": worker_process_init, "task": task_prerun, "configured": app.on_after_configure}


def install(name: str, signal: Any) -> None:
    """Connect functions that are gone when this ends, and one that the signal keeps."""

    @signal.connect
    def nested(**_: Any) -> None:
        mark(f"{name}-nested")

    def called(**_: Any) -> None:
        mark(f"{name}-called")

    signal.connect(called)

    @signal.connect(weak=False)
    def kept(**_: Any) -> None:
        mark(f"{name}-kept")

    signal.connect(lambda **_: mark(f"{name}-lambda"))
    signal.connect(partial(told, f"{name}-partial"))
    signal.connect(Teller(f"{name}-method").tell)


def told(name: str, **_: Any) -> None:
    """Leave a mark of this name."""
    mark(name)


class Teller:
    """Leaves a mark."""

    def __init__(self, name: str) -> None:
        self.name = name

    def tell(self, **_: Any) -> None:
        """Leave it."""
        mark(self.name)


for _name, _signal in SIGNALS.items():
    install(_name, _signal)
    _signal.connect(globals().setdefault(f"told_{_name}", partial(told, f"{_name}-module")))


@app.task
def work() -> None:
    """Bring a signal of tasks."""
