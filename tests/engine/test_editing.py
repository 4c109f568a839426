"""A module in an editor: what is kept from one text to the next saves time, and never shows."""

from __future__ import annotations

from pathlib import Path

import pytest

from celery_lint.configuration import load
from celery_lint.diagnostics import Report
from celery_lint.engine.verdict import Stale
from celery_lint.engine.workspace import Workspace
from celery_lint.inventory.code.bodies import Bodies
from celery_lint.inventory.code.graph import CallGraph
from celery_lint.inventory.code.runners import Runners
from celery_lint.inventory.code.runs import Runs
from celery_lint.inventory.code.sites import Sites
from celery_lint.inventory.retries.calls import RetryCalls
from celery_lint.inventory.tasks.tasks import Tasks
from scripts import buffers

MAIL = "app/mail.py"
TEXT = """\
import asyncio

from app.celery import app
from app.other import helper


async def work(number):
    return number


@app.task
def send(number):
    print(number)
    helper(number)


@app.task
def collect():
    return send.delay(3)
"""
OTHERS = {
    "pyproject.toml": "[tool.celery-lint]\nroot = true\n",
    "Procfile": "worker: celery -A app worker -P gevent\n",
    "app/__init__.py": "",
    "app/celery.py": "from celery import Celery\n\n"
    'app = Celery("app", broker="redis://", include=["app.mail"])\n',
    "app/other.py": "from celery import shared_task\n\n\ndef helper(number):\n    return number\n",
}


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "user"))
    for name, text in {**OTHERS, MAIL: TEXT}.items():
        path = tmp_path / "project" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return tmp_path / "project"


def workspace(project: Path) -> Workspace:
    return Workspace(str(project), load(str(project), {"preset": "all"}), None, {"preset": "all"})


def codes(report: Report) -> list[str]:
    return sorted({found.code for found in report.diagnostics})


def never() -> bool:
    """Somebody always waits: so an editor asks."""
    return False


def agree(kept: Workspace, project: Path, text: str) -> list[str]:
    """What a workspace says that has seen other texts; a new one says the same."""
    report = kept.report_of_text(MAIL, text, True, never)
    assert report == workspace(project).report_of_text(MAIL, text, True)
    return codes(report)


def parts(kept: Workspace) -> dict[object, object]:
    assert kept._editing is not None
    assert kept._editing._known is not None
    return dict(kept._editing._known._parts)


def test_what_is_typed_at_random_is_judged_as_if_seen_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The short form of ``scripts/buffers.py``."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "user"))
    found = list(buffers.differences(120, 7, tmp_path))
    assert not found, "\n".join(line for each in found for line in buffers.told(each))


def test_a_body_that_concerns_nobody_costs_nothing(project: Path) -> None:
    kept = workspace(project)
    agree(kept, project, TEXT.replace("return number", "return number + 1"))
    before = parts(kept)
    agree(kept, project, TEXT.replace("return number", "return number + 2"))
    assert parts(kept) == before


def test_who_only_asked_for_what_stayed_is_kept(project: Path) -> None:
    kept = workspace(project)
    agree(kept, project, TEXT.replace("print(number)", "print(2)"))
    before = parts(kept)
    agree(kept, project, TEXT.replace("print(number)", "print(3)"))
    after = parts(kept)
    assert [part for part in (Tasks, CallGraph, Runs) if after[part] is not before[part]] == []


def test_a_line_that_comes_concerns_nobody_below_it(project: Path) -> None:
    kept = workspace(project)
    agree(kept, project, TEXT.replace("    print(number)", "    print(2)"))
    before = parts(kept)
    agree(kept, project, TEXT.replace("    print(number)", "\n    print(2)"))
    agree(kept, project, TEXT.replace("    print(number)", "    print(2)\n    print(1)\n"))
    after = parts(kept)
    assert [part for part in (Tasks, Runs) if after[part] is not before[part]] == []


RETRIED = TEXT.replace(
    "@app.task\ndef send(number):", "@app.task(bind=True)\ndef send(self, number):"
).replace(
    "    helper(number)\n",
    "    try:\n        helper(number)\n    except OSError as error:\n        raise self.retry(exc=error)\n",
)


def test_statements_that_lead_nowhere_else_concern_only_who_reads_them(project: Path) -> None:
    """Who holds the statements of a function is told apart from who has looked at them."""
    kept = workspace(project)
    agree(kept, project, RETRIED.replace("print(number)", "total = number"))
    before = parts(kept)
    agree(kept, project, RETRIED.replace("print(number)", "total = number\n    total = 2"))
    after = parts(kept)
    assert [part for part in (Bodies, Sites) if after[part] is not before[part]] == []


