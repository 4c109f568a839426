"""What is noticed of a file from outside."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from celery_lint.files import stamps


@pytest.fixture
def folder(tmp_path: Path) -> str:
    (tmp_path / "a.py").write_text("a = 1\n")
    (tmp_path / "b.py").write_text("b = 1\n")
    return str(tmp_path)


def test_flat_and_back() -> None:
    found = [(1, 2, 3, 4), (5, 6, 7, 8)]
    assert list(stamps.unflat(stamps.flat(found))) == found


@pytest.mark.parametrize("inode", [0, 7, 2**63, 2**64 - 1])
def test_packed_and_back(inode: int) -> None:
    numbers = [5, 1_700_000_000_123_456_789, 1_700_000_000_123_456_790, inode]
    assert stamps.unpacked(stamps.packed(numbers)) == numbers


@pytest.mark.parametrize("number", [-1, -(10**18), 2**64, 2**127])
def test_numbers_that_cannot_be_kept(number: int) -> None:
    """No file has them: a file that must not be trusted, a time before 1970, an inode of 128 bits."""
    (kept,) = stamps.unpacked(stamps.packed([number]))
    assert kept != number


@pytest.mark.parametrize("count", [1, 3, 5, 7])
def test_no_part_of_a_stamp_is_left_over(folder: str, count: int) -> None:
    with pytest.raises(ValueError, match="argument"):
        list(stamps.unflat(range(count)))


@pytest.mark.parametrize("names", [["a.py"], ["a.py", "b.py", "a.py"]])
def test_there_are_as_many_stamps_as_files(folder: str, names: list[str]) -> None:
    kept = stamps.flat(stamps.stamps(folder, ["a.py", "b.py"]))
    assert list(stamps.by_path(["a.py", "b.py"], kept)) == ["a.py", "b.py"]
    with pytest.raises(ValueError, match="argument"):
        stamps.by_path(names, kept)
    with pytest.raises(ValueError, match="argument"):
        stamps.all_are(folder, names, kept)


def test_files_that_are_what_they_were(folder: str) -> None:
    names = ["a.py", "b.py"]
    kept = stamps.flat(stamps.stamps(folder, names))
    assert stamps.all_are(folder, names, kept)
    os.unlink(f"{folder}/b.py")
    assert not stamps.all_are(folder, names, kept)


@pytest.mark.parametrize("part", range(4), ids=["size", "modified", "changed", "inode"])
@pytest.mark.parametrize("file", range(2))
def test_every_part_of_a_stamp_counts(folder: str, file: int, part: int) -> None:
    """A copy that replaces a file may have its size and times, and somebody may give it any time but one."""
    names = ["a.py", "b.py"]
    kept = stamps.flat(stamps.stamps(folder, names))
    kept[4 * file + part] += 1
    assert not stamps.all_are(folder, names, kept)


def test_a_file_that_is_rewritten_in_place_and_given_back_its_times(folder: str) -> None:
    before = stamps.stamp(f"{folder}/a.py")
    status = os.stat(f"{folder}/a.py")
    time.sleep(0.02)  # the tick of the file system's clock
    with open(f"{folder}/a.py", "r+") as file:
        file.write("a = 2\n")
    os.utime(f"{folder}/a.py", ns=(status.st_atime_ns, status.st_mtime_ns))
    after = stamps.stamp(f"{folder}/a.py")
    assert before != after
    assert (before[0], before[1], before[3]) == (after[0], after[1], after[3])


def test_what_is_not_there(folder: str) -> None:
    assert stamps.stamp(f"{folder}/missing.py") == stamps.MISSING
    assert stamps.stamp(f"{folder}/null\0.py") == stamps.MISSING


@pytest.mark.parametrize("modified, changed", [(-1, -1), (0, -1), (-1, 0), (0, 0)])
def test_a_file_as_young_as_the_run_is_not_trusted(modified: int, changed: int) -> None:
    started = 1_000 * 1_000_000_000
    limit = started - stamps.RACY_NANOSECONDS
    found = (5, limit + modified, limit + changed, 7)
    kept = next(stamps.settled([found], started))
    assert (kept == found) is (modified < 0 and changed < 0)
    assert kept[1] in (found[1], -1)
