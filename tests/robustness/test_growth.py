"""What takes longer than the text is long ends nowhere: no text makes a search worse than about linear.

Each case is made at two sizes, the second :data:`FACTOR` times the first, and the processor's time of this
thread is compared, the least of several tries: a busy machine changes nothing. Linear work grows by the
factor, quadratic work by its square.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import pytest

from celery_lint import engine
from celery_lint.engine.comments.noqa import suppressed
from celery_lint.files.commands.launch import worker_commands
from celery_lint.files.deployments.pushed import pushed_elsewhere
from celery_lint.files.deployments.strangers import strangers
from celery_lint.files.filter import FirstPass, SecondPass, leads_on
from celery_lint.options import Configuration
from celery_lint.selection import Selection
from celery_lint.source import LARGEST

FACTOR = 8
MOST = 24  # times the work for 8 times the text; 64 if it is quadratic
LEAST = 0.002  # seconds: below that the clock says nothing

ALL = Configuration(preset="all", cache=False)


def seconds(work: Callable[[], object], most: float = 0) -> float:
    """The processor's time for it: the least of a few tries, and the first that is no more than ``most``."""
    best = float("inf")
    for _ in range(3):
        begun = time.thread_time()
        work()
        best = min(best, time.thread_time() - begun)
        if best > 2 or best <= most:
            break
    return best


def assert_grows_with_the_text(work: Callable[[int], Callable[[], object]], size: int) -> None:
    """Compare the work at the two sizes; again if it was too much, for the first may have been unlucky."""
    for _ in range(3):
        small = seconds(work(size))
        most = MOST * max(small, LEAST)
        large = seconds(work(size * FACTOR), most)
        if large <= most:
            return
    raise AssertionError(f"{small:.4f} s, and {large:.4f} s for {FACTOR} times as much")


def worker_after(text: str) -> str:
    return text + "\n# celery worker\n"


LAUNCH: dict[str, tuple[str, int, Callable[[int], str]]] = {
    "blanks before a key": ("compose.yml", 400, lambda n: f"a:\n{' ' * n}sx"),
    "blanks within a key": ("compose.yml", 400, lambda n: f"a{' ' * n}b"),
    "blanks behind a key": ("compose.yml", 400, lambda n: f"a: b\nc{' ' * n}x:y"),
    "a quoted key": ("compose.yml", 2_000, lambda n: f"'{' ' * n}x' {' ' * n}y"),
    "dashes": ("compose.yml", 1_000, lambda n: "- " * n),
    "dashes and a word": ("compose.yml", 1_000, lambda n: "- " * n + "x"),
    "dashes with blanks": ("compose.yml", 500, lambda n: "-   " * n + "x: y"),
    "tags": ("compose.yml", 2_000, lambda n: f"a: {'!' * n}"),
    "anchors": ("compose.yml", 1_000, lambda n: f"a: {'&a ' * n}"),
    "a text that is never closed": ("compose.yml", 2_000, lambda n: 'a: "celery worker\n' + "x\n" * n),
    "a list that is never closed": ("compose.yml", 2_000, lambda n: "a: [celery, worker\n" + "x\n" * n),
    "brackets": ("compose.yml", 2_000, lambda n: f"a: {'[' * n}"),
    "keys in keys": ("compose.yml", 40, lambda n: "".join(f"{' ' * i}command:\n" for i in range(n))),
    "lists of commands": ("compose.yml", 500, lambda n: "a:\n" + "- celery worker\n" * n + "- b: c\n"),
    "templates": ("compose.yml", 500, lambda n: "a:\n" + "{{ x }}\n" * n),
    "comments": ("compose.yml", 500, lambda n: "a:\n" + "# x\n" * n + "- b: c\n"),
    "a value with comments": ("compose.yml", 1_000, lambda n: "a: celery worker" + " #" * n),
    "quotes": ("run.sh", 2_000, lambda n: "celery worker " + "\"'" * n),
    "quotes that are escaped": ("run.sh", 2_000, lambda n: 'celery worker "' + '\\"' * n),
    "items that are never closed": ("Dockerfile", 1_000, lambda n: "CMD [celery, worker, " + '"\\",' * n),
    "items with one quote": ("Dockerfile", 1_000, lambda n: "CMD [celery, worker, '" + "a," * n),
    "backslashes": ("run.sh", 2_000, lambda n: 'celery worker "' + "\\" * n),
    "braces": ("run.sh", 200, lambda n: "celery worker " + "${" * n),
    "backquotes": ("run.sh", 2_000, lambda n: "celery worker " + "`" * (2 * n + 1)),
    "joined lines": ("run.sh", 1_000, lambda n: "celery worker \\\n" + "-x \\\n" * n),
    "programs": ("run.sh", 500, lambda n: "celery -P " * n),
    "programs with options": ("run.sh", 500, lambda n: "celery --a=b " * n),
    "words": ("run.sh", 1_000, lambda n: "celery worker " + "-c 1 " * n),
    "shells in shells": ("run.sh", 1_000, lambda n: "sh -c \"celery worker ' sh -c " * n),
    "assignments": ("run.sh", 1_000, lambda n: "A=" * n + "celery worker"),
    "a long name before =": ("run.sh", 2_000, lambda n: "a-" * n + " celery worker"),
    "slashes": ("run.sh", 1_000, lambda n: "/celery" * n + " worker"),
    "ENTRYPOINT and CMD": (
        "Dockerfile",
        150,
        lambda n: (
            f"FROM x\nENTRYPOINT [{', '.join(['celery'] * n)}]\n" + 'CMD ["worker", "-P", "gevent"]\n' * n
        ),
    ),
}


