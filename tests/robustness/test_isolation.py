"""A search that fails is told where it failed, and loses nothing of what it finds elsewhere."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from celery_lint import engine
from celery_lint.analysis.limits.limits import Limits
from celery_lint.diagnostics import Diagnostic
from celery_lint.engine.building import linked
from celery_lint.files.library import facts_of
from celery_lint.frontends.cli import main
from celery_lint.inventory.tasks.tasks import Tasks
from celery_lint.model import facts as model
from celery_lint.model.commands import Deployment
from celery_lint.model.facts import Function, Module
from celery_lint.model.steps import Step
from celery_lint.options import Configuration
from celery_lint.project.functions import Flow
from celery_lint.project.imports import Imports
from celery_lint.project.isolation import Failure, Isolation
from tests import samples
from tests.robustness import generated_tasks

ALL = Configuration(preset="all", cache=False)
HEAD = "from celery import Task, shared_task\n\n\n"


def failures(report: engine.Report) -> list[tuple[str, int, str]]:
    """Name of the file, line and message of each failure."""
    return [(Path(d.path).name, d.line, d.message) for d in report.diagnostics if d.code == "CEL999"]


# ------------------------------------------------------------------------------------ programs


@pytest.mark.parametrize("body", generated_tasks.STUBS)
@pytest.mark.parametrize(
    "parameter", ["execution_id", "self", "task", "execution_id, *, session=None", "*a, **k"]
)
def test_stubs(parameter: str, body: str) -> None:
    indented = body.replace("\n", "\n    ")
    text = (
        f"{HEAD}@shared_task(bind=True, acks_late=True)\ndef one({parameter}):\n    {body}\n\n\n"
        f"@shared_task\nasync def two({parameter}):\n    {body.replace('yield', 'await x')}\n\n\n"
        f"class Three(Task):\n    def run(self, execution_id):\n        {indented}\n"
    )
    report = engine.check_text(None, text, ALL)
    assert failures(report) == []
    assert report.unparsed == []


@cache
def of_generated(seed: int) -> engine.Report:
    """What is said of a generated program; two tests ask about it."""
    return engine.check_text(None, generated_tasks.text(seed), ALL)


@pytest.mark.parametrize("first", range(0, 400, 50))
def test_generated_tasks(first: int) -> None:
    for seed in range(first, first + 50):
        assert failures(of_generated(seed)) == [], f"seed {seed}"


def test_the_generator_writes_python() -> None:
    parsed = [seed for seed in range(200) if not of_generated(seed).unparsed]
    assert len(parsed) > 180
    assert generated_tasks.text(7) == generated_tasks.text(7)


@pytest.mark.parametrize(
    "number", ["0x" + "f" * 5000, "-0x" + "f" * 5000, "1e999", "1j", "10 ** 15 * 10 ** 15"]
)
@pytest.mark.parametrize(
    "place", ["retry_backoff={}", "autoretry_for=(OSError,), retry_backoff={}", "time_limit={}"]
)
def test_numbers_that_nobody_means(number: str, place: str) -> None:
    body = f"    time.sleep({number})\n    return {number}\n"
    text = f"import time\n{HEAD}@shared_task({place.format(number)})\ndef one():\n{body}"
    report = engine.check_text(None, text, ALL)
    assert (failures(report), report.unparsed) == ([], [])


def test_no_tracking_parameters(tmp_path: Path) -> None:
    dispatcher = "def run(key, **k):\n    TASKS[key].delay(**k)\n"
    text = f"{HEAD}@shared_task\ndef one():\n    ...\n\n\nTASKS = {{'a': one}}\n\n\n{dispatcher}"
    assert failures(engine.check_text(None, text, ALL._replace(tracking_parameters=()))) == []


# ------------------------------------------------------------------------------------ a search that fails

RECORDING = HEAD + (
    "@shared_task\ndef {name}(execution_id, update):\n    update(execution_id, 'completed')\n"
)


@pytest.fixture
def tracked(tmp_path: Path) -> Path:
    """Two files, each with a task of which CEL439 has something to say."""
    files = {name: RECORDING.format(name=name) for name in ("broken", "whole")}
    table = "[tool.celery-lint]\nroot = true\ncache = false\n"
    return samples.write(
        tmp_path, {**{f"{name}.py": text for name, text in files.items()}, "pyproject.toml": table}
    )


def _failing(monkeypatch: pytest.MonkeyPatch, fails: Callable[[Flow], bool]) -> None:
    from celery_lint.analysis.flow import tracking

    def does_something(flow: Flow) -> bool:
        if fails(flow):
            return bool(()[0])
        return True

    monkeypatch.setattr(tracking, "_does_something", does_something)


def test_only_its_place_is_lost(
    tracked: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    _failing(monkeypatch, lambda flow: flow.function.name == "broken")
    report = engine.check_paths([str(tracked)], None)
    told = [(Path(d.path).name, d.line, d.code) for d in report.diagnostics]
    assert ("whole.py", 6, "CEL439") in told
    assert ("broken.py", 6, "CEL439") not in told
    assert {(name, line) for name, line, _ in failures(report)} == {("broken.py", 5)}
    assert main(["check", str(tracked), "--output-format", "concise"]) == 2
    assert (
        "broken.py:5:5: CEL999 the search for Tracking.one_sided failed: IndexError"
        in capsys.readouterr().out
    )
    # Who asks about the other file gets all that is to be said about it.
    assert failures(engine.check_paths([str(tracked / "whole.py")], None)) == []


def test_what_fails_everywhere_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    waits = "@shared_task\ndef wait():\n    requests.get('https://example.org')\n"
    bodies = "".join(RECORDING.removeprefix(HEAD).format(name=f"task_{n}") for n in range(30))
    samples.write(
        tmp_path,
        {
            "tasks.py": f"import requests\n{HEAD}{bodies}{waits}",
            "pyproject.toml": "[tool.celery-lint]\nroot = true\n",
        },
    )
    calls = []
    _failing(monkeypatch, lambda flow: calls.append(flow) is None)
    report = engine.check_paths([str(tmp_path)], ALL)
    assert len(calls) < 100
    kinds = [message for _, _, message in failures(report) if "one_sided" in message]
    assert len(kinds) == 1
    assert "(at tasks.py:" in kinds[0]
    assert any(d.code == "CEL526" for d in report.diagnostics)


def test_a_failure_without_a_place_is_told_in_every_file(
    tracked: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def failing(limits: Limits) -> None:
        raise LookupError("no limits")

    monkeypatch.setattr(Limits.pairs, "_find", failing)
    for asked, name in ((tracked, "broken.py"), (tracked / "whole.py", "whole.py")):
        report = engine.check_paths([str(asked)], None)
        assert failures(report) == [(name, 1, "the search for Limits.pairs failed: LookupError: no limits")]


def test_exploring_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What looks for more files to read fails in one task, and still follows the chains of the others."""
    from celery_lint.analysis.limits.limits import Limits

    usual = Limits.explore

    def explore(limits: Limits) -> None:
        for task in limits.tasks.all:
            if task.label == "broken":
                raise LookupError(task.label)
        usual(limits)

    monkeypatch.setattr(Limits, "explore", explore)
    files = {
        "constants.py": "LIMIT = 20\n",
        "whole.py": (
            f"{HEAD}from constants import LIMIT\n\n\n"
            "@shared_task(soft_time_limit=LIMIT, time_limit=10)\ndef whole():\n    ...\n"
        ),
        "broken.py": RECORDING.format(name="broken"),
        "pyproject.toml": "[tool.celery-lint]\nroot = true\n",
    }
    report = engine.check_paths([str(samples.write(tmp_path, files))], ALL)
    assert ("whole.py", "CEL511") in {(Path(d.path).name, d.code) for d in report.diagnostics}
    assert failures(report) == [("broken.py", 5, "the search for files to read failed: LookupError: broken")]


