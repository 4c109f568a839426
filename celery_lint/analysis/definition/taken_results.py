"""Who takes what a task gives when it is sent: its result, its id or its state."""

from __future__ import annotations

from typing import Literal

from celery_lint.inventory.code.handlers import is_log
from celery_lint.inventory.tasks.sendings import Sending, Sendings
from celery_lint.inventory.tasks.task import Task
from celery_lint.libraries.celery import SENDING
from celery_lint.model.facts import Place
from celery_lint.model.records import NamedTuple
from celery_lint.model.steps import Step
from celery_lint.project.functions import Flow
from celery_lint.project.known import Known

_UPDATING = ".update_state"


class Taken(NamedTuple):
    """Where somebody takes the result of a task or its id, or where the task tells its state itself."""

    place: Place
    what: Literal["result", "state"]


class TakenResults:
    """The tasks whose results somebody may ask for: with ``ignore_result`` there would be none.

    A result that goes anywhere but to a log counts as taken, and so does its id: who has that may ask.
    """

    def __init__(self, known: Known) -> None:
        self.functions = known.project.functions
        self.sendings = known.of(Sendings)

    def of(self, task: Task) -> Taken | None:
        """Where somebody takes what the option would not keep, first of all a result."""
        for sending in self.sendings.by_task.get(task.key, ()):
            taken = self._by_message(sending) if sending.sends else self._by_canvas(sending)
            if taken:
                return Taken(sending.place, "result")
        function = task.function
        if function is not None and function.may_call(_UPDATING):
            for call in self.functions.calls(task.module, function):
                if call.chain.endswith(_UPDATING):
                    return Taken(task.module.place(call.span), "state")
        return None

    def _by_message(self, sending: Sending) -> bool:
        """Whether somebody takes what a message gives, or has said itself what the id is."""
        call = sending.call
        if sending.how not in SENDING | {"send_task"} or call.keyword("ignore_result"):
            return False  # after a commit there is none, and what runs here has its result
        if call.keyword("task_id"):
            return True
        flow = self.sendings.flow(sending)
        step = flow.step_of(call)
        if call.in_lambda:
            return step is None or step.value.rpartition(".")[2] != "on_commit()"
        return step is not None and _is_taken(flow, step, sending)

    def _by_canvas(self, sending: Sending) -> bool:
        """Whether a signature may be one of a chord, which waits for results, or of what somebody keeps."""
        if sending.call.is_looked_into or sending.call.is_statement:
            return False  # `task.s().delay()` is a message
        function = sending.function
        step = self.sendings.flow(sending).step_of(sending.call)
        gathers = function.mentions("chord") or (
            function.mentions("group")
            and any(
                call.is_piped_into or call.leaf() == "chain"
                for call in self.functions.calls(sending.module, function)
            )
        )
        return gathers or step is None or step.kind != "expr"


def _is_taken(flow: Flow, step: Step, sending: Sending) -> bool:
    """Whether the result is more than dropped, or told to a log."""
    call = sending.call
    if call.is_statement or is_log(step):
        return False
    alone = call.parent == -1 and not call.is_looked_into
    if step.kind == "expr":
        return not alone or not call.in_comprehension
    if step.kind != "assign" or not alone or not step.stores:
        return True
    names = set(step.stores)
    return any(
        names & {load.lstrip("!@[/={") for load in other.loads} and not is_log(other)
        for other in flow.steps
        if other is not step
    )
