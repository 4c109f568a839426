"""A command line around an engine that answers as it is told."""

from __future__ import annotations

import importlib
import io
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest

import celery_lint
from celery_lint.diagnostics import Report
from celery_lint.frontends.cli import main
from tests import examples


class Outcome(NamedTuple):
    """What a command left behind."""

    code: int
    out: str
    err: str


class Engine:
    """Stands in for ``celery_lint.engine``: keeps what it was asked, answers with ``report``."""

    def __init__(self, report: Report) -> None:
        self.report = report
        self.error: BaseException | None = None
        self.asked: list[tuple[Any, ...]] = []
        self.description: Any = None
        self.removed: list[str] = []

    def check_paths(self, paths: list[str], configuration: Any, **options: Any) -> Report:
        options.pop("progress")("reading", 1, 2)
        return self._report(("paths", list(paths), configuration, options["overrides"]))

    def check_text(self, path: str | None, data: bytes, configuration: Any, **options: Any) -> Report:
        return self._report(("text", path, data, configuration, options["overrides"]))

    def files(self, paths: list[str], overrides: Any) -> list[str]:
        self._answer(("files", list(paths), overrides))
        return [f"{path}/tasks.py" for path in paths]

    def _report(self, question: tuple[Any, ...]) -> Report:
        report = self._answer(question)
        strict = "strict-parse" in question[-1]
        return report._replace(blocking=len(report.diagnostics) + (len(report.unparsed) if strict else 0))

    def describe(self, path: str, configuration: Any) -> Any:
        self._answer(("describe", path, configuration))
        return self.description

    def describe_task(self, path: str, configuration: Any, name: str) -> Any:
        self._answer(("describe task", path, configuration, name))
        return self.description

    def clean(self, path: str) -> list[str]:
        self._answer(("clean", path))
        return self.removed

    def _answer(self, question: tuple[Any, ...]) -> Report:
        self.asked.append(question)
        if self.error is not None:
            raise self.error
        return self.report


@pytest.fixture
def engine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Engine:
    """The stand-in; the working directory is a fresh project with the example report's files."""
    monkeypatch.chdir(tmp_path)
    for variable in ("NO_COLOR", "FORCE_COLOR", "CELERY_LINT_DEBUG"):
        monkeypatch.delenv(variable, raising=False)
    engine = Engine(examples.report(tmp_path))
    # Before anything is replaced: a module that is imported only now would keep the stand-in for good.
    commands = ("check", "project", "clean")
    modules = [importlib.import_module(f"celery_lint.frontends.cli.{command}") for command in commands]
    monkeypatch.setitem(sys.modules, "celery_lint.engine", engine)
    monkeypatch.setattr(celery_lint, "engine", engine, raising=False)
    for module in modules:
        monkeypatch.setattr(module, "engine", engine)
    return engine


@pytest.fixture
def command(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[..., Outcome]:
    """Run ``celery-lint`` with these words, and perhaps a text on standard input."""

    def run(*words: str, stdin: bytes = b"") -> Outcome:
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin)))
        code = main(words)
        return Outcome(code, *capsys.readouterr())

    return run
