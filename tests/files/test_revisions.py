"""What a file was at a revision, whatever the repository says to git."""

from __future__ import annotations

import re
import shlex
import shutil
from pathlib import Path

import pytest

from celery_lint.files.revisions import UnknownRevision, changed_lines, revision_around
from tests.files.hostile import git
from tests.files.test_git import KEYS_OF_COMMANDS

pytestmark = pytest.mark.skipif(shutil.which("git") is None, reason="needs git")

TEXTS = [
    # before, now, the lines that are new
    ("", "", set()),
    ("a\nb\n", "a\nb\n", set()),
    ("a\nb\n", "a\r\nb\r\n", set()),
    ("a\nb\n", "a\nx\nb\n", {2}),
    ("a\nb\n", "x\na\nb\n", {1}),
    ("a\nb\nc\n", "a\nc\n", set()),
    ("a\nb\nc\nd\n", "a\nx\nc\ny\n", {2, 4}),
    ("a\na\na\n", "a\na\na\na\n", {4}),
    ("", "a\nb", {1, 2}),
]


@pytest.mark.parametrize("before, now, expected", TEXTS)
def test_changed_lines(before: str, now: str, expected: set[int]) -> None:
    assert changed_lines(before.encode(), now.encode()) - {now.count("\n") + 1} == expected - {
        now.count("\n") + 1
    }


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    folder = tmp_path / "workspace"
    (folder / "sub").mkdir(parents=True)
    (folder / "sub" / "a.py").write_text("first\n")
    git(folder, "init", "-q")
    git(folder, "add", ".")
    git(folder, "commit", "-qm", "first")
    git(folder, "tag", "start")
    (folder / "sub" / "a.py").write_text("second\n")
    git(folder, "commit", "-qam", "second")
    (folder / "sub" / "a.py").write_text("third\n")
    return folder


def text(root: Path, name: str, path: str = "sub/a.py") -> bytes | None:
    with revision_around(str(root), name) as revision:
        return revision.text(str(root / path))


def test_names_of_revisions(root: Path) -> None:
    assert text(root, "HEAD") == b"second\n"
    for name in ("start", "HEAD~1", "main~1", "refs/tags/start"):
        assert text(root, name) == b"first\n"
    git(root, "pack-refs", "--all")
    assert text(root, "start") == b"first\n"
    assert text(root, "HEAD", "sub/new.py") is None
    for name in ("nothing", "-h", "--help", "HEAD:sub/a.py", ""):
        with pytest.raises(UnknownRevision):
            text(root, name)


def test_since_a_branch_means_since_it_was_left(root: Path) -> None:
    git(root, "checkout", "-qf", "-b", "other", "start")
    (root / "sub" / "b.py").write_text("other\n")
    git(root, "add", ".")
    git(root, "commit", "-qm", "other")
    assert text(root, "main") == b"first\n"


def test_a_worktree(root: Path, tmp_path: Path) -> None:
    git(root, "worktree", "add", "-q", str(tmp_path / "tree"), "start")
    assert text(tmp_path / "tree", "main") == b"first\n"
    assert text(tmp_path / "tree", "start") == b"first\n"


def test_no_checkout(tmp_path: Path) -> None:
    with pytest.raises(UnknownRevision, match="lies in no git checkout"):
        revision_around(str(tmp_path), "HEAD")


def test_nothing_is_left_behind(root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    monkeypatch.setenv("TMPDIR", str(temporary))
    git(root, "pack-refs", "--all")
    assert text(root, "start") == b"first\n"
    assert list(temporary.iterdir()) == []
    assert (root / ".git" / "packed-refs").exists()
    assert (root / ".git" / "refs").is_dir()


def test_no_key_runs_a_program(root: Path, tmp_path: Path) -> None:
    (root / ".gitattributes").write_text("* filter=x diff=x merge=x\n")
    git(root, "add", ".")
    ran, script = tmp_path / "ran", tmp_path / "program"
    script.write_text(f"#!/bin/sh\ntouch {shlex.quote(str(ran))}\n")
    script.chmod(0o700)
    for hook in ("fsmonitor-watchman", "post-index-change", "reference-transaction", "post-checkout"):
        shutil.copy(script, root / ".git" / "hooks" / hook)
    keys = [*KEYS_OF_COMMANDS.split(), "alias.rev-parse", "alias.cat-file", "alias.merge-base"]
    runners = []
    for key in keys:
        section, name = key.rsplit(".", 1)
        section = re.sub(r"\.(.*)", r' "\1"', section)
        value = f"!{script}" if section in ("alias", "credential", "submodule") else script
        (root / ".git" / "config").write_text(
            f"[core]\nrepositoryformatversion = 1\n[extensions]\npartialClone = origin\n"
            f'[remote "origin"]\npromisor = true\nurl = .\n[{section}]\n{name} = "{value}"\n'
        )
        assert text(root, "start") == b"first\n", key
        if ran.exists():
            runners.append(key)
            ran.unlink()
    assert runners == []


def test_an_object_that_is_not_there_is_fetched_from_nowhere(root: Path, tmp_path: Path) -> None:
    ran = tmp_path / "ran"
    blob = git(root, "rev-parse", "start:sub/a.py").strip()
    (root / ".git" / "objects" / blob[:2] / blob[2:]).unlink()
    (root / ".git" / "config").write_text(
        "[core]\nrepositoryformatversion = 1\n[extensions]\npartialClone = origin\n"
        f'[remote "origin"]\npromisor = true\nurl = ext::touch {ran}\n[protocol "ext"]\nallow = always\n'
    )
    assert text(root, "start") is None
    assert not ran.exists()
