"""What git lists, whatever a repository, a hook or a user has set."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import stat
import sys
from pathlib import Path

import psutil
import pytest

from celery_lint.files import git as git_module
from celery_lint.files.discovery import discover
from celery_lint.files.git import checkout_around
from tests.files.hostile import git

pytestmark = pytest.mark.skipif(shutil.which("git") is None, reason="needs git")

as_root = pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="gives files away")
posix = pytest.mark.skipif(sys.platform == "win32", reason="pipes and links of POSIX")

# Every key that git's documentation calls a command, a program or a hook: `git help config`, and the pages of
# attributes, mergetool, difftool, send-email, trailers, credentials and hooks.
# https://git-scm.com/docs/git-config
KEYS_OF_COMMANDS = """
alias.ls-files alias.check-ignore browser.x.cmd browser.x.path core.alternateRefsCommand
core.askPass core.editor core.fsmonitor core.gitProxy core.pager core.sshCommand credential.helper
credential.https://example.com.helper diff.external diff.x.command diff.x.textconv
diff.x.cachetextconv difftool.x.cmd difftool.x.path fetch.bundleURI filter.x.clean filter.x.smudge
filter.x.process gpg.program gpg.ssh.program gpg.ssh.defaultKeyCommand gpg.x509.program
guitool.x.cmd hook.x.command imap.tunnel instaweb.httpd instaweb.browser interactive.diffFilter
man.x.cmd man.x.path merge.x.driver mergetool.x.cmd mergetool.x.path notes.rewriteMode
pack.packObjectsHook pager.ls-files pager.check-ignore protocol.ext.allow receive.procReceiveRefs
remote.origin.proxy remote.origin.receivepack remote.origin.uploadpack remote.origin.vcs
remotehelper.x sendemail.smtpServer sendemail.sendmailCmd sendemail.toCmd sendemail.ccCmd
sendemail.headerCmd sequence.editor submodule.x.update tar.x.command trailer.x.command trailer.x.cmd
uploadpack.packObjectsHook web.browser
"""


@pytest.fixture(autouse=True)
def nobody_s_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A checkout with a tracked file, an untracked one, and an ignored one."""
    folder = tmp_path / "workspace"
    lay_out(folder, ".gitignore=ignored.py\n", "a.py", "b.py", "ignored.py")
    git(folder, "init", "-q")
    git(folder, "add", ".gitignore", "a.py")
    git(folder, "commit", "-qm", "first")
    return folder


def lay_out(folder: Path, *names: str) -> None:
    for name in names:
        name, _, text = name.partition("=")
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)


def listed(root: Path) -> list[str]:
    return discover(str(root)).python


# ---------------------------------------------------------------------------------- nothing is believed


def test_the_repository_s_configuration_is_not_read(root: Path) -> None:
    (root / ".git" / "config").write_text("git dies of this line\n")
    assert listed(root) == ["a.py", "b.py"]


@pytest.mark.parametrize("where", ["config", "config.worktree", "included"])
def test_no_key_runs_a_program(root: Path, tmp_path: Path, where: str) -> None:
    missing = f"100644,{'12345' * 8},below/.gitignore"
    git(root, "update-index", "--add", "--cacheinfo", missing)
    git(root, "update-index", "--skip-worktree", "below/.gitignore")
    lay_out(root, ".gitattributes=* filter=x diff=x merge=x\n", "below/x.py", "empty/ignored.py")
    ran = tmp_path / "ran"
    script = tmp_path / "program"
    script.write_text(f"#!/bin/sh\ntouch {shlex.quote(str(ran))}\n")
    script.chmod(0o700)
    hooks = tmp_path / "hooks"
    hooks.mkdir()
    for hook in ("fsmonitor-watchman", "post-index-change", "pre-auto-gc", "reference-transaction"):
        shutil.copy(script, hooks / hook)
    shutil.copytree(hooks, root / ".git" / "hooks", dirs_exist_ok=True)
    promise = (
        f"[core]\nrepositoryformatversion = 1\nhooksPath = {hooks}\nuntrackedCache = true\n"
        "[extensions]\nworktreeConfig = true\npartialClone = origin\n"
        '[remote "origin"]\npromisor = true\nurl = .\n'
    )
    file = root / ".git" / where
    leading = {
        "config": "",
        "config.worktree": "[extensions]\nworktreeConfig = true\n",
        "included": f'[include]\npath = {file}\n[includeIf "gitdir:**"]\npath = {file}\n',
    }[where]
    (root / ".git" / "config").write_text(leading)
    runners = []
    for key in KEYS_OF_COMMANDS.split():
        section, name = key.rsplit(".", 1)
        section = re.sub(r"\.(.*)", r' "\1"', section)
        value = f"!{script}" if section in ("alias", "credential", "submodule") else script
        file.write_text(f'{promise}[{section}]\n{name} = "{value}"\n')
        assert listed(root) == ["a.py", "b.py", "below/x.py"]
        if ran.exists():
            runners.append(key)
            ran.unlink()
    assert runners == []


