"""Files are read in several processes, and nothing is lost when one of them is killed."""

from __future__ import annotations

import os
import signal
import sys
import time
from pathlib import Path

import pytest

from celery_lint.files import library
from celery_lint.files.filter import FirstPass
from celery_lint.files.library import NOTHING_KEPT, Library
from tests import samples

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="one process does it all elsewhere")

PASSES = FirstPass(()).passes
BROKEN = "from celery import ("


@pytest.fixture
def project(tmp_path: Path) -> Path:
    files = {f"shop/tasks_{number}.py": f"from celery import Celery\nN = {number}\n" for number in range(40)}
    return samples.write(
        tmp_path / "project", {**files, "shop/broken.py": BROKEN, "shop/quiet.py": "x = 1\n"}
    )


@pytest.fixture(autouse=True)
def _two_processes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(library, "_WORTH_A_PROCESS", -1)
    monkeypatch.setattr(library, "_CHUNK", 100)
    monkeypatch.setattr(library, "_processes", lambda: 2)


def fresh(project: Path) -> tuple[Library, list[str]]:
    paths = sorted(str(path.relative_to(project)) for path in project.rglob("*.py"))
    return Library(str(project), {}, NOTHING_KEPT, None), paths


def alone(project: Path) -> tuple[list[str], object]:
    """What one process finds."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(library, "_processes", lambda: 1)
        reader, paths = fresh(project)
        found = reader.first_pass(paths, PASSES)
        return found, reader.readings(found)


def test_two_processes_find_what_one_finds(project: Path) -> None:
    reader, paths = fresh(project)
    found = reader.first_pass(paths, PASSES)
    assert (found, reader.readings(found)) == alone(project)
    assert "shop/broken.py" in found
    assert "shop/quiet.py" not in found


@pytest.mark.parametrize("chunks", [0, 1, 3])
def test_what_a_killed_process_had_taken_is_read_all_the_same(
    project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, chunks: int
) -> None:
    parent, mark, work = os.getpid(), tmp_path / "killed", Library._work

    def working(self: Library, queue: int, *rest: object) -> object:
        if os.getpid() == parent:
            while not mark.exists():  # the other one goes first
                time.sleep(0.005)
            return work(self, queue, *rest)  # type: ignore[arg-type]
        for _ in range(chunks):
            os.read(queue, 4)
        mark.touch()
        os.kill(os.getpid(), signal.SIGKILL)
        raise AssertionError

    monkeypatch.setattr(Library, "_work", working)
    reader, paths = fresh(project)
    found = reader.first_pass(paths, PASSES)
    assert mark.exists()
    assert (found, reader.readings(found)) == alone(project)


def test_an_answer_that_was_cut_off_does_not_count(project: Path) -> None:
    reader, paths = fresh(project)
    queue, filler = os.pipe()
    os.write(filler, (0).to_bytes(4, "little"))
    os.close(filler)
    process, results = reader._fork(queue, [paths], PASSES)
    with os.fdopen(results, "rb") as file:
        answer = file.read()
    os.waitpid(process, 0)
    os.close(queue)
    ends = [at for at, byte in enumerate(answer) if byte == ord("\n")]
    assert len(ends) == 41
    for cut in (*range(0, len(answer), 97), *ends, *(at + 1 for at in ends), len(answer)):
        reading, writing = os.pipe()
        os.set_blocking(writing, False)
        assert os.write(writing, answer[:cut]) == cut
        os.close(writing)
        found: list[str] = []
        done = fresh(project)[0]._collect(reading, found)
        os.close(reading)
        assert (done, len(found)) == (({0}, 41) if cut == len(answer) else (set(), 0))