@pytest.mark.parametrize("name", LAUNCH)
def test_launch_files(name: str) -> None:
    path, size, text = LAUNCH[name]

    def work(n: int) -> Callable[[], object]:
        data = worker_after(text(n)).encode()
        assert len(data) < 262_144
        return lambda: worker_commands(path, data)

    assert_grows_with_the_text(work, size)


PIPELINES: dict[str, tuple[int, Callable[[int], str]]] = {
    "images on one line": (20, lambda n: "- " + "https://registry/team/service:latest," * n + "' #"),
    "slashes and colons": (100, lambda n: "/:" * n + " x"),
    "the word of a tool": (500, lambda n: "compose " * n),
    "expressions that are never closed": (1_000, lambda n: "${{" * n),
    "keys": (500, lambda n: "- tags: " * n),
    "blanks": (1_000, lambda n: "tags" + " " * n + "x:" + " " * n),
    "commands": (500, lambda n: "docker buildx " * n + "docker" + " " * n),
    "what pushes": (500, lambda n: "push: " * n + "--push" * n),
}


@pytest.mark.parametrize("name", PIPELINES)
def test_pipelines(name: str) -> None:
    size, text = PIPELINES[name]

    def work(n: int) -> Callable[[], object]:
        pipeline = f"push: true\n{text(n)}\n"
        return lambda: pushed_elsewhere([".github/workflows/images.yml"], lambda _: pipeline)

    assert_grows_with_the_text(work, size)


STRANGERS: dict[str, tuple[int, Callable[[int], str]]] = {
    "one comment": (500, lambda n: "# " + "postgres://jobs." * n),
    "one address": (500, lambda n: "redis://" + "jobs/" * n),
    "addresses": (500, lambda n: "https://jobs.acme.org " * n),
    "schemes": (500, lambda n: "redis://jobs" * n),
    "one host": (500, lambda n: "https://" + "jobs." * n + "org"),
    "one setting": (500, lambda n: "DB_" * n + "NAME: jobs " + "jobs" * n),
    "blanks in a setting": (2_000, lambda n: f"hostname{' ' * n}:{' ' * n}jobs{' ' * n};{' ' * n}x"),
    "commands": (500, lambda n: "celery -A jobs " * n),
}


@pytest.mark.parametrize("name", STRANGERS)
def test_names_of_commands(name: str, tmp_path: Path) -> None:
    size, text = STRANGERS[name]
    procfile = "worker: celery -A jobs worker\n"
    (tmp_path / "Procfile").write_text(procfile)
    commands = worker_commands("Procfile", procfile.encode())

    def work(n: int) -> Callable[[], object]:
        (tmp_path / "setup.sh").write_text(text(n))
        return lambda: strangers(str(tmp_path), ["Procfile", "setup.sh"], [], [], commands)

    assert_grows_with_the_text(work, size)


