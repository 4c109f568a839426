"""What a file held at an earlier revision, asked of git without believing what the checkout says to it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress

from celery_lint.files.git import Checkout, checkout_around

_LINKED = ("refs", "packed-refs")


class UnknownRevision(Exception):
    """There is no such revision; the text says why."""


class Revision(Checkout):
    """A revision of a checkout, for a ``with`` statement. The names of revisions are all that git sees more.

    Objects are read as they are kept: no filter, no text conversion and no external program has a part in it.
    """

    def __init__(self, checkout: Checkout, name: str) -> None:
        super().__init__(checkout.folder, checkout.folder, checkout.directory)
        self.name = name
        self._commit = ""

    def __enter__(self) -> Revision:
        return self

    def __exit__(self, *error: object) -> None:
        for name in _LINKED if self._settings else ():
            with suppress(OSError):
                os.unlink(f"{self._settings}/{name}")
        super().__exit__(*error)

    def _own_settings(self) -> str:
        folder = super()._own_settings()
        os.rmdir(f"{folder}/refs")
        for name in _LINKED:
            if os.path.lexists(f"{self.common}/{name}"):
                os.symlink(os.path.abspath(f"{self.common}/{name}"), f"{folder}/{name}")
        return folder

    @property
    def commit(self) -> str:
        """The last commit that the revision and what is checked out have in common, or the revision itself.

        Raises UnknownRevision.
        """
        if not self._commit:
            if self.name.startswith("-"):
                raise UnknownRevision(f"{self.name!r} is no revision")
            # Neither answer has a line break in it: the names of objects are digits.
            asked = self._answer("rev-parse", "--verify", "--quiet", f"{self.name}^{{commit}}")
            if not asked:
                raise UnknownRevision(f"git finds no revision {self.name!r} in {self.folder}")
            commit = os.fsdecode(asked).strip()
            common = self._answer("merge-base", commit, "HEAD")
            self._commit = os.fsdecode(common or asked).strip().partition("\n")[0]
        return self._commit

    def text(self, path: str) -> bytes | None:
        """What a file, by its absolute path, held at the commit; None if it was not there."""
        name = os.path.relpath(path, self.folder).replace(os.sep, "/")
        return self._answer("cat-file", "blob", f"{self.commit}:{name}")


def changed_lines(before: bytes, now: bytes) -> set[int]:
    """The numbers of those lines of a text that are new or differ from what it was."""
    old, new = _lines(before), _lines(now)
    start = 0
    while start < min(len(old), len(new)) and old[start] == new[start]:
        start += 1
    end = 0
    while end < min(len(old), len(new)) - start and old[-1 - end] == new[-1 - end]:
        end += 1
    return set(_differing(old[start : len(old) - end], new[start : len(new) - end], start + 1))


def _lines(data: bytes) -> list[bytes]:
    return data.replace(b"\r\n", b"\n").replace(b"\r", b"\n").split(b"\n")


def _differing(old: list[bytes], new: list[bytes], first: int) -> Iterator[int]:
    if not old:
        yield from range(first, first + len(new))
        return
    from difflib import SequenceMatcher

    # Lines that stand everywhere are no landmarks, and looking at each pair of them would take minutes.
    matcher = SequenceMatcher(None, old, new, autojunk=len(old) * len(new) > 1_000_000)
    for tag, _, _, start, end in matcher.get_opcodes():
        if tag != "equal":
            yield from range(first + start, first + end)


def revision_around(folder: str, name: str) -> Revision:
    """The revision of the checkout that holds a folder; raises UnknownRevision if there is none."""
    checkout = checkout_around(folder)
    if checkout is None:
        raise UnknownRevision(f"{folder} lies in no git checkout")
    return Revision(checkout, name)
