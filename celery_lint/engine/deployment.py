"""How a project is run, as all that is no Python tells it."""

from __future__ import annotations

import re

from celery_lint.diagnostics import Unparsed
from celery_lint.files import dependencies, unlisted
from celery_lint.files.commands import launch
from celery_lint.files.commands.assigned import assigned, saying, schemes
from celery_lint.files.commands.mentions import everything
from celery_lint.files.commands.python_path import VARIABLE, python_path
from celery_lint.files.commands.pythons import of_files, since
from celery_lint.files.deployments.apart import apart
from celery_lint.files.deployments.defaults import defaults, is_idle, starts_others
from celery_lint.files.deployments.foreign import foreign
from celery_lint.files.deployments.left_behind import left_behind
from celery_lint.files.deployments.strangers import strangers
from celery_lint.files.deployments.told import is_told
from celery_lint.files.deployments.without_beat import without_beat
from celery_lint.files.discovery import Listing
from celery_lint.libraries.django import SETTINGS_VARIABLE
from celery_lint.model.commands import Deployment, Written, deployed
from celery_lint.model.reading.apart.versions import Pythons

_OF_PYTEST = re.compile(r"\[(?:tool[:.])?pytest(?:\.ini_options)?\]")


def deployment_of(root: str, listing: Listing, failures: list[Unparsed]) -> Deployment:
    """What the launch files of a workspace say, its lists of dependencies, and what git is told to ignore.

    Where the linter itself fails, ``failures`` gets a word about it.
    """
    paths = listing.launch
    written = launch.read(root, paths, failures)
    strange = foreign(root, paths, listing.texts, listing.python, written)
    written = [command for command in written if command not in strange] if strange else written
    left = left_behind(root, paths, listing.texts, listing.python, written)
    if left:
        inside = tuple(f"{folder}/" for folder in left)
        written = [command for command in written if not command.path.startswith(inside)]
    never = defaults(root, paths, listing.texts, written)
    commands = [command for command in written if command not in never] if never else written
    besides = unlisted.of(root, listing, dependencies.distributions(root, paths))
    telling = saying(root, listing.told, (*(each.encode() for each in (VARIABLE, SETTINGS_VARIABLE)), b"://"))
    settings = frozenset(
        each.text
        for text in telling
        if not _OF_PYTEST.search(text)  # its configuration says what tests run with
        for each in assigned(text, SETTINGS_VARIABLE)
    )
    starting = [command for command in commands if command.is_worker or command.program == "beat"]
    return deployed(
        commands,
        dependencies.packages(root, paths),
        dependencies.projects(paths),
        besides._replace(strangers=strangers(root, paths, listing.python, listing.directories, commands)),
        without_beat(root, paths, listing.texts, listing.python, commands),
        apart(root, paths, listing.texts, listing.python, commands),
        never,
        is_idle(root, listing.told, commands, never or ())
        if never or starts_others(paths, commands)
        else None,
        python_path(telling),
        settings,
        schemes(telling),
    )._replace(
        left_behind=left,
        celery=dependencies.newest_celery(root, paths),
        django_is_told=bool(settings) and is_told(root, {*listing.told}, starting, SETTINGS_VARIABLE),
        written=Written(lambda: everything(root, [*listing.told, *listing.python])),
    )


def pythons_of(root: str, listing: Listing, oldest: str) -> Pythons:
    """The versions of Python that a workspace may run on, in order; none where nobody says it.

    ``oldest`` is what an option says: then nothing else counts.
    """
    if oldest:
        return since(oldest)
    setups = [path for path in listing.python if path.rpartition("/")[2] == "setup.py"]
    return of_files(root, [*listing.launch, *setups])
