"""In which mode parts ask: each says it once, it is needed, and nobody inherits it from who asks first."""

from __future__ import annotations

import ast
import inspect
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import pytest

import celery_lint
from celery_lint import engine
from celery_lint.configuration import load
from celery_lint.engine.workspace import Workspace
from celery_lint.project.asking import Asking, asking
from celery_lint.project.known import Known, once
from celery_lint.project.project import Project
from celery_lint.project.reading import Mode
from tests import samples
from tests.fixture_corpus import FOLDER, cases
from tests.project.test_known import PARTS

MODES: tuple[Mode, ...] = ("demand", "hint", "quiet")

_ASK = asking("quiet")(lambda part: None).__code__

# Together they ask whatever part of the linter leads to files.
READ = (
    "CEL110/made_where_no_worker_is",
    "CEL110/client_outlives_the_loop",
    "CEL110/relay_by_a_method",
    "CEL116/dropped_and_returned",
    "CEL120/views",
    "CEL134/runtime",
    "CEL223/daemon_lifted",
    "CEL740/what_functions_import",
)
# A mapping without a task, under a key of another file.
KEYS = {
    "pyproject.toml": "[tool.celery-lint]\nroot = true\n",
    "app/__init__.py": "",
    "app/keys.py": 'FIRST = "first"\n',
    "app/tasks.py": "from celery import shared_task\nfrom app import keys\n\nLABELS = {keys.FIRST: 1}\n",
}


def declared() -> dict[str, tuple[type, str, Callable[..., Any], Mode]]:
    """The methods and properties of parts that say a mode: class, attribute, function, mode."""
    found = {}
    for part in PARTS:
        for name, value in vars(part).items():
            function = value._find if isinstance(value, once) else value
            if inspect.isfunction(function) and function.__code__ is _ASK:
                mode = inspect.getclosurevars(function).nonlocals["mode"]
                found[f"{part.__name__}.{name}"] = (part, name, function, mode)
    return found


def test_modes_are_said_on_methods_and_never_within() -> None:
    """A block would be a scope that whatever is called in it inherits, for good or ill."""
    root = Path(celery_lint.__file__).parent
    said = []
    for path in sorted(root.rglob("*.py")):
        text = path.read_text(encoding="utf-8")
        if "asking(" not in text and ".mode" not in text:
            continue
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.FunctionDef):
                said += [d for d in node.decorator_list if ast.unparse(d).startswith("asking(")]
            if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store) and node.attr == "mode":
                assert path.parent == root / "project", f"{path}:{node.lineno} sets a mode"
    assert len(said) == len(declared()), "a mode is said where no part is"
    assert len(said) > 10


def test_no_generator_says_a_mode() -> None:
    """It would be over before the first question is asked."""
    for name, (_, _, function, _) in declared().items():
        assert not inspect.isgeneratorfunction(inspect.unwrap(function)), name


def test_what_is_worked_out_once_says_the_same_whoever_asks() -> None:
    """So no part keeps an answer in the ordinary way, found in whatever mode somebody was in."""
    for part in PARTS:
        for name, value in vars(part).items():
            assert type(value).__name__ != "cached_property", f"{part.__name__}.{name}: use `once`"


def test_every_mode_is_needed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """While files may still be read, somebody asks for it in another mode. Afterwards modes are all one."""
    asked: dict[str, set[str]] = defaultdict(set)

    def recording(label: str, function: Callable[..., Any]) -> Callable[..., Any]:
        def ask(part: Asking, *given: Any) -> Any:
            if part.project.reading.load is not None:
                asked[label].add(part.project.reading.mode)
            return function(part, *given)

        return ask

    known = declared()
    for label, (part, name, function, _) in known.items():
        value = vars(part)[name]
        holder, attribute = (value, "_find") if isinstance(value, once) else (part, name)
        monkeypatch.setattr(holder, attribute, recording(label, function))
    options = {case.name: case.options for case in cases(variants=False)}
    for name in READ:
        engine.check_paths([str(FOLDER / name)], None, overrides=options[name])
    engine.check_paths([str(samples.write(tmp_path, KEYS))], None, overrides={"cache": False})
    needless = [label for label, (_, _, _, mode) in known.items() if not asked[label] - {mode}]
    assert needless == [], "nobody asks for these in another mode while files are read"


@pytest.mark.parametrize("name", READ)
def test_whoever_asks_first_gets_the_same(name: str) -> None:
    """Every property of every part, asked for in each mode in a project that has read but the first files."""
    root = str(FOLDER / name)
    settled, _ = Workspace(root, load(root, {"cache": False})).linked()
    modules = settled.project.modules
    first = [module for path, module in modules.items() if "celery" in " ".join(module.imports.values())]

    def asked(part: type, attribute: str, mode: Mode) -> object:
        given = settled.project.imports, settled.project.configuration, settled.project.deployment
        project = Project(first, *given, {}, lambda path, _: modules.get(path), settled.project.functions)
        reading = project.reading
        made: Any = Known(project).of(cast("Callable[[Known], object]", part))
        reading.mode = mode
        found = getattr(made, attribute)
        assert reading.mode == mode
        counted = len(found) if hasattr(found, "__len__") else found
        return counted, reading.wanted, reading.hinted, reading.demanded

    for part in PARTS:
        for attribute, value in vars(part).items():
            if isinstance(value, once):
                answers = [asked(part, attribute, mode) for mode in MODES]
                assert answers[1:] == answers[:-1], f"{part.__name__}.{attribute}"
