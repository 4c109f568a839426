"""What the process does to the machine while it lints: the promises of ``SECURITY.md``, audited.

Python tells every audit hook before it runs code, opens a file, starts a program or makes a connection
(https://docs.python.org/3/library/audit_events.html). A hook cannot be taken away again, so there is one,
and it listens only while somebody watches.
"""

from __future__ import annotations

import os
import sys
import sysconfig
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import celery_lint

_OURS = os.path.dirname(os.path.realpath(celery_lint.__file__))
_PYTHON = tuple(
    os.path.realpath(folder)
    for folder in {sysconfig.get_path("stdlib"), sysconfig.get_path("purelib"), sysconfig.get_path("platlib")}
)
_STARTS = frozenset(
    {
        "os.system",
        "os.exec",
        "os.posix_spawn",
        "os.spawn",
        "os.startfile",
        "os.forkpty",
        "pty.spawn",
        "subprocess.Popen",
    }
)
_OTHER_SINS = (
    "socket.",
    "ctypes.",
    "pickle.",
    "urllib.",
    "http.",
    "ftplib.",
    "smtplib.",
    "webbrowser.",
    "code.",
)
_CHANGES = frozenset(
    {
        "os.chmod", "os.chown", "os.link", "os.mkdir", "os.remove", "os.rename", "os.rmdir", "os.symlink",
        "os.truncate", "os.utime", "os.setxattr", "os.removexattr", "shutil.rmtree", "shutil.move",
        "shutil.copyfile", "shutil.chown", "tempfile.mkdtemp", "tempfile.mkstemp",
    }
)  # fmt: skip
# What is asked of the repository that a `.git` names, wherever that and what is in it leads.
_OF_GIT = frozenset({"HEAD", "commondir", "config", "exclude"})
_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND


class Watch:
    """Watches what the linter does. It may read below ``readable`` and change what is below ``writable``.

    What it does beyond that is kept as a text; so is every code object that is run and does not come from
    the linter's own package or Python's library. Of programs it may start ``git`` alone.
    """

    def __init__(self, readable: Sequence[str], writable: Sequence[str]) -> None:
        self._writable = tuple(map(os.path.realpath, writable))
        self._readable = (*map(os.path.realpath, readable), *self._writable, _OURS, *_PYTHON, os.devnull)
        self._seen: list[str] = []

    @contextmanager
    def watching(self) -> Iterator[list[str]]:
        """Listen; the list holds what should not have happened."""
        global _listening
        _install()
        self._seen = []
        _listening = self
        try:
            yield self._seen
        finally:
            _listening = None

    def hear(self, event: str, arguments: tuple[object, ...]) -> None:
        """Take note of an audit event if it is none of those that are expected."""
        if event == "exec":
            self._run_code(getattr(arguments[0], "co_filename", ""), getattr(arguments[0], "co_name", ""))
        elif event == "open":
            path, _, flags = arguments
            if path and isinstance(path, (str, bytes)):
                writes = isinstance(flags, int) and bool(flags & _WRITING)
                self._touch("writes" if writes else "reads", path, writes)
        elif event in ("os.listdir", "os.scandir"):
            looks_for_a_module = _caller().startswith("<frozen importlib")  # in the folders of `sys.path`
            if arguments[0] and isinstance(arguments[0], (str, bytes)) and not looks_for_a_module:
                self._touch("lists", arguments[0], False)
        elif event in _CHANGES:
            for path in arguments[: 2 if event in ("os.rename", "os.link", "os.symlink") else 1]:
                if isinstance(path, (str, bytes)):
                    self._touch(f"{event} of", path, True)
        elif event in _STARTS:
            if os.path.basename(os.fsdecode(str(arguments[0]))) != "git":
                self._seen.append(f"starts a program: {event} {arguments[:2]}")
        elif event.startswith(_OTHER_SINS):
            self._seen.append(f"{event} {arguments[:2]}")

    def _run_code(self, file: str, name: str) -> None:
        if file.startswith("<frozen ") or (
            file == "<string>" and _is_below(os.path.realpath(_caller()), _PYTHON)
        ):
            return  # imports; the constructors of named tuples
        if not _is_below(os.path.realpath(file), (_OURS, *_PYTHON)):
            self._seen.append(f"runs code: {name} of {file!r}")

    def _touch(self, what: str, path: str | bytes, changes: bool) -> None:
        real = os.path.realpath(os.fsdecode(path))
        if not changes and (os.path.basename(real) in _OF_GIT or "/.git/" in os.fsdecode(path)):
            return
        if changes and "__pycache__" in real and _is_below(real, (_OURS, *_PYTHON)):
            return  # Python keeps what it has compiled
        if not _is_below(real, self._writable if changes else self._readable):
            self._seen.append(f"{what} {os.fsdecode(path)!r}, which is {real!r}")


def _caller() -> str:
    """The file of the code that has caused an event."""
    frame = sys._getframe(1)
    while frame.f_back is not None and frame.f_code.co_filename == __file__:
        frame = frame.f_back
    return frame.f_code.co_filename


def _is_below(path: str, folders: Sequence[str]) -> bool:
    return any(path == folder or path.startswith(f"{folder}{os.sep}") for folder in folders)


_listening: Watch | None = None
_installed = False


def _install() -> None:
    global _installed
    if not _installed:
        _installed = True
        sys.addaudithook(_hook)


def _hook(event: str, arguments: tuple[object, ...]) -> None:
    global _listening
    watch = _listening
    if watch is not None:
        _listening = None  # what the watch itself does is its own affair
        try:
            watch.hear(event, arguments)
        finally:
            _listening = watch
