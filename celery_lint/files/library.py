"""From files to facts: from the cache where a file has not changed, in several processes where it pays.

A second process is a fork: it has everything imported already, and hands its facts back as the lines that
the cache keeps anyway. Spawned processes cost more than they bring, and threads bring nothing.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

from celery_lint.diagnostics import Unparsed, reading_failed
from celery_lint.files.filter import Pair, SecondPass, leads_on, may_lack
from celery_lint.model.facts import Module, decode
from celery_lint.model.reading.apart.versions import Pythons
from celery_lint.model.reading.reader import read_module
from celery_lint.source import LARGEST, NotParsed, Source, digest_of, read

if TYPE_CHECKING:
    from celery_lint.files.cache import Facts, Manifest

Reading = Module | Unparsed

_CHUNK = 128 * 1024
# Below this many bytes to look at, a second process costs more than it saves.
_WORTH_A_PROCESS = 1_500_000
_MOST_PROCESSES = 4


class Kept(NamedTuple):
    """What the cache knows about files: their facts as lines of JSON, and the digests of their texts.

    ``unchanged`` are the files that still are what they were, ``passed`` those that passed the first filter,
    ``names`` what the second one looked for in all that were not read.
    """

    lines: Mapping[str, str]
    digests: Mapping[str, str]
    unparsed: Mapping[str, Unparsed]
    unchanged: frozenset[str]
    passed: frozenset[str]
    names: frozenset[Pair]


NOTHING_KEPT = Kept({}, {}, {}, frozenset(), frozenset(), frozenset())


def kept_of(earlier: Manifest, facts: Facts, unchanged: frozenset[str]) -> Kept:
    """What the outcome of an earlier run and its facts tell of the files."""
    unparsed = {path: Unparsed(path, line, text) for path, line, text in earlier.verdict[2]}
    names = frozenset((name, leaf) for name, leaf in earlier.names)
    return Kept(facts.lines, earlier.digests, unparsed, unchanged, frozenset(earlier.passed), names)


def facts_of(path: str, data: bytes | str, pythons: Pythons = ()) -> Reading:
    """The facts of a text as these versions of Python run it, or why there are none.

    Whatever the text is, nothing is raised.
    """
    if len(data) > LARGEST:  # the buffer of an editor, say
        return Unparsed(path, 1, f"cannot be read: is larger than {LARGEST >> 20} MB")
    try:
        return read_module(path, Source(path, data), pythons)
    except NotParsed as error:
        return error.unparsed
    except (RecursionError, MemoryError):
        return Unparsed(path, 1, "too deeply nested to be read")
    except Exception as error:
        return reading_failed(path, error)


_PHASES = ("searching", "reading")

Progress = Callable[[str, int, int], None]
"""Told what is being done, and of how many files how many are done; 0 of 0 where nothing is counted."""


class Library:
    """The files of a workspace, as bytes and as facts, as these versions of Python run them.

    ``for_cache``: their lines of JSON are kept too.
    """

    def __init__(
        self,
        root: str,
        sizes: Mapping[str, int],
        kept: Kept,
        progress: Progress | None,
        for_cache: bool = True,
        pythons: Pythons = (),
    ) -> None:
        self.lines: dict[str, str] = {}
        self._for_cache = for_cache
        self._pythons = pythons
        self.root = root
        self._sizes = sizes
        self._kept = kept
        self._progress = progress
        self._readings: dict[str, Reading] = {}
        self._leading: dict[tuple[str, str], bool] = {}
        self._lacking: dict[tuple[str, str], bool] = {}
        self._held: Callable[[], Mapping[str, bytes]] = dict

    def look_into(self, held: Callable[[], Mapping[str, bytes]]) -> None:
        """Take the contents of files from somebody who has them in memory, as long as that is so."""
        self._held = held

    def readings(self, paths: Iterable[str]) -> dict[str, Reading]:
        """The facts of these files."""
        missing = [path for path in paths if path not in self._readings]
        unknown = [path for path in missing if not self._recall(path)]
        self._search(unknown, None)
        return {path: self._readings[path] for path in paths}

    def unchanged(self, paths: Iterable[str]) -> list[str]:
        """Those of the files whose text is what it was when the cache was written; they are read."""
        known = self._kept.digests
        return [p for p, read in self.readings(paths).items() if getattr(read, "digest", "") == known.get(p)]

    def reading_of(self, path: str, name: str) -> Reading | None:
        """The facts of a file for the sake of one name that it binds; ``None`` if that leads nowhere."""
        known = self._readings.get(path)
        if (known is None or isinstance(known, Unparsed)) and not self._leads_on(path, name):
            return None
        return self.readings([path])[path]

    def _leads_on(self, path: str, name: str) -> bool:
        key = (path, name)
        if key not in self._leading:
            try:
                self._leading[key] = leads_on(self._data(path), name)
            except NotParsed:
                self._leading[key] = True  # so that it is told that the file cannot be read
        return self._leading[key]

    def may_lack(self, path: str, names: Iterable[str]) -> bool:
        """Whether a file has one of these names nowhere but in comments."""
        known = self._lacking
        if unknown := [name for name in names if (path, name) not in known]:
            data = self.text(path)
            known.update({(path, name): may_lack(data, name) for name in unknown})
        return any(known[path, name] for name in names)

    def first_pass(self, paths: Iterable[str], passes: Callable[[str, bytes], bool]) -> list[str]:
        """Those of the files that pass the first filter; they are read on the way."""
        kept, found, unknown = self._kept, [], []
        for path in paths:
            if path not in kept.unchanged:
                unknown.append(path)
            elif path in kept.passed:
                found.append(path)
        return found + self._search(unknown, passes)

    def second_pass(self, paths: Iterable[str], names: Collection[Pair]) -> list[str]:
        """Those of the files that hold one of the names; they are read on the way."""
        kept = self._kept
        if kept.names.issuperset(names):  # then nothing is in those that the last run has left unread
            paths = [
                path
                for path in paths
                if path not in kept.unchanged or path in kept.digests or path in kept.unparsed
            ]
        return self._search(list(paths), SecondPass(names).passes)

    def text(self, path: str) -> bytes:
        """The content of a file, nothing if it cannot be read."""
        try:
            return self._data(path)
        except NotParsed:
            return b""

    def _data(self, path: str) -> bytes:
        """The content of a file; raises NotParsed."""
        return self._held().get(path) or read(f"{self.root}/{path}", within=self.root)

    def earlier(self, path: str) -> Module | None:
        """The facts that a file had when the cache was written."""
        line = self._kept.lines.get(path)
        return decoded(path, line) if line is not None else None

    def was_read(self, path: str) -> bool:
        """Whether the last run has read the file, for facts (which may be lost) or in vain."""
        return path in self._kept.digests or path in self._kept.unparsed

    def _recall(self, path: str) -> bool:
        """Take the facts from the cache if the file has not changed."""
        kept = self._kept
        if path not in kept.unchanged:
            return False
        if path in kept.unparsed:
            self._readings[path] = kept.unparsed[path]
            return True
        return self._take_earlier(path)

    def _take_earlier(self, path: str) -> bool:
        line = self._kept.lines.get(path)
        module = decoded(path, line) if line is not None else None
        # The text may have changed since, in a way that concerned nobody.
        if line is None or module is None or module.digest != self._kept.digests.get(path):
            return False
        self._readings[path] = module
        self.lines[path] = line
        return True

    def _read(self, path: str, data: bytes) -> Reading:
        """The facts of a file from its content, which may be what it was when the cache was written."""
        known = self._kept.digests.get(path)
        if known is not None:
            try:
                same = digest_of(Source(path, data).text) == known
            except NotParsed:
                same = False
            if same and self._take_earlier(path):
                return self._readings[path]
        return facts_of(path, data, self._pythons)

    def _search(self, paths: Sequence[str], passes: Callable[[str, bytes], bool] | None) -> list[str]:
        """Read the files that pass, and say which those are."""
        if not paths:
            return []
        try:
            return self._searched(paths, passes)
        finally:
            if self._progress is not None:  # whoever has asked puts it together now
                self._progress("following calls", 0, 0)

    def _searched(self, paths: Sequence[str], passes: Callable[[str, bytes], bool] | None) -> list[str]:
        sizes = self._sizes
        total = sum(sizes.get(path, 0) for path in paths) * (1 if passes is not None else 10)
        processes = _processes() if total > _WORTH_A_PROCESS else 1
        if processes == 1:
            found = []
            for done, path in enumerate(paths):
                if self._progress is not None and done and done % 64 == 0:
                    self._progress(_PHASES[passes is None], done, len(paths))
                if self._examined(path, passes):
                    found.append(path)
            return found
        chunk_size = _CHUNK if passes is not None else _CHUNK // 16
        return self._search_together(_chunks(paths, sizes, chunk_size), passes, processes)

    def _examined(self, path: str, passes: Callable[[str, bytes], bool] | None) -> bool:
        if passes is None and path in self._readings:
            return True
        try:
            data = self._data(path)
        except NotParsed as error:
            # Nobody knows whether it has to do with Celery; a file that cannot be read is worth a word.
            self._readings[path] = error.unparsed._replace(path=path)
            return True
        if passes is not None and not passes(path, data):
            return False
        if path not in self._readings:  # an earlier pass may have met it
            self._readings[path] = self._read(path, data)
        return True

    # -------------------------------------------------------------------- several processes

    def _search_together(
        self, chunks: list[list[str]], passes: Callable[[str, bytes], bool] | None, processes: int
    ) -> list[str]:
        """Search in this process and in forks of it; who is free takes the next chunk."""
        queue, filler = os.pipe()
        children: list[tuple[int, int]] = []
        try:
            # The numbers of all chunks fit into a pipe's buffer, and a read takes exactly one.
            while len(chunks) > 15_000:
                chunks = [a + b for a, b in zip(chunks[::2], [*chunks[1::2], []], strict=False)]
            os.write(filler, b"".join(number.to_bytes(4, "little") for number in range(len(chunks))))
            os.close(filler)
            for _ in range(min(processes, len(chunks)) - 1):
                children.append(self._fork(queue, chunks, passes))
            own = self._work(queue, chunks, passes, self._progress)
            found = [path for number in own for path in own[number]]
            done = set(own)
            for _, results in children:
                done |= self._collect(results, found)
            for number in set(range(len(chunks))) - done:  # of a process that was killed
                found += [path for path in chunks[number] if self._examined(path, passes)]
        finally:
            os.close(queue)
            for process, results in children:
                os.close(results)
                _wait(process)
        return sorted(found)

    def _work(
        self,
        queue: int,
        chunks: list[list[str]],
        passes: Callable[[str, bytes], bool] | None,
        progress: Progress | None,
    ) -> dict[int, list[str]]:
        found: dict[int, list[str]] = {}
        while number := os.read(queue, 4):
            index = int.from_bytes(number, "little")
            if progress is not None:
                sizes = [len(chunk) for chunk in chunks]
                progress(_PHASES[passes is None], sum(sizes[:index]), sum(sizes))
            found[index] = [path for path in chunks[index] if self._examined(path, passes)]
        return found

    def _fork(
        self, queue: int, chunks: list[list[str]], passes: Callable[[str, bytes], bool] | None
    ) -> tuple[int, int]:
        results, writing = os.pipe()
        process = os.fork()
        if process:
            os.close(writing)
            return process, results
        code = 1
        try:  # the child: nothing of the parent's may run here, neither handlers nor buffers
            os.close(results)
            self._readings = {}
            done = self._work(queue, chunks, passes, None)
            records = [json.dumps([len(self._readings), *sorted(done)])]
            for path, reading in self._readings.items():
                kind = "u" if isinstance(reading, Unparsed) else "m"
                records.append(f"{kind}{json.dumps(path)}\t{json.dumps(reading)}")
            with os.fdopen(writing, "wb") as file:
                file.write("\n".join(records).encode("ascii"))
            code = 0
        finally:
            os._exit(code)

    def _collect(self, results: int, found: list[str]) -> set[int]:
        """Take over what a child has read; returns the chunks that it has done."""
        paths = []
        try:
            # One record at a time: all of them together are larger than what is made of them.
            with os.fdopen(os.dup(results), encoding="ascii", newline="\n") as file:
                number, *done = json.loads(file.readline())
                for record in file:
                    name, _, line = record[1:].rstrip("\n").partition("\t")
                    path = json.loads(name)
                    if record[0] == "u":
                        self._readings[path] = Unparsed(*json.loads(line))
                    else:
                        self._readings[path] = decode(json.loads(line), path)
                        if self._for_cache:
                            self.lines[path] = line
                    paths.append(path)
        except (ValueError, TypeError, LookupError):  # the child was killed while it wrote
            return set()
        if number != len(paths):  # it ends between two of them
            return set()
        found += paths
        return set(done)


def decoded(path: str, line: str) -> Module | None:
    """The facts that a line of the cache holds; none if it is damaged."""
    try:
        return decode(json.loads(line), path)
    except (ValueError, TypeError, LookupError, AttributeError, RecursionError):
        return None  # a damaged cache is an empty one


def _chunks(paths: Sequence[str], sizes: Mapping[str, int], most: int) -> list[list[str]]:
    chunks: list[list[str]] = [[]]
    size = 0
    for path in paths:
        if size > most:
            chunks.append([])
            size = 0
        chunks[-1].append(path)
        size += sizes.get(path, 0) + 256
    return chunks


def _processes() -> int:
    """How many processes may work: forks are safe only from a process with a single thread."""
    if sys.platform != "linux" or not hasattr(os, "fork"):
        return 1
    threading = sys.modules.get("threading")
    if threading is not None and threading.active_count() > 1:
        return 1
    return min(len(os.sched_getaffinity(0)), _MOST_PROCESSES)


def _wait(process: int) -> None:
    try:  # noqa: SIM105 (contextlib would have to be imported)
        os.waitpid(process, 0)
    except ChildProcessError:  # the host ignores SIGCHLD, and the system has reaped it
        pass