def test_another_work_tree_of_a_hostile_configuration(root: Path, tmp_path: Path) -> None:
    lay_out(tmp_path / "elsewhere", "secret.py")
    git(root, "config", "core.worktree", str(tmp_path / "elsewhere"))
    git(root, "config", "core.bare", "false")
    assert listed(root) == ["a.py", "b.py"]


def test_a_folder_that_looks_like_a_repository_is_none(root: Path) -> None:
    lay_out(root, "sub/c.py", "sub/ignored.py", "sub/pyproject.toml=[tool.celery-lint]\nroot = true\n")
    git(root / "sub", "init", "-q", "--bare")
    git(root / "sub", "config", "core.bare", "false")
    git(root / "sub", "config", "core.worktree", str(root))
    checkout = checkout_around(str(root / "sub"))
    assert checkout is not None
    assert checkout.directory == f"{root}/.git"
    assert listed(root / "sub") == ["c.py"]


def test_a_missing_object_is_fetched_from_nowhere(root: Path, tmp_path: Path) -> None:
    lay_out(root, "below/.gitignore=x\n", "below/c.py")
    git(root, "add", "below/.gitignore")
    git(root, "commit", "-qm", "second")
    git(root, "update-index", "--skip-worktree", "below/.gitignore")
    blob = git(root, "rev-parse", "HEAD:below/.gitignore").strip()
    (root / "below" / ".gitignore").unlink()
    (root / ".git" / "objects" / blob[:2] / blob[2:]).unlink()
    (root / ".git" / "config").write_text(
        "[core]\nrepositoryformatversion = 1\n[extensions]\npartialClone = origin\n"
        f'[remote "origin"]\npromisor = true\nurl = .\nuploadpack = "touch {tmp_path}/ran; false"\n'
    )
    assert listed(root) == ["a.py", "b.py", "below/c.py"]
    assert not (tmp_path / "ran").exists()


