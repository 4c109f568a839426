"""The user's secret: made once, believed only if it is the user's alone."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from celery_lint.files import secret

NAME = "celery-lint-secret"
posix = pytest.mark.skipif(os.name == "nt", reason="files have no modes, and links need a permission")


def digest(folder: Path) -> str:
    made = secret.made(str(folder))
    assert made is not None
    return made.digest("test", b"data")


def test_it_is_made_once(tmp_path: Path) -> None:
    assert secret.found(str(tmp_path)) is None
    assert digest(tmp_path) == digest(tmp_path)
    assert os.listdir(tmp_path) == [NAME]
    assert len((tmp_path / NAME).read_bytes()) == 32


def test_two_folders_have_two_secrets(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    assert digest(tmp_path / "a") != digest(tmp_path / "b")


def test_purposes_are_kept_apart(tmp_path: Path) -> None:
    made = secret.made(str(tmp_path))
    assert made is not None
    assert made.digest("facts", b"") != made.digest("manifest", b"")


@posix
def test_nobody_else_may_read_it(tmp_path: Path) -> None:
    old = os.umask(0)
    try:
        digest(tmp_path)
    finally:
        os.umask(old)
    assert stat.S_IMODE((tmp_path / NAME).stat().st_mode) == 0o600


@posix
@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o777])
def test_one_that_others_could_read_is_replaced(tmp_path: Path, mode: int) -> None:
    before = digest(tmp_path)
    (tmp_path / NAME).chmod(mode)
    assert secret.found(str(tmp_path)) is None
    assert digest(tmp_path) != before
    assert stat.S_IMODE((tmp_path / NAME).stat().st_mode) == 0o600


@pytest.mark.parametrize("data", [b"", b"x" * 31, b"x" * 33, b"x" * 100_000])
def test_a_damaged_one_is_replaced(tmp_path: Path, data: bytes) -> None:
    (tmp_path / NAME).write_bytes(data)
    (tmp_path / NAME).chmod(0o600)
    assert secret.found(str(tmp_path)) is None
    assert digest(tmp_path) == digest(tmp_path)
    assert os.listdir(tmp_path) == [NAME]


@posix
def test_one_that_a_link_leads_to_is_replaced(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "target").write_bytes(b"x" * 32)
    (tmp_path / "target").chmod(0o600)
    (tmp_path / "folder" / NAME).symlink_to(tmp_path / "target")
    assert secret.found(str(tmp_path / "folder")) is None
    digest(tmp_path / "folder")
    assert (tmp_path / "target").read_bytes() == b"x" * 32
    assert not (tmp_path / "folder" / NAME).is_symlink()


@posix
@pytest.mark.skipif(os.name != "nt" and os.geteuid() != 0, reason="only root may give files away")
def test_one_of_somebody_else_is_neither_believed_nor_replaced(tmp_path: Path) -> None:
    digest(tmp_path)
    os.chown(tmp_path / NAME, 12345, -1)
    assert secret.found(str(tmp_path)) is None
    assert secret.made(str(tmp_path)) is None
    assert os.listdir(tmp_path) == [NAME]


def test_where_there_are_no_hard_links(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*arguments: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "link", refuse)
    assert digest(tmp_path) == digest(tmp_path)
    assert os.listdir(tmp_path) == [NAME]


def test_no_folder(tmp_path: Path) -> None:
    assert secret.made(str(tmp_path / "missing")) is None
    (tmp_path / "file").touch()
    assert secret.made(str(tmp_path / "file")) is None


MANY = """
import sys
from celery_lint.files import secret
sys.stdin.read(1)  # all begin at once
print(secret.made(sys.argv[1]).digest("test", b"data"))
"""


@pytest.mark.parametrize("before", [None, b"damaged"])
def test_many_processes_make_one(tmp_path: Path, before: bytes | None) -> None:
    if before is not None:
        (tmp_path / NAME).write_bytes(before)
    command = [sys.executable, "-c", MANY, str(tmp_path)]
    processes = [
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) for _ in range(12)
    ]
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("\n")
        process.stdin.flush()
    digests = [process.communicate()[0].strip() for process in processes]
    assert all(process.returncode == 0 for process in processes)
    if before is None:  # of those that replace a damaged one at once, the last one wins
        assert set(digests) == {digest(tmp_path)}
    assert digest(tmp_path) in digests
    assert os.listdir(tmp_path) == [NAME]
