"""Whose a folder is: nothing of somebody else is written, followed or removed."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from celery_lint import engine
from celery_lint.files import cache_folder
from celery_lint.files.cache_folder import CacheFolder, Name
from celery_lint.frontends.cli import main
from tests import samples

links = pytest.mark.skipif(sys.platform == "win32", reason="links need a permission, and there are no pipes")
OURS = b"Signature: 8a477f597d28d172789f06886806bc55\n# This folder is a cache of celery-lint.\n"
THEIRS = b"Signature: 8a477f597d28d172789f06886806bc55\n# This folder is a cache of somebody else.\n"


@pytest.fixture(autouse=True)
def user(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The user's own folder."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "user"))
    return tmp_path / "user" / "celery-lint"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    return samples.write(tmp_path / "project")


def check(project: Path, folder: str | Path = "") -> list[str]:
    report = engine.check_paths([str(project)], None, overrides={"cache_dir": str(folder)})
    return [found.code for found in report.diagnostics]


def contents(folder: Path) -> dict[str, bytes | str]:
    """All that is in a folder: what files hold, where links lead."""
    return {
        str(path.relative_to(folder)): os.readlink(path) if path.is_symlink() else path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_symlink() or path.is_file()
    }


# ------------------------------------------------------------------------------------- where


def test_the_users_folder(user: Path) -> None:
    folder = cache_folder.of_user()
    assert folder is not None
    assert folder.path == str(user)


@pytest.mark.parametrize(
    "platform, path",
    [
        ("linux", ".cache/celery-lint"),
        ("darwin", "Library/Caches/celery-lint"),
        ("freebsd14", ".cache/celery-lint"),
    ],
)
@pytest.mark.parametrize("variable", [None, "", "relative"])
def test_by_the_habits_of_the_system(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, platform: str, path: str, variable: str | None
) -> None:
    monkeypatch.setattr(sys, "platform", platform)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("XDG_CACHE_HOME")
    if variable is not None:  # by the specification, a relative path does not count
        monkeypatch.setenv("XDG_CACHE_HOME", variable)
    folder = cache_folder.of_user()
    assert folder is not None
    assert folder.path == str(tmp_path / path)


def test_by_the_habits_of_windows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "win32")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("LOCALAPPDATA", str(tmp_path / "Local"))
    folder = cache_folder.of_user()
    assert folder is not None
    assert folder.path == str(tmp_path / "Local" / "celery-lint" / "Cache")


@pytest.mark.parametrize("home", ["", "relative", "/nonexistent/home"])
def test_without_a_home_nothing_is_kept(project: Path, monkeypatch: pytest.MonkeyPatch, home: str) -> None:
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", home)
    monkeypatch.chdir(project)
    before = contents(project)
    assert cache_folder.of_user() is None
    assert check(project) == check(project, "chosen") == ["CEL110", "CEL111"]
    assert contents(project) == before
    assert not os.path.exists("/nonexistent")


def test_a_folder_of_ones_own(project: Path, tmp_path: Path, user: Path) -> None:
    check(project, "own/cache")
    assert sorted(path.suffix for path in (project / "own/cache").iterdir()) == [
        "",
        "",
        ".TAG",
        ".facts",
        ".lock",
        ".manifest",
    ]
    assert (project / "own/cache/.gitignore").read_text() == "*\n"
    assert not list(user.glob("*.manifest"))


# ------------------------------------------------------------------------------- whose it is


def foreign(folder: Path) -> None:
    folder.mkdir()
    (folder / "manifest.json").write_text('{"icons": []}')


def foreign_cache(folder: Path) -> None:
    folder.mkdir()
    (folder / "CACHEDIR.TAG").write_bytes(THEIRS)


def half_a_tag(folder: Path) -> None:
    folder.mkdir()
    (folder / "CACHEDIR.TAG").write_bytes(OURS[20:])


def ignored(folder: Path) -> None:
    folder.mkdir()
    (folder / ".gitignore").write_text("*.pyc\n")


def file(folder: Path) -> None:
    folder.write_text("text")


def link(folder: Path) -> None:
    target = folder.with_name("target")
    target.mkdir()
    folder.symlink_to(target)


def link_to_ours(folder: Path) -> None:
    link(folder)
    (folder / "CACHEDIR.TAG").write_bytes(OURS)


def dangling(folder: Path) -> None:
    folder.symlink_to(folder.with_name("target"))


def linked_tag(folder: Path) -> None:
    folder.mkdir()
    folder.with_name("tag").write_bytes(OURS)
    (folder / "CACHEDIR.TAG").symlink_to(folder.with_name("tag"))


def tag_without_end(folder: Path) -> None:
    folder.mkdir()
    (folder / "CACHEDIR.TAG").symlink_to("/dev/zero")


def tag_that_is_a_pipe(folder: Path) -> None:
    folder.mkdir()
    os.mkfifo(folder / "CACHEDIR.TAG")


NOT_OURS: list[Callable[[Path], None]] = [
    foreign,
    foreign_cache,
    half_a_tag,
    ignored,
    file,
    link,
    link_to_ours,
    dangling,
    linked_tag,
    tag_without_end,
    tag_that_is_a_pipe,
]


def configured(project: Path, folder: str) -> None:
    (project / "pyproject.toml").write_text(f'[tool.celery-lint]\nroot = true\ncache-dir = "{folder}"\n')


@links
@pytest.mark.parametrize("make", NOT_OURS)
def test_what_is_not_ours_stays_as_it_is(project: Path, make: Callable[[Path], None]) -> None:
    make(project / "public")
    configured(project, "public")
    before = contents(project)
    for _ in range(2):
        assert check(project, "public") == ["CEL110", "CEL111"]
    assert engine.clean(str(project)) == []
    assert contents(project) == before


@links
@pytest.mark.parametrize("tag", [None, OURS])
@pytest.mark.parametrize("place", ["elsewhere", "user"])
def test_no_folder_is_a_link(
    project: Path, tmp_path: Path, user: Path, place: str, tag: bytes | None
) -> None:
    """Not even the user's own, or one that the user has named."""
    folder = tmp_path / "elsewhere" if place == "elsewhere" else user
    folder.parent.mkdir(exist_ok=True)
    (tmp_path / "target").mkdir()
    if tag is not None:
        (tmp_path / "target" / "CACHEDIR.TAG").write_bytes(tag)
    folder.symlink_to(tmp_path / "target")
    before = contents(tmp_path / "target")
    configured(project, str(folder) if place == "elsewhere" else "")
    assert check(project, folder if place == "elsewhere" else "") == ["CEL110", "CEL111"]
    assert engine.clean(str(project)) == []
    assert contents(tmp_path / "target") == before


