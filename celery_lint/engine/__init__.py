"""The one engine behind every front end: paths or a text go in, diagnostics come out.

The whole workspace of a file is always checked with all rules, whatever was asked for; what is selected,
ignored, suppressed or not asked for is filtered out afterwards. So a result never depends on which files
were named together, and it can be kept.
"""

from __future__ import annotations

import gc
import os
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from celery_lint.configuration import load
from celery_lint.diagnostics import Diagnostic, Report, Unparsed
from celery_lint.engine.verdict import Verdict, failures_to_read, judge, packed, search, unpacked
from celery_lint.files import cache, roots, stamps
from celery_lint.files.discovery import is_current
from celery_lint.options import Configuration, semantic_key
from celery_lint.regular_files import lies_within
from celery_lint.selection import Selection
from celery_lint.source import NotParsed, Source, digest_of, read

if TYPE_CHECKING:
    from celery_lint.engine.building import Built
    from celery_lint.engine.describing import ProjectDescription
    from celery_lint.files.cache import Manifest
    from celery_lint.files.discovery import Listing
    from celery_lint.files.library import Library
    from celery_lint.model.commands import WorkerCommand
    from celery_lint.project.known import Known

Progress = Callable[[int, int], None]

NAMELESS = "<stdin>"
"""The path of a text that has none."""


def check_paths(
    paths: Sequence[str],
    configuration: Configuration | None,
    *,
    overrides: Mapping[str, object] = {},
    progress: Progress | None = None,
) -> Report:
    """Check files and folders, each with the options of its own workspace unless they are given.

    A file is reported once, however many of the paths lead to it, and neither their order nor their
    repetition changes the report. Of two workspaces that hold it, the outer one reports it.
    """
    report = Report([], [], 0, 0)
    reported: set[str] = set()
    collecting = _pause_collection()
    try:
        for root, asked in _by_workspace(paths):
            if reported.issuperset(_absolute(root, path) for path in asked):  # each of them a file
                continue
            options = configuration if configuration is not None else load(root, overrides)
            workspace = Workspace(root, options, progress)
            report = _joined(report, workspace.report(asked, reported))
    finally:
        _resume_collection(collecting)
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
) -> Report:
    """Check the text of one file as it is in an editor, within its workspace as it is on disk.

    Without a path the text is a project of its own. ``suppress`` false leaves ``# noqa`` to the caller.
    The disk is looked at once per process and workspace: a linter that calls this for every file of a
    project would otherwise look at every file for every file.
    """
    if path is None:
        root = os.getcwd()
        options = configuration if configuration is not None else load(root, overrides)
        return _filtered(root, _verdict_of_text(NAMELESS, data, options), options, [NAMELESS], suppress)
    root, real, options = _place(path, configuration, overrides)
    collecting = _pause_collection()
    try:
        workspace = _workspaces.get((root, options))
        if workspace is None:
            workspace = _workspaces[root, options] = Workspace(root, options)
        return workspace.report_of_text(_relative(real, root), data, suppress)
    finally:
        _resume_collection(collecting)


def describe(path: str, configuration: Configuration) -> ProjectDescription:
    """What the linter believes about the project of a file or folder."""
    from celery_lint.engine.describing import description

    workspace = Workspace(roots.workspace(path), configuration._replace(cache=False))
    return description(workspace.root, *workspace.linked())


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
    if collecting:
        gc.enable()


# ------------------------------------------------------------------------------------ workspaces


