"""The one engine behind every front end: paths or a text go in, diagnostics come out.

The whole workspace of a file is always checked with all rules, whatever was asked for; what is selected,
ignored, suppressed or not asked for is filtered out afterwards. So a result never depends on which files
were named together, and it can be kept.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from celery_lint.configuration import Configuration, Selection, load
from celery_lint.diagnostics import Diagnostic, Related, Report, Unparsed
from celery_lint.project import roots

if TYPE_CHECKING:
    from celery_lint.model.facts import Module, Place
    from celery_lint.project.analysis import Analysis
    from celery_lint.project.discovery import Listing
    from celery_lint.rule import Finding, Rule

Progress = Callable[[int, int], None]

NAMELESS = "<stdin>"
"""The path of a text that has none."""


class Verdict(NamedTuple):
    """What the rules say about a workspace, before any filter. Paths are relative to the workspace.

    ``suppressed`` holds the indexes of the diagnostics that a ``# noqa`` silences, ``tasks`` the number
    of tasks that a file defines, ``presets`` the presets of the rules that spoke.
    """

    diagnostics: list[Diagnostic]
    suppressed: frozenset[int]
    unparsed: list[Unparsed]
    tasks: dict[str, int]
    presets: dict[str, str]


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
    tasks: list[Entry]
    pools: list[Entry]
    loop_helpers: list[Entry]
    wrappers: list[Entry]
    registries: list[Entry]
    unparsed: list[Entry]


def check_paths(
    paths: Sequence[str],
    configuration: Configuration | None,
    *,
    overrides: Mapping[str, object] = {},
    progress: Progress | None = None,
) -> Report:
    """Check files and folders, each with the options of its own workspace unless they are given."""
    report = Report([], [], 0, 0)
    for root, asked in _by_workspace(paths):
        options = configuration if configuration is not None else load(root, overrides)
        report = _joined(report, _Workspace(root, options, progress).report(asked))
    report.diagnostics.sort(key=_order)
    report.unparsed.sort()
    return report


def check_text(
    path: str | None,
    data: bytes | str,
    configuration: Configuration | None,
    *,
    overrides: Mapping[str, object] = {},
    suppress: bool = True,
    selected: bool = True,
) -> Report:
    """Check the text of one file as it is in an editor, within its workspace as it is on disk.

    Without a path the text is a project of its own. ``suppress`` false leaves ``# noqa`` to the caller,
    ``selected`` false all of ``select``, ``ignore``, ``preset`` and ``per-file-ignores``.
    """
    if path is None:
        root = os.getcwd()
        options = configuration if configuration is not None else load(root, overrides)
        verdict = _verdict_of_text(NAMELESS, data, options)
        return _filtered(root, verdict, options, {NAMELESS}, suppress, selected)
    real = os.path.realpath(path)
    root = roots.workspace(real)
    options = configuration if configuration is not None else load(root, overrides)
    relative = _relative(real, root)
    workspace = _Workspace(root, options, None)
    verdict = workspace.overlaid(relative, data)
    return _filtered(root, verdict, options, {relative}, suppress, selected)


def describe(path: str, configuration: Configuration) -> ProjectDescription:
    """What the linter believes about the project of a file or folder."""
    workspace = _Workspace(roots.workspace(path), configuration, None)
    return workspace.description()


def clean(path: str) -> str:
    """Remove the cache of the workspace; returns its folder, or ``""`` if there was none."""
    return ""


# ------------------------------------------------------------------------------------ workspaces


class _Workspace:
    """A workspace while it is asked."""

    def __init__(self, root: str, configuration: Configuration, progress: Progress | None) -> None:
        self.root = root
        self.configuration = configuration
        self.progress = progress

    def report(self, asked: Sequence[str]) -> Report:
        """What is to be said about the files and folders asked for."""
        from celery_lint.project.building import build
        from celery_lint.project.discovery import discover

        listing = discover(self.root)
        wanted = _files_below(listing.python, asked)
        built = build(self.root, listing, self.configuration, self._commands(listing), self.progress)
        verdict = _verdict(built.analysis, built.modules, built.unparsed.values())
        return _filtered(self.root, verdict, self.configuration, wanted, True, True)

    def overlaid(self, path: str, data: bytes | str) -> Verdict:
        """The verdict with one file's text replaced."""
        from celery_lint.project.building import build, linked
        from celery_lint.project.discovery import discover
        from celery_lint.project.filter import FirstPass
        from celery_lint.project.reading import facts_of

        listing = discover(self.root)
        built = build(self.root, listing, self.configuration, self._commands(listing), self.progress)
        content = data.encode("utf-8", "surrogatepass") if isinstance(data, str) else data
        first = FirstPass(self.configuration.task_decorators)
        modules, unparsed = dict(built.modules), dict(built.unparsed)
        modules.pop(path, None)
        unparsed.pop(path, None)
        if path in built.modules or path in built.unparsed or first.passes(content):
            reading = facts_of(path, data)
            if isinstance(reading, Unparsed):
                unparsed[path] = reading
            else:
                modules[path] = reading
        project = built.analysis.project
        analysis = linked(modules.values(), project.imports, self.configuration, project.commands, unparsed)
        return _verdict(analysis, modules, unparsed.values())

    def description(self) -> ProjectDescription:
        """What the linter believes about the workspace."""
        from celery_lint.project.building import build
        from celery_lint.project.discovery import discover

        listing = discover(self.root)
        built = build(self.root, listing, self.configuration, self._commands(listing), self.progress)
        return _description(self.root, built.analysis, built.unparsed.values())

    def _commands(self, listing: Listing) -> list[Any]:
        from celery_lint.project import launch

        return launch.read(self.root, listing.launch)


