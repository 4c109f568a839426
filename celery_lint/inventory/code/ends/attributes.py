"""Attributes that classes and objects of the project certainly lack: ``Status.FAILED``, ``settings.HOST``."""

from __future__ import annotations

import enum
import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise

from celery_lint.files.filter import Pair
from celery_lint.inventory.code.ends.targets import Targets
from celery_lint.libraries.data import CHOICES, ENUMS, MODELS
from celery_lint.model.arguments import ABSENT, Argument
from celery_lint.model.calls import Call
from celery_lint.model.chains import leaf_of_chain
from celery_lint.model.facts import ANYTHING, Class, Constant, Function, Module, Value
from celery_lint.model.steps import Step
from celery_lint.project.asking import asking
from celery_lint.project.entity import Key
from celery_lint.project.known import Known, once
from celery_lint.project.memory import Remembered
from celery_lint.project.unseen.set_attributes import SetAttributes

_ENUMS = ENUMS | CHOICES
_BASES = _ENUMS | {"~str", "~int"}
_OF_ENUMS = (enum.Enum, enum.EnumMeta, str, int)
# The members of these may be combined, and what that gives is a value of the class.
_FLAGS = frozenset({"enum.Flag", "enum.IntFlag"})
# With one of these an object answers for names that nobody has written, sets them by itself, or is another.
_ANSWERING = frozenset(
    {
        "__dict__", "__getattr__", "__getattribute__", "__init__", "__init_subclass__", "__new__",
        "__pydantic_init_subclass__", "__setattr__", "__slots__", "model_post_init",
    }
)  # fmt: skip
# Whoever says one of these may set what a model refuses.
_SETTING = ("setattr", "__dict__", "vars")
# With one of these the values of an enumeration are not those that it writes, or not all that it takes.
_OTHER_VALUES = ("__init__", "__new__", "_missing_", "_generate_next_value_")
_DATACLASS = "dataclasses.dataclass"
_MOST_BASES = 6
_VALUED = frozenset({"assign", "augment", "expr", "return"})
# What functions are called that give the settings.
_GIVING = ("settings", "config")
# A member of what may be an enumeration, as statements are packed.
_OF_A_CONSTANT = re.compile(r"\.[A-Z]\w*\.[A-Z][A-Z0-9_]+\b")