@posix
def test_no_git_of_the_working_directory(root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (root / "git").write_text(f"#!/bin/sh\ntouch {shlex.quote(str(tmp_path))}/ran\n")
    (root / "git").chmod(0o700)
    monkeypatch.chdir(root)
    monkeypatch.setenv("PATH", f"{os.pathsep}.{os.pathsep}{os.environ['PATH']}")
    assert listed(root) == ["a.py", "b.py"]
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize(
    "pointer",
    ["gitdir: nowhere", "gitdir: /", "nonsense", "", "gitdir: ", "gitdir: a\0b", "gitdir: " + "x" * 9000],
)
def test_a_pointer_to_nothing(root: Path, pointer: str) -> None:
    shutil.rmtree(root / ".git")
    (root / ".git").write_text(pointer)
    assert listed(root) == ["a.py", "b.py", "ignored.py"]


@posix
@pytest.mark.parametrize("outside", [True, False])
def test_a_pointer_behind_a_link(root: Path, tmp_path: Path, outside: bool) -> None:
    """Of what lies outside of the workspace nothing is read, not even whether it is a pointer."""
    (root / ".git").rename(tmp_path / "apart.git")
    pointer = (tmp_path if outside else root) / "pointer"
    pointer.write_text(f"gitdir: {tmp_path / 'apart.git'}\n")
    (root / ".git").symlink_to(pointer)
    assert listed(root) == (["a.py", "b.py", "ignored.py"] if outside else ["a.py", "b.py"])


def test_a_repository_that_points_to_itself_in_bytes_that_no_path_holds(root: Path) -> None:
    (root / ".git" / "commondir").write_text("a\0b")
    assert listed(root) == ["a.py", "b.py", "ignored.py"]


def test_a_folder_of_that_name_is_passed_by_as_git_does(root: Path) -> None:
    lay_out(root, "sub/c.py", "sub/ignored.py", "sub/.git/x")
    assert listed(root / "sub") == ["c.py"]


@posix
@pytest.mark.parametrize("name", ["HEAD", "index", "config", "info/exclude", "commondir"])
def test_pipes_in_the_repository_are_not_waited_for(root: Path, name: str) -> None:
    path = root / ".git" / name
    path.parent.mkdir(exist_ok=True)
    path.unlink(missing_ok=True)
    os.mkfifo(path)
    found = listed(root)
    assert found == (["a.py", "b.py", "ignored.py"] if name in ("HEAD", "index") else ["a.py", "b.py"])


def children() -> set[int]:
    """The processes that this one has started and not yet waited for."""
    return {child.pid for child in psutil.Process().children()}


@posix
@pytest.mark.parametrize("how", ["spawn", "subprocess"])
def test_git_is_not_waited_for_for_ever(root: Path, monkeypatch: pytest.MonkeyPatch, how: str) -> None:
    if how == "subprocess":
        monkeypatch.setattr(git_module, "_SPAWNS", False)
    (root / "below").mkdir()
    os.mkfifo(root / "below" / ".gitignore")
    (root / "below" / "c.py").touch()
    monkeypatch.setattr(git_module, "_PATIENCE", 0.5)
    before = children()  # other tests keep some
    assert listed(root) == ["a.py", "b.py", "below/c.py", "ignored.py"]
    assert children() == before, "it waits on"


# -------------------------------------------------------------------------------- the folder of our own


def test_nothing_is_left_behind(root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    monkeypatch.setenv("TMPDIR", str(temporary))
    modes = []
    run = git_module._run

    def watched(command: list[str], environment: dict[str, str], question: bytes) -> tuple[int, bytes]:
        modes.extend(stat.S_IMODE(os.stat(temporary / name).st_mode) for name in os.listdir(temporary))
        return run(command, environment, question)

    monkeypatch.setattr(git_module, "_run", watched)
    lay_out(root, ".git/info/exclude=*.bin\n")
    (root / "empty").mkdir()
    assert listed(root) == ["a.py", "b.py"]
    assert len(modes) == 2  # one folder for both questions
    assert os.name == "nt" or set(modes) == {0o700}
    assert list(temporary.iterdir()) == []


def test_without_a_place_for_it_there_is_the_walk(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("TMPDIR", "TEMP", "TMP"):
        monkeypatch.setenv(name, str(root / "missing"))
    monkeypatch.setattr(git_module, "_TEMPORARY_FOLDERS", (str(root / "missing"),))
    assert listed(root) == ["a.py", "b.py", "ignored.py"]


# ------------------------------------------------------------------------------------ ordinary checkouts


def test_patterns_in_all_places(root: Path, tmp_path: Path) -> None:
    home = tmp_path / "home"
    lay_out(home, ".gitconfig=[core]\nexcludesFile = ~/patterns\n", "patterns=*_home.py\n")
    lay_out(root, ".git/info/exclude=*_exclude.py\n", "sub/.gitignore=*_sub.py\n!kept_home.py\n")
    for kind in ("home", "exclude", "sub", "free"):
        lay_out(root, f"x_{kind}.py", f"sub/x_{kind}.py", f"sub/deep/x_{kind}.py", "sub/kept_home.py")
    assert listed(root) == [
        "a.py", "b.py", "sub/deep/x_free.py", "sub/kept_home.py", "sub/x_free.py", "x_free.py", "x_sub.py"
    ]  # fmt: skip


def test_patterns_of_a_user_for_some_repositories(root: Path, tmp_path: Path) -> None:
    home = tmp_path / "home"
    lay_out(home, f'.gitconfig=[includeIf "gitdir:{root}/"]\npath = ~/some\n')
    lay_out(home, "some=[core]\nexcludesFile = ~/patterns\n", "patterns=b.py\n")
    assert listed(root) == ["a.py"]


@pytest.mark.parametrize(
    "line",
    [
        'excludesFile = "{patterns}"',
        "excludesfile={patterns}  ; a comment",
        "ExcludesFile = ../pat\\\nterns",
        "excludesFile = ~/patterns",
        "[core]excludesFile = {patterns}",
        "x\n[CORE]\nexcludesFile = {patterns}",
    ],
)
def test_patterns_that_the_repository_s_configuration_names(root: Path, tmp_path: Path, line: str) -> None:
    lay_out(tmp_path, "patterns=b.py\n", "home/patterns=b.py\n")
    text = line.format(patterns=tmp_path / "patterns")
    (root / ".git" / "config").write_text(
        f"# excludesFile = x\n[core]\n\tbare = false\n\t{text}\n[other]\nx = y\n"
    )
    by_git = git(root, "ls-files", "-co", "--exclude-standard", HOME=os.environ["HOME"]).split()
    assert listed(root) == [name for name in by_git if name.endswith(".py")] == ["a.py"]


def test_patterns_of_another_section_do_not_count(root: Path, tmp_path: Path) -> None:
    lay_out(tmp_path, "patterns=b.py\n")
    (root / ".git" / "config").write_text(f'[core "x"]\nexcludesFile = {tmp_path}/patterns\n')
    assert listed(root) == ["a.py", "b.py"]


@pytest.mark.parametrize("value", ["true", "yes", "1", "", "false"])
def test_names_without_regard_to_case(root: Path, value: str) -> None:
    lay_out(root, "IGNORED.py")
    setting = f"ignoreCase = {value}" if value else "ignoreCase"
    (root / ".git" / "config").write_text(f"[core]\n\t{setting}\n")
    assert listed(root) == (["IGNORED.py", "a.py", "b.py"] if value == "false" else ["a.py", "b.py"])


def test_objects_of_the_longer_kind(tmp_path: Path) -> None:
    root = tmp_path / "workspace"
    lay_out(root, ".gitignore=ignored.py\n", "a.py", "ignored.py", "tracked/ignored.py")
    git(root, "init", "-q", "--object-format=sha256")
    git(root, "add", "-f", "tracked/ignored.py")
    assert listed(root) == ["a.py", "tracked/ignored.py"]


def test_an_index_in_two_files(root: Path) -> None:
    git(root, "update-index", "--split-index")
    git(root, "add", "-f", "ignored.py")
    assert listed(root) == ["a.py", "b.py", "ignored.py"]


@pytest.mark.parametrize("kind", ["cone", "no-cone", "sparse index"])
def test_a_sparse_checkout(root: Path, kind: str) -> None:
    lay_out(root, "in/c.py", "in/.gitignore=d.py\n", "in/d.py", "out/deep/e.py", "out/.gitignore=*\n")
    git(root, "add", "-f", ".")
    git(root, "commit", "-qm", "second")
    options = {"cone": ["--cone"], "no-cone": ["--no-cone"], "sparse index": ["--cone", "--sparse-index"]}
    git(root, "sparse-checkout", "set", *options[kind], "in")
    assert not (root / "out" / "deep").exists()
    lay_out(root, "in/new.py", "out/new.py")
    expected = ["ignored.py", "in/c.py", "in/d.py", "in/new.py"]
    present = [name for name in ("a.py", "b.py", "ignored.py") if (root / name).exists()]
    # out/.gitignore stands in the index alone, and is asked for what it says all the same.
    assert listed(root) == sorted({*present, *expected[1:]})


def test_a_submodule(root: Path, tmp_path: Path) -> None:
    outer = tmp_path / "outer"
    lay_out(outer, "d.py")
    git(outer, "init", "-q")
    git(outer, "-c", "protocol.file.allow=always", "submodule", "add", "-q", str(root), "module")
    git(outer, "commit", "-qm", "x")
    lay_out(outer / "module", "new.py", "ignored.py")
    assert (outer / "module" / ".git").is_file()
    assert listed(outer) == ["d.py"]
    assert listed(outer / "module") == ["a.py", "new.py"]


def test_a_worktree_takes_patterns_from_the_repository(root: Path, tmp_path: Path) -> None:
    worktree = tmp_path / "worktree"
    git(root, "worktree", "add", "-q", str(worktree))
    lay_out(root, ".git/info/exclude=*_exclude.py\n")
    lay_out(worktree, "new.py", "x_exclude.py", "sub/y.py")
    assert listed(worktree) == ["a.py", "new.py", "sub/y.py"]
    assert listed(worktree / "sub") == ["y.py"]
    git(root, "config", "extensions.worktreeConfig", "true")
    assert listed(worktree) == ["a.py", "new.py", "sub/y.py"]


def test_a_git_directory_apart(root: Path, tmp_path: Path) -> None:
    git(root, "init", "-q", f"--separate-git-dir={tmp_path}/apart")
    assert listed(root) == ["a.py", "b.py"]


def test_objects_borrowed_from_another_repository(root: Path, tmp_path: Path) -> None:
    git(tmp_path, "clone", "-q", "--shared", str(root), "borrowing")
    borrowing = tmp_path / "borrowing"
    lay_out(borrowing, "below/.gitignore=x.py\n", "below/x.py", "new.py")
    assert listed(borrowing) == ["a.py", "new.py"]


def test_folders_whose_names_mean_something_to_git(root: Path) -> None:
    for name in (":(top)x", ":!y", "-z", "*", "sp ace"):
        (root / name).mkdir()
    (root / ".gitignore").write_text("ignored.py\nsp*/\n")
    assert discover(str(root)).directories == ["*", "-z", ".", ":!y", ":(top)x"]


@as_root
def test_a_checkout_of_somebody_else(root: Path) -> None:
    """git refuses these, because their configuration could run programs; that is not read here."""
    for path in [root, *root.rglob("*")]:
        os.chown(path, 12345, 12345, follow_symlinks=False)
    assert listed(root) == ["a.py", "b.py"]


# ------------------------------------------------------------------------------------------------- hooks


def test_variables_of_all_kinds(root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lay_out(tmp_path / "other", "c.py")
    git(tmp_path / "other", "init", "-q")
    other = tmp_path / "other" / ".git"
    for name, value in {
        "GIT_DIR": other,
        "GIT_WORK_TREE": tmp_path / "other",
        "GIT_COMMON_DIR": other,
        "GIT_INDEX_FILE": other / "index",
        "GIT_OBJECT_DIRECTORY": other / "objects",
        "GIT_ALTERNATE_OBJECT_DIRECTORIES": other / "objects",
        "GIT_QUARANTINE_PATH": other,
        "GIT_NAMESPACE": "x",
        "GIT_PREFIX": "sub/",
        "GIT_CEILING_DIRECTORIES": root.parent,
        "GIT_ICASE_PATHSPECS": "1",
        "GIT_LITERAL_PATHSPECS": "1",
        "GIT_TRACE": tmp_path / "trace",
        "GIT_TRACE2_EVENT": tmp_path / "trace",
        "GIT_ATTR_SOURCE": "nonsense",
        "GIT_SHALLOW_FILE": "nonsense",
    }.items():
        monkeypatch.setenv(name, str(value))
    (root / "empty").mkdir()
    listing = discover(str(root))
    assert (listing.python, listing.directories) == (["a.py", "b.py"], [".", "empty"])
    assert not (tmp_path / "trace").exists()


@posix
@pytest.mark.parametrize("arguments", [("-a",), ("--only", "a.py"), ()])
def test_within_a_hook(root: Path, tmp_path: Path, arguments: tuple[str, ...]) -> None:
    """``git commit -a`` and ``git commit PATH`` hand a passing index to their hooks."""
    answer = tmp_path / "answer"
    program = (
        "import json; from celery_lint.files.discovery import discover; "
        f"print(json.dumps(discover({str(root)!r}).python))"
    )
    command = f"{shlex.join([sys.executable, '-c', program])} > {shlex.quote(str(answer))}"
    hook = root / ".git" / "hooks" / "pre-commit"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text(f"#!/bin/sh\n{command}\n")
    hook.chmod(0o700)
    (root / "a.py").write_text("changed\n")
    git(root, "add", "b.py")
    git(root, "add", "-f", "ignored.py")
    git(root, "commit", "-qm", "within a hook", *arguments)
    assert json.loads(answer.read_text()) == ["a.py", "b.py", "ignored.py"]


def test_git_is_asked_twice_at_most(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []
    run = git_module._run

    def counted(command: list[str], environment: dict[str, str], question: bytes) -> tuple[int, bytes]:
        asked.append(command[-3:])
        return run(command, environment, question)

    monkeypatch.setattr(git_module, "_run", counted)
    assert listed(root) == ["a.py", "b.py"]
    assert len(asked) == 1
    (root / "empty").mkdir()
    assert listed(root) == ["a.py", "b.py"]
    assert len(asked) == 3


def test_git_s_own_listing_is_the_same(root: Path) -> None:
    """A checkout of many kinds of names: what git says by itself is what is found."""
    lay_out(root, "x/.gitignore=/y/\n*.tmp.py\n!keep.tmp.py\n", "x/y/z.py", "x/u.tmp.py", "x/keep.tmp.py")
    lay_out(root, "ünï/ö.py", "deep/er/and/deeper/f.py", "x/w/y/z.py")
    by_git = git(root, "ls-files", "-co", "--exclude-standard", "-z")
    assert listed(root) == sorted(name for name in by_git.split("\0") if name.endswith(".py"))