def _verdict_of_text(path: str, data: bytes | str, configuration: Configuration) -> Verdict:
    from celery_lint.project.building import linked
    from celery_lint.project.imports import Imports
    from celery_lint.project.reading import facts_of

    reading = facts_of(path, data)
    if isinstance(reading, Unparsed):
        return Verdict([], frozenset(), [reading], {}, {})
    analysis = linked([reading], Imports([path]), configuration, (), ())
    return _verdict(analysis, {path: reading}, ())


def _by_workspace(paths: Sequence[str]) -> Iterator[tuple[str, list[str]]]:
    """The workspaces of the paths, each with its paths as the index names them (``""``: the root)."""
    found: dict[str, list[str]] = {}
    for path in paths:
        real = os.path.realpath(path)
        root = roots.workspace(real)
        found.setdefault(root, []).append(_relative(real, root))
    yield from found.items()


def _relative(path: str, root: str) -> str:
    """A real path below the root as the index names it."""
    if path == root:
        return ""
    return path[len(root.rstrip(os.sep)) + 1 :].replace(os.sep, "/")


# ------------------------------------------------------------------------------------ rules


def _verdict(analysis: Analysis, modules: Mapping[str, Module], unparsed: Iterable[Unparsed]) -> Verdict:
    """Run every rule over every fact."""
    from celery_lint.project.index import is_test_path
    from celery_lint.rule import all_rules, checks_of
    from celery_lint.suppressions import suppressed

    checks: dict[type, list[tuple[Rule, Callable[[Any, Any], Iterable[Finding]]]]] = {}
    presets: dict[str, str] = {}
    for rule_class in all_rules():
        rule = rule_class()
        presets[rule.code] = rule.preset
        for kind, check in checks_of(rule):
            checks.setdefault(kind, []).append((rule, check))
    found: set[Diagnostic] = set()
    fact: Any = None
    try:
        for fact in analysis.facts():
            for rule, check in checks.get(type(fact), ()):
                _apply(rule, check, fact, analysis, found)
    except Exception as error:
        found.add(_internal_error("the model", fact, error))
    diagnostics = sorted(found, key=_order)
    silenced = []
    for index, diagnostic in enumerate(diagnostics):
        module = modules.get(diagnostic.path)
        comment = module.suppressions.get(diagnostic.line) if module is not None else None
        if comment is not None and suppressed(comment, diagnostic.code, diagnostic.name):
            silenced.append(index)
    tasks: dict[str, int] = {}
    for task in analysis.tasks.all:
        path = task.module.path
        if not is_test_path(path):
            tasks[path] = tasks.get(path, 0) + 1
    spoken = {diagnostic.code for diagnostic in diagnostics}
    return Verdict(
        diagnostics,
        frozenset(silenced),
        sorted(unparsed),
        tasks,
        {code: preset for code, preset in presets.items() if code in spoken},
    )


def _apply(
    rule: Rule,
    check: Callable[[Any, Any], Iterable[Finding]],
    fact: Any,
    analysis: Analysis,
    found: set[Diagnostic],
) -> None:
    """Let one rule judge one fact; if it fails, it must not silence the others."""
    try:
        for finding in check(fact, analysis):
            found.add(_diagnostic(rule, finding))
    except Exception as error:
        found.add(_internal_error(rule.code, fact, error))


