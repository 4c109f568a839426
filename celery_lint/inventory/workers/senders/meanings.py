"""Where a word may mean a task, and not something else that has the same name."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from celery_lint.diagnostics import Span
from celery_lint.inventory.tasks.schedules import Schedules
from celery_lint.inventory.tasks.sendings import Sendings
from celery_lint.inventory.tasks.task import Task
from celery_lint.inventory.tasks.tasks import Tasks
from celery_lint.inventory.workers.naming import (
    NOWHERE,
    holding,
    spans_of,
    targets_by_another_name,
    within,
)
from celery_lint.inventory.workers.senders.lookups import Lookups
from celery_lint.inventory.workers.senders.told_names import ToldNames
from celery_lint.inventory.workers.senders.unused import Unused
from celery_lint.libraries.celery import SENDING
from celery_lint.model.calls import Call
from celery_lint.model.chains import steps_of_component
from celery_lint.model.facts import Function, Module, Value
from celery_lint.model.steps import Step
from celery_lint.model.words import held, words_in
from celery_lint.project.entity import Entity
from celery_lint.project.known import Known, once
from celery_lint.project.modules import leaf_of

# What is certainly no task unless it is one: all else may hold one.
_OTHERS = frozenset({"function", "class", "module"})
# What stands in chains that send a task, or make a signature of it.
_SENT = SENDING | {"s", "si", "signature", "subtask"}
# What a text says that is a command or code: `celery -A shop call shop.send`, `from shop import send`.
_SENDING = re.compile(r"celery|call|delay|apply|send_task|import|\bs\(")
# The text that a test compares something with, as statements say it.
_COMPARED_WITH = re.compile(r"(?<=:)'\w+")
# Of a route, of a page, of a file.
_ADDRESS = re.compile(r"^\S*/\S*$")
# What stands behind words of a sentence.
_AFTER_WORDS = frozenset({"", ",", ".", ":", ";", "!", "?", ")", "..."})
# What tells something of a function and neither calls it nor keeps it.
_LOOKING = ("builtins.callable", "builtins.hasattr", "builtins.isinstance", "builtins.print", "inspect.")
# What gives a function all its names at once.
_OF_ALL_NAMES = frozenset({"eval", "exec", "locals", "vars"})


class Meanings:
    """What names mean where they stand, as far as anybody can tell; a text means whatever has the name."""

    def __init__(self, known: Known) -> None:
        self.project = known.project
        self.functions = known.project.functions
        self.tasks = known.of(Tasks)
        self.lookups = known.of(Lookups)
        self.sendings = known.of(Sendings)
        self.schedules = known.of(Schedules)
        self.told_names = known.of(ToldNames)
        self.unused = known.of(Unused)

    def outside(self, task: Task, name: str, module: Module) -> Iterator[Span]:
        """Where what a module and its classes bind may mean a task by a word."""
        for value in holding(self.functions, module, name):
            for each in self._held(module, value):
                if not self._is_other(task, name, module, None, each.chain, each):
                    yield from spans_of(each, name)
        for target in targets_by_another_name(module, name):
            if not self._means_another(task, self.project.resolve(module, target)):
                yield NOWHERE

    def at_import(self, task: Task, name: str, module: Module, function: Function) -> Iterator[Span]:
        """Where the calls of a module's own code may do so."""
        for call in self.functions.calls(module, function):
            value = function.value_of(call)
            if value is None:
                if self._is_in(task, name, module, function, call):
                    yield call.span
                continue
            for each in self._held(module, value):
                if not self._is_other(task, name, module, function, each.chain, each):
                    yield from spans_of(each, name)

    def _held(self, module: Module, value: Value) -> Iterator[Value]:
        """An expression and all that it holds, but what it only looks at: ``inspect.getsource(send)``."""
        left = [value]
        while left:
            each = left.pop()
            yield each
            if each.kind != "call" or not self._looks(module, each.chain):
                left += [*each.items, *(item for _, item in each.keywords)]

    def _looks(self, module: Module, chain: str) -> bool:
        """Whether a call of this tells something of what it is given, and does nothing with it."""
        if not chain.startswith("~") and "inspect" not in chain:
            return False
        return self.project.resolve(module, chain).name.startswith(_LOOKING)

    def by_hand(self, name: str, module: Module) -> Iterator[Span]:
        """The calls of it under ``if __name__ == "__main__"``: a script runs it, in place of any worker."""
        function = module.functions.get("")
        for call in self.functions.calls(module, function) if function is not None else ():
            if call.in_main and call.leaf() == name:
                yield call.span

    def inside(
        self, task: Task, name: str, module: Module, function: Function, passed: Sequence[Span] = ()
    ) -> bool:
        """Whether a function may mean a task by a word, but where it says how one is sent: in ``passed``."""
        if any(
            name in parameter.default and name in words_in(parameter.default)
            for parameter in function.parameters
        ):
            return True
        kept = [value for _, value in function.values]
        if any(
            self._is_kept(task, name, module, function, value, passed) for value in (*function.returns, *kept)
        ):
            return True
        calls = self.functions.calls(module, function) if function.mentions(name) else ()
        return any(self._is_in(task, name, module, function, call) for call in calls) or (
            _is_own(task, name) and function.states(name) and self._is_stated(task, name, module, function)
        )

    def _is_kept(
        self, task: Task, name: str, module: Module, function: Function, value: Value, passed: Sequence[Span]
    ) -> bool:
        return any(
            not self._is_other(task, name, module, function, each.chain, each)
            for each in held(value)
            if any(not within(span, passed) for span in spans_of(each, name))
        )

    def _is_in(self, task: Task, name: str, module: Module, function: Function, call: Call) -> bool:
        """Whether a call says the word, and may mean the task by it."""
        if self._says(task, name, module, function, call.chain):
            return True
        if not any(name in packed for packed in call.packed_arguments) or self._looks(module, call.chain):
            return False
        for given, packed in zip(call.takes, call.packed_arguments, strict=False):
            if (
                name in words_in(packed)
                and (not given.chain or self._says(task, name, module, function, given.chain))
                and (not given.text or self._may_name(task, name, given.text))
            ):
                return True
        return False

    def _is_stated(self, task: Task, name: str, module: Module, function: Function) -> bool:
        """Whether a statement does so: by a chain, or by the plain name that it reads.

        One that imports the task does nothing with it: who uses what is imported says so besides.
        """
        steps = self.functions.of(module, function).steps
        if any(
            self._says(task, name, module, function, _COMPARED_WITH.sub("", chain))
            for step in steps
            if step.kind != "import"
            for chain in step.chains
        ):
            return True
        if self._uses_imported(name, steps):
            return True
        if any(f".{name}" in step.loads for step in steps):
            return True  # of something that nobody can see
        if not any(name in step.loads for step in steps):
            return False
        if function.takes(name):
            return False  # who gives the task for a parameter says its name
        if function.is_nested() or any(name in step.stores or step.kind == "import" for step in steps):
            return True  # the name may be bound here
        return not self._means_another(task, self._plain(module, name))

    @staticmethod
    def _uses_imported(name: str, steps: Sequence[Step]) -> bool:
        """Whether a function uses the task by another name than that, or may do so by any."""
        imported = [chain for step in steps if step.kind == "import" for chain in step.chains[1:]]
        taken = {chain.partition("=")[2] for chain in imported if chain.partition("=")[0] == name}
        used = taken | _OF_ALL_NAMES if taken else taken
        return any(
            not used.isdisjoint((*step.loads, *(step.stores if step.kind == "global" else ())))
            for step in steps
        )

    # ------------------------------------------------------------------ what a name means

    def _says(self, task: Task, name: str, module: Module, function: Function, chain: str) -> bool:
        return (
            name in chain
            and name in words_in(chain)
            and not self._is_other(task, name, module, function, chain)
        )

    def _is_other(
        self,
        task: Task,
        name: str,
        module: Module,
        function: Function | None,
        chain: str,
        value: Value | None = None,
    ) -> bool:
        """Whether a chain means something else by a word: a value that is no chain says no such thing."""
        if value is not None and isinstance(value.data, str) and name in value.data:
            return not self._may_name(task, name, value.data)
        if value is not None and not chain:
            return False
        if not _is_own(task, name):
            return True  # the end of a name that was given to it: only texts hold it
        before: list[str] = []
        sent = not _SENT.isdisjoint(chain.replace("()", "").split("."))
        for part in chain.lstrip("!=").split("."):
            component = steps_of_component(part)[0]
            before.append(part)
            if name not in words_in(component):
                continue
            if component == f"%{name}":
                return function is not None and function.takes(name)
            if before[0] in ("%self", "%cls") and len(before) == 2 and function is not None:
                own = module.functions.get(f"{function.owner}.{name}")
                return own is not None and own is not task.function
            if (
                not sent
                and function is not None
                and self._is_of_objects(task, name, module, function, before)
            ):
                return True
            means = ".".join([*before[:-1], component])
            return self._means_another(task, self.project.resolve(module, means))
        return False

    def _may_name(self, task: Task, name: str, text: str) -> bool:
        """Whether a text may be the name of a task, or a part of it: prose and paths have such words, too.

        The name of the function alone is not that of the task: it leads there where code puts names
        together, or takes what a module has by names that only the run knows.
        """
        if task.name == text or ".".join(task.name.split(".")[-2:]) in text:
            return True
        if not _is_own(task, name):
            return text in task.name or (("{" in text or "%" in text) and not any(map(str.isspace, text)))
        if text == name:
            return self._is_looked_up(task, name)
        return text in task.name or not (_is_prose(text, name) or _is_address(text, name))

    def _is_looked_up(self, task: Task, name: str) -> bool:
        """Whether somebody may come, or means to come, to a task by its function's name, given as a text."""
        return (
            self._puts_names_together or name in self._sent_names or self.unused.is_looked_into(task.module)
        )

    @once
    def _sent_names(self) -> frozenset[str | None]:
        """The names that entries of schedules and calls send, right or wrong."""
        entries = [(entry.module, entry.given.get("task")) for entry in self.schedules.all]
        sent = [(each.module, each.value.first()) for each in self.sendings.all if each.value is not None]
        return frozenset(self.project.text(module, value) for module, value in (*entries, *sent) if value)

    @once
    def _puts_names_together(self) -> bool:
        """Whether the product looks tasks up, or sends any, by names that only the run knows."""
        return bool(self.lookups.all) or any(isinstance(told, str) for told in self.told_names.all)

    @once
    def methods(self) -> frozenset[str]:
        """The names of what objects of the product do: tasks may have them, too."""
        modules = self.project.product_modules()
        return frozenset(
            name for each in modules for class_ in each.classes.values() for name in class_.methods
        )

    def _is_of_objects(
        self, task: Task, name: str, module: Module, function: Function, before: Sequence[str]
    ) -> bool:
        """Whether it is a method of what an object keeps, ``self.logic.advance()``, which is no task."""
        if len(before) < 3 or before[0] not in ("%self", f":{function.owner}()") or name not in self.methods:
            return False
        names = {name, leaf_of(task.module.path)}
        return all(target.rpartition(".")[2] not in names for target in module.imports.values())

    def _plain(self, module: Module, name: str) -> Entity:
        """What the functions of a module mean by a name that they do not bind."""
        own = f":{name}" if name in module.functions or name in module.classes else ""
        return self.project.resolve(module, module.imports.get(name, own))

    def _means_another(self, task: Task, entity: Entity) -> bool:
        """Whether something is neither the task nor one that has its name, which sends it as well."""
        found = self.tasks.of(entity)
        if found is not None:
            return found.key != task.key and found.name != task.name
        if entity.kind not in _OTHERS or task.function is None:
            return False
        at = entity.module.path if entity.module is not None else entity.name
        own, name = task.function.qualname.partition("@")[0], entity.name.partition("@")[0]
        return at != task.module.path or not f"{own}.".startswith(f"{name}.")


def _is_own(task: Task, name: str) -> bool:
    """Whether code knows a task by a word, and not only texts."""
    if name in task.module.bindings or name == task.label:
        return True
    return task.function is not None and name == task.function.name


def _is_address(text: str, name: str) -> bool:
    """Whether a text is a path, or has words with hyphens, that nobody sends anything by."""
    if _SENDING.search(text) is not None:
        return False
    said = re.findall(rf"(\S?)\b{re.escape(name)}\b(\S?)", text)
    return _ADDRESS.search(text) is not None or all("-" in around for around in said)


def _is_prose(text: str, name: str) -> bool:
    """Whether a text is for people, as messages of logs are: it has several words, and sends nothing."""
    said = re.findall(rf"(\S*)\b{re.escape(name)}\b(\S*)", text)
    is_plain = all(before in ("", "(") and after in _AFTER_WORDS for before, after in said)
    return is_plain and any(map(str.isspace, text.strip())) and _SENDING.search(text) is None
