"""What must be equal for facts and verdicts to be: our own source, and the Python that parses."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator

from celery_lint.digests import blake2b
from celery_lint.files.cache_folder import CacheFolder
from celery_lint.files.secret import Secret
from celery_lint.files.stamps import RACY_NANOSECONDS

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
    files = sorted(_files(_PACKAGE))
    if not files:  # in an archive, for example
        return ""
    looks = blake2b("\n".join(look for _, look, _ in files).encode("utf-8", "replace"), digest_size=16)
    python = f"{sys.implementation.name}-{sys.hexversion:x}"
    name = f"celery-lint-installation-{_short(os.fsencode(_PACKAGE))}-{python}"
    expected = f"{looks.hexdigest()} {python}"
    known = _remembered(user, secret, name)
    if known is not None and known[0] == expected:
        return known[1]
    try:
        content = _content([path for path, _, _ in files], python)
    except OSError:
        return ""
    if max(changed for _, _, changed in files) < now - RACY_NANOSECONDS:
        text = json.dumps([expected, content])
        user.replace(name, f"{secret.digest('installation', text.encode())}\n{text}".encode())
    return content


def _files(folder: str) -> Iterator[tuple[str, str, int]]:
    """The source files of the package: path, what it looks like, when it last changed."""
    pending = [folder]
    while pending:
        try:
            with os.scandir(pending.pop()) as entries:
                for entry in entries:
                    if entry.name.endswith(".py"):
                        status = entry.stat()
                        modified, changed = status.st_mtime_ns, status.st_ctime_ns
                        look = f"{entry.path} {status.st_size} {modified} {changed} {status.st_ino}"
                        yield entry.path, look, max(modified, changed)
                    elif "." not in entry.name and entry.name != "__pycache__" and entry.is_dir():
                        pending.append(entry.path)
        except OSError:  # noqa: PERF203
            continue


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
