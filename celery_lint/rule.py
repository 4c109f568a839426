"""What a rule is."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable
from typing import TYPE_CHECKING, Any, ClassVar, Literal, NamedTuple, TypeVar

if TYPE_CHECKING:
    from celery_lint.diagnostics import Severity
    from celery_lint.inventory.tasks.task import Task
    from celery_lint.model.facts import Place
    from celery_lint.options import Preset
    from celery_lint.project.known import Known, facts

FAMILIES = {
    "suppressions": "0",
    "event_loop": "1",
    "resources": "2",
    "definition": "3",
    "flow": "4",
    "limits": "5",
    "calls": "6",
    "canvas": "6",
    "results": "6",
    "transactions": "6",
    "wiring": "7",
    "schedules": "8",
    "application": "9",
}
"""The families in the order in which they are shown, and the first digit of their codes."""


class Cause(NamedTuple):
    """What several findings of a rule have in common: one edit mends them all, so one of them is told.

    ``key`` tells the cause from others of the rule: the object that is kept, the function that must change.
    The finding that stands first is told, by path and position, with the places of the others; those of a
    greater ``rank`` come after all of a smaller one.
    """

    key: Hashable
    rank: int = 0


class Finding(NamedTuple):
    """What a rule yields: where, the values for its message, and the other halves of the story.

    ``variant`` chooses one of the rule's ``variants`` in place of its ``message`` and ``help``. ``fix`` holds
    the words for the rule's automatic edit, or is ``None`` where this finding has none. ``cause`` is what it
    has in common with other findings of the rule, of which one is told. ``runs`` are the tasks in whose runs
    something fails that is found elsewhere, at what sends them: where no worker has any of these, none runs.
    """

    place: Place
    values: dict[str, Any] = {}
    related: tuple[tuple[Place, str], ...] = ()
    variant: str = ""
    fix: tuple[str, ...] | None = None
    cause: Cause | None = None
    runs: tuple[Task, ...] = ()


class Rule:
    """One rule of a project. The class docstring is its documentation page, see ``scripts/generate.py``."""

    code: ClassVar[str]
    name: ClassVar[str]
    severity: ClassVar[Severity]
    preset: ClassVar[Preset]
    message: ClassVar[str]
    help: ClassVar[str]
    #: Other messages with their help, for cases of the same defect that need other words.
    variants: ClassVar[dict[str, tuple[str, str]]] = {}
    #: The test that shows on a real worker what the rule claims (``tests/proofs/test_limits.py::test_…``), or
    #: ``convention`` where no failure is claimed.
    proof: ClassVar[str] = ""
    #: Whether some findings have an automatic edit: ``safe`` if the code fails as it is, or does the same
    #: after it; ``unsafe`` if the code works, and does something else after it.
    fixable: ClassVar[Literal["", "safe", "unsafe"]] = ""
    #: Why it speaks in tasks that nothing sends too, where it does. What happens when a task runs happens to
    #: nobody there, so what a rule finds in such a task is dropped, whoever finds it.
    even_unsent: ClassVar[str] = ""
    #: Whether it speaks of calls that send tasks or ask what became of them: where such a call stands in a
    #: function that nothing calls, and that is no task, it happens to nobody.
    of_senders: ClassVar[bool] = False
    #: A line of configuration that the example of the documentation needs.
    example_options: ClassVar[str] = ""

    def __init__(self, known: Known) -> None:
        self.known = known

    @classmethod
    def family(cls) -> str:
        """The family's name: the folder that the rule stands in."""
        return cls.__module__.split(".")[-2]

    @classmethod
    def pylint_id(cls) -> str:
        """The message id under pylint: severity letter, ``9``, the same three digits."""
        return {"error": "E", "warning": "W", "advice": "R"}[cls.severity] + "9" + cls.code[3:]

    @classmethod
    def says(cls) -> list[tuple[str, str]]:
        """Every message with its help, for readers: what is filled in stands there in capitals."""
        texts = [(cls.message, cls.help), *cls.variants.values()]
        return [(_plain(message), _plain(help_text)) for message, help_text in texts]

    @classmethod
    def summary(cls) -> str:
        """The first line of the documentation."""
        return (cls.__doc__ or "").strip().partition("\n")[0]

    @classmethod
    def documentation(cls) -> str:
        """The documentation as Markdown."""
        from inspect import cleandoc

        return cleandoc(cls.__doc__ or "")

    @classmethod
    def page(cls) -> str:
        """The documentation and every message, as Markdown."""
        said = "\n".join(f"* {message}\n  * help: {help_text}" for message, help_text in cls.says())
        return f"{cls.documentation()}\n\n## Messages\n\n{said}\n"


_Rule = TypeVar("_Rule", bound=Rule)
_Fact = TypeVar("_Fact")
_Check = Callable[[_Rule, _Fact], Iterable[Finding]]


def _plain(template: str) -> str:
    fields: dict[str, str] = _Fields()
    return template.format_map(fields)


class _Fields(dict[str, str]):
    def __missing__(self, key: str) -> str:
        return key.upper()


def on(source: facts[Any, _Fact]) -> Callable[[_Check[_Rule, _Fact]], _Check[_Rule, _Fact]]:
    """Mark a method of a rule as the check of the facts that this property finds."""

    def mark(check: _Check[_Rule, _Fact]) -> _Check[_Rule, _Fact]:
        check.source = source  # type: ignore[attr-defined]
        return check

    return mark


_Checks = list[tuple["facts[Any, Any]", Callable[[Any, Any], Iterable[Finding]]]]
_checks: dict[type[Rule], _Checks] = {}


def checks_of(rule: type[Rule]) -> _Checks:
    """The rule's checks: what finds the facts, and the method that judges one of them."""
    if rule not in _checks:
        members = [vars(rule)[name] for name in sorted(vars(rule))]
        found = [(getattr(check, "source", None), check) for check in members]
        _checks[rule] = [(source, check) for source, check in found if source is not None]
    return _checks[rule]
