"""What of a row the message for a task carries: what the row is known by, or a text that is used as it is."""

from __future__ import annotations

import re

from celery_lint.analysis.transactions.unrelated import Unrelated
from celery_lint.inventory.code.handlers import is_log
from celery_lint.inventory.tasks.sendings import Sending
from celery_lint.inventory.tasks.signatures import Signatures
from celery_lint.inventory.tasks.task import Task
from celery_lint.model.facts import Function, Module
from celery_lint.project.known import Known

# What rows are known by, whatever the task does with it.
_KEY = re.compile(r"(^|_)(pk|id|ids|key|uuid|guid|slug|token|code|email|username|number|ref|reference)$")


class Carried:
    """What messages carry of the rows that are named in the calls that send them."""

    def __init__(self, known: Known) -> None:
        self.project = known.project
        self.functions = known.project.functions
        self.signatures = known.of(Signatures)
        self.unrelated = known.of(Unrelated)

    def as_text(self, sending: Sending, task: Task) -> set[str]:
        """The variables of which a task gets nothing but texts that it looks for no row with.

        Such a task reads other rows, so it says nothing of it whether that one is committed.
        """
        given, signature = sending.given, self.signatures.of(task)
        if given is None or signature is None or given.more_positional or given.more_keywords:
            return set()
        if len(given.positional) > len(signature.positional) or task.function is None:
            return set()
        filled = [*zip(signature.positional, given.positional, strict=False), *given.keywords]
        if any(value.kind not in ("name", "constant") for _, value in filled):
            return set()  # a row may be anywhere in it
        texts: set[str] = set()
        rows: set[str] = set()
        spelled = self._spelled(sending)
        for parameter, value in filled:
            owner, _, attribute = value.chain.rpartition(".")
            plain = self._is_text(attribute) and self._is_only_told(task.module, task.function, parameter)
            for name, chains in spelled.items():
                if value.chain in chains or any(value.chain.startswith(f"{chain}.") for chain in chains):
                    (texts if plain and owner in chains else rows).add(name)
        return texts - rows

    def _spelled(self, sending: Sending) -> dict[str, set[str]]:
        """The variables of the call that sends, each with the chains that its attributes begin with."""
        flow = self.functions.of(sending.module, sending.function)
        step = flow.step_of(sending.call)
        found = {name: {f"%{name}"} for name in (step.loads if step is not None else ())}
        for other in flow.steps:
            for name in other.stores:
                if other.kind == "assign" and name in found and other.value:
                    found[name].add(other.value)
        return found

    @staticmethod
    def _is_text(attribute: str) -> bool:
        return attribute.isidentifier() and _KEY.search(attribute) is None

    def _is_only_told(self, module: Module, function: Function, parameter: str) -> bool:
        """Whether a function hands a parameter on to nothing that may look for a row with it."""
        chain = f"%{parameter}"
        flow = self.functions.of(module, function)
        if any(chain in step.chains for step in flow.steps if step.kind in ("assign", "for", "with")):
            return False
        for call in self.functions.calls(module, function):
            if any(given.chain.partition(".")[0] == chain for given in call.takes):
                step = flow.step_of(call)
                if not (step is not None and is_log(step)) and not self.unrelated.asks_nothing(module, call):
                    return False
        return True
