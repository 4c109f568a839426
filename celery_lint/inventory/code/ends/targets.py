"""Which function a call certainly runs: nothing else can have its name when the call is made."""

from __future__ import annotations

from typing import NamedTuple

from celery_lint.inventory.code.unawaited import is_left_alone
from celery_lint.model.chains import leaf_of_chain
from celery_lint.model.facts import Class, Function, Module
from celery_lint.project.entity import Entity
from celery_lint.project.known import Known, once
from celery_lint.project.memory import Remembered
from celery_lint.project.unseen.set_attributes import SetAttributes

# So many modules hand a name on to each other.
_MOST_HANDED_ON = 3
# Methods that take no object of the class.
_WITHOUT_OBJECT = frozenset({"~classmethod", "~staticmethod"})
# Methods that get the class, whether or not they say so.
_OF_THE_CLASS = frozenset({"__class_getitem__", "__init_subclass__"})
_INIT = "__init__"
# Bases with which an object is made as any other is.
_OBJECTS = frozenset({"~object", "abc.ABC"})
_MOST_BASES = 6
_MAKING = ("__new__", "__getattribute__")
# Decorators that refuse what their function does not take.
_KEEPING = frozenset(
    {
        "contextlib.asynccontextmanager", "contextlib.contextmanager", "django.db.transaction.atomic",
        "functools.cache", "functools.lru_cache",
    }
)  # fmt: skip


class Target(NamedTuple):
    """The function that a call runs.

    ``bare``: it has no decorator, or one that leaves it what it is. ``bound``: an object comes before the
    arguments. ``unbound``: it is a method that is called by its class, so that none does. ``itself``: the
    call is, or may be, of the object that the caller is a method of, and a class that nobody has read may
    derive from its class.
    """

    module: Module
    function: Function
    bare: bool
    bound: bool = False
    itself: bool = False
    unbound: bool = False


