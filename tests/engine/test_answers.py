"""What texts of Python files were asked is kept: another text of a file answers the same, or does not."""

from __future__ import annotations

import json
import re
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from celery_lint import engine
from celery_lint.diagnostics import Report
from celery_lint.engine import building, deployment
from celery_lint.engine.edited.answers import answered, same_answers
from celery_lint.files import stamps
from celery_lint.model.commands import Written
from scripts.edits import FIXTURES, TICK

FIRST, SECOND, LAST = "a.py", "b.py", "c.py"
TEXTS = {
    FIRST: b"import work\n\n\nwork.send()\n",
    SECOND: b"def send():\n    pass\n\n\nTABLE = [send]\n",
    LAST: b"send = vars()\n",
}


def _vars(text: bytes) -> frozenset[str]:
    return frozenset(found.decode() for found in re.findall(rb"(\w+) = vars\(", text))


def _sends(text: bytes) -> bool:
    return b".send(" in text


def _is_called(text: bytes, name: str) -> bool:
    return f"{name}()".encode() in text


def kept(ask: Callable[[Written], object]) -> dict[str, dict[str, Any]]:
    """What is kept of these texts after they were asked."""
    written = Written(TEXTS.items)
    ask(written)
    rows: dict[str, dict[str, Any]] = json.loads(json.dumps(answered(written)))
    return rows


def answers(rows: dict[str, dict[str, Any]], path: str, text: bytes, **moved: int) -> dict[str, Any] | None:
    """What a file answers with another text, if that is the same."""
    lines = {int(was.strip("_")): now for was, now in moved.items()}
    return same_answers(path, text, rows.get(path, {}), rows[""], TEXTS, lines)


def test_words() -> None:
    rows = kept(lambda written: list(written.holding("work")))
    assert answers(rows, SECOND, b"def send():\n    return 1\n") is not None
    assert answers(rows, SECOND, b"def send():\n    work()\n") is None
    assert answers(rows, FIRST, b"import works\n") is not None
    assert answers(rows, FIRST, b"import other\n") is None


def test_a_word_of_which_the_first_was_enough() -> None:
    rows = kept(lambda written: next(written.holding("send")))
    assert answers(rows, SECOND, b"") is not None
    assert answers(rows, FIRST, b"import work\n") is None
    rows = kept(lambda written: next(written.holding("TABLE")))
    assert answers(rows, FIRST, b"TABLE = []\n") is None
    assert answers(rows, LAST, b"TABLE = []\n") is not None


def test_lines_of_words() -> None:
    rows = kept(lambda written: written.lines("send"))
    assert answers(rows, SECOND, b"def send():\n    pass\n\nMORE = 1\nTABLE = [send]\n") is not None
    assert answers(rows, SECOND, TEXTS[SECOND] + b"\nsend()\n") is None
    moved = answers(rows, SECOND, b"\n" + TEXTS[SECOND], _1=2, _5=6)
    assert moved is not None
    assert moved["lines"] == {"send": [2, 6]}
    assert answers(rows, SECOND, b"\n" + TEXTS[SECOND], _1=2, _5=5) is None
    assert answers(rows, SECOND, b"\n" + TEXTS[SECOND], _4=7) is None


def test_searches() -> None:
    rows = kept(lambda written: written.found(_vars))
    assert answers(rows, LAST, b"send = vars() or {}\n") is not None
    assert answers(rows, LAST, b"sent = vars()\n") is None
    assert answers(rows, FIRST, b"import other\n") is not None
    assert answers(rows, FIRST, b"other = vars()\n") is None


def test_a_search_of_which_the_first_was_enough() -> None:
    rows = kept(lambda written: written.finds(_sends))
    assert answers(rows, LAST, b"work.send()\n") is not None
    assert answers(rows, FIRST, b"import other\n") is None
    assert answers(rows, FIRST, b"other.send()\n") is not None
    rows = kept(lambda written: written.finds(_vars_of_nobody))
    assert answers(rows, LAST, b"import other\n") is not None
    assert answers(rows, LAST, b"nobody = vars()\n") is None


