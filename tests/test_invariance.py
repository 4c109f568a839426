"""What is said depends on the files and on nothing else."""

from __future__ import annotations

import multiprocessing
import os
import random
from pathlib import Path
from typing import Any

import pytest

from celery_lint import engine
from celery_lint.files import library as reading
from tests import samples

Said = list[tuple[object, ...]]


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project of many files: relays, wrappers and helpers in files that never say Celery's name."""
    files = dict(samples.FILES)
    files["app/wrapping.py"] = (
        "from app.celery import app\n\n\ndef durable(**options):\n"
        "    return app.task(acks_late=True, **options)\n"
    )
    files["app/relay.py"] = (
        "from app.loops import run\n\n\ndef forward(coroutine):\n    return run(coroutine)\n"
    )
    for number in range(40):
        files[f"app/jobs/job_{number}.py"] = (
            "from app.relay import forward\nfrom app.wrapping import app, durable\n\n\n"
            f"async def work_{number}():\n    ...\n\n\n"
            f"@durable()\ndef job_{number}():\n    forward(work_{number}())\n\n\n"
            f"@app.task\nasync def never_{number}():\n    ...\n"
        )
    files["app/jobs/__init__.py"] = ""
    return samples.write(tmp_path / "project", files)


def said(paths: list[str], **overrides: object) -> Said:
    """Everything that a run reports."""
    report = engine.check_paths(paths, None, overrides=overrides)
    return [tuple(found) for found in report.diagnostics] + [tuple(entry) for entry in report.unparsed]


def said_elsewhere(path: str) -> Said:
    """For other processes."""
    return said([path])


def test_there_is_something_to_say(project: Path) -> None:
    codes = [row[5] for row in said([str(project)])]
    assert codes.count("CEL111") == 41
    assert "CEL110" in codes


def test_the_cache(project: Path) -> None:
    cold = said([str(project)])
    assert said([str(project)]) == cold == said([str(project)], cache=False)


@pytest.mark.parametrize("processes", [2, 3, 8])
def test_the_number_of_processes(project: Path, processes: int, monkeypatch: pytest.MonkeyPatch) -> None:
    alone = said([str(project)], cache=False)
    monkeypatch.setattr(reading, "_WORTH_A_PROCESS", 0)
    monkeypatch.setattr(reading, "_CHUNK", 400)
    monkeypatch.setattr(reading, "_processes", lambda: processes)
    assert said([str(project)], cache=False) == alone
    assert said([str(project)]) == alone == said([str(project)])


def test_a_process_that_dies(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    alone = said([str(project)], cache=False)
    parent = os.getpid()
    original = reading.facts_of

    def deadly(*arguments: Any) -> reading.Reading:
        if os.getpid() != parent:
            os._exit(9)
        return original(*arguments)

    monkeypatch.setattr(reading, "facts_of", deadly)
    monkeypatch.setattr(reading, "_WORTH_A_PROCESS", 0)
    monkeypatch.setattr(reading, "_CHUNK", 400)
    monkeypatch.setattr(reading, "_processes", lambda: 3)
    assert said([str(project)], cache=False) == alone


def test_the_order_of_the_files(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from celery_lint.files import discovery

    expected = said([str(project)], cache=False)
    original = discovery.discover
    for seed in range(5):

        def shuffled(root: str, seed: int = seed) -> discovery.Listing:
            listing = original(root)
            random.Random(seed).shuffle(listing.python)
            return listing

        monkeypatch.setattr(discovery, "discover", shuffled)
        assert said([str(project)], cache=False) == expected


def test_subsets(project: Path) -> None:
    everything = said([str(project)])
    files = sorted(str(path) for path in project.rglob("*.py"))
    one_by_one = [row for file in files for row in said([file])]
    assert sorted(map(repr, one_by_one)) == sorted(map(repr, everything))
    assert said(list(reversed(files))) == everything
    assert said([*files, str(project), str(project / "app")]) == everything


def test_where_one_stands(project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    expected = said([str(project)])
    link = tmp_path / "link"
    link.symlink_to(project)
    for folder, path in (
        (project, "."),
        (project, "../project"),
        (project / "app", ".."),
        (tmp_path, "project"),
        (tmp_path, "./project/"),
        (tmp_path, "link"),
    ):
        monkeypatch.chdir(folder)
        assert said([path]) == expected


def test_a_buffer_says_what_its_file_says(project: Path) -> None:
    engine._workspaces.clear()
    everything = said([str(project)])
    for file in sorted(project.rglob("*.py")):
        text = file.read_text(encoding="utf-8")
        for data in (text, text.encode(), text.replace("\n", "\r\n"), "\ufeff" + text):
            report = engine.check_text(str(file), data, None)
            assert [tuple(found) for found in report.diagnostics] == [
                row for row in everything if row[0] == str(file)
            ]


@pytest.mark.parametrize("method", multiprocessing.get_all_start_methods())
def test_how_processes_start(project: Path, method: str) -> None:
    expected = said([str(project)], cache=False)
    with multiprocessing.get_context(method).Pool(2) as pool:
        assert pool.map(said_elsewhere, [str(project)] * 4, chunksize=1) == [expected] * 4
