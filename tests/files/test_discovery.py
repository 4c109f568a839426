"""The files of a workspace, with git and without, and when a listing may be used again."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from celery_lint.files.discovery import Listing, discover, is_current

ROOT = "[tool.celery-lint]\nroot = true\n"
LONG_AGO = time.time_ns() - 3_600_000_000_000

needs_git = pytest.mark.skipif(shutil.which("git") is None, reason="needs git")


@pytest.fixture(autouse=True)
def nobody_s_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")


def git(root: Path, *arguments: str) -> None:
    command = ["git", "-c", "user.name=t", "-c", "user.email=t@t", "-C", str(root), *arguments]
    subprocess.run(command, check=True, capture_output=True)


@pytest.fixture(params=["walk", pytest.param("git", marks=needs_git)])
def root(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A workspace, once without and once with git."""
    folder = tmp_path / "workspace"
    folder.mkdir()
    if request.param == "git":
        git(folder, "init", "-q")
    return folder


def lay_out(folder: Path, *names: str) -> None:
    for name in names:
        name, _, text = name.partition("=")
        path = folder / name
        if name.endswith("/"):
            path.mkdir(parents=True)
        else:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)


def settle(folder: Path) -> None:
    """Make every folder and file look old, so that times prove something."""
    for path in [folder, *folder.rglob("*")]:
        os.utime(path, ns=(LONG_AGO, LONG_AGO), follow_symlinks=False)


def test_files_by_their_kind(root: Path) -> None:
    lay_out(root, "b.py", "a/c.py", "a/d.pyi", "a.txt", "Procfile", "deploy/compose.yml", ".do/app.yaml")
    lay_out(root, "pyproject.toml", "a/setup.cfg", ".gitignore", "README.md", "tests/docker-compose.yml")
    listing = discover(str(root))
    assert listing.python == ["a/c.py", "b.py"]
    lists = ["a/setup.cfg", "pyproject.toml"]  # of dependencies
    assert listing.launch == sorted([".do/app.yaml", ".gitignore", "Procfile", "deploy/compose.yml", *lists])
    assert listing.configuration == [".gitignore", "a/setup.cfg", "pyproject.toml"]
    assert listing.directories == [".", ".do", "a", "deploy", "tests"]
    assert Listing(*json.loads(json.dumps(listing))) == listing


@pytest.mark.parametrize(
    "name",
    [
        ".hidden/x.py",
        ".venv/pyvenv.cfg",
        "__pycache__/x.py",
        "node_modules/gyp/x.py",
        "lib/site-packages/x.py",
        ".tox/py/x.py",
    ],
)
def test_folders_of_others(root: Path, name: str) -> None:
    lay_out(root, "a.py", name)
    assert discover(str(root)).python == ["a.py"]


def test_what_may_be_imported_besides(root: Path) -> None:
    """Compiled modules, what they are made from, links to folders and other checkouts."""
    lay_out(
        root, "a/b.py", "a/fast.pyx", "a/faster.cpython-313-x86_64-linux-gnu.so", "other/x.py", "other/.hg/"
    )
    (root / "a/linked").symlink_to(root / "other", target_is_directory=True)
    listing = discover(str(root))
    compiled = ["a/fast.pyx", "a/faster.cpython-313-x86_64-linux-gnu.so"]
    assert listing.python == ["a/b.py"]
    assert listing.unlisted == [*compiled, "a/linked", "other"]


@needs_git
def test_what_git_ignores_may_be_imported(tmp_path: Path) -> None:
    git(tmp_path, "init", "-q")
    lay_out(tmp_path, "a/b.py", "a/keys.py", "made/c.py", ".gitignore=keys.py\nmade/\n")
    listing = discover(str(tmp_path))
    assert listing.python == ["a/b.py"]
    assert listing.unlisted == ["a/keys.py", "made"]
    (tmp_path / "a/keys.py").unlink()
    assert not discover(str(tmp_path)).has_files_of(listing)