FILTERS: dict[str, tuple[int, Callable[[int], bytes]]] = {
    "imports on one line": (500, lambda n: b"async asyncio import x " * n),
    "imports with blanks": (500, lambda n: (b"asyncio" + b" " * 50) * n),
    "one long blank": (5_000, lambda n: b"asyncio" + b" " * n + b"x"),
    "imports and lines": (500, lambda n: b"from asyncio import x\n" * n),
    "decorators": (1_000, lambda n: b"@" + b"a.task_" * n),
    "many decorators": (1_000, lambda n: b"@task_" * n),
    "names on one line": (2_000, lambda n: b"name " * n),
    "names behind blanks": (2_000, lambda n: b" " * n * 4 + b" name" * n),
    "definitions": (1_000, lambda n: b"def name(Error): pass\n" * n),
    "classes": (1_000, lambda n: b"class name(" + b"a." * n),
}


@pytest.mark.parametrize("name", FILTERS)
def test_filters(name: str) -> None:
    size, text = FILTERS[name]
    first, second = FirstPass(), SecondPass([("name", "x"), ("other", "")])

    def work(n: int) -> Callable[[], object]:
        data = text(n)
        return lambda: (
            first.passes("mail.py", data),
            first.passes("tests/mail.py", b"celery Task " + data),
            second.passes("mail.py", data),
            leads_on(data, "name"),
        )

    assert_grows_with_the_text(work, size)


COMMENTS: dict[str, Callable[[int], str]] = {
    "codes without separators": lambda n: "# noqa: " + "A1" * n,
    "codes": lambda n: "# noqa: " + "A1," * n,
    "letters": lambda n: "# noqa: " + "A" * n,
    "hyphens": lambda n: "# noqa: " + "a-" * n,
    "names": lambda n: "# noqa: " + "a-b " * n,
    "blanks": lambda n: "# noqa: A1" + " " * n,
    "comments": lambda n: "# noq" * n,
    "all of them": lambda n: "# noqa: " + "A1," * n + "a-" * n + "A1" * n + "# noqa " * n,
}


@pytest.mark.parametrize("name", COMMENTS)
def test_comments(name: str) -> None:
    def work(n: int) -> Callable[[], object]:
        line = COMMENTS[name](n)
        return lambda: suppressed(line, "CEL110", "asyncio-run-in-task")

    assert_grows_with_the_text(work, 4_000)


def test_ignores_by_path() -> None:
    """So many patterns for so many files: the work grows with both, and not by much for each."""

    def work(n: int) -> Callable[[], object]:
        pairs = tuple((f"folder{number}/*.py", ("CEL1",)) for number in range(200))
        selection = Selection(ALL._replace(per_file_ignores=pairs), "/work")

        def ask() -> None:
            for number in range(n):
                selection.ignored(f"folder{number % 7}/file{number % 50}.py", "CEL110", "x")

        return ask

    assert_grows_with_the_text(work, 500)


# ------------------------------------------------------------------------------------ programs

HEAD = """\
import asyncio, logging, os, requests, signal, threading, time
from celery import Celery, Task, shared_task
from sqlalchemy import create_engine
from sqlalchemy.orm import Session
from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine
app = Celery("a")
engine = create_async_engine("postgresql+asyncpg://x")
logger = logging.getLogger(__name__)
"""


def each(text: str, n: int) -> str:
    """The text so many times, with the number in the place of ``#``."""
    return "".join(text.replace("#", str(number)) for number in range(n))


