"""What git says about the files of a checkout, without believing what the checkout says to git.

A repository's configuration may name programs (file system monitors, transports, filters, editors and
many more, and each version of git adds some), and a folder may be made to look like a repository. So git
searches for nothing here and reads none of that configuration: the ``.git`` is the one that stands at the
top of the checkout, and the place where git looks for the configuration of all its worktrees
(``GIT_COMMON_DIR``) is a folder of our own, made for one run, with the four harmless settings that decide
about names. The user's and the system's configuration count as ever; what the repository's configuration
includes from other files does not.

git before 2.5 does not know ``GIT_COMMON_DIR``; it also knows neither monitors nor promised objects, so
that nothing is run while it lists files.
https://git-scm.com/docs/git#_the_git_repository
"""

from __future__ import annotations

import os
import select
import stat
import time
from collections.abc import Callable, Iterator

from celery_lint.regular_files import LARGEST_CONFIGURATION, read_regular

# Seconds that git gets for one answer. It waits forever for an ignore file that is a pipe, and it has never
# been seen to need as many for anything else.
_PATIENCE = 300.0
_SPAWNS = hasattr(os, "posix_spawn")
_KILL = 9  # `signal` would have to be imported for it

# What git finds in the user's environment: where the configuration of user and system is, and where git is.
# All others belong to the repository whose hook we may be running in, or to other commands.
_VARIABLES_KEPT = ("GIT_CONFIG", "GIT_EXEC_PATH")

_TEMPORARY_FOLDERS = ("/tmp", "/var/tmp", "/dev/shm")


class Checkout:
    """A checkout around a workspace, for a ``with`` statement: there is something to be tidied up.

    ``folder`` is its top, ``directory`` its ``.git`` or what that names, ``common`` the same for the
    repository that a worktree belongs to.
    """

    def __init__(self, root: str, folder: str, directory: str) -> None:
        self.folder = folder
        self.directory = directory
        self.common = directory
        pointer = _content(f"{directory}/commondir")
        if pointer is not None:  # a worktree
            self.common = os.path.join(directory, pointer.strip())
        self._root = root
        self._program = _program()
        self._settings = ""

    def __enter__(self) -> Checkout:
        return self

    def __exit__(self, *_: object) -> None:
        if self._settings:
            for name in ("info/exclude", "config"):
                _try(os.unlink, f"{self._settings}/{name}")
            for name in ("/info", "/refs", ""):
                _try(os.rmdir, self._settings + name)

    def files(self) -> set[str] | None:
        """What git tracks below the root, and what it would if asked to add everything.

        None where there is nothing (the root may be ignored by the checkout around it), and where git is
        missing or fails.
        """
        output = self._answer("ls-files", "-co", "--exclude-standard", "-z")
        return set(os.fsdecode(output).split("\0")) if output else None

    def not_ignored(self, folders: list[str]) -> list[str]:
        """Those of the folders (relative to the root) that git does not ignore; none if it cannot say."""
        ignored: set[str] = set()
        # A folder may be called ":(top)", which would be more than a name without something before it.
        questions = [os.fsencode(f"./{folder}\0") for folder in folders]
        while questions:
            question = b""
            # Question and answer have to fit into their pipes, because nobody reads while we write.
            while questions and len(question) + len(questions[-1]) < 16_384:
                question += questions.pop()
            output = self._answer("check-ignore", "-z", "--stdin", question=question, accepted=(0, 1))
            if output is None:
                return []
            ignored.update(os.fsdecode(output).split("\0"))
        return [folder for folder in folders if f"./{folder}" not in ignored]

    def deciding(self) -> list[str]:
        """The files outside the workspace that decide what git lists."""
        settings = os.environ.get("XDG_CONFIG_HOME") or os.path.expanduser("~/.config")
        found = [
            f"{self.directory}/index",
            f"{self.common}/info/exclude",
            f"{self.common}/config",
            f"{settings}/git/ignore",
            f"{settings}/git/config",
            os.path.expanduser("~/.gitconfig"),
        ]
        root = self._root
        while root != self.folder:
            root = os.path.dirname(root)
            found.append(f"{root}/.gitignore")
        return found

    def _answer(
        self, *arguments: str, question: bytes = b"", accepted: tuple[int, ...] = (0,)
    ) -> bytes | None:
        """What git prints, or None if it is missing or refuses."""
        if not self._program or not _is_regular(f"{self.directory}/HEAD", f"{self.directory}/index"):
            return None
        try:
            self._settings = self._settings or self._own_settings()
            command = [
                self._program,
                "--no-pager",
                "-C",
                self._root,
                "-c",
                "core.fsmonitor=false",
                *arguments,
            ]
            code, output = _run(command, self._environment(), question)
        except (OSError, ValueError):  # ValueError: a null byte in a path that the repository names
            return None
        return output if code in accepted else None

    def _environment(self) -> dict[str, str]:
        environment = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith("GIT_") or name.startswith(_VARIABLES_KEPT)
        }
        environment.update(
            GIT_DIR=self.directory,
            GIT_WORK_TREE=self.folder,
            GIT_COMMON_DIR=self._settings,
            GIT_OBJECT_DIRECTORY=f"{self.common}/objects",
            GIT_OPTIONAL_LOCKS="0",
            # Nobody asks for an object from elsewhere any more; should a git to come do so, it may not.
            GIT_ALLOW_PROTOCOL="none",
            GIT_NO_LAZY_FETCH="1",
            GIT_TERMINAL_PROMPT="0",
        )
        return environment

    def _own_settings(self) -> str:
        """A new folder that git takes for the one that holds the repository's configuration."""
        lines = ["[core]", "repositoryFormatVersion = 1", "bare = false"]
        given = _settings(_content(f"{self.common}/config") or "")
        lines += [f"{key} = true" for key in ("ignoreCase", "precomposeUnicode") if key.lower() in given]
        patterns = given.get("excludesfile", "")
        if patterns and _is_regular(os.path.join(self.folder, os.path.expanduser(patterns))):
            escaped = patterns.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
            lines.append(f'excludesFile = "{escaped}"')
        if "sha256" in given:
            lines += ["[extensions]", "objectFormat = sha256"]
        folder = _new_folder()
        self._settings = folder
        os.mkdir(f"{folder}/refs")  # without it, git sees no repository
        _write(f"{folder}/config", "\n".join([*lines, ""]))
        patterns = _content(f"{self.common}/info/exclude") or ""
        if patterns:
            os.mkdir(f"{folder}/info")
            _write(f"{folder}/info/exclude", patterns)
        return folder


