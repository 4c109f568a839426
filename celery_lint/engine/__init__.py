"""The one engine behind every front end: paths or a text go in, diagnostics come out.

The whole workspace of a file is always checked with all rules, whatever was asked for; what is selected,
ignored, suppressed or not asked for is filtered out afterwards. So a result never depends on which files
were named together, and it can be kept.
"""

from __future__ import annotations

import gc
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from celery_lint.configuration import load
from celery_lint.diagnostics import Report
from celery_lint.engine.filtering import NAMELESS, filtered, joined, order
from celery_lint.engine.scopes import Asked, Scopes
from celery_lint.engine.verdict import Stale as Stale
from celery_lint.engine.workspace import Progress, Workspace
from celery_lint.files import cache, roots
from celery_lint.files.roots import absolute_path, index_path
from celery_lint.options import Configuration
from celery_lint.regular_files import lies_within

if TYPE_CHECKING:
    from celery_lint.engine.describing import ProjectDescription
    from celery_lint.engine.describing_task import TaskDescription
    from celery_lint.engine.graph.elements import Graph


def check_paths(
    paths: Sequence[str],
    configuration: Configuration | None,
    *,
    overrides: Mapping[str, object] = {},
    progress: Progress | None = None,
) -> Report:
    """Check files and folders, each with the options of its own workspace unless they are given.

    Workspaces within a folder that is asked for are checked too, each as a project of its own, without what
    the outer one leaves out.
    A file is reported once, however many of the paths lead to it, and neither their order nor their
    repetition changes the report. Of two workspaces that hold it, the outer one reports it.
    """
    report = Report([], [], 0, 0)
    reported: set[str] = set()
    given = overrides if configuration is None else None
    collecting = _pause_collection()
    try:
        pending = _by_workspace(paths)
        for root, asked, outer in pending:
            if reported.issuperset(absolute_path(root, path) for path in asked):  # each of them a file
                continue
            options = configuration if configuration is not None else load(root, overrides)
            workspace = Workspace(root, options, progress, given, outer)
            report = joined(report, workspace.report(asked, reported))
            pending += workspace.within(asked)
            if collecting:  # else the process ends soon, or has its own reasons
                workspace.let_go()
    finally:
        _resume_collection(collecting)
    report.diagnostics.sort(key=order)
    report.unparsed.sort()
    return report


def check_text(
    path: str | None,
    data: bytes | str,
    configuration: Configuration | None,
    *,
    overrides: Mapping[str, object] = {},
    suppress: bool = True,
    stale: Callable[[], bool] | None = None,
) -> Report:
    """Check the text of one file as it is in an editor, within its workspace as it is on disk.

    Without a path the text is a project of its own. ``suppress`` false leaves ``# noqa`` to the caller, and
    whether a text without a word of Celery can be parsed.
    The disk is looked at once per process and workspace, until :func:`forget`: a linter that calls this for
    every file of a project would otherwise look at every file for every file. ``stale`` is asked now and then
    whether nobody waits for the answer any more; then Stale is raised.
    """
    if path is None:
        from celery_lint.engine.texts import alone

        root = os.getcwd()
        options = configuration if configuration is not None else load(root, overrides)
        scopes = Scopes(root, options)
        report = filtered(root, alone(NAMELESS, data, options), scopes, [NAMELESS], suppress)
        report.diagnostics.sort(key=order)
        return report
    collecting = _pause_collection()
    try:
        workspace, inner = _workspace_of(path, configuration, overrides)
        report = workspace.report_of_text(inner, data, suppress, stale)
    finally:
        _resume_collection(collecting)
    report.diagnostics.sort(key=order)
    return report


def check_texts(
    texts: Mapping[str, str], configuration: Configuration | None, *, overrides: Mapping[str, object] = {}
) -> Report:
    """Check files (their absolute paths) as they are with these texts, all at once: one run for all of them.

    Only what is said about these files is reported.
    """
    by_workspace: dict[Workspace, dict[str, str]] = {}
    for path, text in texts.items():
        workspace, inner = _workspace_of(path, configuration, overrides)
        by_workspace.setdefault(workspace, {})[inner] = text
    report = Report([], [], 0, 0)
    for workspace, own in by_workspace.items():
        report = joined(report, workspace.report_of_texts(own))
    real = {absolute_path(workspace.root, path) for workspace, own in by_workspace.items() for path in own}
    return report._replace(diagnostics=[found for found in report.diagnostics if found.path in real])


def prepare(
    path: str, data: bytes | str, *, overrides: Mapping[str, object], stale: Callable[[], bool]
) -> None:
    """Get ready for changes of a text, so that :func:`check_text` answers soon. It may raise Stale, too."""
    collecting = _pause_collection()
    try:
        workspace, inner = _workspace_of(path, None, overrides)
        workspace.prepare(inner, data, stale)
    finally:
        _resume_collection(collecting)


def forget() -> None:
    """Look at the disk and at the options anew with the next text."""
    _workspaces.clear()
    _settings_of.clear()


def files(paths: Sequence[str], overrides: Mapping[str, object] = {}) -> list[str]:
    """The files that :func:`check_paths` would check, as absolute paths, without those that are excluded."""
    from celery_lint.files.discovery import discover

    found: set[str] = set()
    pending = _by_workspace(paths)
    for root, asked, outer in pending:
        workspace = Workspace(root, load(root, overrides), None, overrides, outer)
        listing = discover(root)
        found.update(workspace.files(asked, listing))
        pending += workspace.within(asked, listing)
    return sorted(found)