def test_a_rule_fails_with_another_place(tracked: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A rule asks about one task and meets the failure in another: only that other one is lost."""
    from celery_lint.rules.flow.cel439_execution_status_one_sided import ExecutionStatusOneSided

    usual = ExecutionStatusOneSided.check

    def check(rule: Any, fact: Any) -> Iterator[Any]:
        for task in rule.known.of(Tasks).all:
            if task.label == "broken":
                raise LookupError(task.label)
        yield from usual(rule, fact)

    check.source = usual.source  # type: ignore[attr-defined]
    monkeypatch.setattr(ExecutionStatusOneSided, "check", check)
    monkeypatch.setattr("celery_lint.rule._checks", {})  # what an earlier test has asked for is kept
    report = engine.check_paths([str(tracked)], None)
    told = {(Path(d.path).name, d.line, d.code) for d in report.diagnostics}
    assert ("whole.py", 6, "CEL439") in told
    assert failures(report) == [("broken.py", 5, "CEL439 failed: LookupError: broken")]


def test_reading_fails_for_one_file(tracked: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from celery_lint.files import library as reading

    usual = reading.read_module

    def failing(path: str, *arguments: Any) -> Module:
        if path == "broken.py":
            raise LookupError("no\nfacts")
        return usual(path, *arguments)

    monkeypatch.setattr(reading, "read_module", failing)
    report = engine.check_paths([str(tracked)], None)
    assert report.failed
    assert failures(report) == [("broken.py", 1, "reading the file failed: LookupError: no facts")]
    assert any(d.code == "CEL439" for d in report.diagnostics)
    report = engine.check_text(str(tracked / "broken.py"), RECORDING, None)
    assert failures(report) == [("broken.py", 1, "reading the file failed: LookupError: no facts")]


# ------------------------------------------------------------------------------------ who is to blame

MODULE = """
def one():
    return two()

def two():
    return three()

def three():
    ...

class Four:
    def run(self): ...
"""


@pytest.fixture
def isolation() -> Isolation[Any]:
    module = facts_of("a.py", MODULE)
    assert isinstance(module, Module)
    return linked([module], Imports(["a.py"]), Configuration(), Deployment(), {}).isolation


def _each(view: Any, fails: Callable[[Module, Function], bool]) -> Iterator[str]:
    module = view.project.modules["a.py"]
    for function in module.functions.values():
        if fails(module, function):
            raise KeyError(function.name)
        yield function.qualname


def _blamed(failures: list[Failure]) -> list[tuple[int, bool]]:
    return [(failure.place.span.line if failure.place else 0, failure.lost) for failure in failures]


def test_several_places(isolation: Isolation[Any]) -> None:
    found = isolation.search("x", lambda view: _each(view, lambda _, f: f.name in ("one", "three")))
    assert sorted(found) == ["", "Four.run", "two"]
    assert _blamed(isolation.failures) == [(2, False), (8, False)]


def test_a_method(isolation: Isolation[Any]) -> None:
    found = isolation.search("x", lambda view: _each(view, lambda _, f: f.name == "run"))
    assert sorted(found) == ["", "one", "three", "two"]
    assert _blamed(isolation.failures) == [(12, False)]


def test_the_innermost_function_is_cleared_if_it_is_not_to_blame(isolation: Isolation[Any]) -> None:
    def looks_at(other: Function, name: str) -> None:
        raise KeyError(name)

    def search(view: Any) -> Iterator[str]:
        functions = view.project.modules["a.py"].functions
        for function in functions.values():
            if function.name == "one":  # wrong whatever the other one is
                looks_at(functions.get("two", functions[""]), function.name)
            yield function.qualname

    assert sorted(isolation.search("x", search)) == ["", "Four.run", "three", "two"]
    assert _blamed(isolation.failures) == [(2, False)]


def test_a_whole_module(isolation: Isolation[Any]) -> None:
    def search(view: Any) -> list[str]:
        module = view.project.modules["a.py"]
        if module.classes:
            raise KeyError("classes")
        return ["found"]

    assert isolation.search("x", search) == ["found"]
    assert _blamed(isolation.failures) == [(1, False)]


def test_nobody_to_blame(isolation: Isolation[Any]) -> None:
    def search(view: Any) -> list[str]:
        raise KeyError("always")

    assert isolation.search("x", search) == []
    assert _blamed(isolation.failures) == [(0, True)]


# ------------------------------------------------------------------------------------ the kind


def test_nobody_takes_the_first_of_what_may_be_empty() -> None:
    """`step.chains[0]` of a `pass` was what failed; there are accessors that cannot."""
    may_be_empty = set()
    for record in (Step, model.Call, model.Value, model.Function, model.Class, model.Module):
        kinds = {
            name: getattr(kind, "__forward_arg__", kind) for name, kind in record.__annotations__.items()
        }
        for name, value in vars(record).items():
            if isinstance(value, property) and value.fget is not None and name not in kinds:
                kinds[name] = value.fget.__annotations__.get("return", "")
        may_be_empty.update(name for name, kind in kinds.items() if str(kind) == "str" or "[" in str(kind))
    assert {"chain", "chains", "takes", "items", "parameters", "stores"} <= may_be_empty
    package = Path(engine.__file__).parent
    found = []
    for path in sorted(package.rglob("*.py")):
        name = path.relative_to(package).as_posix()
        if name.startswith(("frontends/", "reports/", "runtime/")) or name.endswith(
            ("model/facts.py", "model/steps.py")
        ):
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.Subscript) or not isinstance(node.value, ast.Attribute):
                continue
            number = node.slice.operand if isinstance(node.slice, ast.UnaryOp) else node.slice
            place = isinstance(number, ast.Constant) and isinstance(number.value, int)
            if place and node.value.attr in may_be_empty and ast.unparse(node.value.value) != "node":
                found.append(f"{name}:{node.lineno}: {ast.unparse(node)}")
    assert found == []


def test_diagnostics_have_a_path(tracked: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _failing(monkeypatch, lambda flow: True)
    found: list[Diagnostic] = engine.check_paths([str(tracked)], None).diagnostics
    assert all(Path(diagnostic.path).is_file() for diagnostic in found)
