"""Which application the workers of a command run."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from celery_lint.files.commands.launch import worker_of_arguments
from celery_lint.files.deployments.elsewhere import elsewhere
from celery_lint.inventory.application.applications import Application, Applications
from celery_lint.inventory.application.lost.unloadable import LostCommands
from celery_lint.model.commands import Elsewhere, WorkerCommand
from celery_lint.model.facts import Function, Module, Value
from celery_lint.model.purpose import is_development_path
from celery_lint.project.entity import Key
from celery_lint.project.known import Known, once
from celery_lint.project.modules import leaf_of
from celery_lint.project.unseen.unparsed import UnparsedTexts

# What starts a worker that no command does; and the words of a command that code starts.
STARTING = ("worker_main", "Worker")
_WORDS = frozenset({"celery", "worker"})
_COMMAND = re.compile(r"\bcelery\b[^\t\n]*\bworker\b")
# An application as a text tells to start it: `celery -A shop worker`.
_TOLD = re.compile(rb"\bcelery[^\n]*?[ \t](?:-A|--app)[ \t=]+[\"']?([A-Za-z_][\w.]*)")
# What starts processes whose words nobody can read, in code that speaks of workers by its name.
_PROCESSES = (".run", ".call", ".check_call", ".Popen", ".popen", ".system", ".execv", ".execvp", ".execlp")
_PROCESS = re.compile(r"(?m)^(?:subprocess\.\w+|os\.(?:system|popen|exec[lv]\w*))\t")
_SPEAKS = re.compile(r"celery|worker", re.IGNORECASE)
# Where Celery looks for the application in a module or package that `-A` names.
_NAMES = ("app", "celery", "celery_app")


class Commands:
    """The commands that start the workers of each application."""

    def __init__(self, known: Known) -> None:
        self.project = known.project
        self.applications = known.of(Applications)
        self.lost = known.of(LostCommands)
        self.unparsed = known.of(UnparsedTexts)

    @once
    def all(self) -> list[WorkerCommand]:
        """All commands: of launch files, and those that code gives to an application."""
        return [*self.project.deployment.commands, *self._given()]

    @once
    def beats(self) -> list[WorkerCommand]:
        """The commands that start beat, alone or within a worker."""
        others = [command for command in self.project.deployment.others if command.program == "beat"]
        return [*others, *(command for command in self.all if command.with_beat)]

    def _given(self) -> Iterator[WorkerCommand]:
        """``app.worker_main(["worker", "--pool=solo"])``, and the same of ``start``."""
        for module, function in self.project.calling(".worker_main"):
            for _, value in function.values:
                if not value.chain.endswith(".worker_main"):
                    continue
                entity = self.project.resolve(module, value.chain.rpartition(".")[0])
                origin = entity.origin if self.applications.get(entity.origin) is not None else None
                argv = value.first() or value.keyword("argv")
                command = worker_of_arguments(module.path, value.span.line, list(self._words(module, argv)))
                if command is not None and command.is_worker:
                    yield command._replace(app=self._dotted(*origin) if origin is not None else "")

    def _dotted(self, path: str, name: str) -> str:
        """An application as ``-A`` names it."""
        return f"{self.project.imports.module_name(path)}:{name}"

    def _words(self, module: Module, argv: Value | None) -> Iterator[str]:
        """The arguments as a shell would have them; ``$`` for what only the run knows."""
        known = self.project.constant(module, argv)
        if known is None or known.kind != "sequence":
            yield "worker"
            yield "$argv"
            return
        for item in known.items:
            yield self._word(module, item)

    def _word(self, module: Module, value: Value) -> str:
        """One of them, also where a part of it is known: ``"--queues=" + QUEUES``."""
        if value.kind == "arithmetic" and value.data == "Add" and self.project.text(module, value) is None:
            return "".join([self._word(module, part) for part in value.items])
        return self.project.text(module, value) or "$argv"

    def of(self, applications: Iterable[Application]) -> list[WorkerCommand]:
        """The commands that may start workers of one of these applications.

        Of an application that no command names: those that name none that is known here, else all of them.
        """
        found: dict[WorkerCommand, None] = {}
        for application in applications:
            own = self._of.get(application.origin, [])
            for command in own or self._of.get(None, []) or self.all:
                found[command] = None
        return [command for command in self.all if command in found]

    def is_aside(self, command: WorkerCommand) -> bool:
        """Whether a command starts workers on Windows or where the product is developed.

        A script of Python beside launch files is one, too: those say how the product runs.
        """
        module = self.project.modules.get(command.path)
        if self.is_for_development(command) or (module is not None and module.sets_apart(command.line)):
            return True
        return module is not None and bool(self.project.deployment.commands)

    def is_for_development(self, command: WorkerCommand) -> bool:
        """Whether the file of a command is for development, by its name or by what it says at its top."""
        return command.development or is_development_path(command.path)

    def naming(self, command: WorkerCommand) -> list[Application]:
        """The applications that a command names, of those that are known here."""
        found = [self.applications.get(origin) for origin in self._named(command)]
        return [application for application in found if application is not None]

    @once
    def of_unknown(self) -> list[WorkerCommand]:
        """The commands of an application that is not known here."""
        return self._of.get(None, [])

    @once
    def started(self) -> list[Application]:
        """The applications that commands name; none where a command names one that is not known here."""
        if None in self._of:
            return []
        return [application for application in self.applications.product if self._of.get(application.origin)]

    @once
    def unstarted(self) -> list[Application]:
        """The applications that no command names while one names another of the same project.

        None where a command, be it for beat, names an application that is not known here.
        """
        started = self.started
        others = self.project.deployment.others
        named = [self._named(command) for command in others if not self.lost.ends(command.place)]
        if not started or not all(named):
            return []
        given = {origin for origins in named for origin in origins}
        homes = {self.home(application) for application in started}
        return [
            application
            for application in self.applications.product
            if application not in started
            and application.origin not in given
            and self.home(application) in homes
        ]

    def may_start(self, application: Application) -> bool:
        """Whether a command or code may start workers of an application, as far as the project tells.

        A command whose application nobody can read may be for any. Where the project shows no command,
        somebody may start them whom it does not show, unless it starts all else and no text tells people how.
        """
        deployment = self.project.deployment
        if self._are_started_by_code:
            return True
        if not self.all and not deployment.refused:
            return not deployment.idle
        return any(
            application.origin in self._named(command) or self._is_for_any(command, application)
            for command in (*self.all, *deployment.refused)
            if not self.lost.ends(command.place)
        )

    @once
    def elsewhere(self) -> list[Elsewhere]:
        """What the product is started with and that is no file here: it may start workers of its own.

        Whoever asks reads all files of the workspace.
        """
        return list(elsewhere(self.project.deployment.written.texts))

    def _is_for_any(self, command: WorkerCommand, application: Application) -> bool:
        """Whether nobody can read what a command names, or the name is that of the application in an image.

        That may hold the project in a folder: ``backend.shop.worker`` for `shop.worker`.
        """
        dotted = _module_named(command)
        if not dotted:
            return True
        module = self.project.imports.module_name(application.module.path)
        return any(name.endswith(f".{module}") for name in (dotted, dotted.rpartition(".")[0]))

    @once
    def are_any(self) -> bool:
        """Whether anything is seen to start a worker, beat or whatever has an application, or to mean to."""
        deployment = self.project.deployment
        return bool(self.all or deployment.refused or deployment.others) or self._are_started_by_code

    @once
    def told(self) -> frozenset[str]:
        """What texts of any kind tell people to give to ``-A``, if that leads to an application."""
        written = self.project.deployment.written
        beside = [_told_in(text) for text in written.beside_code.values()]
        names = frozenset[str]().union(*beside, *written.found(_told_in).values())
        modules = {self.project.imports.module_name(each.module.path) for each in self.applications.product}
        known = any(name in modules or f"{name}.celery" in modules for name in names)
        return frozenset(names if known else ())

    @once
    def meant_in_vain(self) -> list[Application]:
        """The applications that somebody means to start, by a command that fails: others say why."""
        lost = {meant.place for meant in self.lost.all}
        found = [each for command in self.project.deployment.refused for each in self.naming(command)]
        return [*found, *(each for each in self.applications.product if each.place in lost)]

    @once
    def replaced(self) -> list[Application]:
        """The applications whose workers nobody starts: an image would that is always told otherwise."""
        deployment = self.project.deployment
        if self.all or not deployment.idle or self._are_started_by_code:
            return []
        return [each for command in deployment.defaults or () for each in self.naming(command)]

    @once
    def _are_started_by_code(self) -> bool:
        """Whether code starts workers, or a command that may, so that nobody can read which."""
        if any(self.project.calling(*(f".{name}" for name in STARTING))) or any(
            _starts_process(module, function) for module, function in self.project.calling(*_PROCESSES)
        ):
            return True
        if self.unparsed.hold((*((name, "celery") for name in STARTING), ("worker", "celery"))):
            return True
        functions = self.project.functions.saying(self.project.product_modules(), _WORDS)
        return any(
            said == _WORDS and _COMMAND.search(function.packed_calls) for _, function, said in functions
        )

    def home(self, application: Application) -> str:
        """The project that an application belongs to, of several in one workspace."""
        return self.project.deployment.project_of(application.module.path)

    def meant(self, command: WorkerCommand) -> list[Key]:
        """The applications that a command may start workers of; none where that is not known here."""
        return [origin for origin in self._named(command) if origin is not None]

    @once
    def _of(self) -> dict[Key | None, list[WorkerCommand]]:
        """The commands by the application that they name; ``None``: one that is not known here.

        Without those that certainly find none: no worker of theirs starts.
        """
        found: dict[Key | None, list[WorkerCommand]] = {}
        for command in self.all:
            if self.lost.ends(command.place):
                continue
            for origin in self._named(command) or [None]:
                found.setdefault(origin, []).append(command)
        return found

    def _named(self, command: WorkerCommand) -> list[Key | None]:
        """The applications that ``-A`` of a command may mean: those nearest to the file of the command."""
        dotted, name = _module_named(command), command.app.partition(":")[2]
        if not dotted:
            return []
        found: dict[Key, str] = {}
        for application in self.applications.product:
            path, bound = application.origin
            module = self.project.imports.module_name(path)
            if name and name != bound:
                continue
            if dotted in (module, f"{module}.{bound}") or (not name and module == f"{dotted}.celery"):
                found[application.origin] = self.project.imports.import_root(path)
        folder = command.path.rpartition("/")[0]
        near = [origin for origin, root in found.items() if folder and _within(folder, root)]
        return [*(near or found)] or self._exported(command, dotted, name)

    def _exported(self, command: WorkerCommand, dotted: str, name: str) -> list[Key | None]:
        """An application that a module or package names without making it."""
        located = self.project.imports.locate(dotted, command.path)
        module = self.project.modules.find(located.path) if located is not None else None
        if module is None or located is None or len(located.rest) > 1:
            return []
        for wanted in [name] if name else [*located.rest] or _NAMES:
            application = self.applications.get(self.project.member(module, wanted).origin)
            if application is not None:
                return [application.origin]
        return []


def _module_named(command: WorkerCommand) -> str:
    """The module that ``-A`` names, or an attribute of one; nothing where that is not plainly written."""
    dotted = command.app.removesuffix(".py").replace("/", ".").partition(":")[0]
    return dotted if all(part.isidentifier() for part in dotted.split(".")) else ""


def _starts_process(module: Module, function: Function) -> bool:
    """Whether a function or a script that is called after workers starts a process."""
    named = _SPEAKS.search(f"{leaf_of(module.path)}.{function.qualname}")
    return named is not None and _PROCESS.search(function.packed_calls) is not None


def _within(folder: str, root: str) -> bool:
    """Whether an import root is in a folder, or a folder in it."""
    return f"{root}/".startswith(f"{folder}/") or (root != "" and f"{folder}/".startswith(f"{root}/"))


def _told_in(text: bytes) -> frozenset[str]:
    """What a text tells people to give to ``-A``."""
    return frozenset([name.decode().strip(".") for name in _TOLD.findall(text)])
