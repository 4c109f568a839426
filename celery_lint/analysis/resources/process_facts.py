"""What tasks do to their process, and what it has open when it is forked: all facts about it in one place."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from celery_lint.analysis.resources.before_fork import BeforeFork
from celery_lint.analysis.resources.process_state import ProcessState
from celery_lint.analysis.resources.processes import Processes
from celery_lint.analysis.resources.threads import Threads
from celery_lint.inventory.application.settings import Settings
from celery_lint.inventory.code.sites import TaskProcess


class ProcessFacts:
    """The facts about worker processes."""

    def __init__(self, code: TaskProcess, settings: Settings) -> None:
        self.processes = Processes(code)
        self.threads = Threads(code)
        self.state = ProcessState(code, settings)
        self.before_fork = BeforeFork(code)

    def finders(self) -> Iterator[tuple[str, Callable[[], Iterable[Any]]]]:
        """Each kind of facts with what finds it."""
        yield "child processes", lambda: self.processes.children
        yield "process exits", lambda: self.processes.exits
        yield "signal handlers", lambda: self.processes.signals
        yield "loose threads", lambda: self.threads.loose
        yield "changes of the process", lambda: self.state.changes
        yield "values of modules", lambda: self.state.values
        yield "early connections", lambda: self.before_fork.connections
        yield "early engines", lambda: self.before_fork.engines
        yield "early clients", lambda: self.before_fork.clients
