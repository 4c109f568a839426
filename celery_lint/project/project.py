"""All modules of a workspace, linked: what a chain means once every module is known."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from celery_lint.model.chains import steps_of_component
from celery_lint.model.commands import NOWHERE, Deployment
from celery_lint.model.facts import Function, Module, Value
from celery_lint.options import Configuration
from celery_lint.project import objects
from celery_lint.project.constants import Constants
from celery_lint.project.entity import (
    UNKNOWN,
    Entity,
    Key,
    chosen,
    external,
    is_decorated,
    is_none,
    is_property,
)
from celery_lint.project.functions import Functions
from celery_lint.project.imports import Imports
from celery_lint.project.memory import Memory
from celery_lint.project.modules import Modules, may_bind
from celery_lint.project.reading import Lasting, Load, Reading

_DEEPEST = 24
_MOST_BASES = 64
# Functions that give the same object at every call.
_CACHES = frozenset({"cache", "lru_cache", "cached"})


class Project:
    """The linked modules of one workspace. Questions only; nothing here changes after the construction."""

    def __init__(
        self,
        modules: Iterable[Module],
        imports: Imports,
        configuration: Configuration,
        deployment: Deployment = NOWHERE,
        unparsed: Mapping[str, bytes] | None = None,
        load: Load | None = None,
        functions: Functions | None = None,
        lasting: Lasting | None = None,
    ) -> None:
        self.modules = Modules(modules, deployment.left_behind or ())
        self.imports = imports
        self.configuration = configuration
        self.deployment = deployment
        #: The files that cannot be parsed, and what they hold.
        self.unparsed = unparsed or {}
        own = lasting or Lasting()
        self._resolved = Memory[Entity](own.of("resolved"))
        self._resolving: dict[Key, int] = {}  # with the numbers of the questions
        self._members = Memory[Entity](own.of("members"))
        self.reading = Reading(self.modules, self.unparsed, load, lasting)
        self._stars: dict[str, tuple[str, ...]] = {}
        self.functions = functions or Functions()
        self._results = Memory[Entity](own.of("results"))
        constants = Constants(self.value_entity)
        #: The literal, the number or the text behind an expression, see :class:`Constants`.
        self.constant, self.number, self.text = constants.of, constants.number, constants.text
        self.usual_number, self.sets_number = constants.usual_number, constants.sets_number
        self._returning = 0  # how many functions are asked at once for what they return

    def of_modules(self, modules: Iterable[Module]) -> Project:
        """The same project with other facts of its modules. What chains lead to is noted in this one too."""
        given = self.imports, self.configuration, self.deployment, self.unparsed, self.reading.load
        other = Project(modules, *given)
        other.reading.noting_in(self.reading)
        return other

    def settle(self) -> None:
        """Read nothing more, see :meth:`Reading.settle`; what was found in any mode is what is known."""
        self.reading.settle()
        for memory in (self._resolved, self._members, self._results):
            memory.settle(self.modules.count)

    # ------------------------------------------------------------------ chains

    def resolve(self, module: Module, chain: str) -> Entity:
        """What a chain of this module means."""
        if not chain or chain[:1] == "%":
            return UNKNOWN
        key = (module.path, chain)
        found = self._resolved.recall(key, self.reading)
        if found is not None:
            return found
        if key in self._resolving or len(self._resolving) > _DEEPEST:
            self.reading.doubt(self._resolving.get(key, 0))
            return UNKNOWN
        mark = self.reading.mark()
        number = self._resolving[key] = self._resolved.begin(key, self.reading)
        try:
            found = self._resolve(module, chain)
        finally:
            del self._resolving[key]
        self._resolved.keep(key, found, self.reading, mark, number)
        return found

    def _resolve(self, module: Module, chain: str) -> Entity:
        if chain[:1] in ":~":
            first, *rest = chain[1:].split(".")
            entity = self.member(module, first.rstrip("()[]"))
            if entity.kind == "unknown" and chain[:1] == "~":
                entity = external(f"builtins.{first.rstrip('()[]')}")
            return self.follow(entity, steps_of_component(first)[1], rest)
        dots = len(chain) - len(chain.lstrip("."))
        parts = chain[dots:].split(".")
        names = []
        for part in parts:  # the plain ones and the first that is called or indexed
            names.append(part.rstrip("()[]"))
            if not part.isidentifier():
                break
        entity, used = self._import("." * dots + ".".join(names), module, len(names))
        rest = parts[used:]
        steps = steps_of_component(parts[used - 1])[1] if used else []
        if entity.kind != "module":
            return self.follow(entity, steps, rest)
        found = self.follow(entity, steps, rest) if rest else UNKNOWN
        if found.kind == "unknown" and (rebound := self._rebound(entity.name)) is not None:
            return self.follow(rebound, steps, rest)
        return found if rest else self.follow(entity, steps, rest)

    def follow(self, entity: Entity, steps: list[str], rest: list[str]) -> Entity:
        """What an entity means after steps of its own, ``()`` and ``[]``, and the components after it."""
        for step in steps:
            entity = self._step(entity, step)
        for part in rest:
            if entity.kind == "unknown":
                return UNKNOWN
            name, steps = steps_of_component(part)
            entity = self.attribute(entity, name)
            for step in steps:
                entity = self._step(entity, step)
        return entity

    def _import(self, dotted: str, importer: Module, parts: int) -> tuple[Entity, int]:
        """The entity behind the longest importable part of a path, and how many components it took."""
        located = self.imports.locate(dotted, importer.path)
        if located is None:
            if dotted.startswith("."):
                package = self.imports.module_name(importer.path)
                return external(f"{package}:{dotted}"), parts
            return external(dotted.split(".")[0]), 1
        return self._module_entity(located.path), parts - len(located.rest)

    def _rebound(self, path: str) -> Entity | None:
        """What a package binds to the name of its own submodule: ``from .celery import celery``.

        ``package.celery`` is then the object, and the submodule only where the import names a member of it.
        """
        folder, _, name = path.removesuffix("/__init__.py").rpartition("/")
        name = name.removesuffix(".py")
        file = f"{folder}/__init__.py" if folder else "__init__.py"
        package = self.modules.get(file)
        own = self.modules.get(path)
        if package is None and own is not None and name in own.bindings and file in self.imports.files:
            package = self.reading.module(file, name)
        self.reading.needs(path, file)
        if package is None or package.path == path:
            return None
        if name not in package.imports and name not in package.bindings:
            return None
        entity = self.member(package, name)
        return entity if entity.kind not in ("unknown", "module") else None

    def _module_entity(self, path: str) -> Entity:
        if (module := self.modules.find(path)) is None:
            self.reading.needs(path)
        return Entity("module", path, module)

    def _step(self, entity: Entity, step: str) -> Entity:
        if step == "()":
            return self.call(entity, None)
        if entity.kind == "external":
            return entity._replace(name=f"{entity.name}[]", value=None)
        return UNKNOWN

    def member(self, module: Module, name: str) -> Entity:
        """What a module-level name of a module means."""
        key = (module.path, name)
        found = self._members.recall(key, self.reading)
        if found is None:
            mark = self.reading.mark()
            number = self._members.begin(key, self.reading, UNKNOWN)  # a cyclic import ends here
            found = self._member(module, name)
            self._members.keep(key, found, self.reading, mark, number)
        return found

    def _member(self, module: Module, name: str) -> Entity:
        if name in module.functions and name:
            return Entity("function", name, module)
        if name in module.classes:
            return Entity("class", name, module)
        imported = module.imports.get(name)
        if imported is not None and imported != f":{name}":
            return self.resolve(module, imported)
        values = module.bindings.get(name)
        if values is not None:
            entity = chosen((value, self.value_entity(module, value)) for value in values)
            entity = entity or Entity("unknown", name, None, values[0])
            return entity if entity.origin else entity._replace(origin=(module.path, name))
        for path in self.star_paths(module) if module.star_imports else ():
            target = self.modules.find(path) or self.reading.module(path, name)
            if target is None or target is module or name.startswith("_") or not may_bind(target, name):
                continue
            entity = self.member(target, name)
            if entity.kind != "unknown":
                return entity
        return self._submodule(module, name)

    def star_paths(self, module: Module) -> tuple[str, ...]:
        """The files of the project that a module imports everything from."""
        found = self._stars.get(module.path)
        if found is None:
            spread = [self.imports.spread(dotted, module.path) for dotted in module.star_imports]
            found = self._stars[module.path] = tuple([path for paths in spread for path in paths])
        return found

    def _submodule(self, module: Module, name: str) -> Entity:
        if module.path.endswith("__init__.py"):
            located = self.imports.locate(f".{name}", module.path)
            if located is not None and not located.rest:
                return self._module_entity(located.path)
        return UNKNOWN

    def attribute(self, entity: Entity, name: str) -> Entity:
        """An attribute of an entity."""
        if entity.kind == "external":
            kept = entity.module, None, entity.origin, entity.owner
            return Entity("external", f"{entity.name}.{name}", *kept)
        if entity.kind == "module":
            self.reading.lead_to(entity.name)
            module = entity.module or self.reading.module(entity.name, name)
            if module is None:
                # The module was not worth reading, or could not be read: only its submodules are known.
                located = self.imports.locate(f".{name}", entity.name)
                is_package = entity.name.endswith("__init__.py")
                if is_package and located is not None and not located.rest and located.path != entity.name:
                    return self._module_entity(located.path)
                return UNKNOWN
            return self.member(module, name)
        if entity.kind in ("class", "instance"):
            name = objects.field_at(entity, int(name)) if name.isdecimal() else name
            found = self._class_attribute(entity, name, set())
            home = entity.module if entity.kind == "class" else None
            if home is not None and found.kind in ("external", "instance"):
                # What a class object holds lives as long as its module; what an instance holds may not.
                return found._replace(origin=found.origin or (home.path, f"{entity.name}.{name}"))
            if entity.kind == "instance" and is_property(found):
                found = self.call(found, None)
            if entity.kind == "instance" and objects.is_open(found):
                known = objects.given(self, entity, name)
                if known.kind != "unknown" or found.kind == "unknown":
                    return known if known.kind != "unknown" else objects.entered(self, entity, name)
            return found._replace(origin=found.origin or entity.origin) if found.kind == "external" else found
        if entity.kind == "value" and name.isdecimal():
            return objects.part(self, entity, int(name))
        if entity.kind == "function" and entity.module is not None:
            return Entity("member", name, entity.module, None, None, (entity.module.path, entity.name))
        return UNKNOWN

    def _class_attribute(self, entity: Entity, name: str, seen: set[Key]) -> Entity:
        class_, module = entity.class_(), entity.module
        if class_ is None or module is None or len(seen) == _MOST_BASES:
            return UNKNOWN
        key, qualname = (module.path, class_.qualname), f"{class_.qualname}.{name}"
        if key in seen:
            return UNKNOWN
        seen.add(key)
        if qualname in module.functions:
            return Entity("function", qualname, module)
        if qualname in module.classes:
            return Entity("class", qualname, module)
        for value in class_.attributes.get(name, ()):
            found = self.value_entity(module, value)
            if found.kind != "unknown" and not is_none(found):
                if found.kind in ("external", "instance") and found.origin is None:
                    with_class = objects.lives_with_class(self, module, value)
                    return found._replace(origin=(module.path, qualname)) if with_class else found
                return found
        for base in class_.bases:
            parent = self.resolve(module, base)
            if parent.kind == "class":
                found = self._class_attribute(parent._replace(kind=entity.kind), name, seen)
                if found.kind != "unknown":
                    return found
            elif parent.kind == "external" and parent.name != "builtins.object":
                suffix = "()" if entity.kind == "instance" else ""
                return external(f"{parent.name}{suffix}.{name}")
        return UNKNOWN

    def call(self, entity: Entity, value: Value | None) -> Entity:
        """What calling an entity gives."""
        if entity.kind == "external":
            if entity.name == "functools.partial":
                return Entity("partial", "", None, value)
            if entity.name.startswith("dependency_injector."):
                return objects.provided(self, entity) or external(f"{entity.name}()", value)
            return external(f"{entity.name}()", value)
        if entity.kind == "class":
            return Entity("instance", entity.name, entity.module, value)
        function, module = entity.function(), entity.module
        if function is not None and module is not None:
            return self._returned(module, function)
        return UNKNOWN

    def _returned(self, module: Module, function: Function) -> Entity:
        key = (module.path, function.qualname)
        known = self._results.recall(key, self.reading)
        if known is not None or self._returning > _DEEPEST:
            if known is None:
                self.reading.doubt()
            return known or UNKNOWN
        mark, result = self.reading.mark(), UNKNOWN
        number = self._results.begin(key, self.reading, UNKNOWN)  # one may return what it calls itself for
        self._returning += 1
        try:
            made = map(function.made, function.returns)
            result = chosen((value, self.value_entity(module, value)) for value in made) or UNKNOWN
        finally:
            self._returning -= 1
        if result.kind == "unknown" and function.annotation and not function.is_generator:
            result = self._annotated(module, function)
        kept = is_decorated(function, _CACHES) and not any("loop" in p.name for p in function.parameters)
        if result.kind in ("external", "instance") and result.origin is None and kept:
            result = result._replace(origin=key)
        self._results.keep(key, result, self.reading, mark, number)
        return result

    def _annotated(self, module: Module, function: Function) -> Entity:
        """The object of the project that a function says it returns; kept if it came out of a container."""
        class_ = self.resolve(module, function.annotation)
        if class_.kind != "class":
            return UNKNOWN
        found = Entity("instance", class_.name, class_.module)
        if any(objects.is_taken_out(self.resolve, module, returned, 2) for returned in function.returns):
            return found._replace(origin=(module.path, function.qualname))
        return found

    def value_entity(self, module: Module, value: Value) -> Entity:
        """What an expression of a module means."""
        if value.kind == "name":
            return self.resolve(module, value.chain)
        if value.kind == "call":
            callee = self.resolve(module, value.chain)
            if callee.kind == "external" and callee.name == "functools.partial":
                return Entity("partial", "", module, value)
            handed = objects.handed_on(self, module, value, callee)
            if handed is not None:
                return handed
            found = self.call(callee, value)
            if found.kind in ("external", "instance") and callee.kind != "function":
                return found._replace(value=value, module=found.module or module)
            return found
        if value.kind == "either":
            entity = chosen((item, self.value_entity(module, item)) for item in value.items)
            return entity or UNKNOWN
        if value.kind in ("constant", "sequence", "mapping", "lambda", "arithmetic"):
            return Entity("value", "", module, value)
        return UNKNOWN

    # ------------------------------------------------------------------ modules

    def product_modules(self) -> Sequence[Module]:
        """The modules that are neither tests nor examples nor migrations, by path."""
        return self.modules.product

    def calling(self, *leaves: str) -> Iterator[tuple[Module, Function]]:
        """The functions of the product with a call whose chain ends in one of these."""
        return self.functions.calling(self.modules.product, *leaves)

    def holding(self, *words: str) -> Iterator[tuple[Module, Function]]:
        """The functions of the product whose calls hold one of these words, see ``Function.mentions``."""
        return self.functions.holding(self.modules.product, *words)

    def stating(self, *words: str) -> Iterator[tuple[Module, Function]]:
        """The functions of the product whose statements hold one of these words."""
        return self.functions.stating(self.modules.product, *words)

    def bases(self, entity: Entity) -> Iterator[Entity]:
        """A class and everything that it derives from, nearest first; UNKNOWN where that is too much."""
        line, seen = [entity], set[Key]()
        for current in line:  # which grows meanwhile
            key = (current.name, current.module.path if current.module else "")
            if key not in seen:
                seen.add(key)
                if len(seen) > _MOST_BASES:
                    return (yield UNKNOWN)
                yield current
                if (class_ := current.class_()) is not None and current.module is not None:
                    line += [self.resolve(current.module, base) for base in class_.bases]