class Workspace:
    """A workspace while it is asked."""

    def __init__(self, root: str, configuration: Configuration, progress: Progress | None = None) -> None:
        self.root = root
        self.configuration = configuration
        self._progress = progress
        self._cache = cache.Cache(root, configuration.cache_dir, semantic_key(configuration))
        self._manifest: Manifest | None = None
        self._built: Built | None = None
        self._verdict: Verdict | None = None

    def report(self, asked: Iterable[str], reported: set[str]) -> Report:
        """What is to be said about the files and folders asked for (``""``: all).

        ``reported`` holds the absolute paths of files that have had their report, and gets those of ours.
        """
        manifest, verdict = self._current()
        names, listed = set(asked), manifest.listing.python
        folders = tuple(f"{path}/" for path in names)
        files = listed if "" in names else [p for p in listed if p in names or p.startswith(folders)]
        new = [path for path in files if _absolute(self.root, path) not in reported]
        reported.update(_absolute(self.root, path) for path in new)
        report = _filtered(self.root, verdict, self.configuration, new, True)
        for path in sorted(names.difference(files)):
            if path and not any(file.startswith(f"{path}/") for file in files):
                report = _joined(report, self._unlisted(path, reported))
        return report

    def _unlisted(self, path: str, reported: set[str]) -> Report:
        """A file or folder that discovery leaves out, but the user names: an ignored one, for example."""
        absolute = _absolute(self.root, path)
        if os.path.isdir(absolute):
            return Workspace(absolute, self.configuration, self._progress).report([""], reported)
        if absolute in reported:
            return Report([], [], 0, 0)
        reported.add(absolute)
        try:
            data = read(absolute)
        except NotParsed as error:
            return Report([], [error.unparsed], 1, 0)
        return self.report_of_text(path, data, True)

    def report_of_text(self, path: str, data: bytes | str, suppress: bool) -> Report:
        """What is to be said about one file with this text."""
        return _filtered(self.root, self._with_text(path, data), self.configuration, [path], suppress)

    def linked(self) -> tuple[Known, list[Unparsed]]:
        """The workspace as it is on disk, linked."""
        self._current()
        assert self._built is not None
        return self._built.known, sorted(self._built.unparsed.values())

    def _with_text(self, path: str, data: bytes | str) -> Verdict:
        manifest, verdict = self._current()
        known = manifest.digests.get(path)
        unparsed = path in {entry.path for entry in verdict.unparsed}
        if known is None and not unparsed:
            from celery_lint.files.filter import FirstPass, SecondPass

            content = data.encode("utf-8", "surrogatepass") if isinstance(data, str) else data
            names = [(name, leaf) for name, leaf in manifest.names]
            if (
                (path not in manifest.asked or self._is_on_disk(path, data))
                and not FirstPass(self.configuration.task_decorators).passes(content)
                and not (names and SecondPass(names).passes(content))
            ):
                return Verdict([], frozenset(), [], {}, {})
        try:
            text = Source(path, data).text
        except NotParsed as error:
            return Verdict([], frozenset(), [error.unparsed], {}, {})
        if known is not None and digest_of(text) == known:
            return verdict
        return self._overlaid(manifest, path, text)

    def _is_on_disk(self, path: str, data: bytes | str) -> bool:
        """Whether a text is what the file holds: then the last run has looked at it."""
        try:
            there = Source(path, read(f"{self.root}/{path}", within=self.root)).text
            return digest_of(there) == digest_of(Source(path, data).text)
        except NotParsed:
            return False

    def _overlaid(self, manifest: Manifest, path: str, text: str) -> Verdict:
        """The verdict with one module replaced, and the others as they were linked."""
        from celery_lint.engine.building import linked
        from celery_lint.files.library import facts_of
        from celery_lint.project.imports import Imports

        reading = facts_of(path, text)
        if isinstance(reading, Unparsed):
            return Verdict([], frozenset(), [reading], {}, {})
        built = self._built
        if built is not None:
            modules, unparsed = dict(built.modules), dict(built.unparsed)
        else:
            library = self._library(manifest, frozenset(manifest.listing.python))
            readings = library.readings(sorted(manifest.digests))
            modules = {name: module for name, module in readings.items() if not isinstance(module, Unparsed)}
            unparsed = {name: module for name, module in readings.items() if isinstance(module, Unparsed)}
        modules[path] = reading
        unparsed.pop(path, None)
        imports = Imports([*manifest.listing.python, path])
        commands = self._commands(manifest.listing)
        project = linked(modules.values(), imports, self.configuration, commands, unparsed)
        return judge(project, search(project), modules, unparsed.values())

    # -------------------------------------------------------------------- the state on disk

    def _current(self) -> tuple[Manifest, Verdict]:
        """The outcome for the files as they are on disk: from the cache, or made now."""
        if self._manifest is None or self._verdict is None:
            self._manifest, self._verdict = self._loaded() if self.configuration.cache else self._made(None)
        return self._manifest, self._verdict

    def _loaded(self) -> tuple[Manifest, Verdict]:
        kept = self._kept()
        if kept is not None and kept[1] is not None:
            return kept[0], kept[1]
        lock, waited = self._cache.acquire()
        try:
            if waited:
                kept = self._kept()
                if kept is not None and kept[1] is not None:
                    return kept[0], kept[1]
            return self._made(kept[0] if kept is not None else None)
        finally:
            if lock >= 0:
                os.close(lock)

    def _kept(self) -> tuple[Manifest, Verdict | None] | None:
        """What the cache holds; with the verdict if nothing has changed since."""
        manifest = self._cache.load()
        if manifest is None:
            return None
        listing = manifest.listing
        if (
            is_current(self.root, listing)
            and stamps.all_are(self.root, listing.python, manifest.stamps)
            and stamps.stamps(self.root, listing.launch) == manifest.others
        ):
            return manifest, unpacked(manifest.verdict)
        return manifest, None

    def _made(self, earlier: Manifest | None) -> tuple[Manifest, Verdict]:
        """Read what has changed since the last run (or everything), judge, and keep the outcome."""
        from celery_lint.engine.building import build, lines_of
        from celery_lint.files.discovery import discover

        started = time.time_ns()
        if earlier is not None and is_current(self.root, earlier.listing):
            listing = earlier.listing
        else:
            if self.configuration.cache:
                self._cache.prepare()  # now, because later its folder would look like news
            listing = discover(self.root)
        found = stamps.stamps(self.root, listing.python)
        others = stamps.stamps(self.root, listing.launch)
        manifest = cache.Manifest(
            listing,
            stamps.flat(stamps.settled(found, started)),
            list(stamps.settled(others, started)),
            [],
            {},
            [],
            [],
            [],
            [],
            [],
            "",
        )
        unchanged = _unchanged(listing, found, earlier)
        sizes = {path: stamp[0] for path, stamp in zip(listing.python, found, strict=True)}
        library = self._library(earlier, unchanged, sizes)
        if earlier is not None and listing.python == earlier.listing.python and others == earlier.others:
            same = self._same(earlier, library, [path for path in listing.python if path not in unchanged])
            if same is not None:
                digests, verdict = same
                manifest = manifest._replace(
                    verdict=earlier.verdict,
                    digests={**earlier.digests, **digests},
                    passed=earlier.passed,
                    names=earlier.names,
                    named=earlier.named,
                    stray=earlier.stray,
                    asked=earlier.asked,
                    token=earlier.token,
                )
                self._cache.save(manifest, None)
                return manifest, verdict
        commands = self._commands(listing)
        if earlier is None:
            built = build(listing.python, library, self.configuration, commands)
        else:
            built = build(
                listing.python, library, self.configuration, commands, earlier.digests, earlier.stray
            )
        verdict = judge(built.known, built.found, built.modules, built.unparsed.values())
        manifest = manifest._replace(
            verdict=packed(verdict),
            digests={path: module.digest for path, module in built.modules.items()},
            passed=built.passed,
            names=[list(pair) for pair in built.names],
            named=built.named,
            stray=built.stray,
            asked=built.asked,
        )
        if self.configuration.cache:
            self._cache.save(manifest, lines_of(built, library))
        else:
            self._built = built
        return manifest, verdict

    def _same(
        self, earlier: Manifest, library: Library, changed: Sequence[str]
    ) -> tuple[dict[str, str], Verdict] | None:
        """The verdict of the last run if what has changed says what it said then."""
        from celery_lint.engine.building import says_the_same
        from celery_lint.files.filter import FirstPass

        if not frozenset(earlier.asked).isdisjoint(changed):
            return None
        verdict = unpacked(earlier.verdict)
        names = [(name, leaf) for name, leaf in earlier.names]
        first = FirstPass(self.configuration.task_decorators).passes
        digests = says_the_same(changed, library, first, earlier.passed, names)
        return None if digests is None else (digests, verdict)

    def _library(
        self, earlier: Manifest | None, unchanged: frozenset[str], sizes: Mapping[str, int] = {}
    ) -> Library:
        from celery_lint.files.library import NOTHING_KEPT, Kept, Library

        kept = NOTHING_KEPT
        if earlier is not None:
            unparsed = {path: Unparsed(path, line, text) for path, line, text in earlier.verdict[2]}
            lines, passed = self._cache.lines(earlier), frozenset(earlier.passed)
            names = frozenset((name, leaf) for name, leaf in earlier.names)
            kept = Kept(lines, earlier.digests, unparsed, unchanged, passed, names)
        total, progress = len(sizes), self._progress
        step = (lambda done: progress(done, total)) if progress is not None else None
        return Library(self.root, sizes, kept, step)

    def _commands(self, listing: Listing) -> list[WorkerCommand]:
        if not listing.launch:
            return []
        from celery_lint.files import launch

        return launch.read(self.root, listing.launch)


