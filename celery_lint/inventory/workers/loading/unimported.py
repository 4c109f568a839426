"""Modules that send tasks, and that nothing imports: what stands there happens to nobody.

An endpoint that no router includes, a service that nobody uses any more. It answers *yes* only where the
names of all modules that are imported are in sight: nothing imports by names that only the run knows, no
framework scans packages, neither an import nor a text of the product leads to the module, and another module
imports several that stand beside it. What a server or a command may start, and what Django looks for by
itself or as a rule has, is left alone.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection

from celery_lint.files.filter import Pair
from celery_lint.inventory.application.applications import Applications
from celery_lint.inventory.tasks.sendings import SENDERS, Sendings
from celery_lint.inventory.tasks.tasks import Tasks
from celery_lint.inventory.workers.loading.imported import WorkerImports
from celery_lint.inventory.workers.loading.orphans import Candidate, Orphans, candidate_of
from celery_lint.inventory.workers.loading.unknown_imports import UNKNOWN_IMPORTS
from celery_lint.model.facts import Module
from celery_lint.model.purpose import is_test_path
from celery_lint.project.asking import asking
from celery_lint.project.known import Known, once

# What Django, its packages and other frameworks import by the name of the module.
_LOOKED_FOR = frozenset(
    {
        "cms_apps", "cms_menus", "cms_plugins", "cms_toolbars", "search_indexes", "signal_handlers",
        "wagtail_hooks",
    }
)  # fmt: skip
# Folders whose files are started one by one, or looked for.
FOLDERS = frozenset(
    {
        "bin", "commands", "cron", "dags", "management", "migrations", "plugins", "scripts", "templatetags",
        "tools", "versions",
    }
)  # fmt: skip
# One module has to import so many that stand beside it, as routers are: a sketch shows nothing of that.
_SEVERAL = 3
_GATHERING = ("__init__", "api", "app", "asgi", "main", "router", "routers", "routes", "server", "wsgi")
#: What imports all modules of packages, which need not be named for that.
SCANNING = ("autodiscover_modules", "find_modules", "iter_modules", "walk_modules", "walk_packages")


class Unimported:
    """The modules of senders that nothing imports for certain."""

    def __init__(self, known: Known) -> None:
        self.project = known.project
        self.functions = known.project.functions
        self.tasks = known.of(Tasks)
        self.orphans = known.of(Orphans)
        self.worker_imports = known.of(WorkerImports)
        self.sendings = known.of(Sendings)
        self.applications = known.of(Applications)

    @once
    def all(self) -> frozenset[str]:
        """Their paths."""
        if not self._candidates or self.orphans.unknown_imports.any:
            return frozenset()
        modules = list(self.project.product_modules())
        return frozenset(
            each.path
            for each in self._candidates
            if each.folder in self._gathered and not self.orphans.is_named(each, modules)
        )

    def needs_import(self, module: Module) -> bool:
        """Whether nothing but an import that says its name runs a module."""
        each = candidate_of(module.path, False)
        return (
            each is not None
            and self.project.modules.is_product(module.path)
            and module.path not in self._own
            and not self.worker_imports.is_scanned
            and self._is_left_alone(module, each)
        )

    @once
    def _gathered(self) -> set[str]:
        """The folders of which another module imports several, none that define tasks or applications."""
        left = {each.path for each in self._candidates}
        return {
            folder
            for path, found in self._imported({each.package for each in self._candidates}).items()
            if path not in left
            for folder, several in Counter(each.rpartition("/")[0] for each in found - self._own).items()
            if several >= _SEVERAL
        }

    def words(self) -> set[Pair]:
        """What other files must hold to import one of them, or what nobody can tell."""
        found: set[Pair] = set()
        for each in self._candidates:
            found.add((each.stem, each.package))
            found.update((word, each.package) for word in UNKNOWN_IMPORTS)
        return found | {(word, "") for word in SCANNING} if found else found

    def explore(self) -> None:
        """Read the modules beside them, which may import them by less than their package's name.

        And those beside their package, of which one may import all that is in it.
        """
        for each in self._candidates:
            for path in self.orphans.near(each):
                self.project.reading.module(path, each.stem)
            above = each.folder.rpartition("/")[0]
            for path in (f"{above}/{name}.py" if above else f"{name}.py" for name in _GATHERING):
                if path in self.project.imports.files:
                    self.project.reading.module(path, each.package)

    @once
    @asking("quiet")
    def _candidates(self) -> tuple[Candidate, ...]:
        """The modules of senders that no known module imports."""
        if self.project.unparsed or self.worker_imports.is_scanned:
            return ()
        found = {
            module.path: each
            for module in self._modules()
            if (each := candidate_of(module.path, False)) is not None and self._is_left_alone(module, each)
        }
        for imported in self._imported({each.package for each in found.values()}).values():
            for path in imported:
                found.pop(path, None)
        return tuple(found.values())

    def _imported(self, packages: Collection[str]) -> dict[str, set[str]]:
        """The modules of these packages that others import, but tests, by the path of who does."""
        found: dict[str, set[str]] = {}
        for module in self.project.modules.values() if packages else ():
            if is_test_path(module.path):
                continue
            for path in self.project.imports.targets(module):
                if path != module.path and _package(path) in packages:
                    found.setdefault(module.path, set()).add(path)
        return found

    @once
    def _own(self) -> frozenset[str]:
        """The modules that define tasks and applications: workers may import them."""
        return frozenset(
            {
                *(task.module.path for task in self.tasks.product),
                *(application.module.path for application in self.applications.by_origin.values()),
            }
        )

    def _modules(self) -> list[Module]:
        """The modules that send tasks, and define none."""
        found = {sending.module.path: sending.module for sending in self.sendings.all}
        product = self.project.modules
        return [m for path, m in sorted(found.items()) if path not in self._own and product.is_product(path)]

    @once
    def _beside(self) -> Counter[str]:
        """How many modules each folder holds."""
        return Counter(path.rpartition("/")[0] for path in self.project.imports.files)

    def _is_left_alone(self, module: Module, each: Candidate) -> bool:
        """Whether nothing but an import runs a module, one of several in its folder."""
        parts = module.path.split("/")[:-1]
        return not (
            "_" not in each.stem  # half of a project may say one plain word
            or self._beside[each.folder] <= _SEVERAL
            or each.stem in _LOOKED_FOR
            or not FOLDERS.isdisjoint(parts)
            or self.orphans.may_be_started(module)
            or self._does_something(module)
            or not self.orphans.is_plain(each)
        )

    def _does_something(self, module: Module) -> bool:
        """Whether a module is a script: it calls its own functions, or sends, when it is imported."""
        top = module.functions.get("")
        return top is not None and any(
            call.chain.lstrip(":~") in module.functions or call.leaf() in SENDERS
            for call in self.functions.calls(module, top)
        )


def _package(path: str) -> str:
    """The name of the folder that a module stands in."""
    return path.rpartition("/")[0].rpartition("/")[2]
