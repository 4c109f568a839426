"""The names of modules, as Celery imports them: the names of tasks begin with these."""

from __future__ import annotations

from collections.abc import Iterator

from celery_lint.inventory.application.applications import Applications
from celery_lint.inventory.application.installed import InstalledApplications
from celery_lint.inventory.application.settings import Settings
from celery_lint.libraries.celery import IMPORT_LISTS
from celery_lint.model.facts import Module, Value
from celery_lint.project.asking import asking
from celery_lint.project.known import Known, once

_ITS_NAME = "~__name__"


class ModuleNames:
    """The dotted names of the files of a project.

    Folders without an ``__init__.py`` do not say where a name begins. What Celery is told to import says it:
    by ``-A``, by ``include`` and ``imports``, by the names of tasks in ``task_routes``, and by what Django
    has installed, where Celery looks for tasks.
    """

    def __init__(self, known: Known) -> None:
        self.project = known.project
        self.imports = known.project.imports
        self.applications = known.of(Applications)
        self.settings = known.of(Settings)
        self.installed = known.of(InstalledApplications)
        self._known: dict[str, str] = {}

    def of(self, path: str) -> str:
        """The dotted name of a file."""
        found = self._known.get(path)
        if found is None:
            found = self._known[path] = self._name(path)
        return found

    def text(self, module: Module, value: Value | None) -> str | None:
        """The string behind an expression in which ``__name__`` may be the name of its module."""
        if value is not None and value.kind == "arithmetic" and value.data == "Add":
            texts = [self.text(module, side) for side in value.items]
            return "".join(text for text in texts if text is not None) if None not in texts else None
        if value is not None and value.chain == _ITS_NAME and not self.imports.on_path:
            return self.of(module.path)
        return self.project.text(module, value)

    def _name(self, path: str) -> str:
        return self.imports.module_name(path, self.root(path))

    def root(self, path: str) -> str:
        """The folder that a file is imported from."""
        for (root, top), named in self._told.items():
            start = f"{root}/{top}" if root else top
            if path == f"{start}.py" or path.startswith(f"{start}/"):
                return self._on_path_below(root, path, named) or root
        root, above = self.imports.import_root(path), self._above(path)
        # `from ..models import …` in a folder without an `__init__.py`: it lies in a package all the same
        return root if above is None or above.count("/") >= root.count("/") else above

    def _on_path_below(self, root: str, path: str, named: list[str]) -> str | None:
        """A folder on the path that lies below a root, unless what lies there is named from the root on."""
        folder = self.imports.root_on_path(path)
        if folder is None or not folder.startswith(f"{root}/" if root else ""):
            return None
        part = f"{folder}/{path[len(folder) + 1 :].removesuffix('.py').partition('/')[0]}"
        return None if any(f"{each}/".startswith(f"{part}/") for each in named) else folder

    def _above(self, path: str) -> str | None:
        """The folder that the highest package is imported from which a module names relatively."""
        module = self.project.modules.find(path)
        if module is None:
            return None
        named = module.all_imports
        level = max((len(dotted) - len(dotted.lstrip(".")) for dotted in named), default=0)
        folder = path
        for _ in range(level):
            folder = folder.rpartition("/")[0]
        return self.imports.import_root(folder) if level > 1 and folder else None

    @once
    @asking("quiet")
    def _told(self) -> dict[tuple[str, str], list[str]]:
        """The folders that things are imported from, each with the first part of names, and these."""
        found: dict[tuple[str, str], list[str]] = {}
        commands = [command.app.partition(":")[0] for command in self.project.deployment.commands]
        named = (*commands, *sorted(self.installed.names or ()))  # `shop.orders.apps.OrdersConfig`
        held = [(dotted, self.imports.holding_application(dotted)) for dotted in named]
        held += [(dotted, self.imports.holding(dotted)) for dotted in self._dotted()]
        for dotted, folders in held:
            if len(folders) == 1:
                path = "/".join([*folders, *dotted.split(".")]).lstrip("/")
                found.setdefault((folders[0], dotted.partition(".")[0]), []).append(path)
        return found

    def _dotted(self) -> Iterator[str]:
        for application in self.applications.product:
            yield from self._texts(application.module, application.value.keyword("include"))
        for name in IMPORT_LISTS:
            for setting in self.settings.named(name):
                yield from self._texts(setting.module, setting.value)
        for setting in self.settings.named("task_routes"):
            routes = self.project.constant(setting.module, setting.value)
            for pattern, _ in routes.keywords if routes is not None and routes.kind == "mapping" else ():
                # `shop.orders.tasks.*` and `shop.orders.tasks.send`
                yield pattern.rpartition(".")[0]

    def _texts(self, module: Module, value: Value | None) -> Iterator[str]:
        known = self.project.constant(module, value)
        for item in known.items if known is not None and known.kind == "sequence" else ():
            text = self.project.text(module, item)
            if text is not None:
                yield text
