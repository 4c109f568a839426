"""Pipes, devices and files without end stand where a file should be: nothing hangs, no memory is filled."""

from __future__ import annotations

import errno
import json
import os
import socket
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from celery_lint.regular_files import NotRegular, TooLarge, create, read_regular, unlink
from tests import samples
from tests.processes import run

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="no pipes, and links need a permission")

# What runs in a process of its own may take so much memory and processor time, and no more.
LIMITS = """
import contextlib, io, json, os, resource, sys
from celery_lint.frontends.cli import main
resource.setrlimit(resource.RLIMIT_AS, (2 << 30, 2 << 30))
resource.setrlimit(resource.RLIMIT_CPU, (60, 60))
answers, around = {}, os.getcwd()
for name in sys.argv[1:]:
    os.chdir(os.path.join(around, f"with {name}".replace("/", "-")))
    # What discovery leaves out is named.
    paths = [".", name] if name.endswith(".py") else ["."]
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = main(["check", "--output-format=concise", *paths])
    answers[name] = code, out.getvalue(), err.getvalue()
print(json.dumps(answers))
"""


def pipe(path: Path) -> None:
    os.mkfifo(path)


def endless(path: Path) -> None:
    path.symlink_to("/dev/zero")


def terminal(path: Path) -> None:
    path.symlink_to("/dev/tty")


def huge(path: Path) -> None:
    path.touch()
    os.truncate(path, 1 << 40)  # it takes no space


def folder(path: Path) -> None:
    path.mkdir()


def listening(path: Path) -> None:
    here = os.getcwd()
    os.chdir(path.parent)  # the address of a socket is short
    try:
        with socket.socket(socket.AF_UNIX) as server:
            server.bind(path.name)
    finally:
        os.chdir(here)


ODD: dict[str, Callable[[Path], None]] = {
    "pipe": pipe,
    "endless": endless,
    "terminal": terminal,
    "huge": huge,
    "folder": folder,
    "socket": listening,
}


@pytest.mark.parametrize("kind", ODD)
def test_what_is_no_file_is_not_read(tmp_path: Path, kind: str) -> None:
    ODD[kind](tmp_path / "odd")
    expected = {"folder": IsADirectoryError, "huge": TooLarge}.get(kind, NotRegular)
    with pytest.raises(expected):
        read_regular(str(tmp_path / "odd"), 1 << 20)


def test_the_bound_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"x" * 100)
    assert read_regular(str(path), 100) == b"x" * 100
    with pytest.raises(TooLarge):
        read_regular(str(path), 99)


@pytest.mark.skipif(not os.path.exists("/proc/self/maps"), reason="no files without a size here")
def test_a_file_without_a_size_is_bounded_too() -> None:
    assert b"\n" in read_regular("/proc/self/maps", 1 << 20)
    with pytest.raises(TooLarge):
        read_regular("/proc/self/maps", 10)


def test_links(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"x")
    (tmp_path / "link").symlink_to("file")
    assert read_regular(str(tmp_path / "link"), 10) == b"x"
    with pytest.raises(OSError, match="regular"):
        read_regular(str(tmp_path / "link"), 10, links=False)


@pytest.mark.parametrize(
    "most, amount",
    [(10 << 10, "10 KB"), ((1 << 20) - 1, "1023 KB"), (1 << 20, "1 MB"), (5 << 20, "5 MB")],
)
def test_how_much_is_told(tmp_path: Path, most: int, amount: str) -> None:
    huge(tmp_path / "huge")
    with pytest.raises(TooLarge, match=f"is larger than {amount}"):
        read_regular(str(tmp_path / "huge"), most)