class Attributes:
    """What enumerations and kept objects have, where the class is known as a whole."""

    def __init__(self, known: Known) -> None:
        self.project = known.project
        self.functions = known.project.functions
        self.targets = known.of(Targets)
        self.set_attributes = known.of(SetAttributes)
        reading = self.project.reading
        reading.tell("who says what is known", lambda key: key in self._saying)
        reading.tell("what is known", self.is_known)
        reading.tell("enumerations", lambda name: name in self._enumerations)
        reading.tell("what is filled", lambda name: name in self._filled)
        self._lacking = Remembered[bool](self._find_lacking, reading, "lacking attributes")

    def concerns(self, module: Module, function: Function) -> bool:
        """Whether a function says the name of an enumeration, or of an object, that is known."""
        return self.project.reading.ask("who says what is known", (module.path, function.qualname))

    def missed(self, module: Module, step: Step, calls: Sequence[Call]) -> bool:
        """Whether a statement asks for something that is not there; these calls it makes in any case."""
        chains = [*_evaluated(step), *(call.chain for call in calls)]
        ask = self.project.reading.ask
        return any(
            "." in chain and ask("what is known", chain) and self.lacks(module, chain) for chain in chains
        )

    def unread(self, functions: Iterable[Key]) -> Iterator[tuple[str, str]]:
        """The files of settings and enumerations that nobody has read, with what is asked of them."""
        for module, function in self.project.modules.functions_at(functions):
            if not function.name:
                continue
            if function.states(*_GIVING) or _OF_A_CONSTANT.search(function.packed_steps) is not None:
                for step in self.functions.of(module, function).steps:
                    for chain in _evaluated(step):
                        yield from self.unread_behind(module, chain)

    @asking("quiet")
    def words(self, functions: Iterable[Key]) -> set[Pair]:
        """What these functions ask for and seems not to be there: another file may put it there."""
        found: set[Pair] = set()
        said = (key for key in functions if key in self._saying)
        for module, function in self.project.modules.functions_at(said):
            if function.name:
                flow, calls = self.functions.of(module, function), self.functions.calls(module, function)
                chains = [chain for step in flow.steps for chain in _evaluated(step)]
                for chain in dict.fromkeys([*chains, *(call.chain for call in calls)]):
                    if self.is_known(chain) and self.lacks(module, chain):
                        found.update((name, "") for name in self._asked_of_known(chain))
        return found

    def unread_behind(self, module: Module, chain: str) -> Iterator[tuple[str, str]]:
        """The file of settings or of an enumeration that a chain asks and nobody has read, with the name."""
        begin, _, asked = chain.replace("()", "").rpartition(".")
        if begin[:1] == ":":
            values = module.bindings.get(begin[1:], ())
            begin = values[0].chain if len(values) == 1 and values[0].kind == "call" else ""
        is_enumeration = leaf_of_chain(begin)[:1].isupper() and asked.isupper()
        if begin[:1] in ":%~" or not (is_enumeration or begin.lower().endswith(_GIVING)):
            return
        located = self.project.imports.locate(begin, module.path)
        path = located.path if located is not None and len(located.rest) == 1 else ""
        if path and self.project.modules.find(path) is None and path not in self.project.unparsed:
            yield path, asked

    def lacks(self, module: Module, chain: str) -> bool:
        """Whether a chain certainly leads to an attribute that is not there."""
        return self._lacking.of((module.path, chain), module, chain, self.project.modules.count)

    def is_no_value(self, module: Module, call: Call) -> bool:
        """Whether a call asks an enumeration for a member by a value that none has: ``Kind("other")``."""
        given = self.asked_by(call)
        return given.kind in ("text", "constant") and self.has_no(module, call, given.data)

    def asked_by(self, call: Call) -> Argument:
        """What a call asks an enumeration of the project for a member by."""
        if len(call.takes) != 1 or call.is_open_ended:
            return ABSENT
        if not self.project.reading.ask("enumerations", leaf_of_chain(call.chain)):
            return ABSENT
        return call.argument(0)

    def has_no(self, module: Module, call: Call, value: Constant) -> bool:
        """Whether the enumeration that a call asks certainly has no member of this value."""
        home = self.targets.home(module, call.chain)
        class_ = home[0].classes.get(home[1]) if home is not None else None
        if home is None or class_ is None or not _is_enumeration(home[0], class_):
            return False
        if not _FLAGS.isdisjoint(class_.bases):
            return False
        if any(name in class_.methods for name in _OTHER_VALUES):
            return False
        values = [_value_of(each) for name, each in class_.attributes.items() if name[:1] != "_"]
        known = all(type(each) is type(value) for each in values)
        return bool(values) and known and value not in values

    # ------------------------------------------------------------------ what is looked at

    @once
    def _enumerations(self) -> frozenset[str]:
        """The names of the project's enumerations."""
        return frozenset(
            class_.name
            for module in self.project.product_modules()
            for class_ in module.classes.values()
            if any(base in _ENUMS for base in class_.bases)
        )

    @once
    def _objects(self) -> frozenset[str]:
        """The names that modules bind to objects of the project, and of functions that give settings."""
        classes = {
            class_.name for module in self.project.product_modules() for class_ in module.classes.values()
        }
        found = set()
        for module in self.project.product_modules():
            for name, values in module.bindings.items():
                if len(values) == 1 and values[0].kind == "call":
                    leaf = leaf_of_chain(values[0].chain)
                    if leaf in classes:
                        found.add(name)
                    elif leaf.lower().endswith(_GIVING):
                        found.update((name, leaf))
        return frozenset(found)

    @once
    def _saying(self) -> frozenset[Key]:
        names = self._enumerations | self._objects
        said = self.functions.saying(self.project.product_modules(), names)
        return frozenset([(module.path, function.qualname) for module, function, _ in said])

    def is_known(self, chain: str) -> bool:
        """Whether a chain says the name of an enumeration, or of an object, that is known."""
        return bool(self._asked_of_known(chain))

    def _asked_of_known(self, chain: str) -> list[str]:
        """The names that a chain asks for right behind one of an enumeration or an object that is known."""
        names = chain.replace("()", "").lstrip(":").split(".")
        return [
            asked for name, asked in pairwise(names) if name in self._enumerations or name in self._objects
        ]

    # ------------------------------------------------------------------ what is there

    def _find_lacking(self, module: Module, chain: str, _: int) -> bool:
        if chain[:1] in "%~" or "[]" in chain or module.star_imports:
            return False
        begin, called, rest = chain.partition("()")
        if begin[:1] == ":":
            first, *names = begin[1:].split(".")
            prefix = f":{first}"
        else:
            located = self.project.imports.locate(begin, module.path)
            if located is None or not located.rest:
                return False
            names = list(located.rest[1:])
            prefix = begin.removesuffix("".join(f".{name}" for name in names))
        home = self.targets.home(module, prefix, True)
        if home is None:
            return False
        if called and not names:  # `get_settings().HOST`
            names = rest[1:].split(".") if rest[:1] == "." else []
            owner = self._given_by(*home)
        elif home[1] in home[0].classes:
            class_ = home[0].classes[home[1]]
            return bool(names) and _is_enumeration(home[0], class_) and self._is_no_member(class_, names[0])
        else:
            owner = self._bound_to(*home)
        if owner is None or not names or not names[0].isidentifier():
            return False
        return self._may_lack(names[0]) and self._has(*owner, names[0], _MOST_BASES) is False

    def _may_lack(self, name: str) -> bool:
        return not name.startswith("_") and not hasattr(object, name) and not self.set_attributes.has(name)

    def _is_no_member(self, class_: Class, name: str) -> bool:
        if name in class_.attributes or name in class_.methods or not self._may_lack(name):
            return False
        if not name.isidentifier() or any(hasattr(each, name) for each in _OF_ENUMS):
            return False
        return name.isupper() if not CHOICES.isdisjoint(class_.bases) else name not in ("name", "value")

    def _bound_to(self, module: Module, name: str) -> tuple[Module, Class] | None:
        """The class of the object that a module binds to a name, once."""
        values = module.bindings.get(name, ())
        if len(values) != 1 or name in module.hidden or self.project.reading.ask("what is filled", name):
            return None
        return self._made_by(module, values[0])

    @once
    def _filled(self) -> frozenset[str]:
        """The names of what the product sets items of, or attributes whose names only the run knows.

        What an object of its own has by such a name is another: ``self.settings["colour"] = …``.
        """
        return frozenset(
            leaf_of_chain(assignment.target)
            for module in self.project.product_modules()
            for assignment in module.assignments
            if assignment.subscript and "()." not in assignment.target
        )

    @once
    def _may_set_any(self) -> bool:
        """Whether the product sets attributes of anything by names that only the run knows."""
        modules = self.project.product_modules()
        return any(True for _ in self.functions.saying(modules, (*_SETTING, "locals")))

    def _given_by(self, module: Module, name: str) -> tuple[Module, Class] | None:
        """The class of the object that a function gives."""
        target = self.targets.of(module, f":{name}")
        if target is None or target.function.is_async or len(target.function.returns) != 1:
            return None
        steps = self.functions.of(target.module, target.function).steps
        if sum(step.kind == "return" for step in steps) != 1:
            return None
        return self._made_by(target.module, target.function.returns[0])

    def _made_by(self, module: Module, value: Value) -> tuple[Module, Class] | None:
        home = self.targets.home(module, value.chain) if value.kind == "call" and value.chain else None
        if home is None:
            return None
        class_ = home[0].classes.get(home[1])
        return (home[0], class_) if class_ is not None else self._given_by(*home)

    def _has(self, module: Module, class_: Class, name: str, left: int) -> bool | None:
        """Whether objects of a class have a name; ``None`` where they may have others than it writes.

        Models of pydantic refuse what anybody sets besides. Of a class that derives from nothing it is known
        where nobody sets attributes by names that only the run knows.
        """
        if name in class_.attributes or name in class_.methods:
            return True
        if not left or "/" in class_.qualname or ANYTHING in module.hidden:
            return None
        if any(decorator.chain != _DATACLASS for decorator in class_.decorators):
            return None
        # without a base nobody else sees what `__init__` is called with
        answering = _ANSWERING if class_.bases else _ANSWERING - {"__init__"}
        if not answering.isdisjoint((*class_.methods, *class_.attributes)):
            return None
        if self._allows_more(module, class_) or self._sets_any(module, class_):
            return None
        if not class_.bases:
            return None if not name.isupper() or self._may_set_any else False
        if self._is_finished_by_hand(module, class_):
            return None
        for base in class_.bases:
            if base in MODELS:
                if not name.isupper():
                    return None
            else:
                home = self.targets.home(module, base) if base[:1] not in "~%" else None
                above = home[0].classes.get(home[1]) if home is not None else None
                found = self._has(home[0], above, name, left - 1) if home is not None and above else None
                if found is not False:
                    return found
        return False

    def _sets_any(self, module: Module, class_: Class) -> bool:
        """Whether a method may set attributes whose names only the run knows."""
        methods = (module.functions.get(f"{class_.qualname}.{name}") for name in class_.methods)
        return any(
            method is not None and (method.mentions(*_SETTING) or method.states(*_SETTING))
            for method in methods
        )

    def _is_finished_by_hand(self, module: Module, class_: Class) -> bool:
        """Whether a method of a model of pydantic gives back what its objects have, or another object.

        What those add that run before the fields are looked at, the model drops or refuses.
        """
        methods = (module.functions.get(f"{class_.qualname}.{name}") for name in class_.methods)
        return any(
            _finishes(decorator)
            for method in methods
            if method is not None
            for decorator in method.decorators
        )

    def _allows_more(self, module: Module, class_: Class) -> bool:
        """Whether a model of pydantic may take fields that it does not name: ``extra="allow"``."""
        inner = module.classes.get(f"{class_.qualname}.Config")
        if inner is not None and (inner.bases or not _forbids(inner.attributes.get("extra", ()))):
            return True
        for value in class_.attributes.get("model_config", ()):
            given = value.keyword("extra")
            if value.kind not in ("call", "mapping") or value.items or value.keyword("**") is not None:
                return True
            if given is not None and not _forbids((given,)):
                return True
        return False


