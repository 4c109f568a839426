"""The objects that applications load settings from: modules, classes, their instances, mappings.

What one of them says about a setting is looked up by the names that it may have there. ``hidden`` tells that
it may say something that nobody can see: a base class, a star import or a mapping from elsewhere.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from celery_lint.diagnostics import Span
from celery_lint.inventory.application.flask_settings import FlaskSettings
from celery_lint.inventory.application.statements import Given
from celery_lint.libraries.celery_settings import SETTINGS
from celery_lint.libraries.django import INCLUDING, SETTINGS_FROM_ELSEWHERE, SETTINGS_VARIABLE
from celery_lint.model.chains import leaf_of_chain
from celery_lint.model.facts import Module, Value
from celery_lint.model.purpose import is_development_path
from celery_lint.project.entity import Entity
from celery_lint.project.functions import by_path
from celery_lint.project.known import Known, once

_DEEPEST = 6
# Bases that bring no setting of Celery along.
_PLAIN_BASES = (
    "builtins.", "abc.", "typing.", "enum.", "dataclasses.", "pydantic.", "pydantic_settings.",
    "configurations.",
)  # fmt: skip
_NAMESPACES = frozenset({"~globals()", "~locals()", "~vars()"})
_DJANGO = "django.conf"
_OF_DJANGO = "INSTALLED_APPS"
_OLD = "CELERY"


class Source(NamedTuple):
    """What an expression that settings are loaded from turned out to be, in parts that all count.

    ``hidden``: it may say more than can be seen; ``foreign``: for that is written outside the project.
    ``capitals``: the modules among them of which Django takes nothing but names in capitals.
    """

    modules: tuple[str, ...] = ()
    classes: tuple[Entity, ...] = ()
    mappings: tuple[tuple[Module, Value], ...] = ()
    hidden: bool = False
    foreign: bool = False
    capitals: tuple[str, ...] = ()

    def and_also(self, other: Source) -> Source:
        """Both together."""
        return Source(
            self.modules + other.modules,
            self.classes + other.classes,
            self.mappings + other.mappings,
            self.hidden or other.hidden,
            self.foreign or other.foreign,
            self.capitals + other.capitals,
        )


HIDDEN = Source(hidden=True)
FOREIGN = Source(hidden=True, foreign=True)


class Loaded:
    """What the objects say that settings are loaded from."""

    def __init__(self, known: Known) -> None:
        self.project = known.project
        self.flask = known.of(FlaskSettings)

    # ------------------------------------------------------------------ what it is

    def source(self, module: Module, value: Value, depth: int = 0) -> Source:
        """What an expression that settings are loaded from means."""
        if depth > _DEEPEST:
            return HIDDEN
        text = self.project.text(module, value)
        if text is not None:
            return self._named(module, text, depth)
        if value.kind == "mapping" or (value.kind == "call" and value.chain in ("~dict", "builtins.dict")):
            return self._mapping(module, value, depth)
        if value.kind == "name" and self.flask.is_configuration(module, value.chain):
            return self._of_flask(depth)
        chosen = self._chosen(module, value, depth)
        if chosen is not None:
            return chosen
        entity = self.project.value_entity(module, value)
        if entity.kind == "value" and entity.module is not None and entity.value is not None:
            if (entity.module, entity.value) == (module, value):
                return HIDDEN
            return self.source(entity.module, entity.value, depth + 1)
        found = self._of_entity(entity, depth)
        return found if found is not None else self._by_key(value, depth)

    def _chosen(self, module: Module, value: Value, depth: int) -> Source | None:
        """What a function may return, where it chooses: ``return Production if live else Development``."""
        if value.kind == "call":
            callee = self.project.resolve(module, value.chain)
            function = callee.function()
            alternatives = function.returns if function is not None else ()
            owner = callee.module or module
        else:
            alternatives, owner = (value.items if value.kind == "either" else ()), module
        if len(alternatives) < 2:
            return None
        return self._together(((owner, alternative) for alternative in alternatives), depth)

    def _named(self, module: Module, text: str, depth: int) -> Source:
        """``"django.conf:settings"``, ``"package.module"``, ``"package.module:Class"``."""
        if text.partition(":")[0] == _DJANGO:
            return self._of_django
        if not all(part.isidentifier() for part in text.replace(":", ".").split(".")):
            return HIDDEN
        if self.project.imports.locate(text.partition(":")[0], module.path) is None:
            return FOREIGN
        entity = self.project.resolve(module, text.replace(":", "."))
        if entity.kind == "value" and entity.module is not None and entity.value is not None:
            return self.source(entity.module, entity.value, depth + 1)
        return self._of_entity(entity, depth) or HIDDEN

    def _of_entity(self, entity: Entity, depth: int) -> Source | None:
        if entity.kind == "module":
            foreign = self._is_hidden(entity.name, set())
            return Source((entity.name,), hidden=foreign, foreign=foreign)
        if entity.kind in ("class", "instance"):
            foreign = not self._bases_known(entity)
            return Source(classes=(entity,), hidden=foreign, foreign=foreign)
        if entity.kind == "external" and entity.name.startswith(_DJANGO):
            path = entity.name.removeprefix(_DJANGO).lstrip(".").split(".")
            if len(path) < 2:
                return self._of_django
            found = [(given.module, given.value) for given in self._in_modules(self._django, path[1:2])]
            return self._together(found, depth)
        return None

    def _mapping(self, module: Module, value: Value, depth: int) -> Source:
        found = Source(mappings=((module, value),))
        for key, item in value.keywords:
            if key in ("*", "**"):
                found = found.and_also(self.source(module, item, depth + 1))
            elif key == "?":
                found = found._replace(hidden=True)
        if value.kind == "call":
            for item in value.items:
                found = found.and_also(self.source(module, item, depth + 1))
        return found

    def _by_key(self, value: Value, depth: int) -> Source:
        """``app.config["CELERY"]``, ``options.CELERY_CONFIG``: whatever the project gives this name."""
        key = value.data if value.kind == "name" and isinstance(value.data, str) else ""
        leaf = leaf_of_chain(value.chain)
        key = key or (leaf if value.kind == "name" and leaf.isupper() and "." in value.chain else "")
        return self._together(self._keyed(key), depth) if key else HIDDEN

    def _of_flask(self, depth: int) -> Source:
        """Whatever the product puts into configurations of Flask: hidden if that is nothing."""
        together = Source(mappings=tuple(self.flask.mappings), hidden=self.flask.hidden)
        for module, value in self.flask.objects:
            together = together.and_also(self.source(module, value, depth + 1))
        return together if together != Source() else HIDDEN

    def _together(self, found: Iterable[tuple[Module, Value]], depth: int) -> Source:
        together = Source()
        for module, value in found:
            together = together.and_also(self.source(module, value, depth + 1))
        return together if together != Source() else HIDDEN

    def _keyed(self, key: str) -> Iterator[tuple[Module, Value]]:
        """Everything of the product that is kept under a name: of modules, classes, mappings and objects."""
        for module in self.project.product_modules():
            for value in module.bindings.get(key, ()):
                yield module, value
            if key in module.classes:
                yield module, Value("name", module.classes[key].span, None, f":{key}")
            for class_ in module.classes.values():
                for value in class_.attributes.get(key, ()):
                    yield module, value
            for assignment in module.assignments:
                if assignment.key == key:
                    yield module, assignment.value
            for function in module.functions.telling():
                for _, value in function.values:
                    if value.chain.endswith((".from_mapping", ".update")):
                        for mapping in (value, *value.items):
                            given = mapping.keyword(key)
                            if given is not None:
                                yield module, given

    # ------------------------------------------------------------------ what it says

    def lookup(self, source: Source, keys: tuple[str, ...]) -> list[Given]:
        """Everything that a source says under one of these names."""
        others = [path for path in source.modules if path not in source.capitals]
        found = list(self._in_modules(source.capitals, [key for key in keys if key.isupper()]))
        found += self._in_modules(others, keys)
        for class_ in source.classes:
            found += self._in_class(class_, keys)
        for module, mapping in source.mappings:
            for key in keys:
                given = mapping.keyword(key)
                if given is not None:
                    found.append(Given(key, module, module.place(given.span), given))
        return found

    def _in_modules(self, paths: Iterable[str], keys: Iterable[str]) -> Iterator[Given]:
        for key in keys:
            seen: set[str] = set()
            for path in paths:
                yield from self._in_module(path, key, seen)

    def _in_module(self, path: str, key: str, seen: set[str]) -> Iterator[Given]:
        if path in seen:
            return
        seen.add(path)
        module = self.project.modules.find(path) or self.project.reading.module(path, key)
        if module is None:
            return
        values = module.bindings.get(key)
        if values is not None:
            for value in values:
                yield Given(key, module, module.place(value.span), value)
        elif key in module.imports:
            yield self._imported(module, key)
        else:
            for other in self.project.star_paths(module):
                yield from self._in_module(other, key, seen)
        for class_ in module.classes.values() if path in self._django else ():  # classes of settings
            yield from self._in_class(Entity("class", class_.qualname, module), (key,))

    def _imported(self, module: Module, key: str) -> Given:
        entity = self.project.member(module, key)
        owner = entity.module or (self.project.modules.find(entity.origin[0]) if entity.origin else None)
        if entity.value is None or owner is None:
            unknown = Value("unknown", Span(1, 1, 1, 1))
            return Given(key, module, module.place(unknown.span), unknown)
        return Given(key, owner, owner.place(entity.value.span), entity.value)

    def _in_class(self, entity: Entity, keys: tuple[str, ...]) -> Iterator[Given]:
        for key in keys:
            for base in self.project.bases(entity):
                class_, module = base.class_(), base.module
                if class_ is None or module is None:
                    continue
                method = module.functions.get(f"{class_.qualname}.{key}")
                values = class_.attributes.get(key) or (
                    (Value("unknown", method.span),) if method is not None else ()
                )
                if values:
                    for value in values:
                        yield Given(key, module, module.place(value.span), value)
                    break

    def is_upper_case(self, source: Source) -> bool:
        """Whether the names of a source are in upper case, as those of Django and Flask have to be."""
        modules = [self.project.modules.find(path) for path in source.modules]
        names = [name for module in modules if module is not None for name in module.bindings]
        for entity in source.classes:
            class_ = entity.class_()
            names += class_.attributes if class_ is not None else ()
        return any(name.startswith(_OLD) for name in names) and not any(name in SETTINGS for name in names)

    # ------------------------------------------------------------------ what cannot be seen

    def _bases_known(self, entity: Entity) -> bool:
        return all(
            base.class_() is not None or (base.kind == "external" and base.name.startswith(_PLAIN_BASES))
            for base in self.project.bases(entity)
        )

    def _is_hidden(self, path: str, seen: set[str]) -> bool:
        """Whether a module takes names from where nobody can look."""
        if path in seen:
            return False
        seen.add(path)
        module = self.project.modules.find(path)
        if module is None:
            return path in self.project.unparsed
        for dotted in module.star_imports:
            if "*" in dotted:  # a pattern means the files that are there
                continue
            located = self.project.imports.locate(dotted, module.path)
            if located is None and dotted.partition(".")[0] not in sys.stdlib_module_names:
                return True
        return any(self._is_hidden(other, seen) for other in self.project.star_paths(module))

    def _is_filled_by_others(self, module: Module) -> bool:
        """Whether a library, or a loop over what only the run knows, sets names of the module."""
        if INCLUDING in module.star_imports:
            return True
        if any(assignment.target in _NAMESPACES and not assignment.key for assignment in module.assignments):
            return True
        top = module.functions.get("")
        calls = self.project.functions.calls(module, top) if top is not None else ()
        return any(call.chain.startswith(SETTINGS_FROM_ELSEWHERE) for call in calls)

    # ------------------------------------------------------------------ Django

    def in_django(self, name: str) -> list[list[Given]]:
        """What each module says under a name that holds all that Django needs, alone or with others."""
        return [list(self._in_module(path, name, set())) for path in self.whole_in_django()]

    def whole_in_django(self) -> list[str]:
        """The modules of settings that hold all that Django needs, alone or with others."""
        return [path for path in self._django if any(self._in_module(path, _OF_DJANGO, set()))]

    @once
    def _of_django(self) -> Source:
        found = [self._as_a_whole(path) for path in self._django]
        filled = any(module is not None and self._is_filled_by_others(module) for module in found)
        return Source(self._django, (), (), filled or not found, filled, self._django)

    def _as_a_whole(self, path: str) -> Module | None:
        """A module of settings that may get them from others although it says no word of Celery itself."""
        return self.project.modules.find(path) or self.project.reading.module(path, "import")

    @once
    def _django(self) -> tuple[str, ...]:
        told = self.project.deployment.django_is_told
        return tuple(self._that_are_told(self._of_settings) if told else self._of_settings)

    @once
    def passed_over(self) -> frozenset[str]:
        """The modules of settings that no process takes, since each is told another, nor imports."""
        over = self._of_settings.keys() - self._django
        imported = [
            path
            for module in self.project.product_modules()
            if over and module.path not in over
            for path in self.project.imports.targets(module)
        ]
        while not over.isdisjoint(imported):
            live = [self.project.modules.find(path) for path in over.intersection(imported)]
            over = over.difference(imported)
            imported = [path for each in live if each for path in self.project.imports.targets(each)]
        return frozenset(path for path in over if not path.endswith("/__init__.py") or "settings" in path)

    @once
    def _of_settings(self) -> dict[str, None]:
        """The modules that Django may take for its settings: those that are named, and those so called."""
        named = [text.replace(":", ".") for _, text in self.named_for_django]
        paths: dict[str, None] = {}
        for text in named:
            located = self.project.imports.locate(text, "")
            if located is not None:
                paths[located.path] = None
        for module in self.project.product_modules():
            *folders, name = module.path.removesuffix(".py").split("/")
            if "settings" in folders[-1:] or name.startswith("settings") or name.endswith("settings"):
                paths[module.path] = None
        if not paths:  # whoever names them is a file that says nothing of Celery
            paths = {m.path: None for m in self.project.product_modules() if _OF_DJANGO in m.bindings}
        return paths

    def _that_are_told(self, paths: dict[str, None]) -> dict[str, None]:
        """Those of them that the processes are told to take, and those of other projects.

        What code proposes (`os.environ.setdefault`) loses against what the environment says. Where only
        settings for development are told, nobody knows which the product takes.
        """
        imports = self.project.imports
        told = [imports.locate(text, "") for text in sorted(self.project.deployment.django_settings)]
        known = [located.path for located in told if located is not None]
        if len(known) < len(told) or all(is_development_path(path) for path in known):
            return paths
        set_by_code = (imports.locate(text, "") for text in self._set_for_django)
        kept = dict.fromkeys([*known, *(located.path for located in set_by_code if located is not None)])
        roots = {imports.import_root(path) for path in known}
        others = [path for path in paths if path not in kept and imports.import_root(path) not in roots]
        return {**kept, **dict.fromkeys(others)}

    @once
    def _set_for_django(self) -> list[str]:
        """The modules of settings that code names whatever the environment says."""
        return [
            self.project.text(module, assignment.value) or ""
            for module in self.project.product_modules()
            for assignment in module.assignments
            if assignment.key == SETTINGS_VARIABLE
        ]

    @once
    def named_for_django(self) -> list[tuple[Module, str]]:
        """The modules of settings that modules of the product name to Django; empty for what is unknown."""
        return list(self._named_for_django())

    def _named_for_django(self) -> Iterator[tuple[Module, str]]:
        holding = by_path(self.project.holding(SETTINGS_VARIABLE))
        for module in self.project.product_modules():
            for assignment in module.assignments:
                if assignment.key == SETTINGS_VARIABLE:
                    yield module, self.project.text(module, assignment.value) or ""
            for function in holding.get(module.path, ()):
                for call in self.project.functions.calls(module, function):
                    if call.argument(0).text == SETTINGS_VARIABLE:
                        yield module, call.argument(1).text