def _vars_of_nobody(text: bytes) -> bool:
    return "nobody" in _vars(text)


def test_questions() -> None:
    rows = kept(lambda written: (written.ask(FIRST, _is_called, "send"), written.ask(LAST, _is_called, "x")))
    assert answers(rows, FIRST, b"send()\n") is not None
    assert answers(rows, FIRST, b"send(1)\n") is None
    assert answers(rows, LAST, b"x()\n") is None
    assert answers(rows, SECOND, b"x()\n") is not None


def test_all_that_a_file_says() -> None:
    rows = kept(lambda written: written.text(FIRST))
    assert answers(rows, FIRST, TEXTS[FIRST]) is None
    assert answers(rows, SECOND, b"") is not None
    rows = kept(lambda written: written.texts)
    assert answers(rows, SECOND, b"") is None


# ------------------------------------------------------------------ a project

MAILS, VIEWS = "shop/tasks/mails.py", "shop/views.py"


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "user"))
    monkeypatch.setattr(stamps, "RACY_NANOSECONDS", 0)
    shutil.copytree(FIXTURES / "CEL526/passed_by_what_the_application_loads", tmp_path / "project")
    time.sleep(TICK)
    outcome(tmp_path / "project", cache=True)
    return tmp_path / "project"


def outcome(folder: Path, *, cache: bool) -> Report:
    return engine.check_paths([str(folder)], None, overrides={"preset": "all", "cache": cache})


def edited(folder: Path, path: str, change: Callable[[str], str]) -> Report:
    """What a run says after a change."""
    time.sleep(TICK)
    (folder / path).write_text(change((folder / path).read_text(encoding="utf-8")), encoding="utf-8")
    time.sleep(TICK)
    return outcome(folder, cache=True)


def test_an_edit_links_where_the_workspace_is_started_otherwise(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    builds = counted(monkeypatch)
    said = edited(project, VIEWS, lambda text: f"{text}\n\ndef added():\n    return 1\n")
    assert not builds
    # Code that names a folder says that it is not left behind.
    monkeypatch.setattr(deployment, "left_behind", lambda *_: ("shop/old",))
    assert edited(project, VIEWS, lambda text: f"{text}\n\ndef more():\n    return 1\n") == said
    assert len(builds) == 1


def counted(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How often the project is linked from now on."""
    build = building.build
    builds: list[int] = []

    def building_again(*given: Any) -> Any:
        builds.append(1)
        return build(*given)

    monkeypatch.setattr(building, "build", building_again)
    return builds


@pytest.mark.parametrize(
    ("path", "change", "many"),
    [
        (MAILS, lambda text: f"{text}\n\ndef added():\n    return 1\n", 0),
        (MAILS, lambda text: text.replace("import requests", "\nimport requests"), 0),
        (VIEWS, lambda text: f"{text}\n\ndef added():\n    return 1\n", 0),
        (VIEWS, lambda text: f"# concurrent_scrape\n{text}", 1),
        (VIEWS, lambda text: f"{text}\n\ndef added():\n    return 'concurrent_scrape'\n", 1),
        ("shop/words.py", lambda text: f"{text}\n# concurrent_scrape\n", 1),
    ],
)
def test_an_edit_links_only_where_a_file_answers_something_else(
    project: Path,
    monkeypatch: pytest.MonkeyPatch,
    path: str,
    change: Callable[[str], str],
    many: int,
) -> None:
    if not (project / path).exists():
        (project / path).write_text("WORDS = 1\n", encoding="utf-8")
        time.sleep(TICK)
        outcome(project, cache=True)
    builds = counted(monkeypatch)
    for _ in range(2):  # what moves is kept
        said = edited(project, path, change)
        assert len(builds) == many
        assert said == outcome(project, cache=True)
        assert len(builds) == many
        builds.clear()
        assert said == outcome(project, cache=False)
        builds.clear()
