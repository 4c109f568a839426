"""Deployments that start workers and, as far as anybody can tell, no beat."""

from __future__ import annotations

from collections import Counter

from celery_lint.files.commands.candidates import is_candidate
from celery_lint.files.commands.mentions import LARGEST, is_text, speaks_of_beat, text_of
from celery_lint.files.deployments.elsewhere import files_elsewhere, may_deploy
from celery_lint.files.deployments.pushed import pushed_elsewhere
from celery_lint.files.deployments.wholes import Files, files_of, hides_commands, kind_of, processes
from celery_lint.model.commands import WorkerCommand
from celery_lint.source import NotParsed
from celery_lint.source import read as read_bytes

_LEAST = 2  # processes of a deployment: a worker, and what it works for


def without_beat(
    root: str,
    launch: list[str],
    texts: list[str],
    python: list[str],
    commands: list[WorkerCommand],
) -> tuple[str, ...] | None:
    """The files that list all processes of a deployment, workers among them, while no text speaks of beat.

    None of them where it cannot be told what some process does. What Python code starts is not looked at.
    ``None`` where launch files say enough, and the other texts need not be read.
    """
    if not any(command.is_worker for command in commands) or any(_may_be_beat(each) for each in commands):
        return None
    files = files_of([*launch, *texts, *python])
    counts: Counter[str] = Counter()
    for path in launch:
        count = _processes(root, path, files)
        if count is None:
            return None
        counts[_deployment_of(path)] += count
    starting = (command.path for command in commands if command.is_worker)
    found = tuple(dict.fromkeys(path for path in starting if counts[_deployment_of(path)] >= _LEAST))
    if not found:
        return None
    if not all(_processes(root, path, files) is not None for path in texts):
        return ()
    # Others may start the images of workers that a pipeline hands over, with a beat or without.
    return () if pushed_elsewhere([*launch, *texts], lambda path: text_of(root, path)) else found


def _may_be_beat(command: WorkerCommand) -> bool:
    return command.program == "beat" or command.open_ended


def _processes(root: str, path: str, files: Files) -> int | None:
    """How many processes a text lists; ``None`` where it speaks of beat, or leaves open what is started.

    So it is where it starts a deployment with a file that is not there.
    """
    if not is_text(path):  # a list of what is locked
        return 0
    try:
        data = read_bytes(f"{root}/{path}", LARGEST, within=root)
    except NotParsed:
        return None if kind_of(path) else 0
    if speaks_of_beat(path, data):
        return None
    text = data.decode("utf-8", "replace").replace("\r\n", "\n")
    if may_deploy(path) and any(files_elsewhere(path, text, files)):
        return None
    if not is_candidate(path):
        return 0
    return None if hides_commands(text) else processes(path, text, files)


def _deployment_of(path: str) -> str:
    """What the processes of a file are counted under: units of systemd by their folder."""
    return f"{path.rpartition('/')[0]}/" if kind_of(path) == "unit" else path
