"""What a Celery task is: the question that everything else depends on.

A function is a task because of what made it one, never because of how that thing is called: the chain of
its decorator is resolved to Celery's own ``shared_task`` or ``Celery.task``, directly, through an alias, a
``partial`` or a function or class of the project that applies one of them.
"""

from __future__ import annotations

from collections.abc import Iterator

from celery_lint.inventory.application.applications import is_task_base
from celery_lint.inventory.tasks.makers import Maker, Makers, Option
from celery_lint.inventory.tasks.names import ModuleNames
from celery_lint.inventory.tasks.task import Task, given_name
from celery_lint.model.facts import Class, Function, Module, Place, Value
from celery_lint.project.entity import Entity, Key
from celery_lint.project.known import Known, facts, once
from celery_lint.project.memory import PerMode

# What an application gives back is the task that it was given: ``sync = app.register_task(Sync())``.
_STATED = ("task", "task()")
_REGISTERED = ".register_task()"


class Tasks:
    """All tasks of a project, with its applications, its task makers and the options of tasks."""

    def __init__(self, known: Known) -> None:
        self.project = known.project
        self.makers = known.of(Makers)
        self.names = known.of(ModuleNames)
        self.by_function: dict[Key, Task] = {}
        self._bound: dict[Key, tuple[Entity, Task]] = {}
        reading = self.project.reading
        self._classes = PerMode[bool](reading, reading.lasted("task classes"))
        self._all: list[Task] = []
        found = [
            task for path in sorted(self.project.modules) for task in self._find(self.project.modules[path])
        ]
        for task in found:
            if not self._inside_wrapper(task):
                self._all.append(task)
                self.by_function[(task.module.path, task.qualname)] = task
                if task.function is not None:
                    self.by_function.setdefault((task.module.path, task.function.qualname), task)
        stated = [task for path in sorted(self.project.modules) for task in self._stated(path)]
        if stated:
            self._all = sorted([*self._all, *stated], key=lambda task: task.module.path)

    @facts
    def all(self) -> list[Task]:
        """The tasks, by path and position."""
        return self._all

    @once
    def product(self) -> list[Task]:
        """The tasks of the product."""
        return [task for task in self.all if self.project.modules.is_product(task.module.path)]

    def is_within(self, place: Place) -> bool:
        """Whether a place lies in the function of a task of the product."""
        return any(first <= place.span.line <= last for first, last in self._lines.get(place.path, ()))

    @once
    def _lines(self) -> dict[str, list[tuple[int, int]]]:
        found: dict[str, list[tuple[int, int]]] = {}
        for task in self.product:
            if task.function is not None:
                lines = task.function.span.line, task.function.end_line
                found.setdefault(task.module.path, []).append(lines)
        return found

    def of(self, entity: Entity) -> Task | None:
        """The task that an entity is."""
        if entity.kind in ("function", "class", "instance") and entity.module is not None:
            return self.by_function.get((entity.module.path, entity.name))
        if entity.kind == "external" and entity.name.endswith(_REGISTERED):
            given = entity.value.first() if entity.value is not None else None
            if given is None or entity.module is None:
                return None
            return self.of(self.project.value_entity(entity.module, given))
        if entity.kind == "external" and entity.origin is not None:
            bound, task = self._bound.get(entity.origin, (None, None))
            return task if bound is not None and bound.name == entity.name else None
        return None

    def _find(self, module: Module) -> Iterator[Task]:
        for function in module.functions.decorated():
            for index, decorator in enumerate(function.decorators):
                found = self.makers.maker_for(module, function, decorator)
                if found is not None:
                    yield self._task(module, function, found, function.decorators[index + 1 :])
                    break
        for name, values in module.bindings.items():
            for value in values:
                for task in self._assigned(module, value):
                    self._bound[(module.path, name)] = self.project.member(module, name), task
                    yield task
        yield from self._class_based(module)

    def _task(self, module: Module, function: Function, maker: Maker, inner: tuple[Value, ...]) -> Task:
        return Task(
            self._celery_name(module, function.name, maker.options),
            module,
            function.qualname,
            module.place(function.span),
            function,
            maker.application,
            maker.options,
            maker.wrapper,
            inner,
            None,
        )

    def _celery_name(self, module: Module, name: str, options: tuple[Option, ...]) -> str:
        given = given_name(options)
        text = self.names.text(*given) if given is not None else None
        return text or f"{self.names.of(module.path)}.{name}"

    def _assigned(self, module: Module, value: Value) -> Iterator[Task]:
        """``send = app.task(_send)`` and ``send = shared_task(name="x")(_send)``."""
        made = self._made(module, value)
        if made is not None and made[0] is module:
            yield self._task(*made)

    def _stated(self, path: str) -> Iterator[Task]:
        """``app.task(send)`` where the module keeps no name for it, or has the function from another one.

        It is registered all the same, under the name of the module where it is at home.
        """
        module = self.project.modules[path]
        own = module.functions.get("")
        stated = (
            [value for _, value in own.values if value.chain.endswith(_STATED)] if own is not None else ()
        )
        names = {v.span: n for n, values in module.bindings.items() for v in values} if stated else {}
        for value in stated:
            made = self._made(module, value)
            if made is None:
                continue
            task = self.by_function.get((made[0].path, made[1].qualname))
            if task is None:
                task = self._task(*made)
                self.by_function[task.key] = task
                yield task
            name = names.get(value.span, "") if made[0] is not module else ""
            if name:
                self._bound[(module.path, name)] = self.project.member(module, name), task

    def unread(self) -> set[str]:
        """Names of functions that are made tasks in other files than theirs, which nobody has read."""
        found = set()
        for module in self.project.modules.values():
            own = module.functions.get("")
            for _, value in own.values if own is not None else ():
                given = value.first() if value.chain.endswith(_STATED) else None
                if given is None or given.kind != "name" or given.chain[:1] in ":~%":
                    continue
                maker = self.makers.maker(module, value.keyword("()") or value)
                if maker is not None and self.project.value_entity(module, given).kind == "unknown":
                    found.add(given.chain.rpartition(".")[2])
        return found

    def _made(self, module: Module, value: Value) -> tuple[Module, Function, Maker, tuple[Value, ...]] | None:
        """The function, at home in some module, that a call hands to a task maker, and what decorates it."""
        given = value.first()
        if value.kind != "call" or given is None:
            return None
        inner = value.keyword("()")
        found = self.makers.maker(module, inner) if inner is not None else self.makers.maker(module, value)
        if found is None:
            return None
        target = self.project.value_entity(module, given)
        function = target.function()
        if function is None or target.module is None:
            return None
        return target.module, function, found, function.decorators

    def _class_based(self, module: Module) -> Iterator[Task]:
        for class_ in module.classes.values():
            entity = Entity("class", class_.qualname, module)
            if not self.is_task_class(entity):
                continue
            run = self.project.attribute(entity, "run")
            function = run.function()
            inherited = run.kind == "external" and is_task_base(run.name.removesuffix(".run"))
            if inherited or run.kind == "unknown":
                continue  # a base for the tasks of others: nobody says what it runs
            abstract = class_.attributes.get("abstract")
            if abstract and abstract[0].data is True:
                continue
            yield Task(
                self._class_name(module, class_),
                module,
                class_.qualname,
                module.place(class_.span),
                function,
                None,
                (),
                None,
                (),
                class_,
            )

    def _class_name(self, module: Module, class_: Class) -> str:
        """The name of a class-based task: a decorator that makes it a task does not look at its attribute."""
        for decorator in class_.decorators:
            maker = self.makers.maker(module, decorator)
            if maker is not None:
                return self._celery_name(module, class_.name, maker.options)
        name = class_.attributes.get("name")
        text = self.names.text(module, name[0]) if name else None
        return text or f"{self.names.of(module.path)}.{class_.name}"

    def is_task_class(self, entity: Entity) -> bool:
        """Whether a class derives from Celery's ``Task``."""
        class_ = entity.class_()
        if class_ is None or entity.module is None or not class_.bases:
            return False
        return self._classes.of((entity.module.path, entity.name), lambda: self._derives(entity))

    def _derives(self, entity: Entity) -> bool:
        bases = self.project.bases(entity)
        return any(base.kind == "external" and is_task_base(base.name) for base in bases)

    def _inside_wrapper(self, task: Task) -> bool:
        name = task.qualname
        return any(
            (task.module.path, name[:at]) in self.makers.wrappers
            for at, character in enumerate(name)
            if character in "/."
        )
