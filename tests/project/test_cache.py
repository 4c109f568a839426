"""What is kept between runs: it must never change what is said, whatever has become of it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from celery_lint import engine
from celery_lint.engine import building
from celery_lint.files import cache
from tests.processes import HANGS
from tests.project import samples


@pytest.fixture
def project(tmp_path: Path) -> Path:
    return samples.write(tmp_path / "project")


def check(project: Path, **overrides: object) -> list[tuple[str, int, int, str, str]]:
    """What a fresh process would say."""
    report = engine.check_paths([str(project)], None, overrides=overrides)
    return [
        (os.path.relpath(found.path, project), found.line, found.column, found.code, found.message)
        for found in report.diagnostics
    ] + [
        (os.path.relpath(entry.path, project), entry.line, 0, "", entry.message) for entry in report.unparsed
    ]


def agree(project: Path) -> list[tuple[str, int, int, str, str]]:
    """What the cache says, which must be what a run without it says."""
    cached = check(project)
    assert cached == check(project, cache=False)
    return cached


def settle(project: Path) -> None:
    """Run until the cache may trust the times of everything."""
    check(project)
    samples.age(project)
    check(project)


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What was linked again."""
    linked: list[str] = []
    original = building.linked

    def counting(*arguments: object) -> object:
        linked.append("")
        return original(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(building, "linked", counting)
    return linked


def test_the_folder_has_manners(project: Path) -> None:
    check(project)
    folder = project / cache.FOLDER
    assert sorted(os.listdir(folder)) == [".gitignore", "CACHEDIR.TAG", "facts.json", "lock", "manifest.json"]
    assert (folder / ".gitignore").read_text() == "*\n"
    assert (folder / "CACHEDIR.TAG").read_text().startswith("Signature: 8a477f597d28d172789f06886806bc55")


def test_a_run_without_changes_reads_nothing(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settle(project)
    before = check(project)

    def forbidden(*arguments: object) -> None:
        raise AssertionError(arguments)

    for name in ("celery_lint.source.read", "celery_lint.files.library.read"):
        monkeypatch.setattr(name, forbidden)
    monkeypatch.setattr(engine.Workspace, "_made", forbidden)
    assert check(project) == before != []


def test_no_cache_writes_nothing(project: Path) -> None:
    check(project, cache=False)
    assert not (project / cache.FOLDER).exists()


def rewrite(name: str, old: str, new: str) -> Callable[[Path], None]:
    def go(project: Path) -> None:
        path = project / name
        text = path.read_text(encoding="utf-8")
        assert old in text
        path.write_text(text.replace(old, new), encoding="utf-8")

    return go


def add(name: str, text: str) -> Callable[[Path], None]:
    def go(project: Path) -> None:
        (project / name).parent.mkdir(exist_ok=True)
        (project / name).write_text(text, encoding="utf-8")

    return go


TASK = "from celery import shared_task\n\n\n@shared_task(time_limit=1)\nasync def extra():\n    ...\n"
EDITS: dict[str, Callable[[Path], None]] = {
    "nothing": lambda project: None,
    "touch": lambda project: (project / "app/mail.py").touch(),
    "comment": rewrite("app/mail.py", "    run(send())", "    run(send())  # now"),
    "shift": rewrite("app/mail.py", "async def send", "# one more line\nasync def send"),
    "noqa": rewrite("app/mail.py", "async def never():", "async def never():  # noqa: CEL111"),
    "mended": rewrite("app/mail.py", "async def never", "def never"),
    "helper mended": rewrite("app/loops.py", "asyncio.run(coroutine)", "coroutine"),
    "helper shifted": rewrite("app/loops.py", "import asyncio", "# more\nimport asyncio"),
    "helper renamed": rewrite("app/loops.py", "def run", "def start"),
    "another pool": rewrite("Procfile", "gevent", "prefork"),
    "no pool": lambda project: (project / "Procfile").unlink(),
    "new file": add("app/extra.py", TASK),
    "new folder": add("app/jobs/extra.py", TASK),
    "new broken file": add("app/extra.py", "from celery import ("),
    "broken": rewrite("app/mail.py", "def deliver", "def (deliver"),
    "removed": lambda project: (project / "app/mail.py").unlink(),
    "helper removed": lambda project: (project / "app/loops.py").unlink(),
    "moved": lambda project: (project / "app/mail.py").rename(project / "app/post.py"),
    "quiet speaks": rewrite("app/quiet.py", "async def nobody", TASK + "\n\nasync def nobody"),
    "same size": rewrite("app/mail.py", "async def never", "def      never "),
}


@pytest.mark.parametrize("edit", EDITS)
def test_after_a_change_all_is_as_without_a_cache(project: Path, edit: str) -> None:
    settle(project)
    EDITS[edit](project)
    first = agree(project)
    assert check(project) == first
    samples.age(project)
    assert agree(project) == first


@pytest.mark.parametrize("edit", EDITS)
def test_a_change_and_back(project: Path, edit: str) -> None:
    settle(project)
    before = check(project)
    EDITS[edit](project)
    agree(project)
    for name in ("app/extra.py", "app/jobs/extra.py", "app/post.py"):
        (project / name).unlink(missing_ok=True)
    samples.write(project)
    assert agree(project) == before


@pytest.mark.parametrize(
    "edit, linked", [("touch", False), ("comment", False), ("shift", True), ("mended", True)]
)
def test_what_says_the_same_is_not_linked_again(
    project: Path, counted: list[str], edit: str, linked: bool
) -> None:
    settle(project)
    counted.clear()
    EDITS[edit](project)
    check(project)
    assert bool(counted) is linked


def test_an_edit_within_the_tick_of_a_clock_is_seen(project: Path) -> None:
    path = project / "app/mail.py"
    now = time.time()
    os.utime(path, (now, now))
    check(project)
    text = path.read_text()
    path.write_text(text.replace("async def never", "def      never "))
    os.utime(path, (now, now))  # same size, same time, same inode
    agree(project)


DAMAGE = {
    "empty": b"",
    "half": None,
    "no json": b"\xff\xfe{",
    "other shape": b"{}",
    "a list": b"[1, 2, 3]",
    "deep": b"[" * 200_000,
    "null": b"null",
}


@pytest.mark.parametrize("name", ["manifest.json", "facts.json"])
@pytest.mark.parametrize("damage", DAMAGE)
def test_a_damaged_cache_is_an_empty_one(project: Path, name: str, damage: str) -> None:
    settle(project)
    expected = check(project)
    path = project / cache.FOLDER / name
    data = DAMAGE[damage]
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2] if data is None else data)
    assert check(project) == expected
    EDITS["shift"](project)
    agree(project)


