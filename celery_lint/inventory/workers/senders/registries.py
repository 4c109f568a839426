"""What takes tasks out of ``app.tasks`` by a name that only the run knows, and may send what it takes."""

from __future__ import annotations

import re
from collections.abc import Iterator

from celery_lint.inventory.application.applications import Applications
from celery_lint.model.facts import Class, Function, Module, Value
from celery_lint.model.steps import Step
from celery_lint.project.entity import Entity
from celery_lint.project.known import Known

# What stands before the registry, from its beginning on, and what is done with an item of it right there.
_ITEM = re.compile(r"(?<![^\s=])([^\s=]*)\.tasks(?:\[\]|\.get\(\)|\.get(?=\t))(\.\w+)?")
_TAKEN = (".tasks[]", ".tasks.get()")
# What does no more with a task than to look at it.
_LOOKS = frozenset({"getattr", "hasattr", "isinstance"})
_LOOKED = frozenset({"", "?", *[f"~{name}()" for name in _LOOKS]})
# What sends a task or runs it, or makes a signature of it that others send.
_SENDS = frozenset(
    [
        ".delay",
        ".apply_async",
        ".apply",
        ".s",
        ".si",
        ".signature",
        ".subtask",
        ".map",
        ".starmap",
        ".chunks",
        ".run",
        ".__call__",
    ]
)
_TESTS = frozenset({"if", "while", "assert"})
_WORD = re.compile(r"[A-Z]?[a-z0-9]+|[A-Z]+(?![a-z])")
# The words that names of applications are made of, those of handlers and of methods among them.
_NOUNS = frozenset(
    [
        "app",
        "application",
        "celery",
        "cls",
        "client",
        "current",
        "factory",
        "instance",
        "producer",
        "proxy",
        "sender",
        "self",
        "worker",
    ]
)
# What makes a mapping of the project's own.
_MAPPINGS = frozenset(
    {
        "builtins.dict()",
        "collections.OrderedDict()",
        "collections.defaultdict()",
        "weakref.WeakValueDictionary()",
    }
)


class Registries:
    """Which of the things that are called ``tasks`` may be those of an application."""

    def __init__(self, known: Known) -> None:
        self.project = known.project
        self.functions = known.project.functions
        self.applications = known.of(Applications)

    def may_send(self, module: Module, function: Function) -> bool:
        """Whether a function takes a task out of such a registry, and does more than to look at it.

        It is no application's where a class of the project keeps a mapping of its own by this name, or where
        the name of what has it speaks of something else (``plan.tasks[number]``).
        """
        found = [
            item
            for packed in (function.packed_calls, function.packed_steps)
            for item in _ITEM.finditer(packed)
        ]
        if any(_sends(item) and not self._is_made_there(module, item[1]) for item in found):
            return True
        if not any(self.may_be_registry(module, item[1]) for item in found):
            return False
        return not self._only_looks(module, function)

    # ------------------------------------------------------------------ whose it is

    def _is_made_there(self, module: Module, owner: str) -> bool:
        """Whether it belongs to an object that is made where its tasks are taken."""
        return owner.startswith(":") and owner.endswith("()") and owner[1:-2] in module.classes

    def may_be_registry(self, module: Module, owner: str) -> bool:
        """Whether what stands before ``.tasks`` may be an application, by what it is or is called."""
        entity = self.project.resolve(module, owner.lstrip("!"))
        if self.applications.class_of(entity) is not None:
            return True
        if entity.class_() is not None:
            kept = list(self._kept(entity))
            if kept:
                return not all(self._is_mapping(home, value) for home, value in kept)
        leaf = owner.rpartition(".")[2].strip("%:~!").removesuffix("()")
        words = {word.lower() for word in _WORD.findall(leaf)}
        return len(leaf) == 1 or not words.isdisjoint(_NOUNS)

    def _kept(self, entity: Entity) -> Iterator[tuple[Module, Value]]:
        """What an object and its classes bind to the name."""
        for base in self.project.bases(entity._replace(kind="class")):
            class_: Class | None = base.class_()
            if class_ is not None and base.module is not None:
                yield from [(base.module, value) for value in class_.attributes.get("tasks", ())]

    def _is_mapping(self, module: Module, value: Value) -> bool:
        if value.kind != "call":
            return value.kind in ("mapping", "sequence")
        name = value.chain.lstrip("~")
        if name == "dict" or name.endswith(".field"):
            return True
        return f"{self.project.resolve(module, value.chain).name}()" in _MAPPINGS

    # ------------------------------------------------------------------ what is done with it

    def _only_looks(self, module: Module, function: Function) -> bool:
        """Whether nothing gets hold of what is taken but the function, which reads attributes of it."""
        calls = self.functions.calls(module, function)
        for call in calls:
            if call.chain.endswith(".tasks[]") or any(map(_is_item, call.named)):
                return False
        steps = self.functions.of(module, function).steps
        names = {name for step in steps if _takes(step) for name in step.stores}
        return bool(steps) and all(_takes(step) or _looks(step, names) for step in steps)


def _sends(item: re.Match[str]) -> bool:
    return item[2] in _SENDS


def _is_item(chain: str) -> bool:
    return chain.endswith(_TAKEN)


def _takes(step: Step) -> bool:
    """Whether a statement gives what it takes a name of its own, and nothing else."""
    return step.kind == "assign" and len(step.stores) == 1 and any(map(_is_item, step.chains))


def _looks(step: Step, names: set[str]) -> bool:
    """Whether a statement does no more with a task than to ask for its attributes, or if there is one."""
    if step.kind not in _TESTS and any(map(_is_item, step.chains)):
        return False
    loaded = names.intersection(step.loads)
    if not loaded or all(f"={name}" in step.loads for name in loaded):
        return True
    if step.calls:
        return False
    return step.kind in _TESTS or (not _LOOKS.isdisjoint(step.loads) and _LOOKED.issuperset(step.chains))
