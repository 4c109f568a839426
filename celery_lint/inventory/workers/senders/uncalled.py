"""Functions and methods that send tasks and that nothing calls: what is wrong there happens to nobody.

It answers *yes* only where the name stands nowhere else in the product, be it for something else, and where
nothing outside may call it. Of methods it asks more than ``Unused`` does of functions: the class derives from
nothing that is not read, its module looks nothing up by names that only the run knows, and the method needs
arguments, which templates do not give.
"""

from __future__ import annotations

from collections.abc import Iterable

from celery_lint.files.filter import Pair
from celery_lint.inventory.workers.senders.mentions import Mention, mentions_of
from celery_lint.inventory.workers.senders.said import Said
from celery_lint.inventory.workers.senders.shown import Shown
from celery_lint.inventory.workers.senders.unnamed import IDLE_BASES, Unnamed
from celery_lint.inventory.workers.senders.unused import Unused
from celery_lint.model.facts import Function, Place, Value
from celery_lint.project.entity import Entity, is_decorated
from celery_lint.project.known import Known, once

# A method that is one of the class or of nothing is called by its name all the same.
_STATIC = frozenset({"staticmethod"})
_PLAIN = _STATIC | {"classmethod"}
# What takes a method of an object by a name.
_LOOKING_UP = frozenset({"getattr", "methodcaller"})


class UncalledSenders:
    """Whether places that somebody asks about lie in functions that nothing calls."""

    def __init__(self, known: Known) -> None:
        self.project = known.project
        self.functions = known.project.functions
        self.unused = known.of(Unused)
        self.shown = known.of(Shown)
        self.said = known.of(Said)
        self.unnamed = known.of(Unnamed)

    def holds(self, place: Place, makes_tasks: bool = False) -> bool:
        """Whether a place lies in a function or a method that nothing calls.

        A method that ``makes_tasks`` needs no arguments: that is nothing for a template.
        """
        mention = self._around(place)
        if mention is None or not self.shown.is_deployed:
            return False
        if mention.function is not None and self.unnamed.holds(mention.module, mention.function):
            return True
        if not self._may_be_method(mention, makes_tasks):
            users = self.unused.users({"": [mention]})
            return self.unused.is_uncalled(mention, users, ())
        name = mention.function.name if mention.function is not None else ""
        used = mentions_of(self.project, {name}).get(name, ())
        function = mention.function
        if function is None or not all(
            user.function is function or self.said.is_left(user.module.path) for user in used
        ):
            return False
        lines = (mention.module.path, function.span.line, function.end_line)
        return not self.said.anywhere(mention.module, name, [lines])

    def words(self, places: Iterable[Place], makes_tasks: bool = False) -> set[Pair]:
        """The names of functions around these places that nothing calls so far."""
        found: set[Pair] = set()
        if not self.shown.is_deployed:
            return found
        for place in dict.fromkeys(places):
            mention = self._around(place)
            if mention is None or mention.function is None:
                continue
            if mention.function.owner and self.unnamed.may_be_class(mention.module, mention.function):
                found.add((mention.function.owner.rpartition(".")[2], ""))
            if self._may_be_method(mention, makes_tasks):
                found.add((mention.function.name, ""))
            else:
                mentions = {"": [mention]}
                found |= self.unused.words(mentions, self.unused.users(mentions), ())
        return found

    def _around(self, place: Place) -> Mention | None:
        """The function that holds a place, and stands in no other."""
        module = self.project.modules.get(place.path)
        here = Value("constant", place.span)
        function = self.functions.around(module, here) if module is not None else None
        while module is not None and function is not None and function.parent:
            function = module.functions.get(function.parent)
        return Mention(module, function) if module is not None and function is not None else None

    # ------------------------------------------------------------------ methods

    def _may_be_method(self, mention: Mention, makes_tasks: bool) -> bool:
        """Whether it is a method to which nothing but its name leads."""
        module, function = mention
        class_ = module.classes.get(function.owner) if function is not None and function.owner else None
        if function is None or class_ is None or class_.decorators:
            return False
        own = Entity("class", class_.qualname, module)
        return (
            self.unused.is_plainly_named(module, function)
            and all(
                decorator.chain.lstrip("~:") in _PLAIN or self.unused.only_wraps(module, decorator)
                for decorator in function.decorators
            )
            and (makes_tasks or _needs_arguments(function))
            and not self.unused.is_offered(class_.name)
            and all(self._calls_nothing(base) for base in self.project.bases(own))
            and module.path not in self._looking
        )

    def _calls_nothing(self, base: Entity) -> bool:
        return base.class_() is not None or base.name.partition("[")[0] in IDLE_BASES

    @once
    def _looking(self) -> frozenset[str]:
        """The modules that may call methods by names that only the run knows: `getattr(self, action)()`."""
        functions = self.functions.saying(self.project.product_modules(), _LOOKING_UP)
        return frozenset(module.path for module, _, said in functions if said)


def _needs_arguments(function: Function) -> bool:
    return sum(each.required for each in function.parameters) > (not is_decorated(function, _STATIC))
