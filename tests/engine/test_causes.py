"""One cause, one diagnostic: which of its places is told, and what comments and options do to it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from celery_lint import engine
from celery_lint.diagnostics import Diagnostic, Report
from tests import samples

OPTIONS = '[tool.celery-lint]\nroot = true\npool = ["prefork"]\n'
HEAD = "import asyncio\n\nfrom celery import shared_task\n\nfrom shop.database import load\n\n\n"
RUN = "@shared_task\ndef {name}(pk):\n    return asyncio.run(load(pk)){comment}\n"
FILES = {
    "pyproject.toml": OPTIONS,
    "shop/__init__.py": "",
    "shop/database.py": (
        "from sqlalchemy.ext.asyncio import create_async_engine\n\n"
        'engine = create_async_engine("postgresql+asyncpg://localhost/shop")\n\n\n'
        "async def load(pk):\n    async with engine.connect() as connection:\n        return connection\n"
    ),
    **{f"shop/{name}.py": HEAD + RUN.format(name=name, comment="") for name in "abc"},
}
OWN = "  # celery-lint: ignore[CEL110] -- runs once"
LINE = 10


def run(folder: Path, files: Mapping[str, str] = {}, **overrides: object) -> Report:
    samples.write(folder, {**FILES, **files})
    overrides = {"cache": False, "select": ["CEL110", "CEL002"], **overrides}
    report = engine.check_paths([str(folder)], None, overrides=overrides)
    by_file = [
        found
        for name in ("a", "b", "c")
        for found in engine.check_paths(
            [str(folder / f"shop/{name}.py")], None, overrides=overrides
        ).diagnostics
    ]
    assert by_file == report.diagnostics, "one file at a time, the same is told"
    return report


def told(report: Report, folder: Path) -> list[tuple[str, int, str]]:
    return [(found.path.removeprefix(f"{folder}/"), found.line, found.code) for found in report.diagnostics]


def others(found: Diagnostic) -> list[str]:
    return [Path(place.path).name for place in found.related if place.message == "the same here"]


def with_comment(*names: str, comment: str = OWN) -> dict[str, str]:
    return {f"shop/{name}.py": HEAD + RUN.format(name=name, comment=comment) for name in names}


def test_the_first_is_told_with_the_others(tmp_path: Path) -> None:
    report = run(tmp_path)
    assert told(report, tmp_path) == [("shop/a.py", LINE, "CEL110")]
    (found,) = report.diagnostics
    assert others(found) == ["b.py", "c.py"]
    assert found.help.endswith("; 2 more places have the same cause")
    assert "more" not in found.message, "a baseline knows diagnostics by their message"


def test_those_that_are_sent_come_first(tmp_path: Path) -> None:
    report = run(tmp_path, {"shop/views.py": "from shop.c import c\n\n\ndef view(pk):\n    c.delay(pk)\n"})
    assert told(report, tmp_path) == [("shop/c.py", LINE, "CEL110")]


@pytest.mark.parametrize("comment", [OWN, "  # noqa: CEL110"])
def test_a_comment_where_it_is_told_answers_for_the_cause(tmp_path: Path, comment: str) -> None:
    assert told(run(tmp_path, with_comment("a", comment=comment)), tmp_path) == []


@pytest.mark.parametrize("comment", [OWN, "  # noqa: CEL110"])
def test_a_comment_elsewhere_takes_one_place_away_and_is_used(tmp_path: Path, comment: str) -> None:
    report = run(tmp_path, with_comment("b", comment=comment))
    assert told(report, tmp_path) == [("shop/a.py", LINE, "CEL110")]
    (found,) = report.diagnostics
    assert others(found) == ["c.py"]
    assert found.help.endswith("; 1 more place has the same cause")


@pytest.mark.parametrize("line", ["# celery-lint: ignore-file[CEL110] -- old", "# flake8: noqa"])
def test_a_file_that_is_silenced_as_a_whole_has_no_part_in_it(tmp_path: Path, line: str) -> None:
    report = run(tmp_path, {"shop/a.py": f"{line}\n{FILES['shop/a.py']}"})
    assert told(report, tmp_path) == [("shop/b.py", LINE, "CEL110")]
    assert others(report.diagnostics[0]) == ["c.py"]


@pytest.mark.parametrize(
    "options", [{"exclude": ["shop/a.py"]}, {"per-file-ignores": {"shop/a.py": ["CEL110"]}}], ids=str
)
def test_a_file_that_the_options_leave_out_has_no_part_in_it(
    tmp_path: Path, options: dict[str, object]
) -> None:
    report = run(tmp_path, **options)
    assert told(report, tmp_path) == [("shop/b.py", LINE, "CEL110")]
    assert others(report.diagnostics[0]) == ["c.py"]


def test_the_only_place_says_nothing_of_others(tmp_path: Path) -> None:
    report = run(tmp_path, {"shop/b.py": "", "shop/c.py": ""})
    (found,) = report.diagnostics
    assert others(found) == []
    assert "cause" not in found.help


def test_the_others_are_counted_and_some_of_them_named(tmp_path: Path) -> None:
    many = {"shop/a.py": HEAD + "\n\n".join(RUN.format(name=f"task_{n}", comment="") for n in range(40))}
    (found,) = run(tmp_path, many).diagnostics
    assert found.help.endswith("; 41 more places have the same cause")
    assert len(others(found)) == 20


def test_it_is_the_same_from_the_cache(tmp_path: Path) -> None:
    samples.write(tmp_path, FILES)
    options = {"select": ["CEL110"], "cache-dir": str(tmp_path / "cache")}
    first = engine.check_paths([str(tmp_path)], None, overrides=options)
    assert told(first, tmp_path) == [("shop/a.py", LINE, "CEL110")]
    assert engine.check_paths([str(tmp_path)], None, overrides=options) == first
    (tmp_path / "shop/a.py").write_text("")
    assert told(engine.check_paths([str(tmp_path)], None, overrides=options), tmp_path) == [
        ("shop/b.py", LINE, "CEL110")
    ]


def test_a_wait_names_a_task_that_is_sent(tmp_path: Path) -> None:
    head = "import requests\n\nfrom celery import shared_task\n\n\n"
    files = {
        "shop/__init__.py": "",
        "shop/client.py": "import requests\n\n\ndef fetch(url):\n    return requests.get(url)\n",
        **{
            f"shop/{name}.py": head.replace("import requests", "from shop.client import fetch")
            + f"@shared_task\ndef {name}(url):\n    return fetch(url)\n"
            for name in "abc"
        },
        "shop/views.py": "from shop.c import c\n\n\ndef view(url):\n    c.delay(url)\n",
    }
    samples.write(tmp_path, {"pyproject.toml": OPTIONS, **files})
    overrides = {"cache": False, "select": ["CEL526"]}
    (found,) = engine.check_paths([str(tmp_path)], None, overrides=overrides).diagnostics
    assert "task `c`" in found.message
    assert [place.message for place in found.related] == ["reached from task `c`"]


def test_a_helper_names_the_tasks_whose_coroutine_uses_it(tmp_path: Path) -> None:
    """Many tasks run their coroutines by one helper, and one of them uses the client."""
    files = {
        "shop/__init__.py": "",
        "shop/running.py": (
            "import asyncio\n\n\ndef run(coroutine):\n    loop = asyncio.new_event_loop()\n"
            "    return loop.run_until_complete(coroutine)\n"
        ),
        "shop/base.py": (
            "import asyncio\n\nfrom celery import Task\n\n\nclass Base(Task):\n    def run(self, pk):\n"
            "        return self.drive(pk)\n\n    def drive(self, pk):\n"
            "        return asyncio.new_event_loop().run_until_complete(self.work(pk))\n"
        ),
        "shop/client.py": "import httpx\n\nclient = httpx.AsyncClient()\nother = httpx.AsyncClient()\n",
        "shop/tasks.py": (
            "from celery import shared_task\n\nfrom shop.base import Base\nfrom shop.client import client\n"
            "from shop.client import other\nfrom shop.celery import app\nfrom shop.running import run\n\n\n"
            "async def get(pk):\n    return await client.get(pk)\n\n\n"
            "async def add(pk):\n    return pk + 1\n\n\n"
            "@shared_task\ndef a(pk):\n    return run(add(pk))\n\n\n"
            "@shared_task\ndef b(pk):\n    return run(get(pk))\n\n\n"
            "class C(Base):\n    async def work(self, pk):\n        return pk + 1\n\n\n"
            "class D(Base):\n    async def work(self, pk):\n        return await other.get(pk)\n\n\n"
            "c = app.register_task(C())\nd = app.register_task(D())\n"
        ),
        "shop/celery.py": 'from celery import Celery\n\napp = Celery("shop")\n',
    }
    samples.write(tmp_path, {"pyproject.toml": OPTIONS, **files})
    overrides = {"cache": False, "select": ["CEL217"]}
    found = engine.check_paths([str(tmp_path)], None, overrides=overrides).diagnostics
    assert [each.related[-1].message for each in found] == [
        "reached from task `b`",
        "reached from task `D`",
    ]
