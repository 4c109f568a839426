"""What the linter believes about a project: no silence can be understood without it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from celery_lint.diagnostics import Unparsed
    from celery_lint.inventory.application.applications import Application
    from celery_lint.inventory.tasks.registries import Registry
    from celery_lint.model.commands import WorkerCommand
    from celery_lint.model.facts import Place
    from celery_lint.project.entity import Key
    from celery_lint.project.known import Known


class Entry(NamedTuple):
    """One thing that the linter believes about a project. ``path`` is absolute, or empty."""

    name: str
    path: str
    line: int
    detail: str


class ProjectDescription(NamedTuple):
    """What the linter believes about a project."""

    roots: list[Entry]
    import_roots: list[Entry]
    apps: list[Entry]
    settings: list[Entry]
    tasks: list[Entry]
    pools: list[Entry]
    loop_helpers: list[Entry]
    wrappers: list[Entry]
    registries: list[Entry]
    unparsed: list[Entry]


def description(root: str, known: Known, unparsed: Iterable[Unparsed]) -> ProjectDescription:
    """Everything that `celery-lint project` shows."""
    from celery_lint.inventory.application.applications import Applications
    from celery_lint.inventory.application.commands import Commands
    from celery_lint.inventory.tasks.makers import Makers
    from celery_lint.inventory.tasks.names import ModuleNames
    from celery_lint.inventory.tasks.registries import Registries
    from celery_lint.inventory.tasks.tasks import Tasks

    project = known.project

    def at(place: Place) -> tuple[str, int]:
        return f"{root}/{place.path}", place.span.line

    import_roots: dict[str, int] = {}
    for path in project.modules:
        import_root = known.of(ModuleNames).root(path)
        import_roots[import_root] = import_roots.get(import_root, 0) + 1
    wrappers = []
    for path, qualname in sorted(known.of(Makers).wrappers):
        module = project.modules[path]
        place = module.functions.get(qualname) or module.classes.get(qualname)
        wrappers.append(Entry(qualname, f"{root}/{path}", place.span.line if place else 1, "makes tasks"))
    return ProjectDescription(
        roots=[Entry(root, root, 0, f"{len(project.modules)} files read of {len(project.imports.files)}")],
        import_roots=[
            Entry(folder or ".", f"{root}/{folder}" if folder else root, 0, f"{count} files read")
            for folder, count in sorted(import_roots.items())
        ],
        apps=[
            Entry(application.origin[1], *at(application.place), _app_detail(known, application))
            for application in known.of(Applications).by_origin.values()
        ],
        settings=[*_settings(known, at), *_without_effect(known, at)],
        tasks=[Entry(task.name, *at(task.place), _task_detail(task)) for task in known.of(Tasks).all],
        pools=[
            Entry(
                command.pool or "unknown",
                f"{root}/{command.path}",
                command.line,
                _pool_detail(known, command),
            )
            for command in known.of(Commands).all
        ],
        loop_helpers=_loop_helpers(known, at),
        wrappers=wrappers,
        registries=[
            Entry(registry.name, *at(registry.place), _registry_detail(registry))
            for registry in known.of(Registries).all
        ],
        unparsed=[Entry(entry.path, f"{root}/{entry.path}", entry.line, entry.message) for entry in unparsed],
    )


def _app_detail(known: Known, application: Application) -> str:
    """What makes an application, and what it loads settings from."""
    from celery_lint.inventory.application.statements import Configuring

    said = [application.value.chain]
    for load in known.of(Configuring).of(application).loads:
        source = known.project.text(load.module, load.value) or load.value.chain or "an expression"
        below = f" below {load.namespace}" if load.namespace and load.namespace != "?" else ""
        said.append(f"loads {source.lstrip(':~')}{below}")
    return ", ".join(said)


def _settings(known: Known, at: Callable[[Place], tuple[str, int]]) -> Iterator[Entry]:
    """What the applications are configured with, as the rules take it, and where nobody can look."""
    from celery_lint.inventory.application.applications import Applications
    from celery_lint.inventory.application.settings import Settings
    from celery_lint.libraries.celery_settings import SETTINGS

    settings = known.of(Settings)
    for application in known.of(Applications).product:
        owner = application.origin[1]
        for name in SETTINGS:
            setting, certain = settings.setting(application, name)
            if setting is not None:
                constant = known.project.constant(setting.module, setting.value)
                value = repr(constant.data) if constant and constant.kind == "constant" else "an expression"
                doubt = "" if certain else ", or another value"
                yield Entry(name, *at(setting.place), f"{value}{doubt}; of {owner}")
        if settings.hides(application):
            detail = f"{owner} loads settings that the linter cannot see"
            yield Entry("unknown settings", *at(application.place), detail)


def _without_effect(known: Known, at: Callable[[Place], tuple[str, int]]) -> Iterator[Entry]:
    """The names among the settings that no application reads."""
    from celery_lint.analysis.application.unread_settings import UnreadSettings

    unread = known.of(UnreadSettings)
    for misspelt in unread.misspelt:
        yield Entry(misspelt.name, *at(misspelt.place), f"no setting, {misspelt.guess} is one; has no effect")
    for options in unread.options_of_tasks:
        for option in options:
            yield Entry(option.name, *at(option.place), "an option of tasks and no setting; has no effect")
    for names in unread.unprefixed:
        for name in names:
            yield Entry(name.spelled, *at(name.place), "for a namespace that is not loaded; has no effect")


def _loaded(known: Known, command: WorkerCommand) -> str:
    """What `-A` of a command leads to."""
    from celery_lint.inventory.application.commands import Commands
    from celery_lint.inventory.application.lost.unloadable import LostCommands

    why = known.of(LostCommands).why(command)
    if why is not None:
        return f"{command.app}: there is no such {'attribute' if why == 'import' else why}"
    found = [f"{name} in {path}" for path, name in known.of(Commands).meant(command)]
    return f"{command.app}: {', '.join(found)}" if found else command.app and f"{command.app}: not known"


def _pool_detail(known: Known, command: WorkerCommand) -> str:
    """The application of a worker's command, its limits and queues, and why its pool is unknown."""
    said = [_loaded(known, command)]
    if not command.pool:
        said.append(
            f"`{command.hidden}` may name the pool" if command.hidden else "a variable names the pool"
        )
    elif not command.pool_stated:
        said.append("no option names the pool: `worker_pool` decides")
    limits = (("time limit", command.time_limit), ("soft time limit", command.soft_time_limit))
    for name, seconds in limits:
        if seconds is not None:
            said.append(f"{name} {seconds:g} s" if seconds == seconds else f"{name} from a variable")
    if command.queues:
        said.append("queues from a variable" if command.queues == "*" else f"queues {command.queues}")
    return ", ".join(filter(None, said))


