"""What tells one installation from another."""

from __future__ import annotations

import os
import shutil
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

import celery_lint
from celery_lint.files import installation
from celery_lint.files.cache_folder import CacheFolder
from celery_lint.files.secret import Secret, made

User = tuple[CacheFolder, Secret]
Identified = Callable[..., str]
NOW = time.time_ns() + 10**18  # in thirty years nothing is as young as the run


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the linter that takes itself for the one that runs."""
    folder = tmp_path / "site-packages" / "celery_lint"
    source = Path(celery_lint.__file__).parent
    for name in ("__init__.py", "source.py", "rules/limits"):
        if (source / name).is_dir():
            shutil.copytree(source / name, folder / name)
        else:
            folder.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source / name, folder / name)
    (folder / "rules" / "__init__.py").write_text("")
    monkeypatch.setattr(installation, "_PACKAGE", str(folder))
    return folder


@pytest.fixture
def user(tmp_path: Path) -> User:
    folder = CacheFolder(str(tmp_path / "user"), private=True)
    assert folder.make()
    secret = made(folder.path)
    assert secret is not None
    return folder, secret


@pytest.fixture
def identified(user: User, monkeypatch: pytest.MonkeyPatch) -> Identified:
    """What a new process would find."""

    def find(now: int = NOW) -> str:
        monkeypatch.setattr(installation, "_known", "")
        return installation.installation(*user, now)

    return find


CHANGES: dict[str, Callable[[Path], object]] = {
    "a letter": lambda package: rewrite(package / "source.py", "    ", "\t"),
    "the version": lambda package: rewrite(package / "__init__.py", celery_lint.__version__, "99.0"),
    "a new file": lambda package: (package / "rules" / "new.py").write_text(""),
    "a file less": lambda package: next((package / "rules/limits").glob("cel*.py")).unlink(),
    "another name": lambda package: (package / "source.py").rename(package / "sources.py"),
}


def rewrite(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))


@pytest.mark.parametrize("change", CHANGES)
def test_another_content_is_another_installation(package: Path, identified: Identified, change: str) -> None:
    before = identified()
    assert identified() == before != ""
    CHANGES[change](package)
    assert identified() != before


def test_a_rewritten_file_with_its_old_size_and_time(package: Path, identified: Identified) -> None:
    before, path = identified(), package / "source.py"
    status = path.stat()
    time.sleep(0.02)  # the tick of the file system's clock
    path.write_bytes(path.read_bytes().swapcase())
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert path.stat().st_size == status.st_size
    assert identified() != before


def test_the_same_content_elsewhere_is_the_same(
    package: Path, identified: Identified, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = identified()
    other = package.parent.parent / "other" / "celery_lint"
    shutil.copytree(package, other)
    os.utime(other / "source.py", (1, 1))
    monkeypatch.setattr(installation, "_PACKAGE", str(other))
    assert identified() == before


@pytest.mark.parametrize("version", [sys.hexversion + 1, sys.hexversion + 0x10000])
def test_another_python_is_another_installation(
    package: Path, identified: Identified, monkeypatch: pytest.MonkeyPatch, version: int
) -> None:
    before = identified()
    monkeypatch.setattr(sys, "hexversion", version)
    assert identified() != before


def test_files_are_read_once(
    package: Path, identified: Identified, user: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = identified()
    read: list[object] = []
    content = installation._content

    def reading(*given: object) -> str:
        read.append(given)
        return content(*given)  # type: ignore[arg-type]

    monkeypatch.setattr(installation, "_content", reading)
    assert identified() == before
    assert not read
    folder = Path(user[0].path)
    (kept,) = folder.glob("celery-lint-installation-*")
    kept.write_bytes(kept.read_bytes().replace(before.encode(), b"0" * 16))  # forged
    assert identified() == before
    assert len(read) == 1


def test_what_may_still_change_is_not_remembered(package: Path, identified: Identified, user: User) -> None:
    assert identified(time.time_ns())
    assert not list(Path(user[0].path).glob("celery-lint-installation-*"))


def test_an_installation_without_files(
    tmp_path: Path, identified: Identified, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In an archive, for example: nobody knows what it is, so nothing is kept."""
    monkeypatch.setattr(installation, "_PACKAGE", str(tmp_path / "archive.pyz" / "celery_lint"))
    assert identified() == ""
