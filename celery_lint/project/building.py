"""From the files of a workspace to what they say together: filter, read, link, and again."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import NamedTuple

from celery_lint.diagnostics import Unparsed
from celery_lint.model.facts import Module
from celery_lint.options import Configuration
from celery_lint.project.analysis import Analysis
from celery_lint.project.discovery import Listing
from celery_lint.project.filter import FirstPass, Pair, SecondPass
from celery_lint.project.imports import Imports
from celery_lint.project.index import Project
from celery_lint.project.launch import WorkerCommand
from celery_lint.project.reading import Reading, read_files

# A relay module leads to the next one: task, service, repository, engine. Real projects settle in three
# rounds; the bound only has to be the same for everybody.
MOST_ROUNDS = 6


class Built(NamedTuple):
    """A linked workspace."""

    analysis: Analysis
    modules: dict[str, Module]
    unparsed: dict[str, Unparsed]


def build(
    root: str,
    listing: Listing,
    configuration: Configuration,
    commands: Iterable[WorkerCommand],
    progress: Callable[[int, int], None] | None = None,
) -> Built:
    """Read and link a workspace."""
    modules: dict[str, Module] = {}
    unparsed: dict[str, Unparsed] = {}

    def take(readings: dict[str, Reading]) -> None:
        for path in sorted(readings):
            reading = readings[path]
            if isinstance(reading, Unparsed):
                unparsed[path] = reading
            else:
                modules[path] = reading

    total = len(listing.python)
    step = (lambda done: progress(done, total)) if progress is not None else None
    take(read_files(root, listing.python, FirstPass(configuration.task_decorators).passes, step))
    imports = Imports(listing.python)
    commands = tuple(commands)
    searched: set[Pair] = set()
    for _ in range(MOST_ROUNDS):
        analysis = linked(modules.values(), imports, configuration, commands, unparsed)
        names = wanted_names(analysis) - searched
        searched |= names
        demanded = analysis.project.wanted.difference(modules, unparsed)
        if not names and not demanded:
            break
        before = len(modules)
        take(read_files(root, sorted(demanded), None))
        if names:
            rest = [path for path in listing.python if path not in modules and path not in unparsed]
            take(read_files(root, rest, SecondPass(names).passes))
        if len(modules) == before:
            break
    return Built(analysis, modules, unparsed)


def linked(
    modules: Iterable[Module],
    imports: Imports,
    configuration: Configuration,
    commands: Iterable[WorkerCommand],
    unparsed: Iterable[str],
) -> Analysis:
    """The modules as one project, asked everything that leads to further modules."""
    analysis = Analysis(Project(modules, imports, configuration, commands, unparsed))
    _ = analysis.tasks
    return analysis


def wanted_names(analysis: Analysis) -> set[Pair]:
    """The names that make another file worth reading."""
    names = set(analysis.sinks())
    # A decorator travels through re-exports, so its module's name need not stand beside it.
    for _, qualname in analysis.tasks.wrappers:
        names.add((qualname.rpartition("/")[2].rpartition(".")[2], ""))
    return {(name, leaf) for name, leaf in names if name}
