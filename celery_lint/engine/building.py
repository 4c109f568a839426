"""From the files of a workspace to what they say together: filter, read, link, and again."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from functools import cache
from typing import NamedTuple

from celery_lint.diagnostics import Unparsed
from celery_lint.engine.verdict import Found, search
from celery_lint.engine.worth_reading import LOOKED_FOR, explore, hints, imported, sinks
from celery_lint.files.filter import FirstPass, Pair
from celery_lint.files.leads import Leads
from celery_lint.files.library import Library
from celery_lint.inventory.application.on_path import folders_on_path
from celery_lint.model.commands import Deployment, Texts
from celery_lint.model.defined import EVERYBODY
from celery_lint.model.facts import Module
from celery_lint.options import Configuration
from celery_lint.project.functions import Functions
from celery_lint.project.imports import Imports
from celery_lint.project.isolation import READING
from celery_lint.project.known import Known
from celery_lint.project.project import Project
from celery_lint.project.reading import Lasting

# A relay module leads to the next one: task, service, repository, engine. Real projects settle in three
# rounds; the bound only has to be the same for everybody.
MOST_ROUNDS = 8


class Built(NamedTuple):
    """A linked workspace, and how it came to be: see ``cache.Manifest``."""

    known: Known
    modules: dict[str, Module]
    unparsed: dict[str, Unparsed]
    found: Found
    passed: list[str]
    names: list[Pair]
    named: list[str]
    stray: list[str]
    asked: list[str]


def build(
    files: Sequence[str],
    library: Library,
    configuration: Configuration,
    deployment: Deployment,
    earlier: Collection[str] = (),
    stray: Collection[str] = (),
) -> Built:
    """Read what is worth it and link it.

    The outcome depends on nothing but the files: from the first filter on, round by round, whatever the
    library knows already. ``earlier`` are the files that an earlier run has ended with. To start with them
    saves rounds, and counts if all of them are still asked for; otherwise everything starts again without.
    ``stray`` are those of them that even then nobody asked for once everything else was known.
    """
    imports = Imports(files, [command.app for command in deployment.commands])
    modules: dict[str, Module] = {}
    unparsed: dict[str, Unparsed] = {}
    functions, lasting, text = Functions(), Lasting(), cache(library.text)

    def take(paths: Iterable[str]) -> None:
        for path, reading in library.readings(sorted(paths)).items():
            if isinstance(reading, Unparsed):
                unparsed[path] = reading
            else:
                modules[path] = reading

    library.look_into(deployment.written.held)
    passed = library.first_pass(files, FirstPass(configuration.task_decorators).passes)
    take(passed)
    guessed = set(earlier).intersection(files).difference(passed)
    take(guessed)
    for path in guessed.intersection(unparsed):
        guessed.remove(path)
        del unparsed[path]  # whether it is worth a word is seen when somebody asks for it
    leads = Leads(LOOKED_FOR, library.text, imports.locate)
    searched: set[Pair] = set()
    named: set[str] = set()
    said: set[Pair] = set()
    looked_at: set[str] = set()

    def wanted(known: Known, whole: bool) -> set[str]:
        """The files that what is known leads to and that have not been read."""
        nonlocal said
        explore(known, whole)
        said = sinks(known, whole)
        reading = known.project.reading
        more: set[str] = set()
        unread = reading.hinted.keys() - modules.keys() - unparsed.keys() - reading.wanted
        if unread:
            more.update(library.second_pass(sorted(unread), hints(known, whole)))
            more.update(path for path in unread - more if leads.worth(path, reading.hinted[path]))
        more.update(
            reading.wanted.difference(modules, unparsed)
        )  # last: the questions above lead to files too
        for path, names_of in known.isolation.search(READING, imported) if whole else ():
            looked_at.add(path)
            if path not in modules and path not in unparsed and library.may_lack(path, names_of):
                reading.demanded.add(path)
                more.add(path)
        names = said - searched
        searched.update(names)
        if names:
            rest = [
                path for path in files if path in guessed or (path not in modules and path not in unparsed)
            ]
            holding = library.second_pass(rest, names)
            named.update(holding)
            more.update(holding)
            more.difference_update(modules, unparsed)
        return more

    known: Known | None = None
    for number in range(MOST_ROUNDS):
        if known is not None:
            known.let_go()
        if imports.put_on_path(folders_on_path(modules.values(), imports, deployment)):
            lasting = Lasting()  # what follows from imports that mean something else now
            leads.start_again()
        load = library.reading_of
        given = imports, configuration, deployment, Texts(unparsed, text), load, functions, lasting
        known = linked(modules.values(), *given)
        more = wanted(known, number == 0)
        if not more and number:  # after the first round the dearest questions wait until the others are done
            more = wanted(known, True)
        take(more)  # what cannot be parsed counts as well: it may hold what seems to be missing
        if more:
            continue
        if guessed - known.project.reading.demanded - named - set(stray):  # in vain
            known.let_go()
            return build(files, library, configuration, deployment)
        break
    assert known is not None
    known.project.settle()
    demanded = known.project.reading.demanded
    asked = (demanded | leads.looked_at | looked_at).difference(modules, unparsed)
    for path in leads.looked_at & modules.keys():  # at all that it defines
        modules[path].functions.searched.add(EVERYBODY)
    leads.let_go()
    alone = set(modules) - set(passed) - demanded
    # What an early round has looked for may mean nothing any more: a task that turned out to be sent.
    alone.difference_update(library.second_pass(sorted(alone & named), said))
    found = search(known)
    return Built(
        known,
        modules,
        unparsed,
        found,
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
    deployment: Deployment,
    unparsed: Mapping[str, bytes],
    load: Callable[[str, str], Module | Unparsed | None] | None = None,
    functions: Functions | None = None,
    lasting: Lasting | None = None,
) -> Known:
    """The modules as one project. ``load`` reads what chains lead to beyond them.

    ``functions`` is what has been unpacked already of these very modules, ``lasting`` what is known of them
    whatever else is read.
    """
    return Known(Project(modules, imports, configuration, deployment, unparsed, load, functions, lasting))


def lines_of(built: Built, library: Library) -> dict[str, str]:
    """The facts of all modules as lines of JSON."""
    known = library.lines
    return {path: known.get(path) or json.dumps(module) for path, module in built.modules.items()}
