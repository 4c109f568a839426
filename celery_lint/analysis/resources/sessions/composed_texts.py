"""Texts that a program puts together of what it knows, in columns that take any text.

``run.progress = f"step {i} of 30"``, ``run.output = os.path.join(folder, f"{run.id}.csv")``: no database
refuses these. A text that came from elsewhere may be none for it, or one that it cannot hold.
"""

from __future__ import annotations

from collections.abc import Sequence

from celery_lint.analysis.resources.sessions.plain_values import GIVING, is_plain
from celery_lint.model.calls import Call
from celery_lint.model.facts import REFUSING_TEXTS, TAKING_TEXTS, Module
from celery_lint.model.steps import Step
from celery_lint.project.functions import Flow
from celery_lint.project.project import Project

# What a text is put together by: the display of one, and paths.
_TEXT = "'"
_PATHS = frozenset({"os.path.join()", "~str()"})
# What names the class of the rows that a session gives.
_ASKING = frozenset({"get", "query", "select"})
# What looks for a row by what it is given.
_FINDING = frozenset({"filter_by", "get"})
_NUMBERS = frozenset({"~int", "~float", "int", "float"})
_DEEPEST = 4


class ComposedTexts:
    """Whether a statement of a function sets an attribute of a row to such a text."""

    def __init__(self, project: Project) -> None:
        self.project = project

    def are_set(self, module: Module, flow: Flow, step: Step, calls: Sequence[Call]) -> bool:
        """Whether a statement does so."""
        if step.kind != "assign" or step.stores or not step.loads:
            return False
        row, *parts = step.loads
        return (
            step.value in (_TEXT, *_PATHS)
            and self._takes_texts(module, flow, row, calls)
            and all(self._is_known(flow, name, calls) for name in _variables(flow, parts))
        )

    def _takes_texts(self, module: Module, flow: Flow, row: str, calls: Sequence[Call]) -> bool:
        """Whether a variable holds rows of one class, each of whose columns of texts takes any."""
        binding = [step for step in flow.steps if row in step.stores]
        asked = [
            call.argument(0).chain
            for step in binding
            for call in (calls[number] for number in step.calls)
            if call.leaf() in _ASKING and call.argument(0).kind == "name"
        ]
        if not asked or len(asked) != len(binding) or len(set(asked)) != 1:
            return False
        class_ = self.project.resolve(module, asked[0]).class_()
        made = [value.data for values in class_.attributes.values() for value in values] if class_ else []
        return TAKING_TEXTS in made and REFUSING_TEXTS not in made

    def _is_known(self, flow: Flow, name: str, calls: Sequence[Call], depth: int = 0) -> bool:
        """Whether a variable holds a number, a text like that, or what is in the database already."""
        if depth > _DEEPEST:
            return False
        parameter = next((each for each in flow.function.parameters if each.name == name), None)
        binding = [step for step in flow.steps if name in step.stores]
        if parameter is not None:
            return not binding and (parameter.annotation in _NUMBERS or _finds_a_row(name, calls))
        return bool(binding) and all(self._gives_known(flow, step, calls, depth) for step in binding)

    def _gives_known(self, flow: Flow, step: Step, calls: Sequence[Call], depth: int) -> bool:
        """Whether a statement binds a variable to such a value."""
        if step.kind == "for":
            return "range" in step.loads and not step.calls and len(step.stores) == 1
        if step.kind == "augment":
            return is_plain(step.value)
        if step.kind != "assign":
            return False
        if is_plain(step.value) or _is_of_a_row(step.value) or _is_compared_with_a_number(flow, step.value):
            return True
        return step.value in (_TEXT, *_PATHS) and all(
            self._is_known(flow, each, calls, depth + 1) for each in _variables(flow, step.loads)
        )


def _variables(flow: Flow, loads: Sequence[str]) -> list[str]:
    """The variables of a function among the names that a statement reads: its own, no module of paths."""
    bound = {name for step in flow.steps for name in step.stores}
    bound.update(parameter.name for parameter in flow.function.parameters)
    return [name for name in loads if name.isidentifier() and (name in bound or name not in ("os", "str"))]


def _is_of_a_row(value: str) -> bool:
    """Whether a value is a row that a query has given, or taken from one: `options.get("url")` is neither."""
    return ".query()" in value and any(f"{giving}." in f"{value}." for giving in GIVING)


def _finds_a_row(name: str, calls: Sequence[Call]) -> bool:
    """Whether a parameter is what a row is found by: it says what the row does."""
    return any(call.leaf() in _FINDING and call.hands_on(f"%{name}") for call in calls)


def _is_compared_with_a_number(flow: Flow, value: str) -> bool:
    """Whether a test holds the value against a number: ``if total == 0:``."""
    words = (f"={value}:#", f"=!{value}:#")
    return any(
        chain.startswith(words) and not chain.endswith("#None")
        for step in flow.steps
        if step.kind in ("if", "while")
        for chain in step.chains
    )
