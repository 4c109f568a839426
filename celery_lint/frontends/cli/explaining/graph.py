"""``celery-lint graph``: who sends which task, as a page, a diagram or a document."""

from __future__ import annotations

import os
import sys

from celery_lint import engine
from celery_lint.engine.graph.elements import Graph
from celery_lint.files import roots
from celery_lint.frontends.cli.arguments import Arguments, UsageError
from celery_lint.frontends.cli.check import is_there
from celery_lint.frontends.cli.writing import write


def run(arguments: Arguments) -> int:
    """Draw, and return the exit code: diagnostics are shown, but are no reason to fail."""
    paths = arguments.positional or [os.curdir]
    present = [path for path in paths if is_there(path)]
    if not present:
        return 2
    form, file = arguments.flags.get("--format", "html"), arguments.flags.get("--output-file", "")
    if form == "html" and not file and sys.stdout.isatty():
        raise UsageError("a page is nothing for a terminal: --output-file tasks.html, or --format mermaid")
    overrides = dict(arguments.overrides)
    if "--config" in arguments.flags:
        overrides["config"] = arguments.flags["--config"]
    graph = engine.graph_of(present, overrides)
    title = f"Tasks of {os.path.basename(roots.workspace(present[0])) or present[0]}"
    write(_text(graph, form, title), file)
    if not any(node.kind == "task" for node in graph.nodes):
        sys.stderr.write("celery-lint: warning: no tasks were found\n")
    return 2 if len(present) < len(paths) else 0


def _text(graph: Graph, form: str, title: str) -> str:
    # Only the module of the form that is asked for is imported.
    if form == "mermaid":
        from celery_lint.reports.graph.mermaid import mermaid

        return mermaid(graph)
    if form == "dot":
        from celery_lint.reports.graph.dot import dot

        return dot(graph)
    if form == "json":
        from celery_lint.reports.graph.document import json

        return json(graph)
    from celery_lint.reports.graph.page import page

    return page(graph, title)
