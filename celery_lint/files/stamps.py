"""What files look like from outside: enough to know that they are still what they were."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence

RACY_NANOSECONDS = 2_000_000_000
"""A file that changes within the tick of the file system's clock keeps its times. Two seconds (FAT)."""

_NEVER = -1
_MOST = (1 << 64) - 1

Stamp = tuple[int, int, int, int]
"""Size, modification time and change time in nanoseconds, inode. Two files of one stamp are one file.

The change time is what no program can set: it tells of a file that was rewritten in place by somebody who
gave it back its modification time (``touch -r``, ``rsync --times --inplace``).
"""

MISSING: Stamp = (_NEVER, _NEVER, _NEVER, _NEVER)


def stamp(path: str) -> Stamp:
    """The stamp of a file, or ``MISSING``."""
    try:
        status = os.stat(path)
    except (OSError, ValueError):
        return MISSING
    return status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino


def stamps(root: str, paths: Sequence[str]) -> list[Stamp]:
    """The stamps of several files."""
    return [stamp(f"{root}/{path}") for path in paths]


def begin(now: Sequence[Stamp], kept: Sequence[Stamp]) -> bool:
    """Whether stamps begin with those that were kept."""
    return now[: len(kept)] == kept


def flat(kept: Iterable[Stamp]) -> list[int]:
    """Stamps one behind the other, as they are kept: thousands of short lists would be slow to read."""
    return [number for one in kept for number in one]


def unflat(numbers: Sequence[int]) -> Iterator[Stamp]:
    """The stamps of :func:`flat`."""
    one_by_one = iter(numbers)
    return zip(one_by_one, one_by_one, one_by_one, one_by_one, strict=True)


def by_path(paths: Sequence[str], kept: Sequence[int]) -> dict[str, Stamp]:
    """Flat stamps by their files."""
    return dict(zip(paths, unflat(kept), strict=True))


def packed(numbers: Iterable[int]) -> bytes:
    """Flat stamps as bytes, because ten thousand files in JSON take longer to read than to check."""
    unsigned = [number & _MOST for number in numbers]
    data = bytearray(8 * len(unsigned))
    view = memoryview(data).cast("Q")
    for index, number in enumerate(unsigned):
        view[index] = number
    return bytes(data)


def unpacked(data: bytes) -> list[int]:
    """The numbers of :func:`packed`; one that was negative has become one that no file has."""
    return memoryview(data).cast("Q").tolist()


def all_are(root: str, paths: Sequence[str], kept: Sequence[int]) -> bool:
    """Whether all files are what they were. A run without changes spends most of its time here."""
    stat, prefix = os.stat, f"{root}/"
    for path, (size, modified, changed, inode) in zip(paths, unflat(kept), strict=True):
        try:
            status = stat(prefix + path)
        except (OSError, ValueError):
            return False
        if (
            status.st_mtime_ns != modified
            or status.st_ctime_ns != changed
            or status.st_size != size
            or status.st_ino != inode
        ):
            return False
    return True


def settled(found: Iterable[Stamp], started: int) -> Iterator[Stamp]:
    """The stamps as they may be kept: a file that is as young as the run may change without a trace."""
    newest = started - RACY_NANOSECONDS
    for size, modified, changed, inode in found:
        yield size, modified if modified < newest and changed < newest else _NEVER, changed, inode
