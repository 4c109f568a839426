"""Launch files that list all processes of a deployment, and whether each of these can be read.

Compose files, Procfiles and their like, units of one folder. What a variable names, what a script does that
is not there, and what an image of somebody else does by itself is unknown; then so is the deployment.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Collection, Iterator, Mapping
from typing import NamedTuple

_SERVICE = re.compile(r"""( +)["']?([\w.-]+)["']?:\s*(?:&[\w-]+\s*)?(?:#.*)?""")
_INCLUDES = re.compile(r"(?m)^include:")
_KEY = re.compile(r"( +)([\w.<-]+):(.*)")
_PROCESS = re.compile(r"(?m)^[ \t]*([A-Za-z][\w-]*):[ \t]*(\S.*)$")
_PROGRAM = re.compile(r"(?m)^\[program:[^\]]+\]")
_COMMAND = re.compile(r"(?m)^[ \t]*command[ \t]*=[ \t]*(.*)$")
_SECTION = re.compile(r"(?ms)^\[processes\]\s*$(.*?)(?=^\[|\Z)")
_STATED = re.compile(r"""(?m)^\s*[\w-]+\s*=\s*["'](.*)["']\s*$""")
_STARTED = re.compile(r"(?m)^[ \t]*(?:startCommand|dockerCommand):[ \t]*(.*)$")
_TYPE = re.compile(r"(?m)^[ \t]*-[ \t]+type:[ \t]*(?:web|worker|pserv|cron)\b")
_EXECUTED = re.compile(r"(?m)^[ \t]*ExecStart[ \t]*=[ \t]*[-@:+!]*(.*)$")
_IN_IMAGE = re.compile(r"(?mi)^[ \t]*(?:CMD|ENTRYPOINT)[ \t]+((?:.*\\\n)*.*)$")
_CONTEXT = re.compile(r"""(?m)\b(?:context|dockerfile)\s*:\s*["']?([^\s"'#,}]+)""")
_NAMED = re.compile(r"^&[\w-]+[ \t]*")
_DEFAULT = re.compile(r"\$\{\w+:?-([^{}]*)\}")
_WORDS = re.compile(r"""[^\s"'\[\],]+""")
_TEMPLATE = ("{{", "{%", "<%")
_SHELLS = frozenset({"sh", "bash", "/bin/sh", "/bin/bash", "/usr/bin/bash", "/usr/bin/env", "env", "dash"})
_BEFORE = frozenset(
    {"exec", "time", "nice", "tini", "dumb-init", "/sbin/tini", "/usr/bin/tini", "sudo", "--"}
)
_ENDS = frozenset({"&&", "||", ";", "|", "&", ">", "|-", ">-", "do", "then", "-"})
_OF_SYSTEM = ("/bin/", "/dev/", "/etc/", "/opt/", "/proc/", "/sbin/", "/usr/bin/", "/usr/sbin/", "/var/")
# Registries that serve what anybody has made, and namespaces of theirs.
_REGISTRIES = ("docker.elastic.co/", "mcr.microsoft.com/", "quay.io/", "registry.k8s.io/", "gcr.io/cadvisor/")
_MOST_OPTIONS = 20

DEVELOPING = re.compile(r"--reload\b|\brunserver|\bwatchfiles\b|\bwatchmedo\b|\bflask\b.*\brun\b")
"""What is started so runs where the product is developed."""

MANIFEST = re.compile(r"(?m)^apiVersion:.*$")
"""What manifests of Kubernetes begin with."""

_PYTHON = re.compile(r"(?i)python|pip\b|poetry|\buv\b|celery")


class Files(NamedTuple):
    """The paths of all files of a workspace, their names alone, and whether one configures supervisor."""

    paths: frozenset[str]
    names: frozenset[str]
    has_supervisor: bool


def files_of(paths: Collection[str]) -> Files:
    """These files, to be looked up."""
    names = frozenset(path.rpartition("/")[2] for path in paths)
    return Files(frozenset(paths), names, any("supervisor" in path.lower() for path in paths))


def kind_of(path: str) -> str:
    """Which kind of file that lists processes a path names; ``""`` for any other."""
    name = path.lower().rpartition("/")[2]
    if name.startswith("procfile"):
        return "procfile"
    if "compose" in name and name.endswith((".yml", ".yaml")):
        return "compose"
    if name.endswith((".conf", ".ini")):
        return "programs"
    if name.startswith(("dockerfile", "containerfile")) or name.endswith(".dockerfile"):
        return "image"
    if name.startswith("fly.") and name.endswith(".toml"):
        return "sections"
    if name.startswith("render.y"):
        return "blueprint"
    return "unit" if name.endswith(".service") else ""


def processes(path: str, text: str, files: Files) -> int | None:
    """How many processes a file lists; ``None`` where it cannot be told what one of them does."""
    kind = kind_of(path)
    if kind == "programs" and not _PROGRAM.search(text):
        return 0
    if kind and any(mark in text for mark in _TEMPLATE):
        return None
    if kind == "compose":
        return _composed(path, text, files)
    if kind == "image":
        if not _PYTHON.search(text):
            return 0
        commands = [found[1] for found in _IN_IMAGE.finditer(text)]
        return 0 if all(_is_read(command, files) for command in commands) else None
    if kind == "blueprint":
        commands = [found[1] for found in _STARTED.finditer(text)]
        count = len(_TYPE.findall(text))
    else:
        commands = list(_listed(kind, text))
        count = len(commands)
    return count if all(_is_read(command, files) for command in commands) else None


def _listed(kind: str, text: str) -> Iterator[str]:
    if kind == "procfile":
        yield from (found[2] for found in _PROCESS.finditer(text))
    elif kind == "programs":
        yield from (found[1] for found in _COMMAND.finditer(text))
    elif kind == "sections":
        for section in _SECTION.finditer(text):
            yield from (found[1] for found in _STATED.finditer(section[1]))
    elif kind == "unit":
        yield from (found[1] for found in _EXECUTED.finditer(text))


# ---------------------------------------------------------------------- compose files


def whole_services(path: str, text: str, files: Files) -> dict[str, dict[str, str]] | None:
    """The services of a compose file by name, where none of them needs another file.

    ``None`` also where it cannot be told what one of them runs.
    """
    if any(mark in text for mark in _TEMPLATE) or _INCLUDES.search(text):
        return None
    services = dict(named_services(text))
    if any(
        not service.keys() & {"image", "build", "<<"} or "extends" in service for service in services.values()
    ):
        return None
    return services if _composed(path, text, files) else None


def _composed(path: str, text: str, files: Files) -> int | None:
    services = [service for _, service in named_services(text)]
    own = {part for service in services if _runs_celery(service) for part in _origins(service)}
    known = [_is_known(path, service, files, own) for service in services]
    return len(services) if all(known) else None


def _runs_celery(service: Mapping[str, str]) -> bool:
    return any("celery" in service.get(key, "") for key in ("command", "entrypoint"))


def _origins(service: Mapping[str, str]) -> Iterator[str]:
    """What an image is called, and whose it is."""
    name = name_of_image(service.get("image", ""))
    owner, _, leaf = name.rpartition("/")
    if leaf:
        yield name
    if owner:
        yield owner


def named_services(text: str) -> Iterator[tuple[str, dict[str, str]]]:
    """The services of a compose file by name: what each key holds, with all lines below it."""
    within = False
    indent = 0
    name = ""
    block: list[str] | None = None
    for line in text.split("\n"):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        depth = len(line) - len(line.lstrip(" "))
        if not depth:
            if block is not None:
                yield name, keys_of(block)
            block, within, indent = None, line.startswith("services:"), 0
        elif within:
            indent = indent or depth
            if depth > indent and block is not None:
                block.append(line)
                continue
            if block is not None:
                yield name, keys_of(block)
            block = []
            service = _SERVICE.fullmatch(line)
            name = service[2] if service else line.strip()
            if not service:
                block.append(f"{' ' * (depth + 2)}<<: {line.strip()}")  # written in one line, or unpacked
    if block is not None:
        yield name, keys_of(block)


def keys_of(block: list[str]) -> dict[str, str]:
    """What each key of a mapping holds, with all lines below it."""
    found: dict[str, list[str]] = {}
    indent, name = 0, ""
    for line in block:
        key = _KEY.fullmatch(line)
        indent = indent or len(line) - len(line.lstrip(" "))
        if key and len(key[1]) == indent:
            name = key[2]
            found[name] = [key[3].strip()]
        elif name:
            found[name].append(line)
    return {name: "\n".join(lines) for name, lines in found.items()}


def _is_known(path: str, service: Mapping[str, str], files: Files, own: Collection[str]) -> bool:
    """Whether it can be told what a service runs. ``own``: images of the project, and who makes them."""
    commands = [service[key] for key in ("entrypoint", "command") if key in service]
    image = service.get("image", "").strip("\"'")
    if "build" in service:
        return _has_dockerfile(path, service["build"], files) and all(
            _is_read(each, files) for each in commands
        )
    if image:
        if is_public(image) and not any(part in own for part in _origins(service)):
            return all(not is_variable(each) for each in commands)
        return "command" in service and all(_is_read(each, files) for each in commands)
    if "<<" in service or "extends" in service:
        return "command" in service and all(_is_read(each, files) for each in commands)
    return all(_is_read(each, files) for each in commands)  # it changes what another file has


def dockerfiles(path: str, build: str) -> tuple[str, ...]:
    """Where the Dockerfile of a service may be, by its `build`; nothing where only the run knows."""
    given = built(path, build)
    if given is None:
        return ()
    context, name = given
    return posixpath.normpath(posixpath.join(context, name)), posixpath.normpath(
        posixpath.join(posixpath.dirname(path), name)
    )


def built(path: str, build: str) -> tuple[str, str] | None:
    """The folder that a service is built of, and its Dockerfile; ``None`` where only the run knows."""
    if "dockerfile_inline" in build:
        return None
    first = _NAMED.sub("", build.split("\n")[0].split(" #")[0].strip()).strip("\"' ")
    context, name = (first, "Dockerfile") if first and not first.startswith("{") else (".", "Dockerfile")
    for found in _CONTEXT.finditer(build):
        if found[0].startswith("context"):
            context = found[1]
        else:
            name = found[1]
    if "$" in context + name or "://" in context:
        return None
    return posixpath.normpath(posixpath.join(posixpath.dirname(path), context)), name


def _has_dockerfile(path: str, build: str, files: Files) -> bool:
    return any(each in files.paths for each in dockerfiles(path, build))


def name_of_image(image: str) -> str:
    """An image without its tag, and with the values that are given for variables."""
    name = _DEFAULT.sub(r"\1", image.split(" #")[0].strip("\"' ")).partition("@")[0]
    head, slash, last = name.removeprefix("docker.io/").rpartition("/")
    return head + slash + last.partition(":")[0]


def is_public(image: str) -> bool:
    """Whether an image is one that many use, of which nobody expects the project's own processes."""
    name = name_of_image(image)
    if "$" in name:
        return False
    host, slash, _ = name.partition("/")
    if slash and ("." in host or ":" in host or host == "localhost"):
        return name.startswith(_REGISTRIES)
    return True


# ---------------------------------------------------------------------- commands


def is_variable(command: str) -> bool:
    """Whether only the run knows what a command starts."""
    words = [word for word in _WORDS.findall(command) if word not in _ENDS]
    return bool(words) and words[0].startswith("$")


def _is_read(command: str, files: Files) -> bool:
    """Whether a command says itself what is started, or by scripts that are there."""
    leading = True
    for word in _WORDS.findall(command.replace("\\\n", " ").replace("&&", " && ").replace(";", " ; ")):
        if word in _ENDS:
            leading = True
        elif leading and (word in _SHELLS or word in _BEFORE or word.startswith("-") or _is_assigned(word)):
            continue
        else:
            if leading and not _is_there(word, files):
                return False
            leading = False
    return _names_its_command(command)


def _is_assigned(word: str) -> bool:
    return re.match(r"[A-Za-z_]\w*=", word) is not None


def _is_there(program: str, files: Files) -> bool:
    if program in ("$@", "$*") or program.startswith("#"):
        return True
    if program.startswith(("$", "`", "%(")):
        return False
    name = program.rpartition("/")[2]
    if name == "supervisord":
        return files.has_supervisor
    if program.endswith((".sh", ".bash", ".py")):
        return name in files.names
    if program.startswith(("./", "/")) and not program.startswith(_OF_SYSTEM):
        known = name in files.names or "/.venv/" in program or "/venv/" in program or "/bin/" in program
        return known or name.startswith(("python", "celery"))
    return True


def _names_its_command(text: str) -> bool:
    """Whether every `celery` is told what to do by a word, and by no variable: `celery -A shop $ROLE`."""
    words = _WORDS.findall(text)
    for index, word in enumerate(words):
        if word.rpartition("/")[2] != "celery":
            continue
        takes = False
        for following in words[index + 1 : index + _MOST_OPTIONS]:
            if takes:
                takes = False
            elif following.startswith("-"):
                takes = "=" not in following and (following.startswith("--") or len(following) == 2)
            else:
                if following.startswith("$") or following in _ENDS:
                    return not following.startswith("$")
                break
    return True


def hides_commands(text: str) -> bool:
    """Whether a script or a manifest leaves it to a variable what `celery` does, or is a template of one."""
    if "containers:" in text and any(mark in text for mark in _TEMPLATE):
        return True
    return not all(_names_its_command(line) for line in text.split("\n") if "celery" in line and "$" in line)
