"""Programs to try: real ones, generated ones, and our own fixtures with something broken in them."""

from __future__ import annotations

import ast
import os
import random
import sysconfig
import textwrap
import warnings
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

from celery_lint.source import NotParsed, Source, read
from scripts.hunt.mutations import mutated
from scripts.hunt.trials import Trial
from tests import fixture_corpus
from tests.robustness import generated_tasks

HEADER = """\
import asyncio
from celery import Celery, shared_task
from sqlalchemy.ext.asyncio import create_async_engine
app = Celery("hunt", broker="redis://localhost")
engine = create_async_engine("postgresql+asyncpg://localhost/hunt")
"""
DECORATORS = (
    "@shared_task",
    "@shared_task",
    "@shared_task(bind=True, autoretry_for=(Exception,), retry_backoff=True, max_retries=3)",
    "@app.task(acks_late=True, soft_time_limit=50, time_limit=60)",
)
IN_A_TASK = """\
@shared_task(bind=True, max_retries=3)
def task(self, execution_id, item=None):
    try:
        pass
{text}
    except Exception as error:
        raise self.retry(exc=error)
    finally:
        asyncio.run(coroutine(item))


async def coroutine(item):
    async with engine.connect() as connection:
        pass
{text}
"""
_EXAMPLES_AT_ONCE = 100


def choice(seed: int, *names: object) -> random.Random:
    """The dice of one trial: those of others do not change them."""
    return random.Random("/".join(map(str, (seed, *names))))


# ------------------------------------------------------------------------------------ real programs


def stdlib(seed: int, count: int) -> Iterator[Trial]:
    """The standard library as it is, but for a comment."""
    folder = Path(sysconfig.get_path("stdlib"))
    return _real("stdlib", folder, seed, count, lambda text, _: f"{text}\n# celery\n")


def stdlib_tasks(seed: int, count: int) -> Iterator[Trial]:
    """The standard library with every function made a task."""
    return _real("stdlib-tasks", Path(sysconfig.get_path("stdlib")), seed, count, with_tasks)


def packages_tasks(seed: int, count: int) -> Iterator[Trial]:
    """The installed packages with every function made a task."""
    return _real("packages-tasks", Path(sysconfig.get_path("purelib")), seed, count, with_tasks)


def _real(
    kind: str, folder: Path, seed: int, count: int, changed: Callable[[str, random.Random], str | None]
) -> Iterator[Trial]:
    files = _files(folder)
    if len(files) > count:
        files = sorted(choice(seed, kind).sample(files, count))
    for name in files:

        def make(name: str = name) -> str | bytes | None:
            data = read(str(folder / name))
            try:
                return changed(Source(name, data).text, choice(seed, kind, name))
            except NotParsed:
                return data

        yield Trial(name, make)


@cache
def _files(folder: Path) -> list[str]:
    """The Python files below a folder, but none of packages that are installed within it."""
    found = []
    for place, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if name != "site-packages"]
        below = Path(place).relative_to(folder)
        found += [(below / name).as_posix() for name in names if name.endswith(".py")]
    return sorted(found)


def with_tasks(text: str, dice: random.Random) -> str | None:
    """The program with every function made a task; None if it cannot be parsed, before or after."""
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    tree = parsed("\n".join(lines))
    if tree is None:
        return None
    insertions = [(_behind_the_futures(tree), HEADER.rstrip())]
    for node in ast.walk(tree):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            line = lines[node.lineno - 1]
            blanks = line[: len(line) - len(line.lstrip())]
            insertions.append((node.lineno - 1, blanks + dice.choice(DECORATORS)))
    for index, line in sorted(insertions, reverse=True):
        lines.insert(index, line)
    changed = "\n".join(lines)
    return changed if parsed(changed) is not None else None


def _behind_the_futures(tree: ast.Module) -> int:
    """The index of the line behind the docstring and the imports from ``__future__``."""
    index = 0
    for statement in tree.body:
        match statement:
            case ast.Expr(value=ast.Constant(value=str())) | ast.ImportFrom(module="__future__"):
                index = statement.end_lineno or 0
            case _:
                break
    return index


def parsed(text: str) -> ast.Module | None:
    """The tree of a program, or None."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


# ------------------------------------------------------------------------------------ generated programs


def grammar(seed: int, count: int) -> Iterator[Trial]:
    """Programs made from Python's grammar."""
    for number in range(count):
        yield Trial(str(number), lambda number=number: _generated(seed, number, count))  # type: ignore[misc]


def grammar_tasks(seed: int, count: int) -> Iterator[Trial]:
    """The same programs inside a task that retries and a coroutine that it runs."""
    for number in range(count):

        def make(number: int = number) -> str:
            return HEADER + IN_A_TASK.replace(
                "{text}", textwrap.indent(_generated(seed, number, count), " " * 8)
            )

        yield Trial(str(number), make)


def _generated(seed: int, number: int, count: int) -> str:
    portion = min(count, _EXAMPLES_AT_ONCE)
    examples = _examples(seed, number // portion, portion)
    return examples[number % len(examples)]


@cache
def _examples(seed: int, portion: int, count: int) -> list[str]:
    """Some programs, half of them from a grammar and half from trees of concrete syntax."""
    import hypothesis
    import hypothesmith

    texts: list[str] = []
    for strategy in (hypothesmith.from_grammar(), hypothesmith.from_node()):

        @hypothesis.seed(choice(seed, "grammar", portion).getrandbits(32))
        @hypothesis.settings(
            max_examples=-(-count // 2),
            database=None,
            deadline=None,
            phases=[hypothesis.Phase.generate],
            suppress_health_check=list(hypothesis.HealthCheck),
        )
        @hypothesis.given(strategy)
        def collect(text: str) -> None:
            texts.append(text)

        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # generated programs are full of what Python warns of
            collect()
    return texts


# ------------------------------------------------------------------------------------ our own fixtures


@cache
def fixtures() -> list[str]:
    """Every program of the fixtures."""
    paths = sorted(fixture_corpus.FOLDER.rglob("*.py"))
    texts = [path.read_bytes().decode("utf-8", "replace").replace("\r\n", "\n") for path in paths]
    return [text for text in texts if parsed(text) is not None]


def mutated_fixtures(seed: int, count: int) -> Iterator[Trial]:
    """Files of the fixtures with something broken in them."""
    for number in range(count):

        def make(number: int = number) -> str:
            dice = choice(seed, "fixtures", number)
            return mutated(dice.choice(fixtures()), dice, fixtures())

        yield Trial(str(number), make)


def stubs(seed: int, count: int) -> Iterator[Trial]:
    """Tasks that nobody would write, made of every name that a rule asks for."""
    for number in range(count):
        first = choice(seed, "stubs").getrandbits(32)
        yield Trial(str(number), lambda number=first + number: generated_tasks.text(number))  # type: ignore[misc]
