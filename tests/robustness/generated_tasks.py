"""Modules of Celery tasks that nobody would write, made of every name that a rule asks for.

A search goes wrong on what its author has not thought of: a task that is a stub, a parameter or an option
of a known name with an unknown value, a statement without a value. :func:`text` makes one module out of
such parts; the same seed gives the same module.
"""

from __future__ import annotations

import keyword
from collections.abc import Callable
from random import Random

from celery_lint.options import Configuration
from tests import asked_names

_OPTIONS = """
    acks_late acks_on_failure_or_timeout after_return autoretry_for base bind countdown default_retry_delay
    dont_autoretry_for expires ignore_result link max_retries name on_failure queue rate_limit
    reject_on_worker_lost retry_backoff retry_backoff_max retry_jitter retry_kwargs serializer
    soft_time_limit store_errors_even_if_ignored throws time_limit track_started typing
"""
OPTIONS = tuple(_OPTIONS.split())
_PARAMETERS = "self task cls session db engine loop request args kwargs exc einfo lock client timeout"
PARAMETERS = (*_PARAMETERS.split(), *Configuration().tracking_parameters)
_VALUES = """
    None True False 0 1 -1 0.5 1e999 -1e999 1j "" "x" b"" ... [] () {} {1} (Exception,) Exception
    nobody nobody.nothing nobody() lambda:0 f'{nobody}' -nobody {**nobody} [*nobody] t0 app
"""
VALUES = (
    *_VALUES.split(),
    "0x" + "f" * 5000,
    "timedelta(days=1e9)",
    "timedelta(seconds=nobody)",
    "not nobody",
    "A + A",
    "'a' if nobody else 1",
    "{'a': 1, **nobody}",
    "[x for x in nobody]",
    "(yield)",
)
STUBS = (
    "pass",
    "...",
    '"""Doc."""',
    '"""Doc."""\n    pass',
    "# TODO\n    pass",
    "raise NotImplementedError",
    "raise NotImplementedError()",
    "raise",
    "return",
    "return None",
    "yield",
    "global x",
    "import nothing",
    "assert 0",
    "del x",
    "x: int",
    "x = y = 0",
    "x += 1",
    "def inner(): pass",
    "class Inner: pass",
    "lambda: 0",
    "while True: pass",
    "for x in (): pass\n    else: pass",
    "with nobody: pass",
    "with nobody as (a, b): pass",
    "try: pass\n    finally: pass",
    "try: pass\n    except: pass",
    "try: pass\n    except Exception as e: raise\n    else: pass\n    finally: return",
    "if x: pass",
    "if x:\n        return\n    else:\n        raise x",
    "match x:\n        case _: pass",
)


def text(seed: int) -> str:
    """One module: imports, an application, settings, some tasks, a registry and who dispatches from it."""
    return _Writer(Random(seed)).module()


