"""The reference of the runtime, from its docstrings: read and not imported, which would need Celery."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator
from inspect import cleandoc
from pathlib import Path

FOLDER = Path(__file__).resolve().parent.parent / "celery_lint" / "runtime"
#: What is used by its name, in the order in which it is met; other modules are theirs.
MODULES = (
    "event_loop",
    "resources",
    "engines",
    "transient",
    "retries",
    "application",
    "logging",
    "tracking",
    "bridge",
    "jobs",
    "schedule",
    "scheduler",
    "history",
    "api",
    "operations",
    "control",
)


def reference() -> str:
    """One chapter for each module: what it is for, and each public name with its signature and docstring."""
    return "\n\n".join("\n\n".join(_chapter(name)) for name in MODULES)


def _chapter(module: str) -> Iterator[str]:
    tree = ast.parse((FOLDER / f"{module}.py").read_text(encoding="utf-8"))
    yield f"### `{module}`"
    yield markdown(ast.get_docstring(tree) or "")
    public = _public(tree)
    for node in tree.body:
        if not isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            continue
        if _is_told(node) and (public is None or node.name in public):
            yield from _entry(node, "")
            if isinstance(node, ast.ClassDef):
                for inner in node.body:
                    if isinstance(inner, (ast.FunctionDef, ast.AsyncFunctionDef)) and _is_told(inner):
                        yield from _entry(inner, f"{node.name}.")


def first_sentence(module: str, name: str) -> str:
    """The first sentence of what a public name of a module says about itself."""
    tree = ast.parse((FOLDER / f"{module}.py").read_text(encoding="utf-8"))
    node = next(node for node in tree.body if getattr(node, "name", "") == name)
    assert isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef))
    text = " ".join(markdown(ast.get_docstring(node) or "").split())
    return re.split(r"(?<=\.) ", text)[0]


def _public(tree: ast.Module) -> list[str] | None:
    """What the module says that it offers."""
    for node in tree.body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__":
            found: list[str] = ast.literal_eval(node.value)
            return found
    return None


def _is_told(node: ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) -> bool:
    return not node.name.startswith("_") and ast.get_docstring(node) is not None


def _entry(node: ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef, owner: str) -> Iterator[str]:
    yield f"#### `{owner}{node.name}{_signature(node)}`"
    yield markdown(ast.get_docstring(node) or "")


def _signature(node: ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) -> str:
    """The parameters with their defaults; types are in the code."""
    function: ast.AST | None = node
    if isinstance(node, ast.ClassDef):
        made = [one for one in node.body if isinstance(one, ast.FunctionDef) and one.name == "__init__"]
        function = made[-1] if made else None
        if function is None:
            return ""
    elif any(isinstance(one, ast.Name) and one.id == "property" for one in node.decorator_list):
        return ""
    assert isinstance(function, (ast.FunctionDef, ast.AsyncFunctionDef))
    arguments = ast.parse(ast.unparse(function.args).join(("def f(", "): ..."))).body[0]
    assert isinstance(arguments, ast.FunctionDef)
    given = arguments.args
    for one in [*given.posonlyargs, *given.args, *given.kwonlyargs, given.vararg, given.kwarg]:
        if one is not None:
            one.annotation = None
    given.args = [one for one in given.args if one.arg not in ("self", "cls")]
    return f"({ast.unparse(given)})"


def under_fire() -> str:
    """What came out when schedulers were killed and databases taken away, as a table."""
    kept = json.loads((FOLDER.parent.parent / "benchmarks" / "scheduling.json").read_text(encoding="utf-8"))
    titles = {"postgresql": "PostgreSQL", "mysql": "MariaDB", "sqlite": "SQLite"}
    lines = [
        "| database | Python | moments | kills | away | sent again | refused | unclaimed | not run | twice |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    for one in sorted(kept, key=lambda one: (list(titles).index(one["kind"]), one["python"])):
        lines.append(
            f"| {titles[one['kind']]} | {one['python']} | {one['moments']} | {one['killed']} "
            f"| {one['outages']} times {one['away']:g} s | {one['sent_again']} | {one['refused']} "
            f"| {one['never_claimed']} | {one['never_run']} | {one['run_twice']} |"
        )
    return "\n".join(lines)


_ROLE = re.compile(r":\w+:`~?(?:[\w.]+\.)?(\w+)`")
_LINK = re.compile(r"`([^`<]+?) <(https?://[^>]+)>`_")


def markdown(docstring: str) -> str:
    """A docstring as Markdown: roles are names, literals are code, and literal blocks are fenced."""
    lines: list[str] = []
    block: list[str] | None = None
    for line in [*cleandoc(docstring).splitlines(), "."]:
        if block is not None:
            if line.startswith("    ") or not line:
                block.append(line)
                continue
            lines += ["```python", *cleandoc("\n".join(block)).splitlines(), "```", ""]
            block = None
        if line.endswith("::"):
            block = []
            line = line[:-1] if line != "::" else ""
        text = _LINK.sub(r"[\1](\2)", _ROLE.sub(r"`\1`", line)).replace("``", "`")
        lines.append(text)
        if block is not None:
            lines.append("")
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines[:-1])).strip()
