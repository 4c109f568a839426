"""From the files of a workspace to what they say together: filter, read, link, and again."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterable, Sequence
from typing import NamedTuple

from celery_lint.analysis.analysis import Analysis
from celery_lint.diagnostics import Unparsed
from celery_lint.files.filter import DATABASE_WORDS, NETWORK_WORDS, FirstPass, Pair
from celery_lint.files.launch import WorkerCommand
from celery_lint.files.library import Library
from celery_lint.inventory.resources.resources import LOOP_WORDS
from celery_lint.model.facts import Module
from celery_lint.options import Configuration
from celery_lint.project.functions import Flows
from celery_lint.project.imports import Imports
from celery_lint.project.project import Project

# A relay module leads to the next one: task, service, repository, engine. Real projects settle in three
# rounds; the bound only has to be the same for everybody.
MOST_ROUNDS = 8


class Built(NamedTuple):
    """A linked workspace, and how it came to be: see ``cache.Manifest``."""

    analysis: Analysis
    modules: dict[str, Module]
    unparsed: dict[str, Unparsed]
    facts: list[object]
    passed: list[str]
    names: list[Pair]
    named: list[str]
    stray: list[str]
    asked: list[str]


def build(
    files: Sequence[str],
    library: Library,
    configuration: Configuration,
    commands: Iterable[WorkerCommand],
    earlier: Collection[str] = (),
    stray: Collection[str] = (),
) -> Built:
    """Read what is worth it and link it.

    The outcome depends on nothing but the files: from the first filter on, round by round, whatever the
    library knows already. ``earlier`` are the files that an earlier run has ended with. To start with them
    saves rounds, and counts if all of them are still asked for; otherwise everything starts again without.
    ``stray`` are those of them that even then nobody asked for once everything else was known.
    """
    commands = tuple(commands)
    imports = Imports(files)
    modules: dict[str, Module] = {}
    unparsed: dict[str, Unparsed] = {}
    flows = Flows()

    def take(paths: Iterable[str]) -> None:
        for path, reading in library.readings(sorted(paths)).items():
            if isinstance(reading, Unparsed):
                unparsed[path] = reading
            else:
                modules[path] = reading

    passed = library.first_pass(files, FirstPass(configuration.task_decorators).passes)
    take(passed)
    more: set[str] = set(earlier).intersection(files).difference(passed)
    guessed = frozenset(more)
    take(more)
    searched: set[Pair] = set()
    named: set[str] = set()
    for _ in range(MOST_ROUNDS):
        load = library.reading_of
        analysis = linked(modules.values(), imports, configuration, commands, unparsed, load, flows)
        analysis.explore()
        names = wanted_names(analysis) - searched
        searched |= names
        more = analysis.project.wanted.difference(modules, unparsed)
        hinted = analysis.project.hinted.difference(modules, unparsed, more)
        if hinted:
            leading = analysis.event_loops.relays.to_resources | DATABASE_WORDS | LOOP_WORDS
            leading |= NETWORK_WORDS | analysis.session_facts.sessions.words()
            more.update(library.second_pass(sorted(hinted), leading))
        if names:
            rest = [
                path for path in files if path in guessed or (path not in modules and path not in unparsed)
            ]
            found = library.second_pass(rest, names)
            named.update(found)
            more.update(found)
            more.difference_update(modules, unparsed)
        if not more and guessed - analysis.project.demanded - named - set(stray):
            return build(files, library, configuration, commands)
        if not more:
            break
        take(more)
    analysis.project.settle()
    facts = list(analysis.facts())
    asked = analysis.project.demanded.difference(modules, unparsed)
    alone = set(modules) - set(passed) - named - analysis.project.demanded
    return Built(
        analysis,
        modules,
        unparsed,
        facts,
        sorted(passed),
        sorted(searched),
        sorted(named),
        sorted(alone),
        sorted(asked),
    )


def linked(
    modules: Iterable[Module],
    imports: Imports,
    configuration: Configuration,
    commands: Iterable[WorkerCommand],
    unparsed: Iterable[str],
    load: Callable[[str, str], Module | Unparsed | None] | None = None,
    flows: Flows | None = None,
) -> Analysis:
    """The modules as one project. ``load`` reads what chains lead to beyond them.

    ``flows`` is what has been unpacked already of these very modules.
    """
    return Analysis(Project(modules, imports, configuration, commands, unparsed, load, flows))


def wanted_names(analysis: Analysis) -> set[Pair]:
    """The names that make another file worth reading."""
    names = set(analysis.sinks())
    # A decorator travels through re-exports, so its module's name need not stand beside it.
    for _, qualname in analysis.tasks.makers.wrappers:
        names.add((qualname.rpartition("/")[2].rpartition(".")[2], ""))
    return {(name, leaf) for name, leaf in names if name}


def lines_of(built: Built, library: Library) -> dict[str, str]:
    """The facts of all modules as lines of JSON."""
    known = library.lines
    return {path: known.get(path) or json.dumps(module) for path, module in built.modules.items()}


def says_the_same(
    changed: Sequence[str],
    library: Library,
    first: Callable[[bytes], bool],
    passed: Iterable[str],
    names: Collection[Pair],
) -> dict[str, str] | None:
    """Whether files that have changed still say what they said, so that nothing has to be linked.

    Returns the digests of those that have facts; None if something new is said.
    """
    known = set(passed)
    before = {path: library.earlier(path) for path in changed}
    through = set(library.first_pass(changed, first))
    if through != known.intersection(changed):
        return None
    digests = {}
    others = []
    for path, module in before.items():
        if module is None:
            if path in through:
                return None
            others.append(path)
            continue
        now = library.readings([path])[path]
        if isinstance(now, Unparsed) or now[2:] != module[2:]:
            return None
        digests[path] = now.digest
    if names and library.second_pass(others, names):
        return None
    return digests