def _finishes(decorator: Value) -> bool:
    """`@root_validator` without `pre=True`, and `@model_validator(mode="wrap")`."""
    leaf = leaf_of_chain(decorator.chain)
    if leaf == "root_validator":
        pre = decorator.keyword("pre")
        return pre is None or pre.data is not True
    mode = decorator.keyword("mode")
    return leaf == "model_validator" and (mode is None or mode.data not in ("before", "after"))


def _forbids(values: Sequence[Value]) -> bool:
    return all(value.kind == "constant" and value.data in ("forbid", "ignore") for value in values)


def _is_enumeration(module: Module, class_: Class) -> bool:
    """Whether a class is an enumeration, and its members are those that it writes."""
    if "/" in class_.qualname or ANYTHING in module.hidden or "__getattr__" in class_.methods:
        return False
    if any(decorator.chain != "enum.unique" for decorator in class_.decorators):
        return False
    return all(base in _BASES for base in class_.bases) and not _ENUMS.isdisjoint(class_.bases)


def _value_of(values: Sequence[Value]) -> object:
    known = values[0] if len(values) == 1 and values[0].kind == "constant" else None
    return known.data if known is not None else None


def _evaluated(step: Step) -> Iterator[str]:
    """The chains that a statement works out first, whatever else is so."""
    if step.kind in _VALUED:
        yield step.value
    elif step.kind in ("if", "while") and step.chains:
        first, *others = step.chains
        word = (others[0] if first in ("&", "|") and others else first).lstrip("=!")
        left, _, right = word.partition(":=")
        yield right or left.partition(":'")[0].partition(":#")[0]
        if right:
            yield left