def _diagnostic(rule: Rule, finding: Finding) -> Diagnostic:
    message, help_text = rule.variants[finding.variant] if finding.variant else (rule.message, rule.help)
    path, span = finding.place
    return Diagnostic(
        path,
        *span,
        rule.code,
        rule.name,
        message.format(**finding.values),
        help_text.format(**finding.values),
        rule.severity,
        tuple(
            Related(place.path, place.span.line, place.span.column, text) for place, text in finding.related
        ),
    )


def _internal_error(culprit: str, fact: Any, error: Exception) -> Diagnostic:
    place: Place | None = getattr(fact, "place", None)
    path = place.path if place is not None else getattr(getattr(fact, "module", None), "path", "")
    message = " ".join(f"{culprit} failed: {type(error).__name__}: {error}".split())
    help_text = "please report this; every other rule has been checked"
    return Diagnostic(path, 1, 1, 1, 1, "CEL999", "internal-error", message, help_text, "error")


def _order(diagnostic: Diagnostic) -> tuple[Any, ...]:
    path, line, column, _, _, code, _, message, *_ = diagnostic
    return path, line, column, code, message, diagnostic


# ------------------------------------------------------------------------------------ filters


def _files_below(files: Sequence[str], asked: Sequence[str]) -> set[str]:
    """The files that are asked for, by themselves or by a folder above them."""
    if "" in asked:
        return set(files)
    names = set(asked)
    folders = tuple(f"{path}/" for path in asked)
    return {path for path in files if path in names or path.startswith(folders)}


def _filtered(
    root: str,
    verdict: Verdict,
    configuration: Configuration,
    wanted: set[str],
    suppress: bool,
    selected: bool,
) -> Report:
    """What of a verdict is to be said, with absolute paths."""
    selection = Selection(configuration, root)
    if configuration.exclude:
        wanted = {path for path in wanted if not selection.excluded(path)}
    prefix = f"{root}/" if root != "/" else "/"

    def absolute(path: str) -> str:
        return path if path == NAMELESS else prefix + path

    diagnostics = []
    for index, diagnostic in enumerate(verdict.diagnostics):
        path, code, name = diagnostic.path, diagnostic.code, diagnostic.name
        if path and path not in wanted:
            continue
        if suppress and index in verdict.suppressed:
            continue
        if selected:
            if not selection.enabled(code, name, verdict.presets.get(code, "recommended")):
                continue
            if selection.ignored(path, code, name):
                continue
        related = tuple(entry._replace(path=absolute(entry.path)) for entry in diagnostic.related)
        diagnostics.append(diagnostic._replace(path=absolute(path), related=related))
    return Report(
        diagnostics,
        [entry._replace(path=absolute(entry.path)) for entry in verdict.unparsed if entry.path in wanted],
        len(wanted),
        sum(count for path, count in verdict.tasks.items() if path in wanted),
    )


def _joined(one: Report, other: Report) -> Report:
    return Report(
        one.diagnostics + other.diagnostics,
        one.unparsed + other.unparsed,
        one.files + other.files,
        one.tasks + other.tasks,
    )


# ------------------------------------------------------------------------------------ description


def _description(root: str, analysis: Analysis, unparsed: Iterable[Unparsed]) -> ProjectDescription:
    project, tasks = analysis.project, analysis.tasks

    def at(place: Place) -> tuple[str, int]:
        return f"{root}/{place.path}", place.span.line

    import_roots: dict[str, int] = {}
    for path in project.modules:
        import_root = project.imports.import_root(path)
        import_roots[import_root] = import_roots.get(import_root, 0) + 1
    wrappers = []
    for path, qualname in sorted(tasks.wrappers):
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
            Entry(application.origin[1], *at(application.place), application.value.chain)
            for application in tasks.applications.values()
        ],
        tasks=[Entry(task.name, *at(task.place), _task_detail(task)) for task in tasks.all],
        pools=[
            Entry(command.pool or "unknown", f"{root}/{command.path}", command.line, command.app)
            for command in project.commands
        ],
        loop_helpers=[],
        wrappers=wrappers,
        registries=[],
        unparsed=[Entry(entry.path, f"{root}/{entry.path}", entry.line, entry.message) for entry in unparsed],
    )


def _task_detail(task: Any) -> str:
    application = task.application
    return f"of {application[1]} in {application[0]}" if application is not None else "shared"
