"""A task's effective options: its decorator's, its wrapper's, its base class's, its application's."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from celery_lint.inventory.application.applications import Application, Applications, is_task_base
from celery_lint.inventory.tasks.makers import Option
from celery_lint.inventory.tasks.task import Task
from celery_lint.model.facts import Function, Module, Value
from celery_lint.project.entity import Entity, Key
from celery_lint.project.known import Known, once
from celery_lint.project.tables import written_mapping

# What Celery reads of a task when it is sent or run, and projects set on the finished task.
_ATTRIBUTES = frozenset(
    [
        "time_limit", "soft_time_limit", "max_retries", "default_retry_delay", "acks_late", "ignore_result",
        "queue", "rate_limit", "expires", "priority", "reject_on_worker_lost", "track_started", "serializer",
    ]
)  # fmt: skip


class TaskOptions:
    """Questions about the options and classes of tasks."""

    def __init__(self, known: Known) -> None:
        self.project = known.project
        self.applications = known.of(Applications)
        self._classes: dict[Key, list[Entity]] = {}

    def get(self, task: Task, name: str) -> Option | None:
        """A task's option by an assignment, its decorator, its wrapper, its base class or its own class."""
        assigned = self._assigned.get((task.key, name))
        if assigned is not None:
            return assigned
        for module, value in task.options:
            given = value.keyword(name)
            if given is not None:
                return module, given
            for key, spread in value.keywords:
                option = self._in_mapping(module, spread, name) if key == "**" else None
                if option is not None:
                    return option
        return self._inherited(task, name)

    @once
    def _assigned(self) -> dict[tuple[Key, str], Option]:
        """The options that tasks get as attributes once they are made: ``rebuild.time_limit = 600``."""
        found = {}
        for module in self.project.product_modules():
            for assignment in module.assignments:
                if assignment.subscript or assignment.key not in _ATTRIBUTES or assignment.target[:1] == "%":
                    continue
                entity = self.project.resolve(module, assignment.target)
                if entity.kind in ("function", "class", "instance") and entity.module is not None:
                    key = (entity.module.path, entity.name)
                    found[key, assignment.key] = (module, assignment.value)
        return found

    def _in_mapping(self, module: Module, value: Value, name: str, depth: int = 4) -> Option | None:
        """An option of a mapping, where it is written; the mappings that are spread in it count too."""
        owner, mapping = self._mapping(module, value)
        for key, given in reversed(mapping.keywords if mapping is not None else ()):
            if key == name:
                return owner, given
            inner = self._in_mapping(owner, given, name, depth - 1) if key == "**" and depth else None
            if inner is not None:
                return inner
        return None

    def _mapping(self, module: Module, value: Value) -> tuple[Module, Value | None]:
        """The mapping that an expression means, and the module that writes it."""
        for _ in range(8):
            if value.kind == "mapping":
                return module, value
            entity = self.project.value_entity(module, value) if value.kind in ("name", "call") else None
            if entity is None or entity.kind != "value" or entity.module is None or entity.value is None:
                break
            module, value = entity.module, entity.value
        return written_mapping(self.project, module, value)

    def _is_closed(self, module: Module, value: Value, depth: int = 4) -> bool:
        """Whether a mapping is written down, with all that is spread in it."""
        owner, mapping = self._mapping(module, value)
        return mapping is not None and all(
            key != "**" or (depth > 0 and self._is_closed(owner, given, depth - 1))
            for key, given in mapping.keywords
        )

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
        factory, function = next(self.applications.makers(application), (None, None))
        if function is not None and factory is not None:
            given += [(factory, value.keyword("task_cls")) for _, value in function.values]
        for module in self.project.product_modules():
            for assignment in module.assignments:
                if assignment.key in ("Task", "task_cls") and not assignment.subscript:
                    target = self.project.resolve(module, assignment.target)
                    if assignment.target.endswith(".conf") or target.name.endswith(".conf"):
                        continue  # which is no setting
                    made_there = target.origin is None and module is factory
                    inside = made_there and function and assignment.function == function.qualname
                    if inside or target.origin == application.origin:
                        given.append((module, assignment.value))
        made = self.project.member(application.module, application.origin[1])
        class_, owner = made.class_(), made.module
        if class_ is not None and owner is not None:  # `class Application(Celery): task_cls = ...`
            given += [(owner, value) for value in class_.attributes.get("task_cls", ())]
            for assignment in owner.assignments:  # `self.Task = ...` in one of its methods
                own = assignment.function.startswith(f"{made.name}.")
                if own and assignment.key in ("Task", "task_cls") and not assignment.subscript:
                    given.append((owner, assignment.value))
        found = [self._class_given(module, value) for module, value in given if value is not None]
        self._classes[application.origin] = found
        return found

    def _application_of(self, task: Task) -> Application | None:
        """The application that a task is bound to; a shared task is bound to the only one there is."""
        if task.application is not None:
            return self.applications.get(task.application)
        product = [
            a for a in self.applications.by_origin.values() if self.project.modules.is_product(a.module.path)
        ]
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

    def has_own_call(self, task: Task) -> bool:
        """Whether the task's class says itself how the task is called."""
        for start in self._task_bases(task):
            for entity in self.project.bases(start):
                class_ = entity.class_()
                if class_ is None:
                    external = entity.kind == "external"
                    known = external and entity.name.startswith(("celery.", "builtins.", "abc."))
                    celery_own = known or is_task_base(entity.name)
                    if not celery_own and (not external or _may_await(entity.name)):
                        return True
                elif "__call__" in class_.methods:
                    return True
        return False

    def open_ended(self, task: Task, names: frozenset[str] = frozenset()) -> bool:
        """Whether options of the task are hidden: in a ``**mapping`` or a base class elsewhere.

        With ``names``, these alone are asked for, and nothing but what cannot give them to it counts as seen.
        """
        if self.spreads_unknown(task, names):
            return True
        for module, value in task.options:
            base = value.keyword("base")
            if base is not None and not self._base_is_known(self.project.value_entity(module, base)):
                return True
        application = self._application_of(task)
        classes = self._task_classes(application) if application is not None else []
        return not all(self._base_is_known(base) for base in classes)

    def spreads_unknown(self, task: Task, names: frozenset[str] = frozenset()) -> bool:
        """Whether its decorator is given a ``**mapping`` that is not written down."""
        if names and self._keeps(task, names):
            return True
        for module, value in task.options:
            for key, spread in value.keywords:
                if key in ("*", "**"):
                    wrapper = self._written_in(module, spread) if names else task.wrapper
                    wrapper_parameter = (
                        wrapper is not None
                        and spread.chain.startswith("%")
                        and not self._adds_to(wrapper, spread.chain, names)
                    )
                    open_ = key == "*" and not (names and wrapper_parameter)
                    if open_ or not (self._is_closed(module, spread) or wrapper_parameter):
                        return True
        return False

    def bases_known(self, task: Task) -> bool:
        """Whether every class that the task derives from is Celery's own or of the project."""
        return all(self._base_is_known(base) for base in self._task_bases(task))

    def classes(self, task: Task) -> Iterator[Entity]:
        """The classes of the project that the task derives from."""
        for start in self._task_bases(task):
            for entity in self.project.bases(start):
                if entity.class_() is not None and entity.module is not None:
                    yield entity

    def has_own(self, task: Task, name: str) -> bool:
        """Whether a class of the project that the task derives from has a method of Celery's itself."""
        classes = [class_ for entity in self.classes(task) if (class_ := entity.class_()) is not None]
        return any(name in class_.methods or name in class_.attributes for class_ in classes)

    def _written_in(self, module: Module, value: Value) -> Key | None:
        """The outermost function that a value is written in: one maker may use another."""
        function = self.project.functions.around(module, value)
        return (module.path, function.qualname.partition("/")[0]) if function is not None else None

    def _adds_to(self, wrapper: Key, chain: str, names: frozenset[str]) -> bool:
        """Whether a wrapper puts options of its own, or those of these names, into what its caller gives."""
        module = self.project.modules[wrapper[0]]
        what = f"{wrapper[1]} adds {' '.join(sorted(names))} to {chain}"  # for all tasks that it makes
        find = partial(self._find_added, module, wrapper[1], chain, names)
        return self.project.functions.kept(module, what, None, find)

    def _find_added(self, module: Module, wrapper: str, chain: str, names: frozenset[str]) -> bool:
        inside = (f"{wrapper}/", f"{wrapper}.")
        if any(
            assignment.subscript
            and assignment.target == chain
            and (not names or assignment.key in names)
            and (assignment.function == wrapper or assignment.function.startswith(inside))
            for assignment in module.assignments
        ):
            return True
        family = self.project.functions.within(module, wrapper)
        if names:
            return self._may_add(module, family, chain[1:], names)
        return any(
            call.chain in (f"{chain}.setdefault", f"{chain}.update")
            for function in family
            for call in function.calls()
        )

    def _keeps(self, task: Task, names: frozenset[str]) -> bool:
        """Whether its maker has a parameter of these names that it does not give to Celery as it is."""
        path, name = task.wrapper or ("", "")
        maker = self.project.modules[path].functions.get(name) if task.wrapper is not None else None
        own = names.intersection(given.name for given in maker.parameters) if maker is not None else ()
        given = [value.keyword(each) for _, value in task.options for each in own]
        return any(all(value is None or value.chain != f"%{each}" for value in given) for each in own)

    def _may_add(self, module: Module, family: list[Function], name: str, names: frozenset[str]) -> bool:
        """Whether the functions of a maker may put options of these names into one of their parameters."""
        if not any(
            given.name == name and given.kind in ("*", "**") for f in family for given in f.parameters
        ):
            return True  # made of what nobody knows
        changing = tuple([f"%{name}.{leaf}" for leaf in ("pop", "setdefault", "update")])
        for function in family:
            for call in function.calls():
                if call.chain.startswith(changing):
                    leaf, said = call.leaf(), {call.argument(0).text}
                    if leaf == "update":
                        said = {given.keyword for given in call.takes}
                    if not said.isdisjoint({*names, "", "**"}):
                        return True
            flow = self.project.functions.of(module, function)
            for step in flow.steps:
                set_ = step.kind in ("assign", "delete") and not step.stores and name in step.loads
                looped = set_ and any(each.kind in ("for", "while") for each in flow.ancestors(step))
                if name in step.stores or looped or (set_ and step.kind == "delete"):
                    return True
        return False

    def _base_is_known(self, base: Entity) -> bool:
        for entity in self.project.bases(base):
            if entity.kind == "unknown":
                return False
            if entity.kind == "external" and not entity.name.startswith(("celery.", "builtins.", "abc.")):
                return False
        return True


def _may_await(name: str) -> bool:
    """Whether a class of tasks from another package is made for coroutines: it says so itself."""
    return any(word in name.lower() for word in ("async", "aio", "coro"))