def describe(path: str, configuration: Configuration) -> ProjectDescription:
    """What the linter believes about the project of a file or folder."""
    from celery_lint.engine.describing import description

    workspace = Workspace(roots.workspace(path), configuration._replace(cache=False), None, {})
    return description(workspace.root, *workspace.linked())


def describe_task(path: str, configuration: Configuration, name: str) -> TaskDescription:
    """What the linter believes about the tasks of this name in the project of a file or folder."""
    from celery_lint.engine.describing_task import task_description

    workspace = Workspace(roots.workspace(path), configuration._replace(cache=False), None, {})
    root, known = workspace.root, workspace.linked()[0]
    return task_description(root, known, name)


def graph_of(paths: Sequence[str], overrides: Mapping[str, object] = {}) -> Graph:
    """Who sends which task in the projects of these files and folders, with the diagnostics on the nodes.

    Of a project of which only a part is asked for, what stands there is shown, with what it is joined to.
    """
    from celery_lint.engine.graph.drawing import graph as drawn
    from celery_lint.engine.graph.elements import joined as all_of
    from celery_lint.engine.graph.elements import within

    found = []
    pending = _by_workspace(paths)
    for number, (root, asked, outer) in enumerate(pending):
        configuration = load(root, overrides)._replace(cache=False)
        workspace = Workspace(root, configuration, None, {**overrides, "cache": False}, outer)
        report = workspace.report(asked, set())
        pending += workspace.within(asked)
        known = workspace.linked()[0]
        whole = drawn(root, known, report.diagnostics, f"{number}:" if number else "")
        found.append(whole if "" in asked else within(whole, [absolute_path(root, path) for path in asked]))
    return all_of(found)


def clean(path: str) -> list[str]:
    """Remove the cache of the workspace; returns the folders that something was removed from."""
    from celery_lint.files.cache import Cache

    root = roots.workspace(path)
    return Cache(root, load(root).cache_dir, "").remove()


def unused_cache(root: str, configuration: Configuration) -> str:
    """Why the folder that ``cache-dir`` names cannot be used; ``""`` if it can, or if there is none."""
    if not configuration.cache or not configuration.cache_dir:
        return ""
    return cache.why_unused(root, configuration.cache_dir)


def _pause_collection() -> bool:
    """Turn the garbage collector off: facts are all allocation and no garbage."""
    collecting = gc.isenabled()
    gc.disable()
    return collecting


def _resume_collection(collecting: bool) -> None:
    """Turn it on again, with all facts among what is old: else the next allocation looks at each."""
    if collecting:
        if not gc.get_freeze_count():
            gc.freeze()
            gc.unfreeze()
        gc.enable()


_workspaces: dict[tuple[str, Configuration, bool], Workspace] = {}
_settings_of: dict[tuple[str, object, str], tuple[str, Configuration]] = {}


def _workspace_of(
    path: str, configuration: Configuration | None, overrides: Mapping[str, object]
) -> tuple[Workspace, str]:
    """The workspace of a text's file as it was first seen, and the path of the file in it."""
    root, real, options = _place(path, configuration, overrides)
    key = (root, options, configuration is None)
    workspace = _workspaces.get(key)
    if workspace is None:
        given = overrides if configuration is None else None
        workspace = _workspaces[key] = Workspace(root, options, None, given)
    return workspace, index_path(real, root)


def _place(
    path: str, configuration: Configuration | None, overrides: Mapping[str, object]
) -> tuple[str, str, Configuration]:
    """The workspace of a text's file, the file's path without links, and the options.

    A link in the file's place is followed to where it stays in the workspace: who has the text may have
    followed it further, but everything else is read by us.
    """
    folder, name = os.path.split(path)
    if name in ("", os.curdir, os.pardir):
        folder, name = os.path.split(os.path.realpath(path))
    folder = os.path.realpath(folder)
    real = os.path.join(folder, name)
    root, options = _settings(folder, configuration, overrides)
    if os.path.islink(real) and lies_within(os.path.realpath(real), root):
        real = os.path.realpath(real)
        root, options = _settings(os.path.dirname(real), configuration, overrides)
    return root, real, options


def _settings(
    folder: str, configuration: Configuration | None, overrides: Mapping[str, object]
) -> tuple[str, Configuration]:
    """The workspace of a folder's files and its options, looked up once per process."""
    key = (folder, configuration, repr(sorted(overrides.items())))
    known = _settings_of.get(key)
    if known is None:
        root = roots.workspace(folder)
        options = configuration if configuration is not None else load(root, overrides)
        known = _settings_of[key] = (root, options)
    return known


def _by_workspace(paths: Iterable[str]) -> list[Asked]:
    """The workspaces of the paths, outer before inner, each with its paths as the index names them."""
    found: dict[str, set[str]] = {}
    roots_of: dict[str, str] = {}
    for real in {os.path.realpath(path) for path in paths}:
        folder = real if os.path.isdir(real) else os.path.dirname(real)
        root = roots_of.get(folder)
        if root is None:
            root = roots_of[folder] = roots.workspace(folder)
        found.setdefault(root, set()).add(index_path(real, root))
    return [(root, sorted(asked), None) for root, asked in sorted(found.items())]