def checkout_around(root: str) -> Checkout | None:
    """The git checkout that holds the root, if there is one.

    Only a ``.git`` counts, never a folder that merely looks like a repository.
    """
    folder = root
    while True:
        directory = f"{folder}/.git"
        if os.path.isdir(directory):
            if os.path.lexists(f"{directory}/HEAD"):  # else: a folder of that name, which git passes by, too
                return Checkout(root, folder, directory)
        elif os.path.lexists(directory):  # a worktree or a submodule: a file that names the directory
            content = (_content(directory, folder) or "").rstrip("\r\n")
            if not content.startswith("gitdir: "):
                return None
            return Checkout(root, folder, os.path.join(folder, content[8:]))
        above = os.path.dirname(folder)
        if above == folder:
            return None
        folder = above


# ----------------------------------------------------------------------------- the repository's own files


def _content(path: str, within: str = "") -> str | None:
    """The text of a regular file, or None; also for a link that leads out of the folder that it must not."""
    try:
        return os.fsdecode(read_regular(path, LARGEST_CONFIGURATION, within=within))
    except (OSError, ValueError):
        return None


def _is_regular(*paths: str) -> bool:
    """Whether each path is a regular file or nothing at all."""
    for path in paths:
        try:
            if not stat.S_ISREG(os.stat(path).st_mode):
                return False
        except FileNotFoundError:  # noqa: PERF203
            continue
        except (OSError, ValueError):
            return False
    return True


def _settings(text: str) -> dict[str, str]:
    """The settings of a repository that decide about names: those that are on, and one path.

    https://git-scm.com/docs/git-config#_syntax
    """
    found: dict[str, str] = {}
    section = ""
    for key, value in _entries(text):
        if not key:
            section = value
        elif section == "core" and key in ("ignorecase", "precomposeunicode"):
            found.pop(key, None)
            if value.lower() in ("true", "yes", "on", "1"):
                found[key] = "true"
        elif section == "core" and key == "excludesfile":
            found[key] = value
        elif section == "extensions" and key == "objectformat" and value.lower() == "sha256":
            found["sha256"] = "true"
    return found


