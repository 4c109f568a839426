"""The Celery applications of a project, under whatever name and from whatever factory."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from celery_lint.libraries.flask import EXTENSIONS
from celery_lint.model.facts import Assignment, Function, Module, Place, Value
from celery_lint.project.entity import Entity, Key
from celery_lint.project.known import Known, once

# What stands for the application that is there: the one made last in the process, or set as its default.
_CURRENT = frozenset(
    [
        "celery.current_app",
        "celery.app.current_app",
        "celery.app.app_or_default()",
        "celery.app.default_app",
        "celery._state.current_app",
        "celery._state.default_app",
        "celery._state.get_current_app()",
    ]
)
_BEHIND = "._get_current_object()"
_APPLICATIONS = frozenset(
    [
        "celery.Celery()",
        "celery.app.Celery()",
        "celery.app.base.Celery()",
        "celery_lint.runtime.application.make_app()",
    ]
)


_LONGEST_WAY = 4  # functions between an application and the one that makes it

#: What is done with nothing but an application of Celery.
_USES = ("config_from_object", "autodiscover_tasks")
_MADE = frozenset({"external", "instance", "unknown"})
_WORD = re.compile(r"[A-Z]?[a-z0-9]+|[A-Z]+(?![a-z])")
#: The last words of names that speak of Celery and mean an application: `CeleryApp`, not `CeleryQueue`.
_NOUNS = frozenset({"app", "application", "apps", "client", "factory", "instance", "producer", "proxy"})


class Application(NamedTuple):
    """A Celery application of the project, by the name that it is bound to."""

    origin: Key
    module: Module
    place: Place
    value: Value


def is_current(name: str) -> bool:
    """Whether a dotted external path is whichever application the process has: no other one than those."""
    return name.removesuffix(_BEHIND) in _CURRENT


def is_application(name: str) -> bool:
    """Whether a dotted external path is a Celery application.

    A package that is not in the workspace (``notifications_utils.celery.NotifyCelery()``) is taken at the
    word of its last component.
    """
    if name in _APPLICATIONS or is_current(name):
        return True
    last = name.rpartition(".")[2].rpartition(":")[2]
    if name.startswith(("celery.", "builtins.")) or "celery" not in last.lower():
        return False
    words = [word.lower() for word in _WORD.findall(last)]
    return "celery" in words[-1] or words[-1] in _NOUNS or last[:1].islower()


class Applications:
    """All applications of a project, by the name that they are bound to."""

    def __init__(self, known: Known) -> None:
        self.project = known.project
        found = dict(self._find())
        made = {origin: each for origin, each in found.items() if not is_current(self.made(each).name)}
        # Where nothing is made, a name for what is there stands for an application out of sight.
        self.by_origin: dict[Key, Application] = made or found
        self._plain: dict[Key, bool] = {}

    @once
    def product(self) -> list[Application]:
        """The applications of the product."""
        found = [a for a in self.by_origin.values() if self.project.modules.is_product(a.module.path)]
        return sorted(found, key=lambda application: application.origin)

    def is_plain(self, application: Application) -> bool:
        """Whether the application's class is Celery's own or derives from it within the project."""
        found = self._plain.get(application.origin)
        if found is None:
            found = self._plain[application.origin] = self._of_celery(self.made(application))
        return found

    def made(self, application: Application) -> Entity:
        """What the name of an application is bound to."""
        kept = self._kept_as(application.value)
        if kept is not None:
            return self.project.value_entity(kept[0], kept[1].value)
        return self.project.member(application.module, application.origin[1])

    def is_kept(self, application: Application) -> bool:
        """Whether it is made with Flask's application, and only taken from that where it has its name."""
        return self._kept_as(application.value) is not None

    def makers(self, application: Application) -> Iterator[tuple[Module, Function]]:
        """The functions that an application has come through, the nearest first."""
        module, chain = application.module, application.value.chain
        kept = self._kept_as(application.value)
        if kept is not None:
            module, chain = kept[0], kept[1].value.chain.removesuffix("()")
        for _ in range(_LONGEST_WAY):
            callee = self.project.resolve(module, chain)
            function = callee.function()
            if function is None or callee.module is None:
                break
            yield callee.module, function
            module = callee.module
            chain = next((value.chain.removesuffix("()") for value in function.returns if value.chain), "")
        outermost = kept[1].function.partition("/")[0] if kept is not None else ""
        if kept is not None and outermost:
            yield kept[0], kept[0].functions[outermost]

    def coming_through(self, *functions: Key) -> Application | None:
        """The one application that has come through one of these functions, if there is just one."""
        found = [
            application
            for application in self.by_origin.values()
            for module, maker in self.makers(application)
            if (module.path, maker.qualname) in functions
        ]
        return found[0] if found and all(each is found[0] for each in found) else None

    def derives_from(self, application: Application, class_: Entity) -> bool:
        """Whether the application is an instance of this class of the project."""
        bases = self.project.bases(self.made(application)._replace(kind="class"))
        return any(base.name == class_.name and base.module is class_.module for base in bases)

    def _of_celery(self, entity: Entity) -> bool:
        if entity.kind == "external":
            return entity.name.startswith("celery.")
        return all(
            base.kind in ("class", "instance")
            or (base.kind == "external" and base.name.startswith(("celery.", "builtins.")))
            for base in self.project.bases(entity._replace(kind="class"))
        )

    def get(self, origin: Key | None) -> Application | None:
        """The application of this name, if the project makes it."""
        return self.by_origin.get(origin) if origin is not None else None

    def _find(self) -> Iterator[tuple[Key, Application]]:
        project = self.project
        for path in sorted(project.modules):
            module = project.modules[path]
            for name, values in module.bindings.items():
                for value in values:
                    if value.kind != "call":
                        if self._kept_as(value) is not None:
                            yield (
                                (path, name),
                                Application((path, name), module, module.place(value.span), value),
                            )
                            break
                        continue
                    entity = project.member(module, name)
                    made_here = entity.kind in _MADE and entity.origin == (path, name)
                    if made_here and (self.class_of(entity) or name in self._used(module)):
                        yield (path, name), Application((path, name), module, module.place(value.span), value)
                        break

    def _kept_as(self, value: Value) -> tuple[Module, Assignment] | None:
        """Where the application is put that a module takes from Flask's: ``app.extensions["celery"]``."""
        if (
            value.kind != "name"
            or not isinstance(value.data, str)
            or not value.chain.endswith(f"{EXTENSIONS}[]")
        ):
            return None
        return self._kept.get(value.data)

    @once
    def _kept(self) -> dict[str, tuple[Module, Assignment]]:
        """The applications that Flask's keep, by the name under which just one statement puts them there."""
        found: dict[str, list[tuple[Module, Assignment]]] = {}
        for module in self.project.product_modules():
            for assignment in module.assignments:
                if assignment.subscript and assignment.key and assignment.target.endswith(EXTENSIONS):
                    found.setdefault(assignment.key, []).append((module, assignment))
        return {
            key: put[0]
            for key, put in found.items()
            if len(put) == 1 and self.class_of(self.project.value_entity(put[0][0], put[0][1].value))
        }

    def _used(self, module: Module) -> set[str]:
        """The names of a module whose objects are configured as only applications are."""
        own = module.functions.get("")
        if own is None or not own.may_call(*_USES):
            return set()
        chains = [call.chain.rpartition(".") for call in self.project.functions.calls(module, own)]
        return {owner[1:] for owner, _, leaf in chains if leaf in _USES and owner[:1] == ":"}

    def class_of(self, entity: Entity) -> str | None:
        """The external path of the application class when the entity is an application."""
        if entity.kind == "external" and is_application(entity.name):
            return entity.name
        if entity.kind == "instance":
            for base in self.project.bases(entity._replace(kind="class")):
                if base.kind == "external" and is_application(f"{base.name}()"):
                    return f"{base.name}()"
        return None


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