@pytest.mark.parametrize(
    "mark", ["pyvenv.cfg", "CACHEDIR.TAG", ".hg/", "conda-meta/", f"pyproject.toml={ROOT}"]
)
def test_folders_that_say_they_are_somebody_else_s(root: Path, mark: str) -> None:
    lay_out(root, "a.py", "other/x.py", "other/below/y.py", f"other/{mark}", "other/Procfile")
    listing = discover(str(root))
    assert (listing.python, listing.launch) == (["a.py"], [])
    assert "other" not in listing.directories
    assert "other" in listing.watched


def test_the_root_itself_may_say_so(root: Path) -> None:
    lay_out(root, "a.py", f"pyproject.toml={ROOT}", "pyvenv.cfg")
    assert discover(str(root)).python == ["a.py"]


def test_build_folders_outside_git(tmp_path: Path) -> None:
    lay_out(
        tmp_path, "build/lib/x.py", "dist/x.py", "app.egg-info/x.py", "app/build/__init__.py", "app/dist/y.py"
    )
    assert discover(str(tmp_path)).python == ["app/build/__init__.py"]


@pytest.mark.skipif(sys.platform == "win32", reason="links need a permission")
def test_what_is_not_a_file(root: Path) -> None:
    lay_out(root, "a.py", "folder.py/inside.py")
    (root / "dangling.py").symlink_to("nowhere")
    (root / "loop.py").symlink_to("loop.py")
    (root / "loop").symlink_to(root)
    (root / "link.py").symlink_to("a.py")
    (root / "to_folder.py").symlink_to("folder.py")
    os.mkfifo(root / "pipe.py")
    assert discover(str(root)).python == ["a.py", "folder.py/inside.py", "link.py"]


def test_names_that_are_not_text(root: Path) -> None:
    try:
        with open(os.fsencode(root) + b"/b\xffd.py", "w"):
            pass
    except OSError:
        pytest.skip("this file system has texts for names")
    lay_out(root, "line\nbreak.py", "sp ace.py", "日本.py", "-n.py", "'quoted\".py")
    found = discover(str(root)).python
    assert len(found) == 6
    assert all(os.path.isfile(root / name) for name in found)


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="everything is readable to root")
def test_a_folder_that_may_not_be_read(root: Path) -> None:
    lay_out(root, "a.py", "secret/x.py")
    (root / "secret").chmod(0)
    try:
        assert discover(str(root)).python == ["a.py"]
    finally:
        (root / "secret").chmod(0o700)


def test_an_empty_workspace_and_a_missing_one(root: Path) -> None:
    assert discover(str(root)).python == []
    assert discover(str(root / "missing")) == Listing([], [], [], [], [], [], [], [], [])


