"""A workspace while it is asked: what the cache holds of it, what is made now, what a buffer changes."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING

from celery_lint.diagnostics import Report, Unparsed
from celery_lint.engine.filtering import filtered, joined
from celery_lint.engine.scopes import Asked, Scopes, nested_folders
from celery_lint.engine.verdict import Verdict, judge, packed, unpacked
from celery_lint.files import cache, stamps
from celery_lint.files.discovery import is_current
from celery_lint.files.roots import absolute_path
from celery_lint.options import Configuration, semantic_key
from celery_lint.source import NotParsed, Source, digest_of, is_text_of, read

if TYPE_CHECKING:
    from celery_lint.engine.building import Built
    from celery_lint.engine.editing import Editing, Surroundings
    from celery_lint.files.cache import Facts, Manifest
    from celery_lint.files.discovery import Listing
    from celery_lint.files.library import Library
    from celery_lint.model.facts import Module
    from celery_lint.model.reading.apart.versions import Pythons
    from celery_lint.project.known import Known

Progress = Callable[[str, int, int], None]
"""Told what is being done, and of how many files how many are done; 0 of 0 where nothing is counted."""

_NOTHING = Verdict([], frozenset(), [], {}, {})
"""What is said about a text that has nothing to do with Celery, and that nobody has parsed."""


class Workspace:
    """A workspace while it is asked.

    With ``overrides``, tables below the root count too, and the overrides are laid over each of them;
    without, the configuration is all there is. ``outer`` are the scopes of one that holds it.
    """

    def __init__(
        self,
        root: str,
        configuration: Configuration,
        progress: Progress | None = None,
        overrides: Mapping[str, object] | None = None,
        outer: Scopes | None = None,
    ) -> None:
        self.root = root
        self.configuration = configuration
        self._overrides = overrides if overrides is None or not overrides.get("config") else None
        self._scopes: Scopes | None = None
        self._outer = outer
        self._progress = progress
        self._cache = cache.Cache(root, configuration.cache_dir, semantic_key(configuration))
        self._manifest: Manifest | None = None
        self._built: Built | None = None
        self._readings: tuple[dict[str, Module], dict[str, Unparsed]] | None = None
        self._around: Surroundings | None = None
        self._editing: Editing | None = None
        self._verdict: Verdict | None = None
        self._facts: Facts | None = None
        self._runs_on: Pythons | None = None
        self._sizes: dict[str, int] = {}

    def report(self, asked: Iterable[str], reported: set[str]) -> Report:
        """What is to be said about the files and folders asked for (``""``: all).

        ``reported`` holds the absolute paths of files that have had their report, and gets those of ours.
        """
        manifest, verdict = self._current()
        names, listed = set(asked), manifest.listing.python
        folders = tuple(f"{path}/" for path in names)
        files = listed if "" in names else [p for p in listed if p in names or p.startswith(folders)]
        new = [path for path in files if absolute_path(self.root, path) not in reported]
        reported.update(absolute_path(self.root, path) for path in new)
        scopes = self._scopes_of(manifest.listing)
        parsed = manifest.digests.keys() | {entry.path for entry in verdict.unparsed}
        # Whoever names a file means it, whatever words it holds.
        meant = [
            p for p in new if p not in parsed and (p in names or scopes.of(p).configuration.strict_parse)
        ]
        broken = [unparsed for unparsed in (self._parsed(path, None) for path in meant) if unparsed]
        verdict = verdict._replace(unparsed=[*verdict.unparsed, *broken])
        report = filtered(self.root, verdict, scopes, new, True)
        for path in sorted(names.difference(files)):
            if path and not any(file.startswith(f"{path}/") for file in files):
                report = joined(report, self._unlisted(path, reported))
        return report

    def files(self, asked: Iterable[str], listing: Listing) -> list[str]:
        """The files that :meth:`report` is about, as absolute paths, without those that are excluded."""
        scopes, names = self._scopes_of(listing), set(asked)
        folders = tuple(f"{path}/" for path in names)
        files = {p for p in listing.python if "" in names or p in names or p.startswith(folders)}
        files.update(p for p in names if p and not os.path.isdir(absolute_path(self.root, p)))
        return [absolute_path(self.root, p) for p in sorted(files) if not scopes.excluded(p)]

    def within(self, asked: Iterable[str], listing: Listing | None = None) -> list[Asked]:
        """The workspaces that lie in the folders asked for, without those that are excluded."""
        listing = listing or self._current()[0].listing
        scopes, names = self._scopes_of(listing), set(asked)
        folders = tuple(f"{path}/" for path in names)
        found = [p for p in listing.workspaces if "" in names or f"{p}/".startswith(folders)]
        return [(absolute_path(self.root, p), [""], scopes) for p in found if not scopes.excluded(p)]

    def _scopes_of(self, listing: Listing) -> Scopes:
        """Which options hold where; looked up once for a workspace."""
        if self._scopes is None:
            nested = nested_folders(listing.configuration) if self._overrides is not None else ()
            self._scopes = Scopes(self.root, self.configuration, nested, self._overrides or {}, self._outer)
        return self._scopes

    def _whole(self, listing: Listing) -> Configuration:
        """The options that say what the linter cannot see in the workspace."""
        return self._scopes_of(listing).whole()

    def _pythons(self, listing: Listing) -> Pythons:
        """The versions of Python that the workspace runs on; looked up once."""
        if self._runs_on is None:
            from celery_lint.engine.deployment import pythons_of

            self._runs_on = pythons_of(self.root, listing, self._whole(listing).target_python)
        return self._runs_on

    def _unlisted(self, path: str, reported: set[str]) -> Report:
        """A file or folder that discovery leaves out, but the user names: an ignored one, for example."""
        absolute = absolute_path(self.root, path)
        if os.path.isdir(absolute):
            inner = Workspace(absolute, self.configuration, self._progress, self._overrides)
            return inner.report([""], reported)
        if absolute in reported:
            return Report([], [], 0, 0)
        reported.add(absolute)
        strict = self._scopes_of(self._current()[0].listing).of(path).configuration.strict_parse
        try:
            data = read(absolute)
        except NotParsed as error:
            return Report([], [error.unparsed], 1, 0, int(strict))
        if not path.endswith(".py") and (unparsed := self._parsed(path, data)):
            reason = f"is not Python: {unparsed.message}"
            return Report([], [unparsed._replace(path=absolute, message=reason)], 1, 0, int(strict))
        return self.report_of_text(path, data, True)

    def report_of_text(
        self, path: str, data: bytes | str, suppress: bool, stale: Callable[[], bool] | None = None
    ) -> Report:
        """What is to be said about one file with this text. Raises Stale where nobody waits for it."""
        verdict = self._with_text(path, data, stale)
        scopes = self._scopes_of(self._current()[0].listing)
        if verdict is _NOTHING and suppress and (unparsed := self._parsed(path, data)):
            verdict = verdict._replace(unparsed=[unparsed])
        return filtered(self.root, verdict, scopes, [path], suppress)

    def report_of_texts(self, texts: Mapping[str, str]) -> Report:
        """What is to be said about files of Celery with these texts, all of them at once."""
        from celery_lint.engine.texts import together

        manifest = self._current()[0]
        verdict = together(self._surroundings(manifest), texts)
        scopes, files = self._scopes_of(manifest.listing), {*manifest.listing.python, *texts}
        return filtered(self.root, verdict, scopes, sorted(files), True)

    def prepare(self, path: str, data: bytes | str, stale: Callable[[], bool]) -> None:
        """Link what is around a file with this text, so that a change of it is answered soon."""
        manifest = self._current()[0]
        if path in manifest.digests:
            self._overlaid(manifest, path, Source(path, data).text, stale)

    def _parsed(self, path: str, data: bytes | str | None) -> Unparsed | None:
        """Why a file, or its text as it is in an editor, cannot be parsed."""
        try:
            Source(path, read(f"{self.root}/{path}", within=self.root) if data is None else data).parse()
        except NotParsed as error:
            return error.unparsed._replace(path=path)
        return None

    def linked(self) -> tuple[Known, list[Unparsed]]:
        """The workspace as it is on disk, linked."""
        self._current()
        assert self._built is not None
        return self._built.known, sorted(self._built.unparsed.values())

    def let_go(self) -> None:
        """Free what was worked out of the files on disk: nobody asks any more."""
        if self._built is not None:
            self._built.known.let_go()
            self._built = None

    def _with_text(self, path: str, data: bytes | str, stale: Callable[[], bool] | None) -> Verdict:
        manifest, verdict = self._current()
        known = manifest.digests.get(path)
        if known is None and path not in {entry.path for entry in verdict.unparsed}:
            from celery_lint.files.filter import FirstPass, SecondPass

            content = data.encode("utf-8", "surrogatepass") if isinstance(data, str) else data
            names = [(name, leaf) for name, leaf in manifest.names]
            if (
                (path not in manifest.asked or is_text_of(self.root, path, data))
                and not FirstPass(self._whole(manifest.listing).task_decorators).passes(path, content)
                and not (names and SecondPass(names).passes(path, content))
            ):
                return _NOTHING
        try:
            text = Source(path, data).text
        except NotParsed as error:
            return Verdict([], frozenset(), [error.unparsed], {}, {})
        if known is not None and digest_of(text) == known:
            return verdict
        return self._overlaid(manifest, path, text, stale)

    def _overlaid(
        self, manifest: Manifest, path: str, text: str, stale: Callable[[], bool] | None
    ) -> Verdict:
        """The verdict with one module replaced, and the others as they were linked."""
        from celery_lint.engine.editing import Editing
        from celery_lint.files.library import facts_of

        reading = facts_of(path, text, self._pythons(manifest.listing))
        if isinstance(reading, Unparsed):
            return Verdict([], frozenset(), [reading], {}, {})
        if stale is None and self._around is None and self._verdict is not None:
            from celery_lint.engine.edited.unnoticed import standing_with

            self._facts = self._cache.facts(manifest)
            stands = standing_with(manifest, self._verdict, self._facts, reading, text)
            if stands is not None:
                return stands
        if self._editing is None or self._editing.path != path:
            if self._editing is not None:
                self._editing.end()
            self._editing = Editing(path, self._surroundings(manifest))
        return self._editing.verdict(reading, Source(path, text).lines, stale)

    def _surroundings(self, manifest: Manifest) -> Surroundings:
        """What is around a module that is edited, as it is on disk; read once."""
        if self._around is None:
            from celery_lint.engine.deployment import deployment_of
            from celery_lint.engine.editing import Surroundings

            listing = manifest.listing
            deployment = deployment_of(self.root, listing, [])  # what of it fails is among the unparsed
            text = self._library(listing, None, cache.NO_FACTS, frozenset()).text
            given = listing.python, self._whole(listing), deployment, self._pythons(listing), text
            modules, unparsed = self._on_disk(manifest)
            self._around = Surroundings(modules, unparsed, *given)
        return self._around

    def _on_disk(self, manifest: Manifest) -> tuple[dict[str, Module], dict[str, Unparsed]]:
        """All modules as they are on disk, and the files that are none; read once."""
        if self._readings is None:
            facts, self._facts = self._facts or self._cache.facts(manifest), None
            library = self._library(manifest.listing, manifest, facts, frozenset(manifest.listing.python))
            unparsed = {entry.path: entry for entry in self._current()[1].unparsed}
            modules = {}
            for path, reading in library.readings(sorted(manifest.digests)).items():
                if isinstance(reading, Unparsed):
                    unparsed[path] = reading
                else:
                    modules[path] = reading
            self._readings = modules, unparsed
        return self._readings

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
            and stamps.stamps(self.root, listing.told[: len(manifest.others)]) == manifest.others
        ):
            return manifest, unpacked(manifest.verdict)
        return manifest, None

    def _made(self, earlier: Manifest | None) -> tuple[Manifest, Verdict]:
        """Read what has changed since the last run (or everything), judge, and keep the outcome."""
        started = time.time_ns()
        listing = self._listing(earlier)
        options = f"{semantic_key(self._whole(listing))} {self._pythons(listing)}"
        if earlier is not None and earlier.options != options:  # by a table below the root, or another Python
            earlier = None
        found = stamps.stamps(self.root, listing.python)
        others = stamps.stamps(self.root, listing.told)
        flat, settled = stamps.flat(stamps.settled(found, started)), list(stamps.settled(others, started))
        before = {} if earlier is None else stamps.by_path(earlier.listing.python, earlier.stamps)
        now = dict(zip(listing.python, found, strict=True))
        unchanged = frozenset(path for path, stamp in now.items() if before.get(path) == stamp)
        facts = cache.NO_FACTS if earlier is None else self._cache.facts(earlier)
        self._sizes = {path: stamp[0] for path, stamp in now.items()}
        library = self._library(listing, earlier, facts, unchanged)
        launched = earlier is not None and (
            listing.has_launch_files_of(earlier.listing) and stamps.begin(others, earlier.others)
        )
        if earlier is not None and launched and listing.has_files_of(earlier.listing):
            from celery_lint.engine.edited.unnoticed import standing
            from celery_lint.files.filter import FirstPass

            first = FirstPass(self._whole(listing).task_decorators).passes
            changed = [path for path in listing.python if path not in unchanged]
            same = standing(earlier, facts, library, changed, first)
            if same is not None:
                digests = {**earlier.digests, **same.digests}
                settled = settled[: len(earlier.others)]
                manifest = earlier._replace(listing=listing, stamps=flat, others=settled, digests=digests)
                self._cache.save(manifest._replace(verdict=packed(same.verdict)), same.facts)
                return manifest, same.verdict
        built = self._build(listing, library, earlier if launched else None)
        self._readings = built.modules, built.unparsed
        if self._progress is not None:
            self._progress("checking", 0, 0)
        verdict = judge(built.known, built.found, built.modules, built.unparsed.values())
        texts_read = built.known.project.deployment.texts_read
        manifest = cache.Manifest(
            listing,
            flat,
            settled[: len(listing.told if texts_read else listing.read_first())],
            verdict=packed(verdict),
            digests={path: module.digest for path, module in built.modules.items()},
            passed=built.passed,
            names=[list(pair) for pair in built.names],
            named=built.named,
            stray=built.stray,
            asked=built.asked,
            options=options,
            worded=built.known.project.deployment.written.is_read,
        )
        if self.configuration.cache:
            from celery_lint.engine.building import lines_of
            from celery_lint.engine.edited.unnoticed import looked

            was_after = looked(built.modules.values(), built.known.project)
            self._cache.save(manifest, cache.Facts(lines_of(built, library), was_after))
        else:
            self._built = built
        return manifest, verdict

    def _listing(self, earlier: Manifest | None) -> Listing:
        """The files of the workspace: as they were listed at the last run if no folder has changed since."""
        from celery_lint.files.discovery import discover

        if earlier is not None and is_current(self.root, earlier.listing):
            return earlier.listing
        if self.configuration.cache:
            self._cache.prepare()  # now, because later its folder would look like news
        return discover(self.root)

    def _build(self, listing: Listing, library: Library, earlier: Manifest | None) -> Built:
        from celery_lint.engine.building import build
        from celery_lint.engine.deployment import deployment_of

        failures: list[Unparsed] = []
        deployment = deployment_of(self.root, listing, failures)
        files, options = listing.python, self._whole(listing)
        if earlier is None:
            built = build(files, library, options, deployment)
        else:
            # Without a file that is gone nobody may have looked for what turned out to be of no use; and one
            # that says something else now may not be what was looked for.
            stray = library.unchanged(earlier.stray) if files == earlier.listing.python else []
            built = build(files, library, options, deployment, earlier.digests, stray)
        built.unparsed.update({failure.path: failure for failure in failures})
        return built

    def _library(
        self, listing: Listing, earlier: Manifest | None, facts: Facts, unchanged: frozenset[str]
    ) -> Library:
        from celery_lint.files.library import NOTHING_KEPT, Library, kept_of

        kept = NOTHING_KEPT if earlier is None else kept_of(earlier, facts, unchanged)
        given = self._progress, self.configuration.cache, self._pythons(listing)
        return Library(self.root, self._sizes, kept, *given)