def test_a_statement_that_stayed_is_the_same_one(project: Path) -> None:
    """Who has kept it compares it with those of the text as it is now."""
    text = TEXT.replace("import asyncio", "import asyncio\nimport time").replace(
        "    return send.delay(3)",
        "    try:\n        for number in (1, 2):\n            time.sleep(number)\n"
        '    except Exception:\n        return "failed"\n    return "sent"',
    )
    kept = workspace(project)
    assert "CEL424" in agree(kept, project, f"{text}\n")
    assert "CEL424" in agree(kept, project, text.replace("time.sleep", "Exception.sleep"))


def test_what_a_part_remembers_is_asked_again(project: Path) -> None:
    kept = workspace(project)
    agree(kept, project, RETRIED.replace("print(number)", "total = number"))
    before = parts(kept)
    agree(kept, project, RETRIED.replace("print(number)", "total = 3"))
    assert parts(kept)[RetryCalls] is before[RetryCalls]
    agree(kept, project, RETRIED.replace("raise self.retry(exc=error)", "self.retry(exc=error)"))
    agree(kept, project, RETRIED.replace("raise self.retry(exc=error)", "raise"))


@pytest.mark.parametrize("value", ["None", "number", "1"])
def test_what_a_call_gives_decides_again_what_runs(project: Path, value: str) -> None:
    text = TEXT.replace(
        "async def work",
        "def wait(number):\n    if number:\n        collect.delay().get()\n\n\nasync def work",
    )
    kept = workspace(project)
    agree(kept, project, text.replace("print(number)", "wait(None)"))
    agree(kept, project, text.replace("print(number)", f"wait({value})"))
    agree(
        kept,
        project,
        text.replace("    if number:", "    number = 1\n    if number:").replace(
            "print(number)", f"wait({value})"
        ),
    )


def test_what_others_conclude_from_a_body_is_concluded_again(project: Path) -> None:
    kept = workspace(project)
    assert "CEL111" not in agree(kept, project, TEXT)
    assert "CEL111" not in agree(kept, project, TEXT.replace("print(number)", "print(2)"))
    runs = TEXT.replace("print(number)", "asyncio.run(work(3))")
    assert set(agree(kept, project, runs)) & {"CEL110", "CEL111"}
    assert not set(agree(kept, project, TEXT.replace("print(number)", "print(2)"))) & {"CEL110", "CEL111"}
    before = parts(kept)
    agree(kept, project, runs)
    assert parts(kept)[Runs] is not before[Runs]
    assert parts(kept)[Tasks] is before[Tasks]


def test_another_outline_links_everything_again(project: Path) -> None:
    kept = workspace(project)
    agree(kept, project, TEXT + "\n")
    agree(kept, project, TEXT.replace("def send(", "def sends("))
    assert "send" not in {task.label.rpartition(".")[2] for task in parts(kept)[Tasks].all}  # type: ignore[attr-defined]


def test_a_function_that_concerns_nobody_costs_nothing(project: Path) -> None:
    kept = workspace(project)
    agree(kept, project, f"{TEXT}\n")
    before = parts(kept)
    added = "\n\ndef added(first, second=None):\n    total = first + len(second)\n    return str(total)\n"
    agree(kept, project, TEXT + added)
    agree(kept, project, TEXT + added.replace("len(second)", "max(second)"))
    agree(kept, project, f"{TEXT}\n")
    agree(kept, project, f"{TEXT}\n".replace("\n\nasync def work", f"{added}\n\nasync def work"))
    assert parts(kept) == before
    agree(kept, project, f"{TEXT}\n")
    assert parts(kept) == before


# Somebody goes through all, asks for the name, or for what it says; a name twice, one within another.
NOTICED = [
    "@app.task\ndef added(number):\n    send.delay(number)",
    "async def added(number):\n    await asyncio.sleep(number)",
    "def added(number):\n    send.delay(number)",
    "def added(number):\n    return send.apply_async((number,), countdown=3)",
    "def helper(number):\n    asyncio.run(work(number))",
    "def work(number):\n    return number",
    "def send(number):\n    return number",
    "def print(number):\n    asyncio.run(work(number))",
    "def __getattr__(name):\n    return send",
    "def added(number):\n    def inner():\n        asyncio.run(work(number))\n    return inner",
    "class Added:\n    def run(self):\n        send.delay(1)",
]