_LOOPS = {
    "run": "runs the coroutine that it is given on a loop of its own, closed after the call",
    "nested": "runs the coroutine that it is given on the event loop of its thread, as nest_asyncio does",
    "new": "runs the coroutine that it is given on a new event loop",
    "current": "runs the coroutine that it is given on the event loop of its thread",
    "kept": "runs the coroutine that it is given on a loop kept for the process",
    "bridge": "runs the coroutine function that it is given by async_to_sync",
}


def _loop_helpers(known: Known, at: Callable[[Place], tuple[str, int]]) -> list[Entry]:
    """The functions that run coroutines for tasks."""
    from celery_lint.inventory.code.runs import Runs

    found: dict[Key, Entry] = {}
    for run in known.of(Runs).all:
        if run.helper:
            key = (run.module.path, run.function.qualname)
            place = run.module.place(run.function.span)
            found.setdefault(key, Entry(run.function.qualname, *at(place), _LOOPS[run.kind]))
    return list(found.values())


def _registry_detail(registry: Registry) -> str:
    keys = len({entry.key for entry in registry.entries})
    dispatched = ", ".join(dispatcher.function.qualname for dispatcher in registry.dispatchers)
    more = "" if registry.complete else ", and others that only the run knows"
    return f"{keys} keys{more}" + (f"; dispatched by {dispatched}" if dispatched else "")


def _task_detail(task: Any) -> str:
    application = task.application
    return f"of {application[1]} in {application[0]}" if application is not None else "shared"
