"""What must be equal for facts and verdicts to be: our own source, and the Python that parses."""

from __future__ import annotations

import json
import marshal
import os
import sys

from celery_lint.digests import blake2b
from celery_lint.files.cache_folder import CacheFolder
from celery_lint.files.secret import Secret
from celery_lint.files.stamps import RACY_NANOSECONDS, Stamp

_PACKAGE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
_MOST = 4096


_known = ""  # what was imported when the process began


def installation(user: CacheFolder, secret: Secret, now: int) -> str:
    """What identifies this installation by its content; ``""`` if its files cannot be found.

    To read them all takes 15 ms, so the outcome is remembered in the user's folder for as long as no file
    looks different (1 ms). ``now`` is the time in nanoseconds.
    """
    global _known
    if not _known:
        _known = _identified(user, secret, now)
    return _known


def _identified(user: CacheFolder, secret: Secret, now: int) -> str:
    looks, youngest = _looks(_PACKAGE)
    if not looks:  # in an archive, for example
        return ""
    python = f"{sys.implementation.name}-{sys.hexversion:x}"
    name = f"celery-lint-installation-{_short(os.fsencode(_PACKAGE))}-{python}"
    # In this version of the format equal values are equal bytes; a text of it takes five times as long.
    expected = f"{_short(marshal.dumps(sorted(looks.items()), 2))} {python}"
    known = _remembered(user, secret, name)
    if known is not None and known[0] == expected:
        return known[1]
    try:
        content = _content(sorted(looks), python)
    except OSError:
        return ""
    if youngest < now - RACY_NANOSECONDS:
        text = json.dumps([expected, content])
        user.replace(name, f"{secret.digest('installation', text.encode())}\n{text}".encode())
    return content


def _looks(folder: str) -> tuple[dict[str, Stamp], int]:
    """The stamps of the package's source files, and the time in nanoseconds when the youngest changed."""
    looks: dict[str, Stamp] = {}
    youngest = 0
    pending = [folder]
    while pending:
        try:
            with os.scandir(pending.pop()) as entries:
                for entry in entries:
                    if entry.name.endswith(".py"):
                        status = entry.stat()
                        modified, changed = status.st_mtime_ns, status.st_ctime_ns
                        looks[entry.path] = (status.st_size, modified, changed, status.st_ino)
                        youngest = max(youngest, modified, changed)
                    elif "." not in entry.name and entry.name != "__pycache__" and entry.is_dir():
                        pending.append(entry.path)
        except OSError:  # noqa: PERF203
            continue
    return looks, youngest


def _content(paths: list[str], python: str) -> str:
    digest = blake2b(python.encode(), digest_size=8)
    for path in paths:
        with open(path, "rb") as file:
            text = file.read()
        # Names and lengths too, so that no two installations read as one text.
        digest.update(f"\n{os.path.relpath(path, _PACKAGE)} {len(text)}\n".encode("utf-8", "replace"))
        digest.update(text)
    return digest.hexdigest()


def _remembered(user: CacheFolder, secret: Secret, name: str) -> tuple[str, str] | None:
    try:
        kept, _, text = user.read(name, _MOST).decode().partition("\n")
        if kept != secret.digest("installation", text.encode()):
            return None
        looks, content = json.loads(text)
    except (OSError, ValueError):
        return None
    return looks, content


def _short(data: bytes) -> str:
    return blake2b(data, digest_size=8).hexdigest()
