"""Statements that leave an application as it is: neither configured nor finalised.

Celery sends the signals of an application when somebody asks for its configuration, or for its tasks. To
change the configuration, to search for tasks later and to define one asks for neither.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

from celery_lint.inventory.application.applications import is_application
from celery_lint.inventory.application.signals.connections import connected
from celery_lint.inventory.code.graph import CallGraph
from celery_lint.model.calls import Call
from celery_lint.model.chains import leaf_of_chain
from celery_lint.model.facts import Function, Module
from celery_lint.model.steps import Step
from celery_lint.project.known import Known

# What is done to an application, or to its configuration, and only noted for later.
_NOTED = frozenset(
    {"add_defaults", "autodiscover_tasks", "set_current", "set_default", "setdefault", "update"}
)
_NOTED_OF_TASKS = frozenset({"task", "connect"})
_CONF = ".conf"
_QUIET = frozenset({"pass", "global", "break", "continue", "def", "class"})


class Untouched:
    """What a function does with an application after it has connected a receiver to one of its signals."""

    def __init__(self, known: Known) -> None:
        self.project = known.project
        self.functions = known.project.functions
        self.graph = known.of(CallGraph)

    def holds(
        self, module: Module, function: Function, after: Sequence[Step], names: Collection[str]
    ) -> bool:
        """Whether none of these statements can make the application, known by these names, send a signal."""
        calls = self.functions.calls(module, function)
        return all(self._leaves_alone(module, calls, step, names) for step in after)

    def _leaves_alone(self, module: Module, calls: list[Call], step: Step, names: Collection[str]) -> bool:
        if step.kind == "import":
            return False  # the module may use the application when it is imported
        made = [calls[number] for number in step.calls]
        if not all(self._only_notes(module, call) for call in made):
            return False
        if step.kind in _QUIET or not any(name.lstrip("=!@/[{") in names for name in step.loads):
            return True
        if step.kind == "expr":
            return any(leaf_of_chain(step.value) == call.leaf() for call in made)
        if step.kind in ("assign", "return"):
            return not made and self._hands_over(module, step.value)
        return False

    def _hands_over(self, module: Module, chain: str) -> bool:
        """Whether a value is an application itself, a constant or a display: nothing is asked for it."""
        if chain in ("{", "[", "(", "'") or chain[:1] == "#":
            return chain != "#?"
        if chain in ("?", "|", "*") or _asks(chain):
            return False
        return chain[:1] in ":%~" or self.project.resolve(module, chain).kind != "unknown"

    def _only_notes(self, module: Module, call: Call) -> bool:
        """Whether a call asks no application for anything."""
        if any(_asks(chain) or self._is_application(module, chain) for chain in call.named):
            return False
        if connected(self.project, module, call.chain) is not None:
            return True
        leaf, owner = call.leaf(), call.chain.rpartition(".")[0]
        if call.is_decorator and leaf in _NOTED_OF_TASKS:
            return True
        if leaf in _NOTED and (owner.endswith(_CONF) or self._is_application(module, owner)):
            return not call.keyword("force")
        if call.chain[:1] == "%":
            return "." in call.chain and not _asks(call.chain)
        if self.graph.target(module, call.chain) is not None:
            return False
        entity = self.project.resolve(module, call.chain)
        if entity.kind != "external" or _asks(entity.name):
            return False
        return not self._is_application(module, owner) and not entity.name.startswith("celery.Celery()")

    def _is_application(self, module: Module, chain: str) -> bool:
        if not chain or chain[:1] == "%":
            return False
        return is_application(self.project.resolve(module, chain).name)


def _asks(chain: str) -> bool:
    """Whether a chain leads through the configuration of an application."""
    return any(part.rstrip("()[]") == "conf" for part in chain.split("."))