def test_a_folder_with_an_ignore_file_of_somebody_else_stays_ours(project: Path) -> None:
    configured(project, "cache")
    check(project, "cache")
    (project / "cache" / ".gitignore").write_text("*.pyc\n")
    assert engine.clean(str(project)) == [str(project / "cache")]
    assert sorted(contents(project / "cache")) == [".gitignore", "CACHEDIR.TAG"]
    assert engine.clean(str(project)) == []


@links
@pytest.mark.parametrize("way", ["public/deep", "public/deep/deeper", "./app/../public/deep"])
def test_no_link_of_the_project_leads_on(project: Path, tmp_path: Path, way: str) -> None:
    (tmp_path / "target").mkdir()
    (project / "public").symlink_to(tmp_path / "target")
    configured(project, way)
    assert check(project, way) == ["CEL110", "CEL111"]
    assert engine.clean(str(project)) == []
    assert not list((tmp_path / "target").iterdir())


@pytest.mark.parametrize("folder", ["/", ".", "..", "app", "/proc/nope", "null\0", "a" * 300])
def test_folders_that_cannot_be(project: Path, tmp_path: Path, folder: str) -> None:
    before = contents(project)
    assert check(project, folder) == ["CEL110", "CEL111"]
    assert contents(project) == before
    assert sorted(os.listdir(tmp_path)) == ["project", "user"]
    assert not any(name.startswith("celery-lint") for name in os.listdir("/"))


@links
@pytest.mark.parametrize(
    "folder, reason",
    [
        ("app", "it is neither empty nor a cache of celery-lint"),
        ("/proc/nope", "it cannot be made or written to"),
        ("Procfile", "it cannot be made or written to"),
        ("link/below", "a link in the project leads to it"),
        ("new", ""),
    ],
)
def test_the_command_says_why_a_folder_is_not_used(
    project: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    folder: str,
    reason: str,
) -> None:
    monkeypatch.chdir(project)
    (project / "link").symlink_to("app")
    assert main(["check", "--output-format=concise", f"--cache-dir={folder}"]) == 1
    warnings = [line for line in capsys.readouterr().err.splitlines() if "warning:" in line]
    expected = f"celery-lint: warning: nothing is kept in {os.path.relpath(folder)}: {reason}"
    assert warnings == ([expected] if reason else [])
    assert main(["check", "--output-format=concise", f"--cache-dir={folder}", "--no-cache"]) == 1
    assert "warning:" not in capsys.readouterr().err


