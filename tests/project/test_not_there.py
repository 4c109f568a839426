"""Attributes and names that seem not to be there: what may be there, wherever it is set, does not count."""

from __future__ import annotations

from pathlib import Path

import pytest

from celery_lint import engine
from celery_lint.options import Configuration

TASKS = """import requests
from celery import Celery
{imported}

app = Celery("shop", broker="redis://localhost:6379/0")


@app.task
def bill(order):
    {statement}
    requests.get(order)
"""
KINDS = """import contextlib
import enum


class Kind(enum.Enum):
    ONE = 1
{more}
"""
MODEL = """from pydantic_settings import BaseSettings


class Settings(BaseSettings):
    PORT: int = 1
{more}

settings = Settings()
"""
PLAIN = """from dataclasses import dataclass


{decorator}
class Settings:
    PORT: int = 1
{more}

settings = Settings()
"""
FLAGS = """import enum

from celery import shared_task


@shared_task
def other():
    pass


class Right(enum.{base}):
    READ = 1
    WRITE = 2
"""
CALLED = """class Mails:
    def __class_getitem__(cls, key):
        return key

    def __init_subclass__(cls, kind="x"):
        pass

    def send(self, text):
        return text


"""


def reached(folder: Path, imported: str, statement: str, **files: str) -> bool:
    """Whether the task comes to its request."""
    text = TASKS.format(imported=imported, statement=statement)
    for name, content in {"tasks": text, **files}.items():
        (folder / f"{name}.py").write_text(content, encoding="utf-8")
    (folder / "pyproject.toml").write_text("[tool.celery-lint]\nroot = true\n", encoding="utf-8")
    found = engine.check_paths([str(folder)], Configuration(select=("CEL526",), cache=False))
    return bool(found.diagnostics)


@pytest.mark.parametrize(
    "more",
    [
        "    TWO, *LOST = 2, 3",
        "    for LOST in (2,):\n        pass",
        "    with contextlib.nullcontext(2) as LOST:\n        pass",
        "    from math import pi as LOST",
        "    match 2:\n        case LOST:\n            pass",
        "\ndef fill(kind):\n    kind.LOST = 2\n\nfill(Kind)",
        "\nfor Kind in [Kind]:\n    pass",
    ],
)
def test_members_that_a_class_binds_in_other_ways(tmp_path: Path, more: str) -> None:
    kinds = KINDS.format(more=more)
    assert reached(tmp_path, "from kinds import Kind", "kind = Kind.LOST", kinds=kinds)


def test_a_member_that_is_not_there(tmp_path: Path) -> None:
    kinds = KINDS.format(more="")
    assert not reached(tmp_path, "from kinds import Kind", "kind = Kind.LOST", kinds=kinds)


def test_a_member_that_a_file_sets_that_says_nothing_of_celery(tmp_path: Path) -> None:
    kinds, more = KINDS.format(more=""), "import kinds\n\nkinds.Kind.LOST = 2\n"
    assert reached(tmp_path, "from kinds import Kind", "kind = Kind.LOST", kinds=kinds, patches=more)


@pytest.mark.parametrize(
    "more",
    [
        '    __slots__ = ("HOST",)',
        "    def __init__(self):\n        object.__setattr__(self, 'HOST', 1)",
        "    def load(self):\n        self.__dict__.update(HOST=1)",
        "    def load(self):\n        known = self.__dict__\n        known['HOST'] = 1",
        "    def load(self):\n        vars(self)['HOST'] = 1",
        "    def load(self, name):\n        setattr(type(self), name, 1)",
        "    def load(self, name):\n        super().__setattr__(name, 1)",
        "    def __setattr__(self, name, value):\n        pass",
        "    def model_post_init(self, context):\n        fill(self)",
        "    @classmethod\n    def __pydantic_init_subclass__(cls):\n        fill(cls)",
        "\ndef fill(given):\n    given.HOST = 1\n\nfill(Settings)",
    ],
)
def test_fields_that_a_model_may_have(tmp_path: Path, more: str) -> None:
    model = MODEL.format(more=more)
    assert reached(tmp_path, "from config import settings", "host = settings.HOST", config=model)


@pytest.mark.parametrize("more", ["", "    def url(self):\n        return str(self.PORT)"])
def test_a_field_that_a_model_has_not(tmp_path: Path, more: str) -> None:
    model = MODEL.format(more=more)
    assert not reached(tmp_path, "from config import settings", "host = settings.HOST", config=model)


def test_an_object_that_a_loop_binds(tmp_path: Path) -> None:
    model = MODEL.format(more="") + "for settings in [object()]:\n    pass\n"
    assert reached(tmp_path, "from config import settings", "host = settings.HOST", config=model)


@pytest.mark.parametrize("decorator", ["", "@dataclass", "@dataclass(frozen=True)"])
@pytest.mark.parametrize("more", ["", "    def __post_init__(self):\n        fill(self)"])
def test_anybody_may_fill_an_object_that_is_no_model(tmp_path: Path, decorator: str, more: str) -> None:
    config = PLAIN.format(decorator=decorator, more=more)
    assert reached(tmp_path, "from config import settings", "host = settings.host", config=config)


@pytest.mark.parametrize("decorator", ["", "@dataclass", "@dataclass(frozen=True)"])
def test_a_constant_that_a_plain_class_has_not(tmp_path: Path, decorator: str) -> None:
    """Who fills an object does so with names in small letters, or says what it sets."""
    config = PLAIN.format(decorator=decorator, more="")
    assert not reached(tmp_path, "from config import settings", "host = settings.HOST", config=config)


@pytest.mark.parametrize("base", ["Flag", "IntFlag"])
@pytest.mark.parametrize("value", [0, 3])
def test_flags_are_combined(tmp_path: Path, base: str, value: int) -> None:
    flags = FLAGS.format(base=base)
    assert reached(tmp_path, "from rights import Right", f"right = Right({value})", rights=flags)


def test_a_value_that_no_member_has(tmp_path: Path) -> None:
    flags = FLAGS.format(base="IntEnum")
    assert not reached(tmp_path, "from rights import Right", "right = Right(3)", rights=flags)


@pytest.mark.parametrize("line", ["config.NAME = 3", 'setattr(config, "NAME", 3)'])
def test_a_name_that_another_file_sets(tmp_path: Path, line: str) -> None:
    boot = f"import config\n\n{line}\n"
    assert reached(tmp_path, "import boot", "from config import NAME", config="PORT = 1\n", boot=boot)


def test_a_name_that_nobody_sets(tmp_path: Path) -> None:
    boot = "import config\n\nprint(config.PORT)\n"
    assert not reached(tmp_path, "import boot", "from config import NAME", config="PORT = 1\n", boot=boot)


@pytest.mark.parametrize("call", ['Mails.__class_getitem__("a")', "Mails.__init_subclass__()"])
def test_methods_that_get_the_class_by_themselves(tmp_path: Path, call: str) -> None:
    assert reached(tmp_path, CALLED, call)
    assert not reached(tmp_path, CALLED, 'Mails.send("a")')
