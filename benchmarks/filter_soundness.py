"""Is the word filter sound? Reads EVERY file of every project, and shows what the filter would have missed.

    python benchmarks/filter_soundness.py FOLDER [PROJECT ...]

For each project: the files that a normal run reads, and the files it leaves out although they define a task,
import Celery, or dispatch a task of the project; then the calls from tasks that only the whole project
shows (functions that tasks reach). Exits with 1 if a relevant file is missed.
"""

from __future__ import annotations

import sys
from pathlib import Path

from celery_lint.configuration import load
from celery_lint.diagnostics import Unparsed
from celery_lint.engine.building import linked
from celery_lint.engine.workspace import Workspace
from celery_lint.files.commands.launch import read as read_commands
from celery_lint.files.discovery import discover
from celery_lint.files.library import NOTHING_KEPT, Library
from celery_lint.inventory.code.graph import CallGraph
from celery_lint.inventory.tasks.tasks import Tasks
from celery_lint.model.commands import Texts
from celery_lint.model.facts import Module
from celery_lint.project.imports import Imports
from celery_lint.project.known import Known

_DISPATCHES = ("delay", "apply_async", "s", "si", "signature", "apply")


def everything(root: str) -> Known:
    """The project with all of its files."""
    listing = discover(root)
    sizes = {path: (Path(root) / path).stat().st_size for path in listing.python}
    library = Library(root, sizes, NOTHING_KEPT, None)
    readings = library.readings(listing.python)
    modules = [reading for reading in readings.values() if not isinstance(reading, Unparsed)]
    unparsed = [path for path, reading in readings.items() if isinstance(reading, Unparsed)]
    commands = read_commands(root, listing.launch)
    texts = Texts(unparsed, library.text)
    return linked(modules, Imports(listing.python), load(root), commands, texts)


def relevant(known: Known, module: Module) -> str:
    """Why a file matters, or nothing."""
    if any(task.module.path == module.path for task in known.of(Tasks).all):
        return "defines a task"
    if any(chain.partition(".")[0] == "celery" for chain in module.imports.values()):
        return "imports celery"
    for function in module.functions.values():
        for call in function.calls():
            receiver, dot, leaf = call.chain.rpartition(".")
            if not dot or leaf not in _DISPATCHES:
                continue
            if known.of(Tasks).of(known.project.resolve(module, receiver)) is not None:
                return f"dispatches {receiver}"
    return ""


def reached(known: Known) -> set[tuple[str, str]]:
    """The functions that tasks reach."""
    return set(known.of(CallGraph).reached)


def main() -> int:
    """Compare."""
    folder, names = Path(sys.argv[1]), sys.argv[2:]
    total = [0, 0, 0, 0, 0, 0]
    for name in names or sorted(path.name for path in folder.iterdir() if path.is_dir()):
        root = str((folder / name).resolve())
        filtered, _ = Workspace(root, load(root)._replace(cache=False)).linked()
        whole = everything(root)
        read = filtered.project.modules
        missed = {
            path: reason
            for path, module in whole.project.modules.items()
            if path not in read and (reason := relevant(whole, module))
        }
        count = sum(1 for module in whole.project.modules.values() if relevant(whole, module))
        edges = reached(whole) - reached(filtered)
        files, edge_count = len(whole.project.imports.files), len(reached(whole))
        print(
            f"{name}: read {len(read)} of {files}, relevant {count}, missed {len(missed)}; "
            f"functions that tasks reach {edge_count}, lost {len(edges)}",
            flush=True,
        )
        for path, reason in sorted(missed.items()):
            print(f"    missed {path}: {reason}")
        found = (files, len(read), count, len(missed), edge_count, len(edges))
        total = [a + b for a, b in zip(total, found, strict=True)]
    print(
        f"all: read {total[1]} of {total[0]} files, relevant {total[2]}, missed {total[3]}; "
        f"functions that tasks reach {total[4]}, lost {total[5]}"
    )
    return 1 if total[3] else 0


if __name__ == "__main__":
    sys.exit(main())
