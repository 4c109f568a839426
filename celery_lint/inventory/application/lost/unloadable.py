"""Commands of workers whose ``-A`` leads to no application, so that the worker ends before it starts.

Celery imports what ``-A`` names from the folder that it is started in: ``package.module``,
``package.module:name`` or ``package.module.name``, and of a package also its module ``celery``. Of a module
it takes what is called ``app``, whatever that is, and only then what is called ``celery`` or is an
application.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from celery_lint.inventory.application.applications import Application, Applications
from celery_lint.inventory.application.lost.without import WithoutApplication
from celery_lint.libraries.views import WEB_APPLICATIONS
from celery_lint.model.commands import WorkerCommand
from celery_lint.model.facts import PATH, Module, Place
from celery_lint.model.purpose import is_product_path
from celery_lint.model.records import NamedTuple
from celery_lint.project.known import Known, once
from celery_lint.project.unseen.set_modules import SetModules

Why = Literal["module", "attribute", "import", "web", "none", "function"]


class Wrong(NamedTuple):
    """A command whose ``-A`` leads nowhere: there is no such ``module``, or no such ``attribute`` of one.

    Or it leads to the application of a ``web`` server, which the module has as its ``app``, or to a
    ``function``, which Celery does not call. ``import``: there is such a module, which does not import the
    application of another package. ``none``: the module that it leads to holds no application.
    """

    command: WorkerCommand
    why: Why


class Meant(NamedTuple):
    """What workers mean, as ``-A`` names it: the application, or what stands in its way."""

    place: Place
    name: str


class LostCommands:
    """The commands of launch files that no worker survives."""

    def __init__(self, known: Known) -> None:
        self.project = known.project
        self.imports = known.project.imports
        self.applications = known.of(Applications)
        self.without = known.of(WithoutApplication)
        self.set_modules = known.of(SetModules)

    @once
    def all(self) -> dict[Meant, list[Wrong]]:
        """The commands without an application, by the application that is nearest to them."""
        found: dict[Meant, list[Wrong]] = {}
        deployment = self.project.deployment
        for command in (*deployment.commands, *deployment.others):
            why = self.why(command)
            if why is not None:
                own = self._instead(command.app) or (self._function(command) if why == "function" else None)
                meant = own or [*self._meant(command), *self._near(command)][0]
                found.setdefault(meant, []).append(Wrong(command, why))
        return found

    def ends(self, place: Place) -> bool:
        """Whether the command that stands there ends before a worker starts."""
        return place in self._places

    @once
    def _places(self) -> frozenset[Place]:
        return frozenset(each.command.place for wrong in self.all.values() for each in wrong)

    def why(self, command: WorkerCommand) -> Why | None:
        """Why a command finds no application, where that is certain."""
        dotted, colon, name = command.app.partition(":")
        if not all(part.isidentifier() for part in dotted.split(".")):
            return None
        why = self._why(command, dotted, colon, name)
        places = why is not None and self.set_modules.may_place(dotted, f"{dotted}.celery")
        return None if places else why

    def _why(self, command: WorkerCommand, dotted: str, colon: str, name: str) -> Why | None:
        if not colon and self.imports.holding(dotted):
            if self._instead(dotted) is not None:
                return "web"
            return "none" if self._meant(command) and self.without.named(dotted) else None
        if colon and self._function(command) is not None:
            return "function"
        if not self._meant(command):
            return "module" if self._is_stranger(dotted.partition(".")[0]) and self._near(command) else None
        if not colon:
            if self.imports.holding(f"{dotted}.celery"):
                return None
            module, _, name = dotted.rpartition(".")
        else:
            module = dotted
        paths = self.imports.files_of(module)
        if not all(self.lacks(path, name) for path in paths):
            is_module = not colon and self._in_package(command) and self.without.behind(module, name)
            return "none" if is_module else None
        if paths and (colon or not any(path.endswith("/__init__.py") for path in paths)):
            return "attribute" if self._in_package(command) else "import"
        return None if self._may_be_moved(dotted) or self._is_spread(dotted) else "module"

    # ------------------------------------------------------------------ what is there

    def lacks(self, path: str, name: str) -> bool:
        """Whether a module certainly binds no such name."""
        if path in self.project.unparsed or not name.isidentifier():
            return False
        module = self.project.reading.module(path, name) or self.without.read(path)
        if module is None:
            return not self.set_modules.may_set(path, name)
        named = (module.functions, module.classes, module.bindings, module.imports)
        if module.star_imports or any(name in names for names in named):
            return False
        return not self.set_modules.may_have(module, name)

    def _function(self, command: WorkerCommand) -> Meant | None:
        """The plain function that a command names, which Celery does not call."""
        dotted, _, name = command.app.partition(":")
        module = self._module(dotted, name)
        function = module.functions.get(name) if module is not None else None
        if (
            module is None
            or function is None
            or function.decorators
            or self.set_modules.may_have(module, name)
        ):
            return None
        if name in module.bindings or name in module.imports or name in module.classes:
            return None
        return Meant(module.place(function.span), command.app)

    def _is_spread(self, dotted: str) -> bool:
        """Whether a package on the way to a module may have it in another folder."""
        above = dotted
        while above := above.rpartition(".")[0]:
            for path in self.imports.files_of(above):
                module = self.without.read(path)
                if module is not None and PATH in module.hidden:
                    return True
        return False

    def _is_stranger(self, top: str) -> bool:
        """Whether nothing of the project has a name, and nothing that it installs has one like it."""
        unlisted = self.project.deployment.unlisted
        if top not in unlisted.strangers or unlisted.may_install(top) or unlisted.may_hold(top):
            return False
        return not any(
            target.partition(".")[0] == top
            for module in self.project.modules.values()
            for target in (*module.imports.values(), *module.star_imports, *module.further_imports)
        )

    def _may_be_moved(self, dotted: str) -> bool:
        """Whether an image may hold a folder of the project under the name that is asked for."""
        top, _, rest = dotted.partition(".")
        tail = rest.replace(".", "/")
        ends = (f"{tail}.py", f"{tail}/__init__.py")
        return any(
            f"/{file}".endswith((f"/{ends[0]}", f"/{ends[1]}")) and f"/{top}/" not in f"/{file}"
            for file in self.imports.files
        )

    # ------------------------------------------------------------------ what is meant

    def _instead(self, dotted: str) -> Meant | None:
        """The web application that Celery finds as ``app`` of a module, before that of Celery."""
        module = self._module(dotted, "app")
        package, _, leaf = dotted.rpartition(".")
        above = self._module(package, leaf) if package else None
        if module is None or (above is not None and (leaf in above.bindings or leaf in above.imports)):
            return None
        bound = module.bindings.get("app", ())
        if len(bound) + ("app" in module.imports) != 1 or self.set_modules.may_have(module, "app"):
            return None
        if self.project.member(module, "app").name not in WEB_APPLICATIONS:
            return None
        for name in (*module.bindings, *module.imports):
            application = self.applications.get(self.project.member(module, name).origin)
            if application is not None:
                place = module.place(bound[0].span) if bound else application.place
                return Meant(place, f"{dotted}:{name}")
        return None

    def _module(self, dotted: str, name: str) -> Module | None:
        """The only module of this name, for the sake of a name in it."""
        paths = self.imports.files_of(dotted)
        return self.project.reading.module(paths[0], name) if len(paths) == 1 else None

    def _meant(self, command: WorkerCommand) -> list[Meant]:
        """The applications that a command may mean, the nearest first, as ``-A`` names them."""
        return self._in_package(command) or self._beside(command)

    def _in_package(self, command: WorkerCommand) -> list[Meant]:
        """Those in the package that it names."""
        top = command.app.partition(":")[0].partition(".")[0]
        found: list[tuple[int, Meant]] = []
        for application in self._of_project(command):
            *above, file = application.module.path.split("/")
            if top in above:
                parts = [*above[above.index(top) :], file.removesuffix(".py")]
            elif file == f"{top}.py":
                parts = [top]
            else:
                continue
            name = ".".join(parts).removesuffix(".__init__")
            found.append((_apart(command.path, application.module.path), Meant(application.place, name)))
        return [meant for _, meant in sorted(found, key=lambda each: each[0])]

    def _beside(self, command: WorkerCommand) -> list[Meant]:
        """Those of its project, where it names a module of the project, or a package that holds none."""
        top, _, name = command.app.replace(":", ".").partition(".")
        own = self.project.deployment.project_of(command.path)
        files = self.imports.files_of(top)
        ends = (f"{top}.py", f"{top}/__init__.py")
        if not files or not all(file.endswith(ends) and _is_in(file, own) for file in files):
            return []
        packages = [file for file in files if file.endswith(ends[1])]
        if packages and ("." in name or self._may_hold(packages, name or "celery")):
            return []
        roots = {self.imports.home(file) for file in files}
        return [
            meant
            for application, meant in self._by_distance(command)
            if not roots.isdisjoint(self._roots_of(application))
        ]

    def _roots_of(self, application: Application) -> tuple[str, str]:
        """Where an application is imported from: also a folder without `__init__.py` is a package."""
        home = self.imports.home(application.module.path)
        return home, home.rpartition("/")[0]

    def _may_hold(self, packages: list[str], name: str) -> bool:
        """Whether a package may have a module of this name that is no file of the project."""
        stems = [f"{path.removesuffix('__init__.py')}{name}" for path in packages]
        return any(self.project.deployment.unlisted.may_hold(stem) for stem in stems)

    def _near(self, command: WorkerCommand) -> list[Meant]:
        """All of its project."""
        return [meant for _, meant in self._by_distance(command)]

    def _by_distance(self, command: WorkerCommand) -> list[tuple[Application, Meant]]:
        found = [
            (
                application,
                Meant(application.place, f"{self.imports.module_name(path)}:{application.origin[1]}"),
            )
            for application in self._of_project(command)
            if (path := application.module.path)
        ]
        return sorted(found, key=lambda each: _apart(command.path, each[0].module.path))

    def _of_project(self, command: WorkerCommand) -> Iterator[Application]:
        """The applications of the project of a command: an image of it holds nothing else."""
        own = self.project.deployment.project_of(command.path)
        for application in self.applications.product:
            if is_product_path(application.module.path) and _is_in(application.module.path, own):
                yield application


def _is_in(path: str, folder: str) -> bool:
    return not folder or path.startswith(f"{folder}/")


def _apart(file: str, other_file: str) -> int:
    """How many folders lie between two files."""
    one, other = file.split("/")[:-1], other_file.split("/")[:-1]
    common = 0
    while common < min(len(one), len(other)) and one[common] == other[common]:
        common += 1
    return len(one) + len(other) - 2 * common