@pytest.mark.parametrize("kind", [pipe, endless, huge])
def test_what_takes_the_files_place_meanwhile(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: Callable[[Path], None]
) -> None:
    """It was a file when it was looked at, and is none when it is opened: that must not wait for a writer."""
    (tmp_path / "file").write_bytes(b"x")
    kind(tmp_path / "odd")
    status, flags, opened = os.stat(tmp_path / "file"), [], os.open

    def opening(path: str, flag: int) -> int:
        flags.append(flag)
        return opened(path, flag | os.O_NONBLOCK)

    monkeypatch.setattr(os, "stat", lambda path: status)
    monkeypatch.setattr(os, "open", opening)
    with pytest.raises(TooLarge if kind is huge else NotRegular):
        read_regular(str(tmp_path / "odd"), 100)
    assert flags
    assert all(flag & os.O_NONBLOCK and flag & os.O_NOCTTY and flag & os.O_CLOEXEC for flag in flags)


@pytest.mark.skipif(not os.path.exists("/proc/self/fd"), reason="nobody counts the open files here")
def test_nothing_stays_open(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"x" * 100)
    before = len(os.listdir("/proc/self/fd"))
    read_regular(str(tmp_path / "file"), 100)
    with pytest.raises(TooLarge):
        read_regular("/proc/self/maps", 10)
    create(str(tmp_path / "new"), b"x")
    assert len(os.listdir("/proc/self/fd")) == before


def test_a_new_file(tmp_path: Path) -> None:
    old = os.umask(0)
    try:
        create(str(tmp_path / "new"), b"0123456789" * 1_000_000)
    finally:
        os.umask(old)
    assert (tmp_path / "new").read_bytes() == b"0123456789" * 1_000_000
    assert (tmp_path / "new").stat().st_mode & 0o777 == 0o600


def test_a_write_that_comes_to_half(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write = os.write
    monkeypatch.setattr(os, "write", lambda descriptor, data: write(descriptor, data[:3]))
    create(str(tmp_path / "new"), b"0123456789")
    assert (tmp_path / "new").read_bytes() == b"0123456789"


@pytest.mark.parametrize("kind", [*ODD.values(), lambda path: path.symlink_to("nowhere"), Path.touch])
def test_where_there_is_something_no_file_is_made(tmp_path: Path, kind: Callable[[Path], None]) -> None:
    kind(tmp_path / "there")
    before = os.lstat(tmp_path / "there")
    with pytest.raises(FileExistsError):
        create(str(tmp_path / "there"), b"x")
    assert os.lstat(tmp_path / "there") == before
    assert not (tmp_path / "nowhere").exists()


def test_what_is_removed(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "folder").mkdir()
    for name in ("file", "folder", "missing"):
        unlink(str(tmp_path / name))
    assert os.listdir(tmp_path) == ["folder"]


def test_a_link_that_takes_the_files_place_meanwhile(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_bytes(b"x")
    (tmp_path / "link").symlink_to("file")
    status = os.lstat(tmp_path / "file")
    monkeypatch.setattr(os, "lstat", lambda path: status)
    with pytest.raises(OSError) as caught:  # noqa: PT011
        read_regular(str(tmp_path / "link"), 10, links=False)
    assert caught.value.errno == errno.ELOOP


PLACES = ("pyproject.toml", "setup.cfg", "tox.ini", "Procfile", "app/odd.py", "app/pyproject.toml")


@pytest.mark.parametrize("kind", ODD)
def test_a_workspace_with_it(tmp_path: Path, kind: str) -> None:
    """One process is asked about all of them: what one takes, the others have not."""
    for name in PLACES:
        project = samples.write(tmp_path / f"with {name}".replace("/", "-"))
        (project / name).unlink(missing_ok=True)
        ODD[kind](project / name)
    answers = json.loads(run([sys.executable, "-c", LIMITS, *PLACES], cwd=tmp_path).out)
    for name, (code, out, err) in answers.items():
        assert "Traceback" not in err
        if name == "pyproject.toml" and kind != "folder":  # somebody means to configure us, and cannot
            assert code == 2, err
            assert err.startswith("celery-lint: error: pyproject.toml: is ")
        else:
            assert code == 1, err
            assert "CEL111" in out
