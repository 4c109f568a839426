"""The bridge between a scheduler and Celery: registries of tasks by key, and who dispatches from them."""

from __future__ import annotations

from collections.abc import Iterator

from celery_lint.inventory.tasks.task import Task
from celery_lint.inventory.tasks.tasks import Tasks
from celery_lint.libraries.celery import SENDING
from celery_lint.model.arguments import ABSENT
from celery_lint.model.calls import Call
from celery_lint.model.facts import Function, Module, Place, Value
from celery_lint.model.records import NamedTuple
from celery_lint.project.asking import asking
from celery_lint.project.entity import Entity, Key
from celery_lint.project.known import Known, once


class Entry(NamedTuple):
    """One registration: a key and what stands behind it. ``task`` is ``None`` for anything else."""

    registry: Key
    key: str
    key_place: Place
    value: Value
    module: Module
    task: Task | None
    entity: Entity


class Dispatcher(NamedTuple):
    """A function that looks a key up in a registry and sends the task behind it.

    ``parameter`` is the position of the key among its parameters; ``keywords`` are the names that it always
    passes on to the task; ``fallback`` says that a key that is not there has a task as well.
    """

    registry: Key
    module: Module
    function: Function
    parameter: int
    keywords: tuple[str, ...]
    fallback: bool


class Registry(NamedTuple):
    """A registry of tasks. ``complete`` tells that every key is written down as a literal."""

    origin: Key
    module: Module
    place: Place
    entries: tuple[Entry, ...]
    dispatchers: tuple[Dispatcher, ...]
    complete: bool

    @property
    def name(self) -> str:
        """The name of the mapping or function."""
        return self.origin[1]