def _entries(text: str) -> Iterator[tuple[str, str]]:
    """Pairs of key and value; a section is a value without a key. A key without a value is true."""
    for line in text.replace("\r\n", "\n").replace("\\\n", "").split("\n"):
        line = line.strip()
        if line.startswith("["):
            section, _, line = line[1:].partition("]")
            yield "", section.strip().lower()
            line = line.strip()
        if line and line[0] not in "#;":
            key, equals, value = line.partition("=")
            yield key.strip().lower(), _unquoted(value.strip()) if equals else "true"


def _unquoted(value: str) -> str:
    """A value without quotes, escapes and the comment behind it."""
    characters: list[str] = []
    quoted = escaped = False
    for character in value:
        if escaped:
            characters.append({"n": "\n", "t": "\t", "b": "\b"}.get(character, character))
            escaped = False
        elif character == "\\":
            escaped = True
        elif character == '"':
            quoted = not quoted
        elif character in "#;" and not quoted:
            return "".join(characters).rstrip()
        else:
            characters.append(character)
    return "".join(characters)


# ----------------------------------------------------------------------------------- the system's things


def _new_folder() -> str:
    """A new folder that nobody else may look into, among the temporary ones."""
    candidates = [os.environ.get(name, "") for name in ("TMPDIR", "TEMP", "TMP")]
    name = f"celery-lint-{os.urandom(12).hex()}"
    for candidate in (*candidates, *_TEMPORARY_FOLDERS):
        if os.path.isabs(candidate):
            folder = os.path.join(candidate, name)
            try:
                os.mkdir(folder, 0o700)
            except OSError:
                continue
            return folder
    raise FileNotFoundError("no temporary folder can be written to")


def _write(path: str, text: str) -> None:
    with open(path, "xb") as file:
        file.write(os.fsencode(text))


def _try(remove: Callable[[str], None], path: str) -> None:
    try:  # noqa: SIM105 (contextlib would have to be imported)
        remove(path)
    except OSError:
        pass


def _program() -> str:
    """Where git is. Unlike the system's own search, this one never looks into the working directory."""
    name = "git.exe" if os.name == "nt" else "git"
    for folder in os.environ.get("PATH", os.defpath).split(os.pathsep):
        path = os.path.join(folder, name)
        if os.path.isabs(folder) and os.access(path, os.X_OK) and os.path.isfile(path):
            return path
    return ""


def _run(command: list[str], environment: dict[str, str], question: bytes) -> tuple[int, bytes]:
    """Exit code and output of a command that reads the question, which has to fit into a pipe.

    Raises OSError if it cannot be started, and TimeoutError if it does not come to an end.
    """
    if not _SPAWNS:
        import subprocess  # 10 ms of import, so only where it must be

        try:
            done = subprocess.run(
                command, env=environment, input=question, capture_output=True, timeout=_PATIENCE, check=False
            )
        except subprocess.TimeoutExpired:
            raise TimeoutError from None
        return done.returncode, done.stdout
    asking, answering = os.pipe(), os.pipe()
    try:
        os.write(asking[1], question)
        process = os.posix_spawn(
            command[0],
            command,
            environment,
            file_actions=[
                (os.POSIX_SPAWN_DUP2, asking[0], 0),
                (os.POSIX_SPAWN_DUP2, answering[1], 1),
                (os.POSIX_SPAWN_OPEN, 2, os.devnull, os.O_WRONLY, 0),
            ],
        )
    except OSError:
        os.close(answering[0])
        raise
    finally:
        for descriptor in (*asking, answering[1]):
            os.close(descriptor)
    try:
        output = _read(answering[0])
    except TimeoutError:
        os.kill(process, _KILL)
        _wait(process)
        raise
    finally:
        os.close(answering[0])
    code = _wait(process)
    return (0 if output else 128) if code is None else code, output


def _read(descriptor: int) -> bytes:
    """All that comes through a pipe."""
    poll = select.poll()
    poll.register(descriptor, select.POLLIN)
    chunks: list[bytes] = []
    until = time.monotonic() + _PATIENCE
    while poll.poll(max(until - time.monotonic(), 0) * 1000):
        chunk = os.read(descriptor, 1 << 20)
        if not chunk:
            return b"".join(chunks)
        chunks.append(chunk)
    raise TimeoutError


def _wait(process: int) -> int | None:
    try:
        return os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])
    except ChildProcessError:  # the host ignores SIGCHLD and the system has reaped the process already
        return None
