"""Modules that send tasks, and that nothing imports: what stands there happens to nobody.

An endpoint that no router includes, a service that nobody uses any more but views that no list of addresses
names. It answers *yes* only where the names of all modules that are imported are in sight: nothing imports by
names that only the run knows, no framework scans packages, neither an import nor a text of the product leads
to the module, and another module imports several that stand beside it. What a server or a command may start,
and what Django looks for by itself or as a rule has, is left alone. A router does nothing for those who
import it by whatever name and do not look at what they get.
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
from celery_lint.model.words import held, words_in
from celery_lint.project.asking import asking
from celery_lint.project.known import Known, once

# What Django, its packages and other frameworks import by the name of the module.
_LOOKED_FOR = frozenset(
    {
        "admin", "apps", "cms_apps", "cms_menus", "cms_plugins", "cms_toolbars", "models", "search_indexes",
        "signal_handlers", "urls", "wagtail_hooks",
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
# So few may import a module of which it is asked who imports them.
_MOST_IMPORTERS = 3
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
        found = {
            each.path: each
            for each in self._candidates
            if each.folder in self._gathered
            and not self.orphans.unknown_imports.may_reach(each.path, not self._is_safe(each.path))
            and not self._is_offered(each)
        }
        asked = frozenset[str]()  # the modules whose texts name none of them
        while found:
            # What only such modules import and name happens to nobody either.
            left = {path for path in found if not self.importers.get(path, set()) <= found.keys()}
            others = [
                module
                for module in (self.project.product_modules() if not left else ())
                if module.path not in found and module.path not in asked
            ]
            left.update(
                path for path, each in found.items() if others and self.orphans.is_named(each, others)
            )
            if not left and not others:
                break
            asked |= {module.path for module in others}
            found = {path: each for path, each in found.items() if path not in left}
        return frozenset(found)

    def needs_import(self, module: Module) -> bool:
        """Whether nothing but an import that says its name runs a module."""
        each = candidate_of(module.path, False)
        return (
            each is not None
            and "_" in each.stem  # some may say one plain word in parts: `"rou" + "tes"`
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
        """What other files must hold to import one of them, or what nobody can tell.

        Where a file beside one has been read just now, that may import it: who asks again knows.
        """
        found: set[Pair] = set()
        for each in self._candidates:
            if self.project.reading.wanted.isdisjoint(self._near(each)):
                found.add((each.stem, each.package))
                found.update((word, each.package) for word in UNKNOWN_IMPORTS)
        return found | {(word, "") for word in SCANNING} if found else found

    def explore(self) -> None:
        """Read the modules beside them, which may import them by less than their package's name.

        And those beside their package, of which one may import all that is in it.
        """
        for each in self._candidates:
            for path in self.orphans.near(each):
                if not is_test_path(path):
                    self.project.reading.module(path, each.stem)
            for path in self._gathering(each):
                self.project.reading.module(path, each.package)

    def _near(self, each: Candidate) -> list[str]:
        return [*self.orphans.near(each), *self._gathering(each)]

    def _gathering(self, each: Candidate) -> list[str]:
        above = each.folder.rpartition("/")[0]
        paths = (f"{above}/{name}.py" if above else f"{name}.py" for name in _GATHERING)
        return [path for path in paths if path in self.project.imports.files]

    @once
    @asking("quiet")
    def _candidates(self) -> tuple[Candidate, ...]:
        """The modules of senders that no known module imports."""
        if self.worker_imports.is_scanned:
            return ()
        found: dict[str, Candidate] = {}
        line = self._modules()
        for module in line:  # which grows by those that import them
            each = candidate_of(module.path, False)
            if module.path in found or each is None or not self._is_left_alone(module, each):
                continue
            importers = self.importers.get(module.path, set())
            above = [self.project.modules[path] for path in importers]
            if len(above) <= _MOST_IMPORTERS and not any(each.path in self._own for each in above):
                found[module.path] = each
                line += above
        while True:
            left = [path for path in found if not self.importers.get(path, set()) <= found.keys()]
            if not left:
                return tuple(found.values())
            for path in left:
                del found[path]

    @once
    def importers(self) -> dict[str, set[str]]:
        """Who imports each module, but tests and itself."""
        found: dict[str, set[str]] = {}
        for module in self.project.modules.values():
            for path in () if is_test_path(module.path) else self.project.imports.targets(module):
                if path != module.path:
                    found.setdefault(path, set()).add(module.path)
        return found

    def _imported(self, packages: Collection[str]) -> dict[str, set[str]]:
        """The modules of these packages that others import, but tests, by the path of who does."""
        found: dict[str, set[str]] = {}
        for path, others in self.importers.items() if packages else ():
            for other in others if _package(path) in packages else ():
                found.setdefault(other, set()).add(path)
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
            self._beside[each.folder] <= _SEVERAL
            or each.stem in _LOOKED_FOR
            or not FOLDERS.isdisjoint(parts)
            or self.orphans.may_be_started(module)
            or self._does_something(module)
            or not self.orphans.is_plain(each)
        )

    def _is_offered(self, each: Candidate) -> bool:
        """Whether a package lists a module for those who import all that it has."""
        package = self.project.modules.find(f"{each.folder}/__init__.py")
        lists = package.bindings.get("__all__", ()) if package is not None else ()
        return any(each.stem in words_in(str(item.data)) for value in lists for item in held(value))

    def _is_safe(self, path: str) -> bool:
        """Whether nothing runs what a module sends because it is imported: no decorators of others have it.

        ``router = APIRouter()`` is its own, and an application has to take it from there.
        """
        module = self.project.modules[path]
        return all(
            not function.owner and all(self._is_its_own(module, each.chain) for each in function.decorators)
            for function in module.functions.decorated()
        ) and not any(
            self.project.resolve(module, base).class_() is not None
            for class_ in module.classes.values()
            for base in class_.bases
        )

    def _is_its_own(self, module: Module, chain: str) -> bool:
        """Whether a decorator is one of an object that a module makes, and gives to nobody."""
        name = chain.lstrip(":~").partition(".")[0]
        values = module.bindings.get(name, ())
        top = module.functions.get("")
        given = top is not None and top.hands_on(f":{name}")
        return bool(values) and not given and all(value.kind == "call" for value in values)

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
