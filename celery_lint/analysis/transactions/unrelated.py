"""Tasks that certainly ask no database: whether a transaction has been committed is all the same to them."""

from __future__ import annotations

import sys
from datetime import date, datetime

from celery_lint.inventory.code.graph import CallGraph
from celery_lint.inventory.tasks.task import Task
from celery_lint.libraries.django import MANAGERS
from celery_lint.libraries.network import DATABASE_DRIVERS, WAITING
from celery_lint.model.calls import Call
from celery_lint.model.chains import leaf_of_chain
from celery_lint.model.facts import Function, Module
from celery_lint.project.entity import Entity, Key
from celery_lint.project.known import Known

_MOST = 30  # functions: what does more than that asks for something
_ASKING = (
    *DATABASE_DRIVERS, "anyio.", "asgiref.", "asyncio.", "django.", "pymongo.", "sqlalchemy.", "sqlite3.",
)  # fmt: skip
# Packages that know nothing of the rows of a project, and those parts of Django that do not.
_UNRELATED = (
    *(name for name in WAITING if not name.startswith(_ASKING)),
    "celery.", "confluent_kafka.", "django.conf.", "django.core.mail.", "django.utils.", "kombu.", "logging.",
    "loguru.", "sentry_sdk.", "structlog.",
)  # fmt: skip
_OTHERS = ("sqlite3.", "celery.result.")
# What messages are made of, and those of their methods that rows, managers or queries have as well.
_DATA = (bytes, date, datetime, dict, list, str)
_OF_ROWS = frozenset({"clear", "count", "get", "remove", "reverse", "update", "values"})
_SENDING = frozenset({"apply", "apply_async", "delay", "send_task"})
# These may lead anywhere.
_OPEN = frozenset({"__import__", "eval", "exec", "getattr", "import_module", "import_string"})


class Unrelated:
    """Which tasks work with nothing but what they are given."""

    def __init__(self, known: Known) -> None:
        self.project = known.project
        self.graph = known.of(CallGraph)
        self.functions = known.project.functions
        self._known: dict[Key, bool] = {}

    def is_certain(self, task: Task) -> bool:
        """Whether nothing that a task does asks a database, since everything it calls is in sight."""
        if task.key not in self._known:
            self._known[task.key] = self._is_certain(task)
        return self._known[task.key]

    def _is_certain(self, task: Task) -> bool:
        if task.function is None:
            return False
        receiver = self.graph.receiver(task)
        line: list[tuple[Module, Function, Entity | None]] = [
            (self.graph.home(task), task.function, receiver)
        ]
        line += [(module, function, receiver) for module, function in self.graph.around(task)]
        seen = {(module.path, function.qualname) for module, function, _ in line}
        for module, function, its in line:  # which grows meanwhile
            callees = self.graph.callees(module, function, its)
            followed = {callee.call.number for callee in callees}
            plain = _parameters(task) if function is task.function else frozenset()
            raised = {n for s in function.steps() if s.kind == "raise" for n in s.calls}  # exceptions
            if not all(
                call.number in followed
                or (call.number in raised and call.parent < 0)
                or self._is_unrelated(module, call, plain)
                for call in self.functions.calls(module, function)
            ):
                return False
            for callee in callees:
                key = (callee.module.path, callee.function.qualname)
                if key not in seen:
                    seen.add(key)
                    line.append((callee.module, callee.function, callee.receiver))
            if len(line) > _MOST:
                return False
        return True

    def asks_nothing(self, module: Module, call: Call) -> bool:
        """Whether a call is of something in sight that certainly asks no database."""
        entity = self.project.resolve(module, call.chain)
        return entity.kind == "external" and self._is_unrelated(module, call, frozenset())

    def _is_unrelated(self, module: Module, call: Call, plain: frozenset[str]) -> bool:
        """Whether a call that leads to no function of the project certainly asks no database."""
        chain, leaf = call.chain, leaf_of_chain(call.chain)
        if leaf in _SENDING or leaf in _OPEN:
            return False
        root = chain.partition(".")[0]
        if root[:1] == "%":
            managed = any(manager in f"{chain}." for manager in MANAGERS)
            plainly = _is_plain(leaf) or (leaf == "update" and call.positional != [])  # rows take keywords
            return not managed and (plainly or (root[1:].rstrip("()[]") in plain and "." in chain))
        entity = self.project.resolve(module, chain)
        if entity.kind == "class":
            return all(
                base.kind == "class" or base.name.startswith("builtins.")
                for base in self.project.bases(entity)
            )
        if entity.kind != "external" or entity.name.startswith(_OTHERS):
            return False
        package = entity.name.partition(".")[0]
        return package in sys.stdlib_module_names or entity.name.startswith(_UNRELATED)


def _parameters(task: Task) -> frozenset[str]:
    """The parameters of a task, which come out of a message: nothing of a database."""
    return (
        frozenset(parameter.name for parameter in task.function.parameters) if task.function else frozenset()
    )


def _is_plain(leaf: str) -> bool:
    """Whether a method is one of texts, lists, mappings and dates, or of the task, and of no row."""
    return leaf == "retry" or (leaf not in _OF_ROWS and any(hasattr(kind, leaf) for kind in _DATA))
