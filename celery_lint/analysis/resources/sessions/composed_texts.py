"""Texts that a program puts together of what it knows, in columns that take any text.

``run.progress = f"step {i} of 30"``, ``run.output = os.path.join(folder, f"{run.id}.csv")``: no database
refuses these. A text that came from elsewhere may be none for it, or one that it cannot hold.
"""

from __future__ import annotations

from collections.abc import Sequence

from celery_lint.analysis.resources.sessions.plain_values import GIVING, is_plain
from celery_lint.libraries.sqlalchemy import COLUMNS
from celery_lint.model.calls import Call
from celery_lint.model.facts import Module, Value
from celery_lint.model.steps import COMPOSED, Step
from celery_lint.project.entity import Entity
from celery_lint.project.functions import Flow
from celery_lint.project.project import Project

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
        attribute = next((each[1:] for each in parts if each[0] == ">"), "")
        return (
            attribute != ""
            and step.value in COMPOSED
            and self._takes_texts(module, flow, row, attribute, calls)
            and all(self._is_known(flow, name, calls) for name in _variables(flow, parts))
        )

    def _takes_texts(
        self, module: Module, flow: Flow, row: str, attribute: str, calls: Sequence[Call]
    ) -> bool:
        """Whether a variable holds rows of one class, whose column of this name takes any text."""
        binding = [step for step in flow.steps if row in step.stores]
        asked = [
            call.argument(0).chain
            for step in binding
            for call in (calls[number] for number in step.calls)
            if call.leaf() in _ASKING and call.argument(0).kind == "name"
        ]
        if not asked or len(asked) != len(binding) or len(set(asked)) != 1:
            return False
        return self._is_open(self.project.resolve(module, asked[0]), attribute)

    def _is_open(self, rows: Entity, attribute: str) -> bool:
        """Whether a column of a class takes any text, as far as its own words and those of its table say.

        What stands in the arguments of a table may be a constraint for it, but for a dictionary's options.
        """
        bound: list[bool] = []
        for each in self.project.bases(rows):
            class_, home = each.class_(), each.module
            if class_ is None or home is None:
                if each.kind != "external":
                    return False  # a class that nobody can read
                continue
            table = class_.attributes.get("__table_args__", ())
            if "__table_args__" in class_.methods or any(value.kind != "mapping" for value in table):
                return False
            bound += [self._is_column_of_text(home, value) for value in class_.attributes.get(attribute, ())]
            bound += [False] * (attribute in class_.methods)
        return bool(bound) and all(bound)

    def _is_column_of_text(self, module: Module, value: Value) -> bool:
        """Whether a value is a column that takes any text, of a type that the project does not define."""
        leaf = value.chain.rpartition(".")[2].lstrip(":")
        type_ = value.first() if value.kind == "call" and leaf in COLUMNS else None
        return type_ is not None and self.project.resolve(module, type_.chain).kind == "external"

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
        return step.value in COMPOSED and all(
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