_workspaces: dict[tuple[str, Configuration], Workspace] = {}
_settings_of: dict[tuple[str, object, str], tuple[str, Configuration]] = {}


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


def _unchanged(listing: Listing, found: Sequence[stamps.Stamp], earlier: Manifest | None) -> frozenset[str]:
    """The files that are what they were at the last run, by all that their stamps tell."""
    if earlier is None:
        return frozenset()
    known = dict(zip(earlier.listing.python, stamps.unflat(earlier.stamps), strict=True))
    return frozenset(
        path for path, stamp in zip(listing.python, found, strict=True) if known.get(path) == stamp
    )


def _verdict_of_text(path: str, data: bytes | str, configuration: Configuration) -> Verdict:
    from celery_lint.engine.building import linked
    from celery_lint.files.library import facts_of
    from celery_lint.project.imports import Imports

    reading = facts_of(path, data)
    if isinstance(reading, Unparsed):
        return Verdict([], frozenset(), [reading], {}, {})
    project = linked([reading], Imports([path]), configuration, (), ())
    return judge(project, search(project), {path: reading}, ())


def _by_workspace(paths: Iterable[str]) -> list[tuple[str, list[str]]]:
    """The workspaces of the paths, outer before inner, each with its paths as the index names them."""
    found: dict[str, set[str]] = {}
    roots_of: dict[str, str] = {}
    for real in {os.path.realpath(path) for path in paths}:
        folder = real if os.path.isdir(real) else os.path.dirname(real)
        root = roots_of.get(folder)
        if root is None:
            root = roots_of[folder] = roots.workspace(folder)
        found.setdefault(root, set()).add(_relative(real, root))
    return [(root, sorted(asked)) for root, asked in sorted(found.items())]


