"""Names of tasks that are written as text, held against all tasks of the project.

A name may belong to another service, so that a text that names no task proves nothing by itself. It does
where its module is a file of the project that has no such task, and where it is the name of a task but for
one or two letters.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Literal

from celery_lint.inventory.application.applications import Applications
from celery_lint.inventory.tasks.makers import Makers
from celery_lint.inventory.tasks.names import ModuleNames
from celery_lint.inventory.tasks.options import TaskOptions
from celery_lint.inventory.tasks.sendings import Sendings
from celery_lint.inventory.tasks.task import Task, given_name
from celery_lint.inventory.tasks.tasks import Tasks
from celery_lint.inventory.workers.loading.absent import AbsentModules
from celery_lint.model.facts import PATH, Assignment, Module, Value
from celery_lint.model.records import NamedTuple
from celery_lint.nearest import nearest
from celery_lint.project.known import Known, once
from celery_lint.project.modules import leaf_of
from celery_lint.project.unseen.unparsed import UnparsedTexts

_OF_CELERY = "celery."
_LONG_ENOUGH = 12
# What classes derive from that are no applications.
_PLAIN = ("abc.", "builtins.", "enum.", "pydantic.", "threading.", "typing.")

Why = Literal["absent", "module", "function", "renamed", "elsewhere", "spelling", "prefix", "pattern", "glob"]


class Missing(NamedTuple):
    """Why a text names no task, and the name that was meant, if one is near.

    ``absent``: its module has nothing of that name, or all other tasks that are named like it are of the
    project, and nobody sends it; ``module``: its package has no such module (which says
    little where messages go to other services); ``function``: what it has is a plain function;
    ``renamed``: the task has a name of its own; ``elsewhere``: the module has the task from another one,
    where its name comes from; ``spelling``: all but for a letter or two it is the name of a task;
    ``prefix``: it is what the names of tasks begin with; ``pattern``: it has a ``*`` where names are
    asked for; ``glob``: it is a pattern that no name matches, and ``guess`` is another. ``by_leaf``: nothing
    speaks for the guess but the last word.
    """

    why: Why
    guess: str
    by_leaf: bool = False


class Meant(NamedTuple):
    """Names of tasks that another name may be meant for; ``plain`` has them without dashes and capitals."""

    names: tuple[str, ...]
    plain: dict[str, str]

    def with_other_dashes(self, name: str) -> str:
        """The one that has dashes where this name has underlines, or capitals, or the other way round."""
        return self.plain.get(_without_dashes(name), "")

    def same_leaf(self, name: str) -> str:
        """The only one of another module whose function has this name."""
        leaf = name.rpartition(".")[2]
        found = [known for known in self.names if known.rpartition(".")[2] == leaf]
        return found[0] if len(found) == 1 else ""


class TaskNames:
    """The names that the tasks of a project are registered under."""

    def __init__(self, known: Known) -> None:
        self.project = known.project
        self.tasks = known.of(Tasks)
        self.module_names = known.of(ModuleNames)
        self.makers = known.of(Makers)
        self.task_options = known.of(TaskOptions)
        self.applications = known.of(Applications)
        self.sendings = known.of(Sendings)
        self.unparsed = known.of(UnparsedTexts)
        self.absent = known.of(AbsentModules)

    @once
    def all(self) -> dict[str, Task]:
        """The tasks of the product and of its tests by name."""
        return {task.name: task for task in self.tasks.all}

    def missing(self, module: Module, name: str) -> Missing | None:
        """Why no task has this name, where that is certain; ``module`` is where it is written."""
        if not name or name in self.all or name.startswith(_OF_CELERY) or self._may_be_unseen(name):
            return None
        is_end = "." in name and name in self._tails
        if is_end or any(name.endswith(f".{known}") for known in self._of_modules):
            return None  # the folder that modules are imported from is another than it seems
        why, guess = self._in_its_module(module, name)
        if why == "there":
            return None
        meant = self._within_reach(module)
        bare = "" if "." in name else meant.same_leaf(name)
        near = guess or meant.with_other_dashes(name) or bare or nearest(name, meant.names)
        if why == "unknown" and not near and self._is_among_others(name):
            return Missing("absent", meant.same_leaf(name), True)
        if why == "unknown" or (why == "module" and near):
            return Missing("spelling", near) if self._is_misspelt(name, near) else None
        return Missing(why, near or meant.same_leaf(name), not near)

    def absent_module(self, module: Module, name: str) -> str:
        """The module or package that is not there, of the module that a name lies in: the first of them."""
        dotted = name.rpartition(".")[0]
        missing = self.absent.looked_for(module.path, dotted)
        return missing.module if missing is not None and missing.module else dotted

    def prefix(self, name: str) -> Missing | None:
        """Whether a name is what names of tasks begin with, up to a point, and no task has it."""
        if not name or name in self.all or name in self._tails or name not in self._beginnings:
            return None
        if self._may_be_unseen(name):
            return None
        return Missing("prefix", "")

    # ------------------------------------------------------------------ its module

    def _in_its_module(self, importer: Module, name: str) -> tuple[Literal["unknown", "there"] | Why, str]:
        """What the module that a name begins with has of it; ``unknown`` if it is no file of the project."""
        dotted, _, leaf = name.rpartition(".")
        located = self.project.imports.locate(dotted, importer.path) if dotted else None
        if located is None:
            return ("module" if dotted and self.absent.is_missing(dotted) else "unknown"), ""
        if located.rest and self._is_package(located.path):
            return "module", ""
        if located.path in self.project.unparsed:
            return "there", ""
        if located.rest:
            return self._below(located.path, dotted, located.rest[0]), ""
        module = self.project.modules.find(located.path) or self.project.reading.module(located.path, leaf)
        if module is None:
            return "absent", ""
        for task in self.tasks.all:
            if task.module is module and task.label == leaf:
                given = self._own_name(task)
                return ("renamed", given) if given and given != name else ("there", "")
        function = module.functions.get(leaf)
        if function is not None:
            made = function.decorators or self._makes_tasks(module) or self._is_handed_over(module, leaf)
            return ("there" if made else "function"), ""
        return self._bound(module, leaf)

    def _below(self, path: str, dotted: str, name: str) -> Literal["unknown", "absent"]:
        """What a module that is no package has below it: nothing, unless it binds the name to something."""
        if path.endswith("/__init__.py") or self.project.imports.holding(dotted):
            return "unknown"
        module = self.project.modules.find(path) or self.project.reading.module(path, name)
        bound = module is not None and (PATH in module.hidden or self._bound(module, name)[0] != "absent")
        return "unknown" if bound else "absent"

    def _is_package(self, path: str) -> bool:
        """Whether modules of this package are looked for in its folder, and nowhere else."""
        module = self.project.modules.find(path)
        own = module.functions.get("") if module is not None else None
        return path.endswith("/__init__.py") and (own is None or not own.mentions("extend_path", "__path__"))

    def _bound(self, module: Module, leaf: str) -> tuple[Literal["there"] | Why, str]:
        if leaf in module.classes or leaf in module.bindings or self._makes_tasks(module):
            return "there", ""
        task = self.tasks.of(self.project.member(module, leaf))
        if task is not None:
            return ("elsewhere", task.name) if not self._own_name(task) else ("there", "")
        return ("there" if leaf in module.imports or module.star_imports else "absent"), ""

    def _own_name(self, task: Task) -> str:
        """The name that a task is given, if it does not come from its module and function."""
        if task.class_ is not None:
            return ""
        return task.name if given_name(task.options) is not None else ""

    def _makes_tasks(self, module: Module) -> bool:
        """Whether a module may make tasks in ways that are no decorators: by functions, in loops."""
        return module.path in self._making

    def _is_handed_over(self, home: Module, name: str) -> bool:
        """Whether a function may be made a task elsewhere: in a loop, or by a function that is given it."""
        for path in self._looping | self._making:
            module = self.project.modules[path]
            leaves = {target.rpartition(".")[2] for target in module.imports.values()}
            if module is home or module.star_imports or leaves & {name, leaf_of(home.path)}:
                return True
        for module, function in self.project.holding(name):
            for call in self.project.functions.calls(module, function):
                chains = [each for each in call.named if each.endswith(name)]
                if chains and self.makers.maker_of(
                    self.project.resolve(module, call.chain.removesuffix("()"))
                ):
                    return True
        return False

    @once
    def _looping(self) -> frozenset[str]:
        """The modules whose own code makes tasks of functions that nobody can tell."""
        return frozenset(
            module.path
            for module in self.project.product_modules()
            if (own := module.functions.get("")) is not None
            and any(self._loops(module, value) for _, value in own.values)
        )

    def _loops(self, module: Module, value: Value) -> bool:
        given = value.first() if value.kind == "call" and value.chain.endswith(("task", "task()")) else None
        if given is None or self.project.value_entity(module, given).function() is not None:
            return False
        return self.makers.maker(module, value.keyword("()") or value) is not None

    @once
    def _making(self) -> frozenset[str]:
        return frozenset(path for path, _ in (*self.makers.wrappers, *self.makers.possible_wrappers()))

    # ------------------------------------------------------------------ what cannot be seen

    def _may_be_unseen(self, name: str) -> bool:
        """Whether a task may have a name where nobody can see it."""
        return self._open or self.unparsed.may_name_task(name)

    @once
    def _open(self) -> bool:
        """Whether tasks may have whatever names, which nobody can see."""
        if not all(map(self.applications.is_plain, self.applications.product)):
            return True
        if any(self._is_computed(task) for task in self.tasks.product):
            return True
        return any(
            module.functions.named("gen_task_name")
            or any(
                each.subscript and each.target.endswith(".tasks") and self._may_register(module, each)
                for each in module.assignments
            )
            for module in self.project.product_modules()
        )

    def _may_register(self, module: Module, assignment: Assignment) -> bool:
        """Whether what gets an item may be an application's tasks, and is no attribute of another class."""
        entity = self.project.resolve(module, assignment.target.removesuffix(".tasks"))
        return entity.class_() is None or any(
            base.kind not in ("class", "instance") and not base.name.startswith(_PLAIN)
            for base in self.project.bases(entity)
        )

    def _is_computed(self, task: Task) -> bool:
        """Whether its name is not written down. A decorated task takes none from its base class."""
        if self.task_options.spreads_unknown(task):
            return True
        if task.class_ is not None and not self.task_options.bases_known(task):
            return True
        given = self.task_options.get(task, "name")
        return given is not None and self.module_names.text(*given) is None

    # ------------------------------------------------------------------ what is meant

    def _is_among_others(self, name: str) -> bool:
        """Whether tasks of the project have names that begin like this one, and nobody sends it."""
        before, _, leaf = name.rpartition(".")
        return before in self._prefixes and name not in self._sent and not self.unparsed.hold([(leaf, "")])

    @once
    def _prefixes(self) -> frozenset[str]:
        """What the names begin with that tasks of the product are given."""
        return frozenset(
            task.name.rpartition(".")[0]
            for task in self.tasks.product
            if "." in task.name and self._own_name(task)
        )

    @once
    def _beginnings(self) -> frozenset[str]:
        """All that the names of tasks of the product begin with, up to each of their points."""
        parts = [task.name.split(".") for task in self.tasks.product]
        return frozenset(".".join(each[:length]) for each in parts for length in range(1, len(each)))

    @once
    def _sent(self) -> frozenset[str]:
        """The texts that are sent for the names of tasks."""
        return frozenset(
            argument.text
            for sending in self.sendings.all
            if sending.through == "application" and (argument := sending.call.argument(0, "name")).text
        )

    @once
    def _of_modules(self) -> tuple[str, ...]:
        """The names that come from a module: another folder to import from makes others of them."""
        return tuple([name for name, task in self.all.items() if "." in name and not self._own_name(task)])

    @once
    def _tails(self) -> frozenset[str]:
        """The ends of these names, from each of their points on."""
        return frozenset(tail for name in self._of_modules for tail in _tails(name))

    def _is_misspelt(self, name: str, near: str) -> bool:
        """Whether a name can only be meant for this one: short ones are alike by chance.

        The name of a function alone is no name of a task: Celery puts that of its module before it.
        """
        if "." in near and "." in name:
            return True
        if near.rpartition(".")[2] == name:
            return len(name) >= _LONG_ENOUGH
        return "." not in near + name and min(len(near), len(name)) >= _LONG_ENOUGH

    def _within_reach(self, module: Module) -> Meant:
        """The names that whoever writes a name in this module may mean: of tasks that it can import.

        Those of all others mean something to other workers. A schedule or a client of its own has no tasks.
        """
        root = self.project.imports.home(module.path)
        return self._by_root.get(root) or self._everywhere

    @once
    def _by_root(self) -> dict[str, Meant]:
        roots: dict[str, list[str]] = {}
        for name, task in self.all.items():
            roots.setdefault(self.project.imports.home(task.module.path), []).append(name)
        return {root: _meant(names) for root, names in roots.items()}

    @once
    def _everywhere(self) -> Meant:
        return _meant(self.all)


def _meant(names: Iterable[str]) -> Meant:
    return Meant(tuple(names), {_without_dashes(name): name for name in names})


def _without_dashes(name: str) -> str:
    return name.replace("-", "_").lower()


def _tails(name: str) -> Iterator[str]:
    _, point, tail = name.partition(".")
    while point:
        yield tail
        _, point, tail = tail.partition(".")
