"""What a Celery task is: the question that everything else depends on.

A function is a task because of what made it one, never because of how that thing is called: the chain of
its decorator is resolved to Celery's own ``shared_task`` or ``Celery.task``, directly, through an alias, a
``partial`` or a function or class of the project that applies one of them.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from celery_lint.model.facts import Class, Function, Module, Place, Value
from celery_lint.model.purpose import is_product_path
from celery_lint.project.index import UNKNOWN, Entity, Project

Origin = tuple[str, str]
Option = tuple[Module, Value]

_SHARED = frozenset(
    [
        "celery.shared_task",
        "celery.app.shared_task",
        "celery.app.base.shared_task",
        "celery.task",
        "celery.task.task",
        "celery.decorators.task",
        "celery.task.base.task",
        "celery.task.periodic_task",
        "celery.decorators.periodic_task",
    ]
)
_APPLICATIONS = frozenset(
    [
        "celery.Celery()",
        "celery.app.Celery()",
        "celery.app.base.Celery()",
        "celery.current_app",
        "celery.app.current_app",
        "celery._state.current_app",
        "celery._state.get_current_app()",
        "celery.app.app_or_default()",
        "celery.app.default_app",
        "celery.current_app._get_current_object()",
    ]
)
_MAKER_ENDS = ("shared_task", "task", "partial")
_DEEPEST = 4


class Maker(NamedTuple):
    """Something that turns functions into tasks: where its options come from, and whose tasks they are."""

    application: Origin | None
    options: tuple[Option, ...] = ()
    wrapper: Origin | None = None


class Task(NamedTuple):
    """A Celery task of the project."""

    name: str
    module: Module
    qualname: str
    place: Place
    function: Function | None
    application: Origin | None
    options: tuple[Option, ...]
    wrapper: Origin | None
    inner_decorators: tuple[Value, ...]
    class_: Class | None

    @property
    def label(self) -> str:
        """How messages call the task."""
        return self.qualname.rpartition("/")[2].partition("@")[0]


class Application(NamedTuple):
    """A Celery application of the project, by the name that it is bound to."""

    origin: Origin
    module: Module
    place: Place
    value: Value


def is_application(name: str) -> bool:
    """Whether a dotted external path is a Celery application.

    A package that is not in the workspace (``notifications_utils.celery.NotifyCelery()``) is taken at the
    word of its last component.
    """
    if name in _APPLICATIONS:
        return True
    top = name.partition(".")[0]
    return (
        top not in ("celery", "builtins") and "celery" in name.rpartition(".")[2].rpartition(":")[2].lower()
    )


class Tasks:
    """All tasks, applications and task makers of a project."""

    def __init__(self, project: Project) -> None:
        self.project = project
        self.wrappers: dict[Origin, Maker] = {}
        self._classes: dict[Origin, list[Entity]] = {}
        self._makers: dict[Origin, Maker | None] = {}
        self._named = frozenset(project.configuration.task_decorators)
        self.applications: dict[Origin, Application] = dict(self._find_applications())
        self.by_function: dict[Origin, Task] = {}
        self._bound: dict[Origin, tuple[Entity, Task]] = {}
        self.all: list[Task] = []
        found = [task for path in sorted(project.modules) for task in self._find(project.modules[path])]
        for task in found:
            if not self._inside_wrapper(task):
                self.all.append(task)
                self.by_function[(task.module.path, task.qualname)] = task
                if task.function is not None:
                    self.by_function.setdefault((task.module.path, task.function.qualname), task)

    # ------------------------------------------------------------------ questions

    def of(self, entity: Entity) -> Task | None:
        """The task that an entity is."""
        if entity.kind in ("function", "class", "instance") and entity.module is not None:
            return self.by_function.get((entity.module.path, entity.name))
        if entity.kind == "external" and entity.origin is not None:
            bound, task = self._bound.get(entity.origin, (None, None))
            return task if bound is not None and bound.name == entity.name else None
        return None

    def option(self, task: Task, name: str) -> Option | None:
        """A task's option as its decorator, its wrapper, its base class or its own class gives it."""
        for module, value in task.options:
            given = value.keyword(name)
            if given is not None:
                return module, given
            for key, spread in value.keywords:
                if key == "**":
                    mapping = self.project.constant(module, spread)
                    given = mapping.keyword(name) if mapping is not None else None
                    if given is not None:
                        return module, given
        return self._inherited(task, name)

    def _inherited(self, task: Task, name: str) -> Option | None:
        for start in self._task_bases(task):
            for entity in self.project.bases(start):
                class_ = entity.class_()
                if class_ is not None and entity.module is not None and class_.attributes.get(name):
                    return entity.module, class_.attributes[name][0]
        return None

    def _task_bases(self, task: Task) -> list[Entity]:
        """The classes that the task's own class derives from, as far as they are written down."""
        bases: list[Entity] = []
        if task.class_ is not None:
            bases.append(Entity("class", task.class_.qualname, task.module))
        for module, value in task.options:
            base = value.keyword("base")
            if base is not None:
                bases.append(self.project.value_entity(module, base))
        application = self._application_of(task)
        if application is not None:
            bases.extend(self._task_classes(application))
        return bases

    def _task_classes(self, application: Application) -> list[Entity]:
        """The classes that an application gives to its tasks, itself or in the factory that made it."""
        if application.origin in self._classes:
            return self._classes[application.origin]
        given = [(application.module, application.value.keyword("task_cls"))]
        factory = self.project.resolve(application.module, application.value.chain)
        function = factory.function()
        if function is not None and factory.module is not None:
            given += [(factory.module, value.keyword("task_cls")) for _, value in function.values]
        for module in self.project.product_modules():
            for assignment in module.assignments:
                if assignment.key in ("Task", "task_cls") and not assignment.subscript:
                    target = self.project.resolve(module, assignment.target)
                    made_there = target.origin is None and module is factory.module
                    inside = made_there and assignment.function == factory.name
                    if inside or target.origin == application.origin:
                        given.append((module, assignment.value))
        made = self.project.member(application.module, application.origin[1])
        class_, owner = made.class_(), made.module
        if class_ is not None and owner is not None:  # `class Application(Celery): task_cls = ...`
            given += [(owner, value) for value in class_.attributes.get("task_cls", ())]
        found = [self._class_given(module, value) for module, value in given if value is not None]
        self._classes[application.origin] = found
        return found

    def _application_of(self, task: Task) -> Application | None:
        """The application that a task is bound to; a shared task is bound to the only one there is."""
        if task.application is not None:
            return self.applications.get(task.application)
        product = [a for a in self.applications.values() if is_product_path(a.module.path)]
        return product[0] if len(product) == 1 else None

    def _class_given(self, module: Module, value: Value) -> Entity:
        """A class by its name or by its path in a string, ``"package.module:Class"``."""
        path = self.project.text(module, value)
        if path is None:
            return self.project.value_entity(module, value)
        return self.project.resolve(module, path.replace(":", "."))

    def base_of(self, task: Task) -> Entity | None:
        """The class of the project that a decorated task is an instance of."""
        for base in self._task_bases(task):
            if base.kind == "class":
                return base
        return None

    def around(self, task: Task, base: Entity | None) -> Iterator[tuple[Module, Function]]:
        """What the project puts around a task's function: its decorators, and its class's ``__call__``."""
        decorators = [self.project.value_entity(task.module, value) for value in task.inner_decorators]
        decorators += [
            self.project.resolve(task.module, v.chain) for v in task.inner_decorators if v.kind == "call"
        ]
        origins = {
            (e.module.path, e.name) for e in decorators if e.kind == "function" and e.module is not None
        }
        if task.wrapper is not None:
            origins.add(task.wrapper)
        for path, qualname in sorted(origins):
            module = self.project.modules.get(path)
            for function in module.functions.values() if module is not None else ():
                if module is not None and function.qualname.startswith((f"{qualname}/", f"{qualname}.")):
                    yield module, function
        if base is not None:
            call = self.project.attribute(base, "__call__")
            function_ = call.function()
            if function_ is not None and call.module is not None:
                yield call.module, function_

    def has_own_call(self, task: Task) -> bool:
        """Whether the task's class says itself how the task is called."""
        for start in self._task_bases(task):
            for entity in self.project.bases(start):
                class_ = entity.class_()
                if class_ is None:
                    if entity.kind != "external" or not entity.name.startswith(
                        ("celery.", "builtins.", "abc.")
                    ):
                        return not is_task_base(entity.name)
                elif "__call__" in class_.methods:
                    return True
        return False

    def open_ended(self, task: Task) -> bool:
        """Whether options of the task are hidden: in a ``**mapping`` or a base class elsewhere."""
        for module, value in task.options:
            for key, spread in value.keywords:
                if key in ("*", "**"):
                    known = self.project.constant(module, spread)
                    wrapper_parameter = (
                        task.wrapper is not None
                        and spread.chain.startswith("%")
                        and not self._adds_to(task.wrapper, spread.chain)
                    )
                    if (known is None or known.kind != "mapping") and not wrapper_parameter:
                        return True
            base = value.keyword("base")
            if base is not None and not self._base_is_known(self.project.value_entity(module, base)):
                return True
        application = self._application_of(task)
        classes = self._task_classes(application) if application is not None else []
        return not all(self._base_is_known(base) for base in classes)

    def _adds_to(self, wrapper: Origin, chain: str) -> bool:
        """Whether a wrapper puts options of its own into the mapping that its caller gives."""
        module = self.project.modules[wrapper[0]]
        inside = (f"{wrapper[1]}/", f"{wrapper[1]}.")
        if any(
            assignment.subscript
            and assignment.target == chain
            and (assignment.function == wrapper[1] or assignment.function.startswith(inside))
            for assignment in module.assignments
        ):
            return True
        return any(
            call.chain in (f"{chain}.setdefault", f"{chain}.update")
            for qualname, function in module.functions.items()
            if qualname == wrapper[1] or qualname.startswith(inside)
            for call in function.calls()
        )

    def _base_is_known(self, base: Entity) -> bool:
        for entity in self.project.bases(base):
            if entity.kind == "unknown":
                return False
            if entity.kind == "external" and not entity.name.startswith(("celery.", "builtins.", "abc.")):
                return False
        return True

    # ------------------------------------------------------------------ applications

    def _find_applications(self) -> Iterator[tuple[Origin, Application]]:
        project = self.project
        for path in sorted(project.modules):
            module = project.modules[path]
            for name, values in module.bindings.items():
                for value in values:
                    if value.kind != "call":
                        continue
                    entity = project.member(module, name)
                    made_here = entity.kind in ("external", "instance") and entity.origin == (path, name)
                    if made_here and self.application_of(entity) is not None:
                        yield (path, name), Application((path, name), module, module.place(value.span), value)
                        break

    def application_of(self, entity: Entity) -> str | None:
        """The external path of the application class when the entity is an application."""
        if entity.kind == "external" and is_application(entity.name):
            return entity.name
        if entity.kind == "instance":
            for base in self.project.bases(entity._replace(kind="class")):
                if base.kind == "external" and is_application(f"{base.name}()"):
                    return f"{base.name}()"
        return None

    # ------------------------------------------------------------------ makers

    def maker(self, module: Module, value: Value, depth: int = 0) -> Maker | None:
        """The maker that a decorator expression is; its own arguments come first among the options."""
        if depth > _DEEPEST:
            return None
        if value.kind == "name":
            found = self.maker_of(self.project.resolve(module, value.chain), depth)
            return found or self._configured(value.chain)
        if value.kind != "call":
            return None
        inner = value.keyword("()")
        if inner is not None:
            return None
        callee = self.project.resolve(module, value.chain)
        found = self.maker_of(callee, depth) or self._configured(value.chain)
        if found is None and callee.kind == "external" and callee.name == "functools.partial":
            found = self._partial(module, value, depth)
        return found._replace(options=((module, value), *found.options)) if found is not None else None

    def _configured(self, chain: str) -> Maker | None:
        if self._named:
            plain = chain.lstrip(":.~")
            if plain in self._named or plain.rpartition(".")[2] in self._named:
                return Maker(None)
        return None

    def _partial(self, module: Module, value: Value, depth: int) -> Maker | None:
        if not value.items:
            return None
        found = self.maker(module, value.items[0], depth + 1)
        return found._replace(options=((module, value), *found.options)) if found is not None else None

    def maker_of(self, entity: Entity, depth: int = 0) -> Maker | None:
        """The maker that an entity is."""
        if depth > _DEEPEST:
            return None
        if entity.kind == "external":
            name = entity.name
            if name in _SHARED:
                return Maker(None)
            options = ((entity.module, entity.value),) if entity.value is not None and entity.module else ()
            if name.endswith("()") and name[:-2] in _SHARED:
                return Maker(None, options)
            if name.endswith((".task", ".periodic_task")) and is_application(name.rpartition(".")[0]):
                return Maker(entity.origin or ("", name))
            if name.endswith(".task()") and is_application(name[: -len(".task()")]):
                return Maker(entity.origin or ("", name), options)
            return None
        if entity.kind == "partial" and entity.module is not None and entity.value is not None:
            return self._partial(entity.module, entity.value, depth)
        if entity.kind in ("function", "class", "instance") and entity.module is not None:
            return self._wrapper(entity.module, entity, depth)
        return None

    def _wrapper(self, module: Module, entity: Entity, depth: int) -> Maker | None:
        """The maker that a function or class of the project is, because it applies one to what it gets."""
        function = entity.function()
        key = (module.path, entity.name)
        if key in self._makers:
            return self._makers[key]
        self._makers[key] = None  # a wrapper that calls itself
        prefixes = (f"{entity.name}/",) if function is not None else (f"{entity.name}.",)
        inside = [
            candidate
            for qualname, candidate in module.functions.items()
            if qualname == entity.name or qualname.startswith(prefixes)
        ]
        found: Maker | None = None
        for candidate in inside:
            found = self._applied_in(module, candidate, key, depth)
            if found is not None:
                break
        self._makers[key] = found
        if found is not None:
            self.wrappers[key] = found
        return found

    def possible_wrappers(self) -> Iterator[Origin]:
        """The functions and classes that may be decorators for tasks, used as such so far or not."""
        for path, module in self.project.modules.items():
            for function in module.functions.values():
                if function.name and self._applies(module, function):
                    yield path, function.qualname.partition("/")[0].partition(".")[0]

    def _applies(self, module: Module, function: Function) -> bool:
        values = [value for _, value in function.values]
        if "/" in function.qualname:
            values.extend(function.decorators)
        return any(value.chain.endswith(_MAKER_ENDS) and self.maker(module, value) for value in values)

    def _applied_in(self, module: Module, function: Function, key: Origin, depth: int) -> Maker | None:
        for _, value in function.values:
            found = self.maker(module, value, depth + 1)
            if found is not None:
                return found._replace(wrapper=key)
        for decorator in function.decorators if "/" in function.qualname else ():
            found = self.maker(module, decorator, depth + 1)
            if found is not None:
                return found._replace(wrapper=key)
        for call in function.calls():
            if not call.chain.startswith("%") and call.chain.endswith("()"):
                called = self.project.resolve(module, call.chain.removesuffix("()"))
                if called.kind in ("function", "class") and called.name != key[1]:
                    found = self.maker_of(called, depth + 1)
                    if found is not None:
                        return found._replace(wrapper=key)
        return None

    # ------------------------------------------------------------------ tasks

    def _find(self, module: Module) -> Iterator[Task]:
        for function in module.functions.values():
            for index, decorator in enumerate(function.decorators):
                found = self.maker(module, decorator)
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
        for owner, value in options:
            given = value.keyword("name")
            if given is not None:
                text = self.project.text(owner, given)
                if text is not None:
                    return text
        return f"{self.project.imports.module_name(module.path)}.{name}"

    def _assigned(self, module: Module, value: Value) -> Iterator[Task]:
        """``send = app.task(_send)`` and ``send = shared_task(name="x")(_send)``."""
        if value.kind != "call" or not value.items:
            return
        inner = value.keyword("()")
        found = self.maker(module, inner) if inner is not None else self.maker(module, value)
        if found is None:
            return
        target = self.project.value_entity(module, value.items[0])
        function = target.function()
        if function is None or target.module is not module:
            return
        yield self._task(module, function, found, function.decorators)

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
            name = class_.attributes.get("name")
            text = self.project.text(module, name[0]) if name else None
            yield Task(
                text or f"{self.project.imports.module_name(module.path)}.{class_.name}",
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

    def is_task_class(self, entity: Entity) -> bool:
        """Whether a class derives from Celery's ``Task``."""
        for base in self.project.bases(entity):
            if base.kind == "external" and base is not entity and is_task_base(base.name):
                return True
        return False

    def _inside_wrapper(self, task: Task) -> bool:
        return any(
            path == task.module.path and task.qualname.startswith((f"{qualname}/", f"{qualname}."))
            for path, qualname in self.wrappers
        )


def is_task_base(name: str) -> bool:
    """Whether an external path is Celery's ``Task`` class, of the library or of an application."""
    owner, _, leaf = name.rpartition(".")
    if leaf != "Task":
        return False
    return owner in (
        "celery",
        "celery.app.task",
        "celery.task",
        "celery.task.base",
        "celery.app",
    ) or is_application(owner)


def product_tasks(tasks: Tasks) -> list[Task]:
    """The tasks outside tests and examples."""
    return [task for task in tasks.all if is_product_path(task.module.path)]


__all__ = [
    "UNKNOWN",
    "Application",
    "Maker",
    "Option",
    "Origin",
    "Task",
    "Tasks",
    "is_application",
    "product_tasks",
]