def test_every_value_of_the_manifest_may_be_wrong(project: Path) -> None:
    settle(project)
    expected = check(project)
    path = project / cache.FOLDER / "manifest.json"
    rows = json.loads(path.read_text())
    for index in range(2, len(rows)):
        for wrong in (None, 7, "x", [None], [[1]], {"a": []}):
            path.write_text(json.dumps([*rows[:index], wrong, *rows[index + 1 :]]))
            assert sorted(check(project)) == sorted(expected) or index == len(rows) - 1


def test_facts_of_another_run_do_not_count(project: Path) -> None:
    settle(project)
    facts = project / cache.FOLDER / "facts.json"
    facts.write_text(facts.read_text().replace("CEL", "LEC").replace(facts.read_text()[:8], "00000000", 1))
    EDITS["shift"](project)
    agree(project)


def test_options_that_change_the_findings(project: Path) -> None:
    gevent = check(project)
    prefork = check(project, pool="prefork")
    assert gevent != prefork
    assert check(project) == gevent


def test_a_folder_of_ones_own(project: Path, tmp_path: Path) -> None:
    check(project, cache_dir=str(tmp_path / "elsewhere"))
    assert (tmp_path / "elsewhere/manifest.json").exists()
    assert not (project / cache.FOLDER).exists()


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write anywhere")
def test_a_workspace_that_may_not_be_written_to(
    project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "user"))
    project.chmod(0o555)
    try:
        agree(project)
        assert list((tmp_path / "user").rglob("manifest.json"))
    finally:
        project.chmod(0o755)


def test_a_file_where_the_folder_should_be(
    project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "user"))
    (project / cache.FOLDER).write_text("")
    first = agree(project)
    assert list((tmp_path / "user").rglob("manifest.json"))
    assert check(project) == first


def test_no_folder_anywhere(project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "user").write_text("")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "user"))
    (project / cache.FOLDER).write_text("")
    agree(project)


def test_many_processes_at_once(project: Path) -> None:
    command = [sys.executable, "-m", "celery_lint", "check", "--output-format", "concise", str(project)]
    for _ in range(2):
        processes = [
            subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) for _ in range(6)
        ]
        outputs = {process.communicate(timeout=HANGS)[0] for process in processes}
        assert len(outputs) == 1
        assert b"CEL110" in outputs.pop()
        EDITS["shift"](project)


def test_somebody_elses_files_stay(project: Path) -> None:
    check(project)
    keep = project / cache.FOLDER / "keep.txt"
    keep.write_text("mine")
    engine.clean(str(project))
    assert os.listdir(project / cache.FOLDER) == ["keep.txt"]


RELAYING = {
    "shop/__init__.py": "",
    "shop/celery.py": "from celery import Celery\n\napp = Celery('shop')\napp.conf.task_time_limit = 60\n",
    "shop/database.py": (
        "from sqlalchemy.ext.asyncio import async_sessionmaker, create_async_engine\n\n"
        "engine = create_async_engine('postgresql+asyncpg://localhost/shop')\n"
        "Session = async_sessionmaker(engine)\n"
    ),
    "shop/rows.py": (
        "from shop.database import Session\n\n\nasync def fetch(pk):\n"
        "    async with Session() as session:\n        return await session.get(dict, pk)\n"
    ),
    "shop/service.py": "async def load(pk):\n    return pk\n",
    "shop/tasks.py": (
        "import asyncio\n\nfrom shop import service\nfrom shop.celery import app\n\n\n"
        "@app.task\ndef refresh(pk):\n    return asyncio.run(service.load(pk))\n"
    ),
    "Procfile": "worker: celery -A shop worker\n",
}


def test_a_file_that_was_not_worth_reading_becomes_so(tmp_path: Path) -> None:
    """A task's coroutine has led to it all the time; now it leads on to the engine."""
    for name, text in RELAYING.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    (tmp_path / "pyproject.toml").write_text("[tool.celery-lint]\nroot = true\n")
    settle(tmp_path)
    assert agree(tmp_path) == []
    text = "from shop import rows\n\n\nasync def load(pk):\n    return await rows.fetch(pk)\n"
    (tmp_path / "shop/service.py").write_text(text)
    assert [found[3] for found in agree(tmp_path)] == ["CEL110"]
    (tmp_path / "shop/service.py").write_text(RELAYING["shop/service.py"])
    assert agree(tmp_path) == []
