"""What names tasks and is used by nothing: functions that nobody calls, canvases that nobody applies.

It answers *yes* only where the word itself stands nowhere else: in no call, no text, no list, where something
does use its module, and nothing looks into that by names that only the run knows. What a framework or a
person may call is left alone: what is decorated, a method, in a script, offered by a package, or takes what
frameworks give.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence

from celery_lint.diagnostics import Span
from celery_lint.files.filter import Pair
from celery_lint.inventory.tasks.tasks import Tasks
from celery_lint.inventory.workers.loading.unimported import FOLDERS
from celery_lint.inventory.workers.naming import holding, spans_of
from celery_lint.inventory.workers.senders.mentions import Mention, Mentions, stands_in
from celery_lint.libraries.celery import CANVASES
from celery_lint.model.chains import leaf_of_chain
from celery_lint.model.facts import Module, Value
from celery_lint.model.words import held
from celery_lint.project.entity import Key
from celery_lint.project.known import Known, once
from celery_lint.project.modules import leaf_of

# Names by which programs, platforms and frameworks call functions, and those of modules that they look into.
_CALLED_BY_OTHERS = re.compile(
    r"^__|^(?:cli|create_app|includeme|main|on_|pre_|post_|ready|register|run|setup|start|test)(?:_|$|(?<=_))"
    r"|handler|hook|lambda|callback|receiver|command"
)
_LOOKED_INTO = re.compile(r"callback|cron|command|handler|hook|plugin|receiver|script|signal|settings|conf")
# First parameters of what something else calls: a view, a receiver, a handler of events or of messages.
_GIVEN = frozenset(
    {
        "bot", "connection", "context", "ctx", "event", "instance", "info", "mapper", "message", "msg",
        "payload", "req", "request", "sender", "signal", "target", "update",
    }
)  # fmt: skip
# What takes something out of a module by a name that only the run knows, and out of the module it stands in.
_OF_OTHERS = frozenset({"getattr", "import_module", "import_string", "__import__"})
_OF_ITSELF = frozenset({"globals", "locals", "vars", "eval", "exec"})
# What makes a signature of a task, or changes one.
_SIGNING = frozenset({"s", "si", "signature", "subtask", "set", "map", "starmap", "chunks", "on_error"})
# So much of what frameworks use shows that a module is no sketch.
_SEVERAL = 2
# So many steps are gone from a sender that nobody calls.
_STEPS = 2


class Unused:
    """The functions and canvases of a product that nothing uses."""

    def __init__(self, known: Known) -> None:
        self.project = known.project
        self.functions = known.project.functions
        self.tasks = known.of(Tasks)
        self.mentions = known.of(Mentions)
        self._of: dict[str, list[Mention]] = {}
        self._bound: dict[tuple[str, str], list[tuple[str, Span]]] = {}
        #: The paths of what nothing uses, by name; and of what may stand in a module that nothing uses.
        self._idle: dict[str, str] = {}
        self._doubted: dict[str, str] = {}

    def look_for(self, mentions: Mapping[str, Sequence[Mention]], names: Collection[str]) -> None:
        """Find out who uses what holds these names: once for all of them."""
        held_by = [(name, mention) for name in names for mention in mentions.get(name, ())]
        line = {mention.function.name for _, mention in held_by if mention.function and self.may_be(mention)}
        line |= {bound for name, mention in held_by for bound, _ in self._canvases(mention.module, name)}
        for _ in range(_STEPS):
            found = self.mentions.of(line - self._of.keys())
            self._of.update({name: found.get(name, []) for name in line - self._of.keys()})
            line = {
                mention.function.name
                for each in found.values()
                for mention in each
                if mention.function is not None and self.may_be(mention)
            }

    def words(self) -> set[Pair]:
        """The names of what nothing uses so far: another file that does says them.

        And those of the modules that nothing is seen to import, with that of the package.
        """
        found = {(name, "" if "_" in name.strip("_") else leaf_of(path)) for name, path in self._idle.items()}
        return found | {(leaf_of(path), path.split("/")[-2:][0]) for path in set(self._doubted.values())}

    def is_uncalled(self, mention: Mention, left: Collection[Key], steps: int = _STEPS) -> bool:
        """Whether nothing calls a function but those that nothing calls either, and ``left`` tasks."""
        function = mention.function
        if function is None or not steps or not self.may_be(mention) or function.name not in self._of:
            return False
        for user in self._of[function.name]:
            if user.function is function or self._is_left(user, left):
                continue
            if not self.is_uncalled(user, left, steps - 1):
                return False
        return self._stands_there(function.name, mention.module)

    def kept(self, module: Module, name: str, left: Collection[Key]) -> Iterator[Span]:
        """The canvases and lists with a name in them that a module binds, and that nothing uses."""
        for bound, span in self._canvases(module, name):
            idle = bound in self._of and all(self._is_left(user, left) for user in self._of[bound])
            if idle and self._stands_there(bound, module):
                yield span

    def _stands_there(self, name: str, module: Module) -> bool:
        """Whether what nothing names is part of a module that is used, and not of a sketch."""
        is_used = self._is_used(module)
        names = self._idle if is_used else self._doubted
        names[name] = module.path
        return is_used

    def _is_left(self, user: Mention, left: Collection[Key]) -> bool:
        return user.function is not None and stands_in(user.module, user.function, left)

    # ------------------------------------------------------------------ what may be unused

    def may_be(self, mention: Mention) -> bool:
        """Whether nothing but its name leads to the function that holds a word."""
        module, function = mention
        if (
            function is None
            or not function.name
            or function.decorators
            or function.owner
            or function.parent
            or function.first() in _GIVEN
            or _CALLED_BY_OTHERS.search(function.name)
        ):
            return False
        is_task = (module.path, function.qualname) in self._of_tasks
        return not is_task and self._may_hide(module, function.name)

    def _may_hide(self, module: Module, name: str) -> bool:
        """Whether a module is one that nothing looks into, and offers nothing of this name."""
        *folders, _ = module.path.split("/")
        return (
            FOLDERS.isdisjoint(folders)
            and not _LOOKED_INTO.search(leaf_of(module.path))
            and name not in self._offered
            and leaf_of(module.path) not in self._looked_into
            and module.path not in self._looking
            and "__getattr__" not in module.functions
        )

    def _is_used(self, module: Module) -> bool:
        """Whether something uses a module: others import it, or a framework has what it defines.

        Decorators and classes say nothing beside tasks.
        """
        if module.path in self._imported:
            return True
        own = len(module.classes) + sum(1 for _ in module.functions.decorated())
        own += sum(function.first() in _GIVEN for _, function in module.functions.every())
        return own >= _SEVERAL and all(path != module.path for path, _ in self._of_tasks)

    def _canvases(self, module: Module, name: str) -> list[tuple[str, Span]]:
        """What a module binds that is a canvas or a list with a word in it, and nothing else."""
        key = module.path, name
        found = self._bound.get(key)
        if found is None:
            having = holding(self.functions, module, name)
            found = self._bound[key] = [
                (bound, value.span)
                for bound, values in (module.bindings.items() if having else ())
                for value in values
                if any(value is each for each in having)
                and self._is_plain(module, value, name)
                and self._may_hide(module, bound)
            ]
        return found

    def _is_plain(self, module: Module, value: Value, name: str) -> bool:
        """Whether an expression puts tasks together, and does nothing with them."""
        for each in held(value):
            if each.kind == "call":
                if leaf_of_chain(each.chain) not in _SIGNING and (
                    f"{self.project.resolve(module, each.chain).name}()" not in CANVASES
                ):
                    return False
            elif each.kind not in ("constant", "either", "name", "sequence"):
                return False
            elif isinstance(each.data, str) and next(spans_of(each, name), None) is not None:
                return False  # a name that something may read
        return value.kind != "constant"

    # ------------------------------------------------------------------ what is known of all modules

    @once
    def _of_tasks(self) -> frozenset[Key]:
        """The functions of tasks, which nobody need call."""
        return frozenset(
            (task.module.path, task.function.qualname) for task in self.tasks.all if task.function
        )

    @once
    def _imported(self) -> frozenset[str]:
        """The paths of the modules that others import, who could use what stands there."""
        found: set[str] = set()
        for module in self.mentions.modules:
            for dotted in module.all_imports:
                located = self.project.imports.locate(dotted, module.path)
                if located is not None and located.path != module.path:
                    found.add(located.path)
        return frozenset(found)

    @once
    def _offered(self) -> frozenset[str]:
        """What modules offer to others, who may be no part of the project."""
        found: set[str] = set()
        for module in self.mentions.modules:
            if module.path.endswith("__init__.py") and not any(f.name for _, f in module.functions.every()):
                found.update(module.imports)  # it is there for nothing else
            for value in module.bindings.get("__all__", ()):
                found.update(each.data for each in held(value) if isinstance(each.data, str))
        return frozenset(found)

    @once
    def _looked_into(self) -> frozenset[str]:
        """The names of modules that code may look into by names that only the run knows."""
        stems = {leaf_of(module.path) for module in self.mentions.modules}
        functions = self.functions.saying(self.mentions.modules, _OF_OTHERS | stems)
        return frozenset(name for _, _, said in functions if not said.isdisjoint(_OF_OTHERS) for name in said)

    @once
    def _looking(self) -> frozenset[str]:
        """The modules that may call their own functions so."""
        functions = self.functions.saying(self.mentions.modules, _OF_ITSELF)
        return frozenset(module.path for module, _, said in functions if said)
