"""Commands that start workers, as launch files have them."""

from __future__ import annotations

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
    """What the files of a workspace say, whatever they are: read when somebody first asks for a word.

    What Python files were asked is kept: one that has another text and says the same changes nothing.
    """

    def __init__(self, read: Callable[[], Iterable[tuple[str, bytes]]] = tuple) -> None:
        self._read = read
        self._texts: dict[str, bytes] | None = None
        #: Whether somebody has asked.
        self.is_read = False
        #: Whether somebody has looked at all that Python files say.
        self.is_read_whole = False
        #: The Python files of which somebody has looked at all that they say.
        self.read_whole: set[str] = set()
        self._paths: list[str] = []
        # The files that hold a word, among so many that have been looked at.
        self._holding: dict[str, tuple[list[str], int]] = {}
        self._lines: dict[tuple[str, str], list[int]] = {}
        self._found: dict[Callable[[bytes], Any], dict[str, Any]] = {}
        # The first file that a search finds something in, if any.
        self._first: dict[Callable[[bytes], Any], str] = {}
        self._answers: dict[tuple[str, Callable[..., Any], tuple[str, ...]], Any] = {}

    @property
    def texts(self) -> dict[str, bytes]:
        """All of them, by path."""
        self.is_read_whole = True
        return self._all()

    def _all(self) -> dict[str, bytes]:
        if self._texts is None:
            self._texts = dict(self._read())
            self._paths = self._paths or list(self._texts)
            self.is_read = True
        return self._texts

    @property
    def beside_code(self) -> dict[str, bytes]:
        """Those of the files that are no Python files, by path."""
        return {path: text for path, text in self._all().items() if not path.endswith(".py")}

    def text(self, path: str) -> bytes:
        """All that a file says."""
        if path.endswith(".py"):
            self.read_whole.add(path)
        return self._all()[path]

    def ask(self, path: str, question: Callable[..., Any], *given: str) -> Any:
        """What a file answers to a question, which is a function of its text and of what is given."""
        key = (path, question, given)
        if key not in self._answers:
            self._answers[key] = question(self._all()[path], *given)
        return self._answers[key]

    def held(self) -> Mapping[str, bytes]:
        """Those that are in memory, by path: all or none."""
        return self._texts or {}

    def let_go(self) -> None:
        """Keep nothing but the answers: whoever asks for another word reads again."""
        self._texts = None

    def holding(self, word: str) -> Iterator[str]:
        """The files that hold a word, be it a part of a longer one: looked for while somebody asks on."""
        own, number = word.encode(), 0
        while True:
            found, passed = self._holding.get(word, ([], 0))
            if number < len(found):
                yield found[number]
                number += 1
                continue
            if self.is_read and passed == len(self._paths):
                return
            texts = self._all()
            for path in self._paths[passed:]:
                passed += 1
                if own in texts.get(path, b""):
                    found.append(path)
                    break
            self._holding[word] = found, passed

    def lines_in(self, path: str, word: str) -> list[int]:
        """The lines of a file that a word stands on."""
        key = (path, word)
        if key not in self._lines:
            self._lines[key] = lines_with(word, self._all()[path])
        return self._lines[key]

    def lines(self, word: str) -> dict[str, list[int]]:
        """The lines that a word stands on, by the paths of the files that hold it."""
        return {path: self.lines_in(path, word) for path in self.holding(word)}

    def found(self, search: Callable[[bytes], Answer | None]) -> dict[str, Answer]:
        """What a search finds, by the Python files that it finds anything in: once for all rounds."""
        if search not in self._found:
            texts = self._all().items()
            found = ((path, search(text)) for path, text in texts if path.endswith(".py"))
            self._found[search] = {path: answer for path, answer in found if answer}
        return self._found[search]

    def finds(self, search: Callable[[bytes], Answer | None]) -> bool:
        """Whether a search finds anything in a Python file."""
        if search in self._found:
            return bool(self._found[search])
        if search not in self._first:
            texts = self._all().items()
            found = (path for path, text in texts if path.endswith(".py") and search(text))
            self._first[search] = next(found, "")
        return self._first[search] != ""

    def asked(self) -> Asked:
        """What has been asked of files, and what they answered."""
        words = {
            word: (found, self._paths[passed - 1] if passed < len(self._paths) else "")
            for word, (found, passed) in self._holding.items()
            if passed
        }
        return Asked(words, self._lines, self._found, self._first, self._answers)


class Asked(NamedTuple):
    """What has been asked of the files of a workspace.

    ``words`` tells which files hold a word, and the last one that was looked at for it, if that was not all
    of them; ``first`` the first file that a search finds something in, after which it was over.
    """

    words: dict[str, tuple[list[str], str]]
    lines: dict[tuple[str, str], list[int]]
    found: dict[Callable[[bytes], Any], dict[str, Any]]
    first: dict[Callable[[bytes], Any], str]
    answers: dict[tuple[str, Callable[..., Any], tuple[str, ...]], Any]


def lines_with(word: str, text: bytes) -> list[int]:
    """The lines of a text that a word stands on."""
    own = word.encode()
    lines, line, seen, at = [], 1, 0, text.find(own)
    while at >= 0:
        end = at + len(own)
        if _is_no_part(text[at - 1 : at] if at else b"", text[end : end + 1]):
            line += text.count(b"\n", seen, at)
            seen = at
            lines.append(line)
        else:
            end = at
        at = text.find(own, max(end, at + 1))
    return lines


def _is_no_part(before: bytes, after: bytes) -> bool:
    """Whether what stands between these is a word, and no part of a longer one."""
    return not (before.isalnum() or before == b"_" or after.isalnum() or after == b"_")


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
    ``django_is_told``: all that starts workers or beat gives Django's variable. ``left_behind`` are folders
    that nobody starts anything of; ``None`` where that has not been looked for. ``celery`` is the newest
    version that the lists of dependencies allow; ``None`` where that may be any.
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
    left_behind: tuple[str, ...] | None = None
    celery: tuple[int, int] | None = None

    @property
    def texts_read(self) -> bool:
        """Whether more has been read than launch files."""
        told = (self.idle, self.without_beat, self.defaults, self.left_behind)
        return self.written.is_read or any(each is not None for each in told)

    def project_of(self, path: str) -> str:
        """The nearest folder at a file that is a project by itself; ``""`` for all there is."""
        folder = path.rpartition("/")[0]
        while folder and folder not in self.projects:
            folder = folder.rpartition("/")[0]
        return folder


NOWHERE = Deployment()
"""Of a text that is a project of its own."""


class Apart(NamedTuple):
    """A file that is a whole deployment, and those that may start workers beside it.

    ``images``: the Dockerfiles of images that its services leave to their own commands.
    """

    path: str
    beside: tuple[str, ...]
    images: tuple[str, ...] = ()


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
    ``late`` is the option for the application where that stands behind the sub-command: `worker -A shop`.
    ``misplaced`` says that what is ``refused`` stands in the place of the sub-command: `-A shop app worker`.
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
    late: str = ""
    misplaced: bool = False

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
