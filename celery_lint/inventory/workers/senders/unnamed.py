"""Views that no route names, handlers of bots that nothing adds, and classes that nothing names.

Nobody comes to what stands in them. It answers *yes* only where no file of the workspace says the name, but
those that nothing imports, and nothing goes through what the module has: a router that scans modules, or asks
a class for its subclasses.
"""

from __future__ import annotations

from celery_lint.inventory.workers.senders.said import Said
from celery_lint.inventory.workers.senders.unused import Unused
from celery_lint.libraries.views import VIEW_CLASSES, WRAPPING_CLASSES, WRAPPING_VIEWS
from celery_lint.model.facts import Class, Function, Module, Value
from celery_lint.project.entity import Entity
from celery_lint.project.known import Known

#: What every class may derive from: it makes no object of those below, and calls none of their methods.
IDLE_BASES = frozenset({"object", "builtins.object", "abc.ABC", "typing.Generic"})
# First parameters of what only somebody who names it calls: a view, a handler of a bot.
_GIVEN = frozenset({"bot", "message", "request", "update"})
# By these a class knows of those that derive from it.
_ASKING_SUBCLASSES = "__subclasses__"
_TELLING_SUBCLASSES = "__init_subclass__"


class Unnamed:
    """Whether a function is a view, a handler of a bot, or a method of a class, that nothing names."""

    def __init__(self, known: Known) -> None:
        self.project = known.project
        self.functions = known.project.functions
        self.unused = known.of(Unused)
        self.said = known.of(Said)

    def holds(self, module: Module, function: Function) -> bool:
        """Whether nothing leads to a function, by its own name or by that of its class."""
        class_ = module.classes.get(function.owner)
        if class_ is None:
            is_view = not function.owner and self._is_view(module, function)
            return is_view and self._is_unnamed(module, function.name, function.span.line, function.end_line)
        if not self._is_class(module, class_):
            return False
        inside = self.functions.within(module, class_.qualname)
        return self._is_unnamed(
            module, class_.name, class_.span.line, max(each.end_line for each in inside)
        ) and not self.project.deployment.written.lines(_ASKING_SUBCLASSES)

    def may_be_class(self, module: Module, function: Function) -> bool:
        """Whether a function stands in a class that nothing need name, whatever the files say."""
        class_ = module.classes.get(function.owner)
        return (
            class_ is not None and self.unused.keeps(module, class_.name) and self._is_class(module, class_)
        )

    def _is_unnamed(self, module: Module, name: str, first: int, last: int) -> bool:
        return (
            self.unused.keeps(module, name)
            and not self.said.of_module(module, name, [(module.path, first, last)])
            and not self.said.may_be_listed(module)
        )

    def _is_view(self, module: Module, function: Function) -> bool:
        """Whether only who names a function can call it, as a route does: nothing but wrappings is around."""
        if function.is_nested() or not self.unused.is_plainly_named(module, function):
            return False
        wrapped = all(self._wraps(module, each, WRAPPING_VIEWS) for each in function.decorators)
        return wrapped and function.first() in _GIVEN

    def _is_class(self, module: Module, class_: Class) -> bool:
        """Whether only who names a class makes an object of it: its bases do nothing, or are views."""
        bases = list(self.project.bases(Entity("class", class_.qualname, module)))
        return (
            class_.name == class_.qualname
            and all(self._wraps(module, each, WRAPPING_CLASSES) for each in class_.decorators)
            and all(
                base.name.startswith(VIEW_CLASSES) or base.name.partition("[")[0] in IDLE_BASES
                if (own := base.class_()) is None
                else _TELLING_SUBCLASSES not in own.methods
                for base in bases
            )
        )

    def _wraps(self, module: Module, decorator: Value, names: tuple[str, ...]) -> bool:
        return self.project.resolve(module, decorator.chain).name.startswith(names)
