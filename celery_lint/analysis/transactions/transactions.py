"""Which code runs in a transaction of Django, as far as that is written around it."""

from __future__ import annotations

from collections.abc import Iterator

from celery_lint.libraries.django import ATOMIC, METHOD_DECORATOR
from celery_lint.model.facts import Function, Module, Place, Value
from celery_lint.model.records import NamedTuple
from celery_lint.model.steps import Step
from celery_lint.project.entity import Entity, Key, is_decorated
from celery_lint.project.known import Known

_GENERATORS = frozenset({"contextmanager", "asynccontextmanager"})
# What a name of the project says before its file is read; what it is decides once that is.
_SPEAKING = ("atomic", "transaction")
_DISPATCHING = (".delay", ".apply_async", ".on_commit", "~on_commit")


class Transaction(NamedTuple):
    """A transaction around a statement: the ``with`` of its function that opens it, or ``None``.

    ``place`` is that, a decorator, what a caller has around its call, or the setting for all requests.
    """

    place: Place
    opened: Step | None
    of_request: bool = False


class Transactions:
    """The transactions of a project, by the code around a statement."""

    def __init__(self, known: Known) -> None:
        self.project = known.project
        self.functions = known.project.functions
        self._opening: dict[Key, bool] = {}

    def explore(self) -> None:
        """Read what may open a transaction by its name, where a task is sent or a callback registered."""
        for module, function in self.project.calling(*_DISPATCHING):
            for chain in self._named(module, function):
                self.is_atomic(module, chain)

    def _named(self, module: Module, function: Function) -> Iterator[str]:
        chains = [value.chain for value in function.decorators]
        if function.has("with") and function.states(*_SPEAKING):
            opened = (step for step in self.functions.of(module, function).steps if step.kind == "with")
            chains += [chain.partition("=")[0] for step in opened for chain in step.chains]
        for chain in chains:
            if any(word in chain.rpartition(".")[2].lower() for word in _SPEAKING):
                yield chain

    def around(self, module: Module, function: Function, step: Step) -> Transaction | None:
        """The outermost transaction that a statement of a function certainly stands in."""
        for decorator in function.decorators:
            if self.is_decorator(module, decorator):
                return Transaction(module.place(decorator.span), None)
        outermost = None
        if function.has("with"):
            for opened in self.functions.of(module, function).ancestors(step):
                if opened.kind == "with" and self.is_opened_by(module, opened):
                    outermost = Transaction(module.place(opened.span), opened)
        return outermost

    def is_opened_by(self, module: Module, step: Step) -> bool:
        """Whether a ``with`` opens a transaction."""
        return any(self.is_atomic(module, chain.partition("=")[0]) for chain in step.chains)

    def is_decorator(self, module: Module, value: Value) -> bool:
        """Whether a decorator runs its function in a transaction."""
        if value.kind == "call":
            given = value.first()
            if given is not None and self.project.resolve(module, value.chain).name == METHOD_DECORATOR:
                return self.is_decorator(module, given)
        return bool(value.chain) and self.is_atomic(module, value.chain)

    def is_atomic(self, module: Module, chain: str) -> bool:
        """Whether a context manager or decorator opens a transaction: Django's own, or one of the project."""
        plain = chain.removesuffix("()")
        entity = self.project.resolve(module, plain)
        if entity.kind == "external":
            return entity.name.removesuffix("()") in ATOMIC
        if entity.kind in ("class", "instance"):
            return any(base.name in ATOMIC for base in self.project.bases(entity._replace(kind="class")))
        return entity.kind == "function" and self._opens(entity)

    def _opens(self, entity: Entity) -> bool:
        """Whether a function of the project gives a transaction, or holds one while it yields."""
        function, module = entity.function(), entity.module
        if function is None or module is None:
            return False
        key = (module.path, function.qualname)
        known = self._opening.get(key)
        if known is None:
            self._opening[key] = False  # one that opens itself
            known = self._opening[key] = self._yields_inside(module, function) or any(
                value.kind == "call" and self.is_atomic(module, value.chain) for value in function.returns
            )
        return known

    def _yields_inside(self, module: Module, function: Function) -> bool:
        if not is_decorated(function, _GENERATORS) or not function.has("with"):
            return False
        flow = self.functions.of(module, function)
        return any(
            step.kind == "with"
            and self.is_opened_by(module, step)
            and any(inner.yields for inner in flow.below(step))
            for step in flow.steps
        )