class _Writer:
    def __init__(self, random: Random) -> None:
        self.random = random
        self.one = random.choice
        self.asked = asked_names.names()

    def module(self) -> str:
        tops = asked_names.packages()
        names = [f"t{number}" for number in range(self.random.randint(1, 4))]
        parts = [
            "import asyncio, celery, logging, time",
            "from datetime import timedelta",
            "from celery import Celery, Task, shared_task",
            *(f"import {name}" for name in self.random.sample(tops, min(6, len(tops)))),
            f"app = Celery({self.one(('', repr('a'), self.value()))})",
            "A = 1",
            *(f"app.conf.{name} = {self.value()}" for name in self.some(3, self.leaf)),
            *(self.task(name) for name in names),
        ]
        if self.random.random() < 0.4:
            entries = ", ".join(f"{self.one((repr(name), '1', 'A'))}: {name}" for name in names)
            parts.append(f"TASKS = {{{entries}}}")
            parts.append(f"def dispatch(key, {self.one(PARAMETERS)}=None, *a, **k):")
            parts.append(f"    {self.one(('TASKS[key].delay(*a, **k)', 'return TASKS.get(key)', 'pass'))}")
        return "\n".join(parts) + "\n"

    def leaf(self) -> str:
        return self.one((self.one(OPTIONS), self.one(self.asked).rpartition(".")[2]))

    def value(self) -> str:
        return self.one(VALUES)

    def some(self, most: int, of: Callable[[], str]) -> list[str]:
        """Names that may stand in a program, each once."""
        found = dict.fromkeys(of() for _ in range(self.random.randint(0, most)))
        return [name for name in found if name.isidentifier() and not keyword.iskeyword(name)]

    def options(self) -> str:
        names = self.some(4, self.leaf)
        texts = [f"{name}={self.value()}" for name in names]
        if self.random.random() < 0.3 and "bind" not in names:
            texts.append("bind=True")
        if self.random.random() < 0.1:
            texts.append("**nobody")
        return ", ".join(texts)

    def parameters(self) -> str:
        names = self.some(4, lambda: self.one((self.one(PARAMETERS), self.leaf())))
        required = self.random.randint(0, len(names))
        texts = []
        for number, name in enumerate(names):
            annotation = self.one(("", "", ": int", ": 'Session'", ": AsyncSession | None"))
            texts.append(f"{name}{annotation}{'' if number < required else '=None'}")
        if texts and self.random.random() < 0.2:
            texts.insert(self.random.randint(1, len(texts)), "/")
        elif texts and self.random.random() < 0.2:
            texts.insert(self.random.randrange(len(texts)), "*")
        return ", ".join([*texts, *self.one(((), (), ("**more",)))])

    def body(self) -> str:
        lines = [self.one((self.one(STUBS), self.call())) for _ in range(self.one((1, 1, 1, 2, 3)))]
        return "\n    ".join(lines)

    def call(self) -> str:
        name = self.one(self.asked)
        chain = self.one((name, f"self.{name}", f"x.{name}", f"{self.one(PARAMETERS)}.{name}", f"t0.{name}"))
        if any(keyword.iskeyword(part) for part in chain.split(".")):
            return "pass"
        choices = (0, 0, 1, 1, 2)
        given = [self.one((self.value(), self.one(PARAMETERS), "*x")) for _ in range(self.one(choices))]
        given += [f"{key}={self.value()}" for key in self.some(2, self.leaf)]
        made = f"{chain}({', '.join(given)})"
        return self.one(
            (
                made,
                f"x = {made}",
                f"return {made}",
                f"raise {made}",
                f"with {made} as x: pass",
                f"try: {made}\n    except {self.one(('', 'Exception', 'nobody as e', '(A, B)'))}: pass",
                f"if {made}: {made}",
                f"{made}.x = {made}",
                f"x = [{made} for _ in x]",
                f"asyncio.run({made})",
                f"await {made}",
                f"async with {made}: pass",
            )
        )

    def task(self, name: str) -> str:
        body = self.body()
        waits = "await " in body or "async with" in body
        head = "async def" if waits or self.random.random() < 0.15 else "def"
        form = self.random.random()
        if form < 0.15:
            attribute = next(iter(self.some(3, self.leaf)), "name")
            deeper = body.replace("\n", "\n    ")
            return (
                f"class {name}(Task):\n    {attribute} = {self.value()}\n"
                f"    {head} run({self.parameters()}):\n        {deeper}\n"
                f"app.register_task({name}())"
            )
        function = f"{head} {name}({self.parameters()}):\n    {body}"
        if form < 0.25:
            return f"{function}\n{name} = app.task({name}, {self.options()})"
        decorator = self.one(
            (
                "@shared_task",
                f"@shared_task({self.options()})",
                f"@app.task({self.options()})",
                "@app.task",
                f"@celery.{self.one(('task', 'shared_task', 'nothing'))}",
                "@nobody\n@app.task",
                "@app.task\n@nobody(1)",
            )
        )
        return f"{decorator}\n{function}"
