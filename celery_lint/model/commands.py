"""Commands that start workers, as launch files have them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from types import MappingProxyType
from typing import Any, TypeVar

from celery_lint.diagnostics import Span
from celery_lint.model.facts import Place
from celery_lint.model.folders import Folder
from celery_lint.model.records import NamedTuple
from celery_lint.model.unlisted import Unlisted

ANY_QUEUE = "*"
"""Stands for the queues of a worker that nobody can tell."""
UNREADABLE = "?"
"""Stands for a scheduler that only the environment knows."""

Answer = TypeVar("Answer")


class Written:
    """What the files of a workspace say, whatever they are: read when somebody first asks for a word."""

    def __init__(self, read: Callable[[], Iterable[tuple[str, bytes]]] = tuple) -> None:
        self._read = read
        self._texts: dict[str, bytes] | None = None
        #: Whether somebody has asked.
        self.is_read = False
        self._lines: dict[str, dict[str, list[int]]] = {}
        self._found: dict[Callable[[bytes], Any], dict[str, Any]] = {}

    @property
    def texts(self) -> dict[str, bytes]:
        """All of them, by path."""
        if self._texts is None:
            self._texts = dict(self._read())
            self.is_read = True
        return self._texts

    def let_go(self) -> None:
        """Keep nothing but the answers: whoever asks for another word reads again."""
        self._texts = None

    def lines(self, word: str) -> dict[str, list[int]]:
        """The lines that a word stands on, by path."""
        if word not in self._lines:
            own = word.encode()
            self._lines[word] = {
                path: lines_with(word, text) for path, text in self.texts.items() if own in text
            }
        return self._lines[word]

    def found(self, search: Callable[[bytes], Answer | None]) -> dict[str, Answer]:
        """What a search finds, by the Python files that it finds anything in: once for all rounds."""
        if search not in self._found:
            texts = self.texts.items()
            found = ((path, search(text)) for path, text in texts if path.endswith(".py"))
            self._found[search] = {path: answer for path, answer in found if answer}
        return self._found[search]


def lines_with(word: str, text: bytes) -> list[int]:
    """The lines of a text that a word stands on."""
    whole = re.compile(rb"(?<!\w)" + re.escape(word.encode()) + rb"(?!\w)")
    lines, line, seen = [], 1, 0
    for found in whole.finditer(text):
        line += text.count(b"\n", seen, found.start())
        seen = found.start()
        lines.append(line)
    return lines


class Texts(Mapping[str, bytes]):
    """What files hold, by path: read when somebody asks for it, and once. Nothing if it cannot be read."""

    def __init__(self, paths: Iterable[str], read: Callable[[str], bytes]) -> None:
        self._texts: dict[str, bytes | None] = dict.fromkeys(paths)
        self._read = read

    def __getitem__(self, path: str) -> bytes:
        text = self._texts[path]
        if text is None:
            text = self._texts[path] = self._read(path)
        return text

    def __iter__(self) -> Iterator[str]:
        return iter(self._texts)

    def __len__(self) -> int:
        return len(self._texts)

    def __contains__(self, path: object) -> bool:
        return path in self._texts


class Deployment(NamedTuple):
    """How a project is run: its worker commands, and which of gevent and eventlet it installs.

    ``packages`` is ``None`` where no list of dependencies is there. ``projects`` are the folders that have
    one. ``refused`` are commands that no worker survives, ``others`` those of what is no worker and has an
    application all the same. ``unlisted`` is what Python may import besides the files that are known.
    ``without_beat`` are the files that list all processes of a deployment, workers among them, where no text
    of the project speaks of beat; ``None`` where only launch files have been read. ``apart`` are the files
    that are a whole deployment each, where there are others. ``defaults`` are the commands of images that
    never run, since all deployments give others; ``None`` where only launch files have been read for that.
    ``idle``: nothing but these would start a worker, while files start other processes, and no text tells
    people how to; ``None`` where that has not been looked for.
    ``python_path`` are the folders that Python is told to import from, ``django_settings`` what Django's
    variable for the module of its settings is given, ``schemes`` those of the addresses of brokers that
    variables are given, by variable; empty for a value that shows none. ``written`` is all that files say.
    ``django_is_told``: all that starts workers or beat gives Django's variable.
    """

    commands: tuple[WorkerCommand, ...] = ()
    packages: frozenset[str] | None = None
    projects: frozenset[str] = frozenset()
    refused: tuple[WorkerCommand, ...] = ()
    others: tuple[WorkerCommand, ...] = ()
    unlisted: Unlisted = Unlisted()
    without_beat: tuple[str, ...] | None = None
    apart: tuple[Apart, ...] = ()
    defaults: tuple[WorkerCommand, ...] | None = None
    idle: bool | None = None
    python_path: tuple[Folder, ...] = ()
    django_settings: frozenset[str] = frozenset()
    schemes: Mapping[str, frozenset[str]] = MappingProxyType({})
    written: Written = Written()
    django_is_told: bool = False

    @property
    def texts_read(self) -> bool:
        """Whether more has been read than launch files."""
        told = self.idle is not None or self.without_beat is not None or self.defaults is not None
        return told or self.written.is_read

    def project_of(self, path: str) -> str:
        """The nearest folder at a file that is a project by itself; ``""`` for all there is."""
        folder = path.rpartition("/")[0]
        while folder and folder not in self.projects:
            folder = folder.rpartition("/")[0]
        return folder


NOWHERE = Deployment()
"""Of a text that is a project of its own."""


class Apart(NamedTuple):
    """A file that is a whole deployment, and those that may start workers beside it."""

    path: str
    beside: tuple[str, ...]


class Elsewhere(NamedTuple):
    """What a deployment is started with and that is not there: who names it, and how.

    ``cluster``: it is for Kubernetes, so that nothing of it is put on top of a compose file.
    """

    path: str
    name: str
    cluster: bool


class WorkerCommand(NamedTuple):
    """One command that starts workers.

    ``pool`` is Celery's name of the pool: ``prefork`` where the command states none, and empty where only
    the environment knows; ``hidden`` is the word that may name it then. ``pool_stated`` tells whether the
    command has the option at all: if not, the setting ``worker_pool`` decides. Limits are in seconds, and no
    number at all (``nan``) where only the environment knows them. ``app``, ``queues`` and ``concurrency`` are
    empty where they are not stated, or not known; unknown queues are ``*``. ``prefetch`` tells whether the
    command says how many messages are taken in advance, or may say so, and ``open_ended`` that a variable may
    hold more options of any kind. ``include`` is the list of modules that the command imports besides, as it
    is written, ``tasks_per_child`` the number of tasks after which a process ends. ``development`` tells that
    the file says at its top that it is for development. ``refused`` are the words that belong to no option,
    for which Celery ends; ``program`` is what is started where that is no worker: ``beat``, ``flower``;
    ``scheduler`` is the class that beat is told to take, and ``with_beat`` that a worker is told to run beat.
    """

    path: str
    line: int
    app: str
    pool: str
    pool_stated: bool
    time_limit: float | None
    soft_time_limit: float | None
    queues: str
    concurrency: str
    prefetch: bool = False
    hidden: str = ""
    open_ended: bool = False
    include: str = ""
    tasks_per_child: float | None = None
    development: bool = False
    refused: str = ""
    program: str = ""
    scheduler: str = ""
    with_beat: bool = False

    @property
    def is_worker(self) -> bool:
        """Whether it starts a worker that runs."""
        return not self.refused and not self.program

    @property
    def place(self) -> Place:
        """The line of the command."""
        return Place(self.path, Span(self.line, 1, self.line, 1))


def deployed(
    commands: list[WorkerCommand],
    packages: frozenset[str] | None,
    projects: frozenset[str],
    unlisted: Unlisted,
    without_beat: tuple[str, ...] | None = None,
    apart: tuple[Apart, ...] = (),
    defaults: tuple[WorkerCommand, ...] | None = None,
    idle: bool | None = None,
    python_path: tuple[Folder, ...] = (),
    django_settings: frozenset[str] = frozenset(),
    schemes: Mapping[str, frozenset[str]] = MappingProxyType({}),
) -> Deployment:
    """How a project with these commands is run."""
    return Deployment(
        tuple(command for command in commands if command.is_worker),
        packages,
        projects,
        tuple(command for command in commands if command.refused),
        tuple(command for command in commands if command.program),
        unlisted,
        without_beat,
        apart,
        defaults,
        idle,
        python_path,
        django_settings,
        schemes,
    )
