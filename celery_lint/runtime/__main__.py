"""``python -m celery_lint.runtime``: operate an application from a shell, with JSON as output.

Exit codes: 0 it was done, 1 it failed (the task, the health, no worker answered), 2 wrong usage. Whatever the
servers do or do not, a command ends within twice the ``--timeout`` once the application is imported.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import sys
from collections.abc import Sequence
from datetime import datetime
from typing import Any, TextIO

from celery import Celery
from celery.app.utils import find_app

from celery_lint.runtime import control, operations
from celery_lint.runtime.deadlines import NotDone, Work, close


def _list(text: str) -> list[Any]:
    return _json(text, list, "list")  # type: ignore[no-any-return]


def _object(text: str) -> dict[str, Any]:
    return _json(text, dict, "object")  # type: ignore[no-any-return]


def _json(text: str, kind: type, name: str) -> Any:
    try:
        value = json.loads(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"no JSON: {error}") from None
    if not isinstance(value, kind):
        raise argparse.ArgumentTypeError(f"{text} is no JSON {name}")
    return value


def _seconds(text: str) -> float:
    value = float(text)
    if not 0 < value < float("inf"):
        raise argparse.ArgumentTypeError(f"{text} is no number of seconds")
    return value


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m celery_lint.runtime", description="Operate a Celery application."
    )
    parser.add_argument("-A", "--app", required=True, help="the application, as `celery -A` takes it")
    parser.add_argument("--timeout", type=_seconds, default=2.0, help="seconds to wait (default: 2)")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")

    command = commands.add_parser("send", help="send a task by name")
    command.add_argument("name")
    command.add_argument("--args", type=_list, default=[], help="positional arguments as a JSON list")
    command.add_argument("--kwargs", type=_object, default={}, help="keyword arguments as a JSON object")
    command.add_argument("--countdown", type=float)
    command.add_argument(
        "--eta", type=datetime.fromisoformat, help="ISO time with its zone: 2026-01-01T12:00:00+00:00"
    )
    command.add_argument("--expires", type=float, help="seconds after which it is not run any more")
    command.add_argument("--queue")
    command.add_argument("--priority", type=int)
    command.add_argument("--wait", action="store_true", help="wait for the result until the timeout")

    for name, text in (("status", "what the backend knows"), ("result", "wait for the result")):
        commands.add_parser(name, help=text).add_argument("task_id")
    command = commands.add_parser("revoke", help="do not run a task that waits")
    command.add_argument("task_id")
    command.add_argument("--terminate", action="store_true", help="end the process that runs it as well")
    command.add_argument("--signal", default="SIGTERM")
    command = commands.add_parser("ask", help="ask the workers")
    command.add_argument("question", choices=control.QUESTIONS)
    command.add_argument("workers", nargs="*")
    for name, text in (
        ("ping", "which workers answer"),
        ("restart-pool", "replace the processes of the pools"),
        ("shutdown", "end workers once their tasks are done"),
    ):
        command = commands.add_parser(name, help=text)
        command.add_argument("workers", nargs="*")
    command.add_argument("--all", action="store_true", help="every worker on the broker, whosever it is")
    commands.add_parser("health", help="broker, backend and workers")
    return parser


def _run(app: Celery, options: argparse.Namespace) -> tuple[Any, bool]:
    """What to print, and whether it is good news."""
    try:
        return _do(app, options)
    finally:
        with contextlib.suppress(Exception):
            close(app)


def _do(app: Celery, options: argparse.Namespace) -> tuple[Any, bool]:
    workers = getattr(options, "workers", None) or None
    if options.command == "send":
        names = ("args", "kwargs", "countdown", "eta", "expires", "queue", "priority")
        sent = operations.send(app, options.name, **{name: getattr(options, name) for name in names})
        return _result(app, sent.id, options.timeout) if options.wait else ({"task_id": sent.id}, True)
    if options.command == "status":
        found = operations.status(app, options.task_id)
        return found._asdict(), found.state not in ("FAILURE", "REVOKED")
    if options.command == "result":
        return _result(app, options.task_id, options.timeout)
    if options.command == "revoke":
        operations.revoke(app, options.task_id, terminate=options.terminate, signal=options.signal)
        return {"revoked": options.task_id}, True
    if options.command == "ask":
        return control.ask(app, options.question, workers, options.timeout), True
    if options.command == "ping":
        return control.ping(app, workers, options.timeout), True
    if options.command == "restart-pool":
        return control.restart_pool(app, workers, options.timeout), True
    if options.command == "shutdown":
        return control.shutdown(app, workers, options.timeout, everybody=options.all), True
    health = control.health(app, options.timeout)
    return {**health._asdict(), "healthy": health.healthy}, health.healthy


def _result(app: Celery, task_id: str, timeout: float) -> tuple[Any, bool]:
    """What a task returned, or what it raised."""
    try:
        return {"task_id": task_id, "result": operations.result(app, task_id, timeout)}, True
    except Exception as error:
        return {"task_id": task_id, "error": f"{type(error).__name__}: {error}"}, False


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit code."""
    options = _parser().parse_args(arguments)
    work: Work[tuple[Any, bool]] | None = None
    try:
        app = find_app(options.app)
        work = Work(lambda: _run(app, options))
        said, good = work.within(2 * options.timeout)
    except (ValueError, ImportError, AttributeError) as error:
        _say({"error": f"{type(error).__name__}: {control.said(error)}"}, sys.stderr)
        return 2
    except Exception as error:
        _say({"error": f"{type(error).__name__}: {control.said(error)}"}, sys.stderr)
        if isinstance(error, NotDone) and work is not None and work.runs():
            sys.stderr.flush()
            os._exit(1)  # what hangs would keep the process from ending
        return 1
    _say(said, sys.stdout)
    return 0 if good else 1


def _say(what: Any, where: TextIO) -> None:
    where.write(json.dumps(what, default=str) + "\n")


if __name__ == "__main__":
    sys.exit(main())