def _relative(path: str, root: str) -> str:
    """A real path below the root as the index names it."""
    if path == root:
        return ""
    return path[len(root.rstrip(os.sep)) + 1 :].replace(os.sep, "/")


def _absolute(root: str, path: str) -> str:
    """A path as the index names it, as an absolute one."""
    return f"{root}/{path}" if root != "/" else f"/{path}"


# ------------------------------------------------------------------------------------ filters


def _order(diagnostic: Diagnostic) -> tuple[Any, ...]:
    path, line, column, _, _, code, _, message, *_ = diagnostic
    return path, line, column, code, message, diagnostic


def _filtered(
    root: str,
    verdict: Verdict,
    configuration: Configuration,
    files: Iterable[str],
    suppress: bool,
) -> Report:
    """What of a verdict is to be said, with absolute paths."""
    selection = Selection(configuration, root)
    wanted = set(files)
    if configuration.exclude:
        wanted = {path for path in wanted if not selection.excluded(path)}

    def absolute(path: str) -> str:
        return path if path == NAMELESS else _absolute(root, path)

    # What concerns the whole project is told in one of its files.
    anywhere = min(wanted, default=NAMELESS)
    diagnostics = []
    for index, diagnostic in enumerate((*verdict.diagnostics, *failures_to_read(verdict.unparsed))):
        path, code, name = diagnostic.path or anywhere, diagnostic.code, diagnostic.name
        if diagnostic.path and path not in wanted:
            continue
        if suppress and index in verdict.suppressed:
            continue
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