class Registries:
    """The registries of a project, each with its entries from every module."""

    def __init__(self, known: Known) -> None:
        self.project = known.project
        self.tasks = known.of(Tasks)
        self.functions = known.project.functions
        self._configured = frozenset(self.project.configuration.bridge_registries)

    @once
    def all(self) -> list[Registry]:
        """The registries: mappings and register functions that hold at least one task."""
        entries: dict[Key, list[Entry]] = {}
        open_ended: set[Key] = set()
        for module in self.project.product_modules():
            for entry in self._mappings(module, open_ended):
                entries.setdefault(entry.registry, []).append(entry)
            for entry in self._assignments(module, open_ended):
                entries.setdefault(entry.registry, []).append(entry)
            for entry in self._registrations(module, open_ended):
                entries.setdefault(entry.registry, []).append(entry)
        found = []
        by_registry: dict[Key, list[Dispatcher]] = {}
        for dispatcher in self._dispatchers:
            by_registry.setdefault(dispatcher.registry, []).append(dispatcher)
        for origin in sorted(entries):
            held = entries[origin]
            if not any(entry.task is not None for entry in held) and origin[1] not in self._configured:
                continue
            module = self.project.modules[origin[0]]
            dispatchers = tuple(by_registry.get(origin, ()))
            found.append(
                Registry(
                    origin,
                    module,
                    self._place(module, origin[1]),
                    tuple(held),
                    dispatchers,
                    origin not in open_ended,
                )
            )
        return found

    def _place(self, module: Module, name: str) -> Place:
        values = module.bindings.get(name)
        if values:
            return module.place(values[0].span)
        function = module.functions.get(name)
        if function is not None:
            return module.place(function.span)
        return module.place(module.functions[""].span)

    # ------------------------------------------------------------------ entries

    # Whatever defines a task has been read: no mapping of the project has to be followed further.
    @asking("quiet")
    def _entry(self, registry: Key, key: str, key_place: Place, module: Module, value: Value) -> Entry:
        entity = self.project.value_entity(module, value)
        return Entry(registry, key, key_place, value, module, self.tasks.of(entity), entity)

    def _mappings(self, module: Module, open_ended: set[Key]) -> Iterator[Entry]:
        for name, values in module.bindings.items():
            for value in values:
                if value.kind != "mapping":
                    continue
                origin = (module.path, name)
                found: list[Entry] = []
                text_of = self.project.text if self._holds_task(module, value) else self._text_at_hand
                for key, (text, item) in zip(value.items, value.keywords, strict=True):
                    if key.kind != "constant" or not isinstance(key.data, str):
                        known = text_of(module, key) if text != "**" else None
                        if known is None:
                            open_ended.add(origin)
                            continue
                        text = known
                    found.append(self._entry(origin, text, module.place(key.span), module, item))
                yield from found

    @asking("quiet")
    def _holds_task(self, module: Module, mapping: Value) -> bool:
        held = (self.project.value_entity(module, item) for _, item in mapping.keywords)
        return any(self.tasks.of(entity) for entity in held)

    @asking("quiet")
    def _text_at_hand(self, module: Module, key: Value) -> str | None:
        """The key of a mapping that holds no task: not worth reading a file."""
        return self.project.text(module, key)

    def _assignments(self, module: Module, open_ended: set[Key]) -> Iterator[Entry]:
        """``REGISTRY["key"] = task``, and the function that does it for a key it is given."""
        for assignment in module.assignments:
            if not assignment.subscript:
                continue
            origin = self._written(module, assignment.target)
            if origin is None:
                continue
            if assignment.key:
                yield self._entry(
                    origin, assignment.key, module.place(assignment.key_span), module, assignment.value
                )
            elif not self._registers(module, assignment.function):
                open_ended.add(origin)

    def _registers(self, module: Module, qualname: str) -> bool:
        """Whether a function stores what it is given under the key that it is given."""
        return (module.path, qualname.partition("/")[0]) in self.register_functions

    @once
    def register_functions(self) -> dict[Key, Key]:
        """The functions that write into a module-level mapping under a key of their caller."""
        found: dict[Key, Key] = {}
        for module in self.project.product_modules():
            for assignment in module.assignments:
                if assignment.subscript and not assignment.key and assignment.function:
                    registry = self._written(module, assignment.target)
                    function = module.functions.get(assignment.function)
                    if registry is None or function is None:
                        continue
                    outermost = module.functions[assignment.function.partition("/")[0]]
                    if outermost.parameters and assignment.value.chain.startswith("%"):
                        found[(module.path, outermost.qualname)] = registry
        return found

    @asking("quiet")
    def _written(self, module: Module, chain: str) -> Key | None:
        """The mapping that an item is set in."""
        return self._mapping_origin(module, chain)

    def _mapping_origin(self, module: Module, chain: str) -> Key | None:
        if chain[:1] in "%~":
            return None
        entity = self.project.resolve(module, chain)
        if entity.origin is None:
            return None
        is_mapping = entity.kind == "value" and entity.value is not None and entity.value.kind == "mapping"
        is_dict = entity.kind == "external" and entity.name in (
            "builtins.dict()",
            "collections.OrderedDict()",
        )
        return entity.origin if is_mapping or is_dict else None

    def _registrations(self, module: Module, open_ended: set[Key]) -> Iterator[Entry]:
        """``register_task("key", task)``, ``bridge.register(...)`` and ``@register("key")``."""
        functions = module.functions.telling()
        if self._configured:
            functions = module.functions.in_order(functions, module.functions.holding(*self._configured))
        for function in functions:
            for _, value in function.values:
                yield from self._registration(module, value, open_ended)
            yield from self._configured_registrations(module, function)
            for decorator in function.decorators:
                given = decorator.first() if decorator.kind == "call" else None
                if given is not None and self._is_task(module, function):
                    registry = self._registry_of(module, decorator)
                    key = self.project.text(module, given)
                    if registry is not None and key is not None and len(decorator.items) == 1:
                        value = Value("name", function.span, None, f":{function.qualname}")
                        place = module.place(given.span)
                        yield self._entry(registry, key, place, module, value)

    def _is_task(self, module: Module, function: Function) -> bool:
        return (module.path, function.qualname) in self.tasks.by_function

    def _registration(self, module: Module, value: Value, open_ended: set[Key]) -> Iterator[Entry]:
        if value.kind != "call" or len(value.items) + len(value.keywords) < 2:
            return
        registry = self._registry_of(module, value)
        if registry is None:
            return
        given = list(value.items) + [item for name, item in value.keywords if name not in ("*", "**", "()")]
        if value.open_ended() or len(given) < 2:
            open_ended.add(registry)
            return
        key = self.project.text(module, given[0])
        if key is None:
            open_ended.add(registry)
            return
        yield self._entry(registry, key, module.place(given[0].span), module, given[1])

    def _configured_registrations(self, module: Module, function: Function) -> Iterator[Entry]:
        """The calls of functions that the options name, whose arguments a reader did not know to keep."""
        if not self._configured or not function.mentions(*self._configured):
            return
        kept = {number for number, _ in function.values}
        for call in self.functions.calls(module, function):
            if call.leaf() not in self._configured or call.number in kept or call.is_decorator:
                continue
            key, task = (*call.takes, ABSENT, ABSENT)[:2]
            target = self.project.resolve(module, call.chain)
            if key.kind == "text" and task.kind == "name" and target.module is not None:
                value = Value("name", call.span, None, task.chain)
                place = module.place(call.span)
                yield self._entry((target.module.path, target.name), key.text, place, module, value)

    def _registry_of(self, module: Module, value: Value) -> Key | None:
        """The registry that a call writes into."""
        leaf = value.chain.rpartition(".")[2].lstrip(":~%")
        entity = self.project.resolve(module, value.chain)
        function = entity.function()
        if function is None or entity.module is None:
            return None
        origin = (entity.module.path, function.qualname)
        if origin in self.register_functions:
            return self.register_functions[origin]
        if leaf in self._configured:
            return origin
        return None

    # ------------------------------------------------------------------ dispatch

    @once
    def _dispatchers(self) -> list[Dispatcher]:
        found = []
        for module, function in self.project.holding("delay", "apply_async"):
            if function.name and function.parameters:
                dispatcher = self._dispatcher(module, function)
                if dispatcher is not None:
                    found.append(dispatcher)
        return found

    def _dispatcher(self, module: Module, function: Function) -> Dispatcher | None:
        calls = self.functions.calls(module, function)
        names = [parameter.name for parameter in function.parameters]
        for call in calls:
            if call.leaf() not in SENDING:
                continue
            looked_up = call.chain.rpartition(".")[0]
            base = self._lookup_base(looked_up)
            registry = self._mapping_origin(module, base) if base else None
            if registry is None:
                continue
            key = self._key_parameter(calls, base, names)
            if key is None:
                continue
            offset = 1 if function.owner and names[:1] in (["self"], ["cls"]) else 0
            fallback = any(other.chain == f"{base}.get" and len(other.takes) > 1 for other in calls)
            return Dispatcher(registry, module, function, key - offset, _passed(call), fallback)
        return None

    def _lookup_base(self, chain: str) -> str:
        """``REGISTRY.get()`` and ``REGISTRY[]`` as ``REGISTRY``."""
        if chain.endswith("[]"):
            return chain[:-2]
        if chain.endswith(".get()"):
            return chain.removesuffix(".get()")
        return ""

    def _key_parameter(self, calls: list[Call], base: str, names: list[str]) -> int | None:
        for call in calls:
            name = call.argument(0, "key").chain
            if call.chain == f"{base}.get" and name[:1] == "%":
                name = name[1:]
                return names.index(name) if name in names else None
        for index, name in enumerate(names):
            if name not in ("self", "cls"):
                return index
        return None

    def is_bridge(self, registry: Registry) -> bool:
        """Whether a registry is there for tracked tasks, and not just any mapping of tasks."""
        if registry.name in self._configured:
            return True
        tracking = self.project.configuration.tracking_parameters
        return any(set(d.keywords) & set(tracking) for d in registry.dispatchers) or any(
            entry.task is not None
            and entry.task.function is not None
            and any(p.name in tracking for p in entry.task.function.parameters)
            for entry in registry.entries
        )

    def is_exempt(self, task: Task) -> bool:
        """Whether the options say that a task needs no entry in a registry."""
        globs = self.project.configuration.bridge_exempt
        if not globs:
            return False
        from fnmatch import fnmatchcase

        return any(fnmatchcase(task.name, glob) or fnmatchcase(task.label, glob) for glob in globs)


def _passed(call: Call) -> tuple[str, ...]:
    """The keywords that a ``delay`` or ``apply_async`` gives to the task."""
    if call.leaf() == "delay":
        return tuple(given.keyword for given in call.takes if given.keyword not in ("", "**"))
    return call.argument(1, "kwargs").keys