@pytest.mark.parametrize("added", NOTICED)
def test_a_function_that_comes_and_goes(project: Path, added: str) -> None:
    kept = workspace(project)
    agree(kept, project, TEXT)
    agree(kept, project, f"{TEXT}\n\n{added}\n")
    agree(kept, project, TEXT.replace("async def work", f"{added}\n\n\nasync def work"))
    agree(kept, project, f"{TEXT}\n\n{added}\n\n\ndef more():\n    return added(1)\n")
    agree(kept, project, TEXT)


@pytest.mark.parametrize("name", ["work", "send", "collect"])
def test_a_function_that_goes_and_comes_back(project: Path, name: str) -> None:
    kept = workspace(project)
    text = TEXT.replace("print(number)", "asyncio.run(work(number))")
    agree(kept, project, text)
    agree(kept, project, text.replace(f"def {name}(", f"def other_{name}("))
    agree(kept, project, text)


def test_another_decorator_is_another_task(project: Path) -> None:
    kept = workspace(project)
    agree(kept, project, TEXT + "\n")
    agree(kept, project, TEXT.replace("@app.task\ndef collect", "@app.task(bind=1)\ndef collect"))
    agree(kept, project, TEXT.replace("@app.task\ndef collect", "@app.tsk\ndef collect"))


def test_two_files_in_turn(project: Path) -> None:
    kept = workspace(project)
    other = OTHERS["app/other.py"]
    for number in range(3):
        agree(kept, project, TEXT.replace("print(number)", f"print({number})"))
        text = other.replace("return number", f"return number + {number}")
        report = kept.report_of_text("app/other.py", text, True, never)
        assert report == workspace(project).report_of_text("app/other.py", text, True)


def test_an_answer_that_is_given_up_spoils_nothing(project: Path) -> None:
    kept = workspace(project)
    for limit in (3, 40, 90):
        asked: list[None] = []

        def stale(limit: int = limit, asked: list[None] = asked) -> bool:
            asked.append(None)
            return len(asked) > limit

        with pytest.raises(Stale):
            kept.report_of_text(MAIL, TEXT.replace("print(number)", f"asyncio.run({limit})"), True, stale)
        agree(kept, project, TEXT.replace("print(number)", f"asyncio.run(work({limit}))"))


def test_a_search_that_fails_is_told_and_leaves_nothing_behind(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = workspace(project)
    agree(kept, project, TEXT.replace("print(number)", "print(0)"))
    with monkeypatch.context() as broken:
        broken.setattr(Runners, "of", lambda *_: 1 / 0)
        text = TEXT.replace("print(number)", "asyncio.run(work(1))")
        assert "CEL999" in codes(kept.report_of_text(MAIL, text, True, never))
    assert "CEL999" not in agree(kept, project, TEXT.replace("print(number)", "asyncio.run(work(2))"))


@pytest.mark.parametrize("copy", ["Archive/app/mail.py", "app/old/mail.py"])
def test_a_text_that_becomes_a_copy_and_another_one_again(project: Path, copy: str) -> None:
    (project / copy).parent.mkdir(parents=True)
    (project / copy).write_text(TEXT, encoding="utf-8")
    kept = workspace(project)
    for text in (TEXT, TEXT.replace("return number", "return number + 1"), TEXT):
        agree(kept, project, text)


IDLE = """\
import requests

from app.celery import app

PLANS = {"clean": {"task": "app.mail.clean", "schedule": 60}}


@app.task
def send():
    print(1)


@app.task
def count():
    return send.delay(), count.delay()


@app.task
def clean():
    return requests.get("https://example.com").text
"""


def test_words_of_the_text_that_is_typed_count(project: Path) -> None:
    """A table that nothing reads is found in a text that is longer than the file, until somebody says it."""
    web = "from app import mail\n\nprint(mail.send.delay())\n"
    (project / "app/web.py").write_text(web, encoding="utf-8")
    (project / MAIL).write_text(IDLE, encoding="utf-8")
    kept = workspace(project)
    assert "CEL526" not in agree(kept, project, IDLE)
    longer = IDLE.replace("print(1)", "print(1)\n    print(2)").replace("\nPLANS", "\n# All of them.\nPLANS")
    assert "CEL526" not in agree(kept, project, longer)
    assert "CEL526" in agree(kept, project, f"{longer}\n\n# PLANS is for the clock\n")
    assert "CEL526" not in agree(kept, project, longer)
    assert "CEL526" in agree(kept, project, longer.replace("print(2)", "print(PLANS)"))
    assert "CEL526" not in agree(kept, project, longer)
