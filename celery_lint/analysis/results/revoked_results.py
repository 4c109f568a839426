"""Results that stand where the id of a task belongs."""

from __future__ import annotations

from celery_lint.inventory.application.applications import is_application
from celery_lint.inventory.tasks.results import Results
from celery_lint.inventory.tasks.sendings import Sendings
from celery_lint.model.calls import Call
from celery_lint.model.facts import Function, Module, Place
from celery_lint.model.records import NamedTuple
from celery_lint.project.known import Known, facts

_REVOKING = frozenset({"revoke", "terminate"})


class RevokedResult(NamedTuple):
    """A result that is handed to ``revoke`` or ``terminate`` of ``control``."""

    place: Place
    method: str


class RevokedResults:
    """What is revoked."""

    def __init__(self, known: Known) -> None:
        self.project = known.project
        self.functions = known.project.functions
        self.results = known.of(Results)
        self.sendings = known.of(Sendings)

    @facts
    def all(self) -> list[RevokedResult]:
        """The results in place of their ids."""
        return [
            RevokedResult(module.place(call.span), call.leaf())
            for module, function in self.project.calling(*(f".control.{word}" for word in _REVOKING))
            for call in self.functions.calls(module, function)
            if call.leaf() in _REVOKING
            and self._is_control(module, call)
            and self._is_result(module, function, call)
        ]

    def _is_control(self, module: Module, call: Call) -> bool:
        """Whether it is ``app.control.revoke``."""
        application, _, control = call.chain.rpartition(".")[0].rpartition(".")
        return control == "control" and (
            self.sendings.is_application(module, application)
            or is_application(self.project.resolve(module, application).name)
        )

    def _is_result(self, module: Module, function: Function, call: Call) -> bool:
        given = call.argument(0, "task_id")
        chain = given.chain if given.kind == "name" else ""
        if given.kind == "call":
            chain = f"{self.functions.calls(module, function)[given.number].chain}()"
        return bool(chain) and self.results.of(module, function, chain) is not None