def test_the_command_says_that_there_is_no_place_for_the_secret(
    project: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(project)
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", "")
    assert main(["check", "--output-format=concise", "--cache-dir=new"]) == 1
    assert "nothing is kept in new: the secret" in capsys.readouterr().err
    assert not (project / "new").exists()


@pytest.mark.parametrize("tag", [None, OURS])
def test_a_folder_that_is_empty_or_says_so_is_ours(project: Path, tag: bytes | None) -> None:
    (project / "cache").mkdir()
    if tag is not None:
        (project / "cache" / "CACHEDIR.TAG").write_bytes(tag)
        (project / "cache" / "notes.txt").write_text("mine")
    check(project, "cache")
    assert list((project / "cache").glob("celery-lint-*.manifest"))
    configured(project, "cache")
    assert engine.clean(str(project)) == [str(project / "cache")]
    assert (project / "cache").exists() is (tag is not None)
    if tag is not None:
        assert sorted(contents(project / "cache")) == ["CACHEDIR.TAG", "notes.txt"]


@links
@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root may give folders away")
def test_a_users_folder_of_somebody_else(project: Path, user: Path) -> None:
    user.mkdir(parents=True)
    (user / "CACHEDIR.TAG").write_bytes(OURS)
    os.chown(user, 12345, -1)
    assert check(project) == ["CEL110", "CEL111"]
    assert sorted(contents(user)) == ["CACHEDIR.TAG"]


# ------------------------------------------------------------------------- files of our names


def pipe(path: Path) -> None:
    os.mkfifo(path)


def folder(path: Path) -> None:
    path.mkdir()
    (path / "inside").write_text("mine")


def link_to_a_file(path: Path) -> None:
    path.symlink_to(path.parent.parent / "target.txt")


def link_to_nowhere(path: Path) -> None:
    path.symlink_to(path.parent.parent / "nowhere.txt")


def link_without_end(path: Path) -> None:
    path.symlink_to("/dev/zero")


@links
@pytest.mark.parametrize("kind", [pipe, folder, link_to_a_file, link_to_nowhere, link_without_end])
@pytest.mark.parametrize("suffix", [".manifest", ".facts", ".lock"])
def test_what_stands_in_the_place_of_a_file(project: Path, suffix: str, kind: Callable[[Path], None]) -> None:
    configured(project, "cache")
    check(project, "cache")
    (path,) = (project / "cache").glob(f"*{suffix}")
    path.unlink()
    kind(path)
    (project / "target.txt").write_text("mine")
    for _ in range(2):
        assert check(project, "cache") == ["CEL110", "CEL111"]
    (project / "app" / "mail.py").touch()
    assert check(project, "cache") == ["CEL110", "CEL111"]
    assert (project / "target.txt").read_text() == "mine"
    assert not (project / "nowhere.txt").exists()
    assert not list((project / "cache").glob("*.tmp"))
    engine.clean(str(project))
    assert (project / "target.txt").read_text() == "mine"
    assert kind is not folder or (path / "inside").read_text() == "mine"


def test_clean_removes_what_is_ours_and_nothing_else(project: Path, tmp_path: Path) -> None:
    other = samples.write(tmp_path / "other")
    shared = tmp_path / "shared"
    configured(project, str(shared))
    check(project, shared)
    check(project)  # and once with the usual folder
    before = contents(tmp_path)
    check(other, shared)
    (manifest,) = [path for path in shared.glob("*.manifest") if path.name not in str(before)]
    mine = [*shared.glob("*.manifest"), *shared.glob("*.facts"), *shared.glob("*.lock")]
    mine = [path for path in mine if not path.name.startswith(manifest.name[:30])]
    for name in ("users_work.tmp", "manifest.json", "celery-lint-notes.txt"):
        (shared / name).write_text("mine")
    (shared / f"{mine[0].name}.123.0a1b2c3d.tmp").write_text("left behind")
    kept = contents(shared)
    assert engine.clean(str(project)) == [str(shared), str(tmp_path / "user" / "celery-lint")]
    assert contents(shared) == {
        name: text for name, text in kept.items() if not name.startswith(mine[0].name[:30])
    }
    assert not [name for name in contents(tmp_path / "user") if ".manifest" in name or ".facts" in name]
    assert list((tmp_path / "user").rglob("celery-lint-secret"))
    assert engine.clean(str(project)) == []


FORMER = {
    "CACHEDIR.TAG": OURS,
    ".gitignore": b"*\n",
    "manifest.json": b"[]",
    "facts.json": b"",
    "lock": b"",
    "manifest.json.4711.tmp": b"",
}


@pytest.mark.parametrize("mine", [{}, {"users_work.tmp": b"x", "manifest.json.old": b"y"}])
@pytest.mark.parametrize("tag", [OURS, THEIRS])
def test_the_folder_of_earlier_days(project: Path, mine: dict[str, bytes], tag: bytes) -> None:
    former = project / ".celery_lint_cache"
    former.mkdir()
    files = {**FORMER, **mine, "CACHEDIR.TAG": tag}
    for name, text in files.items():
        (former / name).write_bytes(text)
    check(project)
    assert contents(former) == files
    removed = engine.clean(str(project))
    if tag == THEIRS:
        assert str(former) not in removed
        assert contents(former) == files
    else:
        assert str(former) in removed
        left = contents(former) if former.exists() else {}
        assert {name: text for name, text in left.items() if name in mine} == mine
        assert set(left) <= {*mine, "CACHEDIR.TAG", ".gitignore"}
        assert former.exists() is bool(mine)


def test_no_folder_is_made_in_the_project(project: Path) -> None:
    before = contents(project)
    check(project)
    assert contents(project) == before


# ------------------------------------------------------------------------------------ how long


def put(folder: CacheFolder, name: str, days: float) -> None:
    assert folder.replace(name, b"")
    then = time.time() - days * 86_400
    os.utime(os.path.join(folder.path, name), (then, then))


@pytest.fixture
def full(tmp_path: Path) -> CacheFolder:
    folder = CacheFolder(str(tmp_path / "full"), private=True)
    assert folder.make()
    return folder


def test_the_last_three_installations_stay(full: CacheFolder) -> None:
    for day in range(5):
        for kind in ("manifest", "facts"):
            put(full, Name("root", f"install{day}", "options").of(kind), day)
        put(full, Name("root", f"install{day}", "options").of("lock"), 30)
    full.tidy("root")
    left = [name.split("-")[3] for name in os.listdir(full.path) if name.startswith("celery-lint-root-")]
    assert sorted(left) == 3 * ["install0"] + 3 * ["install1"] + 3 * ["install2"]


def test_of_each_the_last_three_sets_of_options_stay(full: CacheFolder) -> None:
    for installed in range(3):
        for day in range(5):
            put(
                full,
                Name("root", f"install{installed}", f"options{day}").of("manifest"),
                day + installed / 10,
            )
    full.tidy("root")
    left = sorted(name for name in os.listdir(full.path) if name.startswith("celery-lint-root-"))
    assert left == [
        Name("root", f"install{installed}", f"options{day}").of("manifest")
        for installed in range(3)
        for day in range(3)
    ]


def test_what_is_old_goes(full: CacheFolder) -> None:
    for days in (1, 59, 61):
        for number in range(5):  # a workspace that nobody asks about now
            put(full, Name(f"other{days}", f"install{number}", "options").of("manifest"), days)
    put(full, "celery-lint-secret", 500)
    put(full, "celery-lint-installation-x-cpython-1", 61)
    put(full, "celery-lint-secret.12.ab.tmp", 1)
    put(full, "celery-lint-root-new-options.facts.12.ab.tmp", 0)
    put(full, "notes.txt", 500)
    full.tidy("root")
    left = set(os.listdir(full.path))
    assert len([name for name in left if "-other1-" in name or "-other59-" in name]) == 10
    others = {name for name in left if "-other1-" not in name and "-other59-" not in name}
    assert others == {
        "CACHEDIR.TAG",
        "celery-lint-secret",
        "celery-lint-swept",
        "celery-lint-root-new-options.facts.12.ab.tmp",
        "notes.txt",
    }


def test_what_was_left_behind_takes_no_room(full: CacheFolder) -> None:
    for number in range(4):
        put(full, f"{Name('root', f'install{number}', 'options').of('facts')}.12.ab.tmp", 0)
    put(full, Name("root", "install9", "options").of("manifest"), 1)
    full.tidy("root")
    assert Name("root", "install9", "options").of("manifest") in os.listdir(full.path)


def test_it_is_swept_once_a_day(full: CacheFolder) -> None:
    old = Name("other", "install", "options").of("manifest")
    full.tidy("root")
    put(full, old, 61)
    full.tidy("root")
    assert old in os.listdir(full.path)
    put(full, "celery-lint-swept", 1.1)
    full.tidy("root")
    assert old not in os.listdir(full.path)
    put(full, old, 61)
    full.tidy("root")
    assert old in os.listdir(full.path)


def test_what_is_in_use_stays_young(full: CacheFolder) -> None:
    for name, days in (("celery-lint-a", 0.9), ("celery-lint-b", 1.1)):
        put(full, name, days)
    full.use("celery-lint-a", "celery-lint-b", "celery-lint-missing")
    ages = {name: time.time() - os.stat(f"{full.path}/{name}").st_mtime for name in os.listdir(full.path)}
    assert ages["celery-lint-a"] > 70_000
    assert ages["celery-lint-b"] < 70_000
