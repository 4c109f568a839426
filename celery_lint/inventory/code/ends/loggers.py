"""Loggers of Python's own library that are given keywords as structlog takes them: a ``TypeError``."""

from __future__ import annotations

from celery_lint.inventory.code.ends.targets import Targets
from celery_lint.libraries.logging import KEYWORDS, STANDARD, WRITING
from celery_lint.model.calls import Call
from celery_lint.model.facts import ANYTHING, Module
from celery_lint.project.known import Known, once
from celery_lint.project.unseen.set_attributes import SetAttributes

# What a project gives other loggers by, or makes these take more by.
_REPLACING = ".setLoggerClass"
_REPLACED = frozenset({"_log", "getLogger", "get_task_logger", "manager"})


class Loggers:
    """The calls of loggers that raise as soon as they write: ``logger.error("failed", order=pk)``.

    A level that is switched off takes anything, so only those count that nobody switches off.
    """

    def __init__(self, known: Known) -> None:
        self.project = known.project
        self.functions = known.project.functions
        self.targets = known.of(Targets)
        self.set_attributes = known.of(SetAttributes)
        self.project.reading.tell("loggers", lambda _: self._is_untouched)

    def is_refused(self, module: Module, owner: str, call: Call) -> bool:
        """Whether a logger is given a keyword that it does not take."""
        if call.leaf() not in WRITING or not owner:
            return False
        keywords = {given.keyword for given in call.takes} - {"", "**"}
        if keywords <= KEYWORDS or not self._is_standard(module, owner):
            return False
        return self.project.reading.ask("loggers", None)

    def _is_standard(self, module: Module, owner: str) -> bool:
        """Whether what a method is called on certainly is such a logger."""
        if owner[-2:] == "()":
            return self.project.resolve(module, owner).name in STANDARD
        home = self.targets.home(module, owner, bound=True) if "(" not in owner else None
        if home is None or ANYTHING in home[0].hidden or home[1] in home[0].hidden:
            return False
        values = home[0].bindings.get(home[1], ())
        if len(values) != 1 or values[0].kind != "call" or home[1] in home[0].imports:
            return False
        return f"{self.project.resolve(home[0], values[0].chain).name}()" in STANDARD

    @once
    def _is_untouched(self) -> bool:
        """Whether the project lets loggers be what they are."""
        if not _REPLACED.isdisjoint(self.set_attributes.names):
            return False
        return not any(True for _ in self.project.calling(_REPLACING))