@needs_git
class TestGit:
    @pytest.fixture
    def root(self, tmp_path: Path) -> Path:
        folder = tmp_path / "workspace"
        folder.mkdir()
        git(folder, "init", "-q")
        return folder

    def test_tracked_and_untracked_but_not_ignored(self, root: Path) -> None:
        lay_out(root, ".gitignore=generated/\n*_local.py\n", "tracked_local.py", "a.py", "b_local.py")
        lay_out(root, "generated/x.py", "build/y.py", "gone.py")
        git(root, "add", "-f", "tracked_local.py", "gone.py")
        (root / "gone.py").unlink()
        assert discover(str(root)).python == ["a.py", "build/y.py", "tracked_local.py"]

    def test_other_checkouts_within(self, root: Path) -> None:
        lay_out(root, "a.py", "nested/x.py", "module/x.py")
        git(root / "nested", "init", "-q")
        git(root / "module", "init", "-q")
        git(root / "module", "add", ".")
        git(root / "module", "commit", "-qm", "x")
        git(root, "add", "module")
        listing = discover(str(root))
        assert listing.python == ["a.py"]
        assert listing.directories == ["."]

    def test_a_workspace_below_the_top(self, root: Path) -> None:
        lay_out(
            root,
            ".gitignore=ignored.py\n",
            "outside.py",
            "sub/a.py",
            "sub/ignored.py",
            f"sub/pyproject.toml={ROOT}",
        )
        listing = discover(str(root / "sub"))
        assert listing.python == ["a.py"]
        assert f"{root}/.gitignore" in listing.watched

    def test_a_workspace_that_is_itself_ignored(self, root: Path) -> None:
        lay_out(root, ".gitignore=sub/\n", "sub/a.py")
        assert discover(str(root / "sub")).python == ["a.py"]

    def test_a_worktree(self, root: Path, tmp_path: Path) -> None:
        lay_out(root, "a.py")
        git(root, "add", ".")
        git(root, "commit", "-qm", "x")
        git(root, "worktree", "add", "-q", str(tmp_path / "worktree"))
        listing = discover(str(tmp_path / "worktree"))
        assert listing.python == ["a.py"]
        assert any(
            name.endswith("worktrees/worktree/index") and os.path.exists(name) for name in listing.watched
        )
        assert any(name.endswith("/config") and os.path.exists(name) for name in listing.watched)

    def test_variables_of_a_hook(self, root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        lay_out(root, ".gitignore=ignored.py\n", "a.py", "ignored.py")
        lay_out(tmp_path / "other", "b.py")
        git(tmp_path / "other", "init", "-q")
        monkeypatch.setenv("GIT_DIR", str(tmp_path / "other" / ".git"))
        monkeypatch.setenv("GIT_WORK_TREE", str(tmp_path / "other"))
        monkeypatch.setenv("GIT_INDEX_FILE", "nonsense")
        assert discover(str(root)).python == ["a.py"]

    def test_a_repository_s_configuration_runs_no_program(self, root: Path) -> None:
        lay_out(root, "a.py")
        git(root, "config", "core.fsmonitor", f"touch {root}/ran; false")
        assert discover(str(root)).python == ["a.py"]
        assert not (root / "ran").exists()

    @pytest.mark.parametrize("how", ["no git", "broken", "subprocess"])
    def test_without_the_help_of_git_or_spawn(
        self, root: Path, monkeypatch: pytest.MonkeyPatch, how: str
    ) -> None:
        lay_out(root, ".gitignore=ignored.py\n", "a.py", "ignored.py")
        if how == "no git":
            monkeypatch.setenv("PATH", "")
        elif how == "broken":
            (root / ".git" / "HEAD").unlink()
        else:
            monkeypatch.setattr("celery_lint.files.git._SPAWNS", False)
        expected = ["a.py"] if how == "subprocess" else ["a.py", "ignored.py"]
        assert discover(str(root)).python == expected

    def test_many_folders_without_files(self, root: Path) -> None:
        lay_out(root, "a.py", ".gitignore=*_ignored\n")
        for number in range(300):
            (root / f"{number}_{'x' * 200}{'_ignored' * (number % 2)}").mkdir()
        assert len(discover(str(root)).directories) == 1 + 150

    @pytest.mark.parametrize("level", ["ignored", "within"])
    def test_ignored_folders_are_not_watched(self, root: Path, level: str) -> None:
        lay_out(root, "a.py", "data/one/x.bin", "data/two/x.bin")
        lay_out(root, ".gitignore=data/\n" if level == "ignored" else "data/.gitignore=*\n")
        assert discover(str(root)).directories == ([".", "data"] if level == "within" else ["."])


class TestIsCurrent:
    def test_unchanged(self, root: Path) -> None:
        lay_out(root, "a.py", "b/c.py", "empty/below/", "pyproject.toml", ".gitignore")
        settle(root)
        listing = discover(str(root))
        assert is_current(str(root), listing)
        assert is_current(str(root), Listing(*json.loads(json.dumps(listing))))
        (root / "a.py").write_text("changed")  # the same listing
        assert is_current(str(root), listing)

    def test_a_young_listing_proves_nothing(self, root: Path) -> None:
        lay_out(root, "a.py")
        assert not is_current(str(root), discover(str(root)))

    @pytest.mark.parametrize(
        "change",
        [
            "new.py",
            "b/new.py",
            "empty/new.py",
            "empty/below/new.py",
            "b/new/new.py",
            "Procfile",
            "pyproject.toml",
            f"b/pyproject.toml={ROOT}",
            "b/pyvenv.cfg",
            f"nested/pyproject.toml={ROOT}\n",
        ],
    )
    def test_additions(self, root: Path, change: str) -> None:
        lay_out(root, "a.py", "b/c.py", "empty/below/", f"nested/pyproject.toml={ROOT}", "nested/x.py")
        settle(root)
        listing = discover(str(root))
        assert is_current(str(root), listing)
        lay_out(root, change)
        assert not is_current(str(root), listing)

    @pytest.mark.parametrize("name", ["a.py", "b/c.py", "nested/pyproject.toml", "environment/pyvenv.cfg"])
    def test_removals(self, root: Path, name: str) -> None:
        lay_out(
            root, "a.py", "b/c.py", f"nested/pyproject.toml={ROOT}", "nested/x.py", "environment/pyvenv.cfg"
        )
        settle(root)
        listing = discover(str(root))
        assert is_current(str(root), listing)
        (root / name).unlink()
        assert not is_current(str(root), listing)

    @needs_git
    @pytest.mark.parametrize("name", [".gitignore", "b/.gitignore", ".git/info/exclude", ".git/config"])
    def test_what_git_ignores(self, tmp_path: Path, name: str) -> None:
        root = tmp_path / "workspace"
        lay_out(root, "a.py", "b/c.py", ".gitignore", "b/.gitignore")
        git(root, "init", "-q")
        settle(root)
        listing = discover(str(root))
        assert is_current(str(root), listing)
        with open(root / name, "a") as file:
            file.write("\n")
        assert not is_current(str(root), listing)

    @needs_git
    def test_what_git_tracks(self, tmp_path: Path) -> None:
        root = tmp_path / "workspace"
        lay_out(root, "a.py", "b.py", ".gitignore=b.py")
        git(root, "init", "-q")
        git(root, "add", "a.py")
        settle(root)
        listing = discover(str(root))
        assert is_current(str(root), listing)
        git(root, "add", "-f", "b.py")
        assert not is_current(str(root), listing)
        assert discover(str(root)).python == ["a.py", "b.py"]

    def test_damaged_listings(self, root: Path) -> None:
        assert not is_current(str(root), Listing([], [], [], ["\0"], ["\0", "/missing"], [0], [], [], []))


@pytest.mark.parametrize("folder", [".hidden", "app/.hidden", "app/.hidden/deep", ".github"])
def test_hidden_folders_have_no_code(root: Path, folder: str) -> None:
    lay_out(root, f"{folder}/tasks.py", "app/tasks.py")
    assert discover(str(root)).python == ["app/tasks.py"]


@needs_git
def test_patterns_that_ignore_themselves(tmp_path: Path) -> None:
    """git does not name the file, and what it says counts all the same."""
    git(tmp_path, "init", "-q")
    lay_out(tmp_path, "app/.gitignore=.gitignore\nold.py\n", "app/old.py", "app/new.py", "app/deep/er/x.py")
    settle(tmp_path)
    listing = discover(str(tmp_path))
    assert listing.python == ["app/deep/er/x.py", "app/new.py"]
    assert is_current(str(tmp_path), listing)
    (tmp_path / "app/.gitignore").write_text(".gitignore\nnew.py\n")
    assert not is_current(str(tmp_path), listing)
    assert discover(str(tmp_path)).python == ["app/deep/er/x.py", "app/old.py"]