class Targets:
    """The functions that calls certainly run."""

    def __init__(self, known: Known) -> None:
        self.project = known.project
        self.set_attributes = known.of(SetAttributes)
        reading = self.project.reading
        reading.tell("bases", lambda name: name in self._bases)
        self._known = Remembered[Target | None](self._find, reading, "targets")
        self._constructors = Remembered[Target | None](self._find_constructor, reading, "constructors")

    def of(self, module: Module, chain: str) -> Target | None:
        """The function behind the chain of a call, where it can be no other."""
        if not chain or chain[0] in "%~" or "[]" in chain or module.star_imports:
            return None
        if chain[0] != ":" and self.project.imports.locate(chain.partition("()")[0], module.path) is None:
            return None
        return self._known.of((module.path, chain), module, chain, self.project.modules.count)

    def _find(self, module: Module, chain: str, _count: int) -> Target | None:
        made, _, rest = chain.partition("()")
        if not rest:
            return self._plain(module, chain)
        *kept, name = rest[1:].split(".")
        if rest[0] != "." or len(kept) > 1 or not all(part.isidentifier() for part in (*kept, name)):
            return None
        home = self.home(module, made)
        class_ = home[0].classes.get(home[1]) if home is not None else None
        if home is None or class_ is None or not _is_plain(class_):
            return None
        itself = made[:1] == ":"
        if kept:
            owner = self._kept(home[0], class_, kept[0]) if not itself or self._is_final(class_) else None
            return self._method(*owner, name) if owner is not None else None
        if itself and not self._is_final(class_):
            return None
        found = self._method(home[0], class_, name)
        return found._replace(itself=itself) if found is not None else None

    def _plain(self, module: Module, chain: str) -> Target | None:
        owner, _, name = chain.rpartition(".")
        above = self.home(module, owner) if owner and leaf_of_chain(owner)[:1].isupper() else None
        if above is not None:  # `Mails.send(text)`, without an object
            class_ = above[0].classes.get(above[1])
            found = self._method(above[0], class_, name) if class_ is not None and _is_plain(class_) else None
            if found is None or any(each.chain in _WITHOUT_OBJECT for each in found.function.decorators):
                return found
            return found._replace(bound=False, unbound=True)
        home = self.home(module, chain)
        function = home[0].functions.get(home[1]) if home is not None else None
        if home is None or function is None or function.owner or self.set_attributes.has(function.name):
            return None
        return self._target(home[0], function)

    def _target(self, module: Module, function: Function, bound: bool = False) -> Target | None:
        """The function, if a call of its name refuses what it does not take."""
        bare = is_left_alone(module, function)
        own = [value for value in function.decorators if value.chain not in _KEEPING]
        if not bare and not is_left_alone(module, function._replace(decorators=tuple(own))):
            return None
        return Target(module, function, bare, bound)

    def constructor(self, module: Module, chain: str) -> Target | None:
        """The ``__init__`` that certainly gets what a class of the project is called with."""
        if not leaf_of_chain(chain)[:1].isupper() or chain[0] in "%~" or "(" in chain or "[" in chain:
            return None
        return self._constructors.of((module.path, chain), module, chain, self.project.modules.count)

    def _find_constructor(self, module: Module, chain: str, _count: int) -> Target | None:
        home = self.home(module, chain)
        class_ = home[0].classes.get(home[1]) if home is not None else None
        if home is None or class_ is None or self.set_attributes.has(_INIT):
            return None
        module, found = home[0], None
        for _ in range(_MOST_BASES):
            if not _is_plain(class_) or len(class_.bases) > 1 or _INIT in class_.attributes:
                return None
            if found is None and _INIT in class_.methods:
                function = module.functions.get(f"{class_.qualname}.{_INIT}")
                found = self._target(module, function, True) if function is not None else None
                if found is None:
                    return None
            if _OBJECTS.issuperset(class_.bases):
                return found
            above = self.home(module, class_.bases[0]) if class_.bases[0][:1] not in ("%", "~") else None
            base = above[0].classes.get(above[1]) if above is not None else None
            if above is None or base is None:
                return None  # a class of another package may be made in a way of its own
            module, class_ = above[0], base
        return None

    def _kept(self, module: Module, class_: Class, name: str) -> tuple[Module, Class] | None:
        """The class of the one object that an object of a class keeps under a name: ``self.x = Client()``."""
        values = class_.attributes.get(name, ())
        if len(values) != 1 or values[0].kind != "call" or self.set_attributes.has(name):
            return None
        if name in class_.methods or module.star_imports or values[0].chain[:1] in ("%", "~", ""):
            return None
        home = self.home(module, values[0].chain)
        kept = home[0].classes.get(home[1]) if home is not None else None
        return (home[0], kept) if home is not None and kept and _is_plain(kept) else None

    def _method(self, module: Module, class_: Class, name: str) -> Target | None:
        """The method of an object of this very class."""
        found = self.project.attribute(Entity("class", class_.qualname, module), name)
        function = found.function()
        if (
            function is None
            or found.module is None
            or not function.owner
            or name in _OF_THE_CLASS
            or self.set_attributes.has(name)
        ):
            return None
        static = any(value.chain == "~staticmethod" for value in function.decorators)
        return self._target(found.module, function, not static)

    def home(self, module: Module, chain: str, bound: bool = False) -> tuple[Module, str] | None:
        """The module that defines what a chain names, and its name there: all on the way mean one thing.

        ``bound``: a name that is bound to a value counts as well, and not a function or class alone.
        """
        if module.star_imports:
            return None
        if chain[:1] == ":":
            return self._defined(module, chain[1:], _MOST_HANDED_ON, bound)
        found = self._located(module, chain, _MOST_HANDED_ON, bound)
        return found if found is not None and self._means_one(module, leaf_of_chain(chain), chain) else None

    def _located(
        self, module: Module, dotted: str, left: int, bound: bool = False
    ) -> tuple[Module, str] | None:
        located = self.project.imports.locate(dotted, module.path)
        if located is None or len(located.rest) != 1:
            return None
        target = self.project.modules.find(located.path)
        if target is None:
            self.project.reading.needs(located.path)
            return None
        return self._defined(target, located.rest[0], left, bound)

    def _defined(
        self, module: Module, name: str, left: int, bound: bool = False
    ) -> tuple[Module, str] | None:
        """Where a name of a module is at home."""
        if not name.isidentifier() or module.star_imports or name in module.hidden:
            return None
        if name in module.functions or name in module.classes:
            alone = name not in module.imports and name not in module.bindings
            both = name in module.functions and name in module.classes
            return (module, name) if alone and not both else None
        dotted = module.imports.get(name)
        if bound and dotted is None and name in module.bindings:
            return module, name
        if dotted is None or not left or not self._means_one(module, name, dotted):
            return None
        return self._located(module, dotted, left - 1, bound)

    def _means_one(self, module: Module, name: str, dotted: str) -> bool:
        """Whether a module knows nothing else by the name that it imports something by."""
        known = {name, *(alias for alias, path in module.imports.items() if path == dotted)}
        if any(alias in module.bindings or alias in module.classes for alias in known):
            return False
        if any(alias in module.functions for alias in known):
            return False
        others = (*module.imports.values(), *module.further_imports)
        return not any(other != dotted and other.rpartition(".")[2] == name for other in others)

    def _is_final(self, class_: Class) -> bool:
        """Whether no class derives from one, as far as modules have been read."""
        return not self.project.reading.ask("bases", class_.name)

    @once
    def _bases(self) -> frozenset[str]:
        """The names of the classes that others derive from."""
        return frozenset(
            leaf_of_chain(base)
            for module in self.project.modules.values()
            for class_ in module.classes.values()
            for base in class_.bases
        )


def _is_plain(class_: Class) -> bool:
    """Whether an object of a class is one of that class, whose methods are what they are."""
    return not (class_.decorators or "/" in class_.qualname or any(n in class_.methods for n in _MAKING))