PROGRAMS: dict[str, tuple[int, Callable[[int], str]]] = {
    "tasks": (60, lambda n: each("@app.task\ndef t#(): requests.get('x')\n", n)),
    "tasks that retry": (
        60,
        lambda n: each(
            "@app.task(bind=True)\ndef t#(self):\n    try: x()\n"
            "    except OSError as e: raise self.retry(exc=e)\n",
            n,
        ),
    ),
    "a chain of functions": (
        60,
        lambda n: each("def f#(): f#1()\n", n) + "@app.task\ndef t(): f0()\n",
    ),
    "a chain of classes": (
        40,
        lambda n: (
            "class C0(Task): pass\n"
            + "".join(f"class C{i + 1}(C{i}):\n    def run(self): pass\n" for i in range(n))
            + f"@app.task(base=C{n - 1})\ndef t(): pass\n"
        ),
    ),
    "a chain of exceptions": (
        40,
        lambda n: (
            "class C0(Exception): pass\n"
            + "".join(
                f"class C{i + 1}(C{i}):\n    def __init__(self, a): super().__init__()\n" for i in range(n)
            )
            + each("@app.task\ndef t#(): raise C#(1)\n", n)
        ),
    ),
    "a chain of results": (
        40,
        lambda n: (
            "def b0(): return 1\n"
            + "".join(f"def b{i + 1}(): return b{i}() or b{i}()\n" for i in range(n))
            + f"@app.task(time_limit=b{n}())\ndef t(): b{n}().delay()\n"
        ),
    ),
    "a chain of sums": (
        6,
        lambda n: (
            "a0 = 5\n"
            + "".join(f"a{i + 1} = a{i} + a{i}\n" for i in range(n))
            + f"@app.task(time_limit=a{n}, name=a{n})\ndef t(): pass\n"
        ),
    ),
    "a line of its own": (200, lambda n: "def f():\n    " + "requests.get('é'); " * n + "\n"),
    "statements of one function": (
        150,
        lambda n: "@app.task\ndef t():\n" + "    try: x()\n    except Exception as e: logger.error(e)\n" * n,
    ),
    "calls of one task": (
        60,
        lambda n: "@app.task\ndef t():\n" + each("    f#()\n", n) + each("def f#(): asyncio.run(go())\n", n),
    ),
    "registries": (
        60,
        lambda n: (
            "@app.task\ndef t(execution_id): pass\n"
            + each("R# = {'k': t}\ndef d#(key): R#[key].delay(execution_id=1)\n", n)
        ),
    ),
    "wrappers": (
        60,
        lambda n: each(
            "def w#(**k):\n    def d(f): return app.task(**k)(f)\n    return d\n"
            "@w#()\ndef t#(): requests.get('x')\n",
            n,
        ),
    ),
    "loops of one helper": (
        60,
        lambda n: (
            "def f(c): asyncio.run(c)\nasync def go():\n    async with engine.connect(): pass\n"
            + each("@app.task\ndef t#(): f(go())\n", n)
        ),
    ),
    "engines": (
        40,
        lambda n: each(
            "e# = create_async_engine('x')\nasync def go#():\n    async with e#.connect(): pass\n"
            "@app.task\ndef t#(): asyncio.run(go#())\n",
            n,
        ),
    ),
}


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize("name", PROGRAMS)
def test_programs(name: str) -> None:
    size, text = PROGRAMS[name]

    def work(n: int) -> Callable[[], object]:
        program = HEAD + text(n)

        def check() -> None:
            report = engine.check_text(None, program, ALL)
            assert not report.unparsed
            assert not report.failed

        return check

    assert_grows_with_the_text(work, size)


def test_a_function_that_no_hand_has_written() -> None:
    """Its statements are left out, however many; those of its neighbours are not."""
    long = "@app.task\ndef t():\n" + "    try: x()\n    except Exception: requests.get('x')\n" * 3_000
    report = engine.check_text(None, HEAD + long + "@app.task\ndef u(): requests.get('y')\n", ALL)
    lines = {found.line for found in report.diagnostics if found.code == "CEL526"}
    assert lines == {HEAD.count("\n") + 6_000 + 4}


@pytest.mark.parametrize("size, read_all", [(LARGEST, True), (LARGEST + 1, False)])
def test_a_file_of_data(size: int, read_all: bool, tmp_path: Path) -> None:
    """A file above the bound is told like one that cannot be parsed, from disk and from an editor."""
    program = "from celery import shared_task\n@shared_task\nasync def t(): ...\n"
    text = program + "#" * (size - len(program))
    path = tmp_path / "data.py"
    path.write_text(text)
    (tmp_path / "pyproject.toml").write_text("[tool.celery-lint]\nroot = true\n")
    for report in (engine.check_paths([str(path)], ALL), engine.check_text(str(path), text, ALL)):
        expected = [] if read_all else ["cannot be read: is larger than 5 MB"]
        assert [entry.message for entry in report.unparsed] == expected
        assert bool(report.diagnostics) is read_all
