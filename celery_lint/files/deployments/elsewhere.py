"""Files that a deployment is started with and that are not there.

A pipeline that runs `docker compose -f compose.prod.yml up` where no file has that name starts what another
repository or the server has: which workers, and with which options, nobody can read here. So do manifests
of Kubernetes, playbooks, charts, and units of systemd or programs of supervisor that are started by name.
What people are told in prose is no deployment, and neither is a comment. Images of workers that a pipeline
pushes, and that nothing here starts, are started elsewhere as well.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

from celery_lint.files.commands.assigned import is_of_variables
from celery_lint.files.commands.candidates import is_candidate
from celery_lint.files.commands.mentions import is_pipeline
from celery_lint.files.commands.shell import logical_lines
from celery_lint.files.deployments.pushed import pushed_elsewhere
from celery_lint.files.deployments.wholes import Files, files_of
from celery_lint.model.commands import Elsewhere
from celery_lint.model.purpose import is_development_path, is_test_path

_WORDS = (
    "compose", "COMPOSE_FILE", "kubectl", "oc ", "helm", "ansible", "stack", "systemctl", "supervisorctl",
    "service ",
)  # fmt: skip
_BYTES = tuple(word.encode() for word in _WORDS)
# Code says commands in texts: `run("docker compose up")`.
_SAID = re.compile(r"[\"'](?:sudo )?(?:docker|podman|kubectl|helm|ansible)")
_REMARKS = ("//", "rem ", "::", "<!--")
_QUOTES = str.maketrans(dict.fromkeys("\"'`,[]()", " "))
_SEPARATORS = re.compile(r"&&|\|\||[;|\n]")
# What tells people something.
_SPEAKERS = re.compile(r"\W*(?:\w+:\s+)?(?:cat|die|echo|err\w*|info|log\w*|printf?|say|success|warn\w*)\b")
# What may fail, or ends well whatever happens: `systemctl restart celery || true`.
_TRIED = re.compile(r"\|\||2>|-q\b|--quiet")

# A longer line is no command: every word of one may begin what starts a deployment.
_LONGEST = 4_000

_STARTING = frozenset({"create", "pull", "restart", "run", "scale", "start", "up"})
_COMPOSING = frozenset({"compose", "docker-compose", "podman-compose"})
_COMPOSED = re.compile(r"COMPOSE_FILE[ :=]+(\S+)")
_CLUSTERED = frozenset({"apply", "create", "replace"})
_UNITS = frozenset({"enable", "reload", "reload-or-restart", "restart", "start", "try-restart"})
_TAKING = frozenset({"-p", "--profile", "--project-name", "--env-file", "-n", "--namespace"})
_OF_WORKERS = re.compile(r"celery|worker", re.IGNORECASE)
_OF_PROCESSES = re.compile(
    r"celery|worker|deploy|stack|(?:^|[-_.])(?:all|app|apps|backend|prod|production)(?:[-_.]|$)"
)
# What a deployment has besides, and what a command has made itself.
_BESIDES = re.compile(r"(?i)alert|backup|dashboard|monitor|te?mp\b|te?mp[_/-]")
_VARIABLE = re.compile(r"\$\{[^}]*\}|\$\w+|\{\{[^}]*\}\}|%\w+%|\{\w+\}")
_FOLDERS = ("./", "../", "chart/", "charts/", "deploy/", "helm/", "infra/", "k8s/")
_YAML = (".yml", ".yaml")
# What makes a copy under another name, be it with other words in it.
_COMPOSE = re.compile(r"(?:compose|stack|swarm)[^/]*$")
_OF_COMMANDS = re.compile(r"celery|worker|queue|(?:^|\s)-Q|\bs(.)command\\b")
_COPYING = frozenset({"cp", "envsubst", "install", "ln", "mv", "rsync", "scp", "sed"})


def elsewhere(texts: Mapping[str, bytes]) -> Iterator[Elsewhere]:
    """What these texts start and hold no file of. They are all that the workspace has, by path."""
    files = files_of(texts)
    for path, data in texts.items():
        if may_deploy(path) and any(word in data for word in _BYTES):
            text = _text(data)
            yield from files_elsewhere(path, text, files)
            for unit in _units(path, text):
                if not _is_described(unit, files, texts):
                    yield Elsewhere(path, unit, False)
    yield from pushed_elsewhere(texts, lambda path: _text(texts[path]))


def _text(data: bytes) -> str:
    return data.decode("utf-8", "replace").replace("\r\n", "\n")


def may_deploy(path: str) -> bool:
    """Whether a file of this path, relative to the workspace, may say what a deployment is started with."""
    name = path.lower().rpartition("/")[2]
    if is_pipeline(path) or is_candidate(path) or is_of_variables(path):
        return True
    return name.endswith(".py") and not is_test_path(path)


def files_elsewhere(path: str, text: str, files: Files) -> Iterator[Elsewhere]:
    """The files that one text starts a deployment with, and that are none of these, nor copies of one."""
    commands = [words for _, words in _commands(path, text)]
    copies = {copy for copy in _copies(commands, files) if not _is_extended(copy, text)}
    for words in commands:
        for named in _composed(words):
            if _counts(named) and not _has(named, files) and named.rpartition("/")[2] not in copies:
                yield Elsewhere(path, named, False)
        for named in _of_clusters(words):
            known = _has(named, files) if named.endswith(_YAML) else _has_folder(named, files)
            if _counts(named) and not known:
                yield Elsewhere(path, named, True)


def _commands(path: str, text: str) -> Iterator[tuple[str, list[str]]]:
    """The words of the commands of a text that may start a deployment, each with its line."""
    if not any(word in text for word in _WORDS):
        return
    code = path.endswith(".py")
    for _, line in logical_lines(text):
        if line.lstrip().lower().startswith(_REMARKS) or (code and not _SAID.search(line)):
            continue
        for segment in _SEPARATORS.split(line):
            if len(segment) < _LONGEST and not _SPEAKERS.match(segment):
                yield line, segment.translate(_QUOTES).split()


def _copies(commands: Sequence[Sequence[str]], files: Files) -> set[str]:
    """The names of the copies that these commands make of files that are there, and that none changes."""
    found = set()
    for number, words in enumerate(commands):
        copy = _copied(words, files)
        if copy and not any(_changes(later, copy) for later in commands[number + 1 :]):
            found.add(copy)
    return found


def _copied(words: Sequence[str], files: Files) -> str:
    """The name of a copy that a command makes of a file that is there: `cp compose.yml compose.prod.yml`."""
    tool = next((number for number, word in enumerate(words) if word.rpartition("/")[2] in _COPYING), None)
    given = words[tool + 1 :] if tool is not None else ()
    sources = [word for word in given[:-1] if word.endswith(_YAML)]
    if not sources or not given[-1].endswith(_YAML) or any(_OF_COMMANDS.search(word) for word in given[:-1]):
        return ""
    if not all(_is_of_workspace(source, files) and _COMPOSE.search(source) for source in sources):
        return ""
    return given[-1].rpartition(":")[2].rpartition("/")[2]


def _is_of_workspace(source: str, files: Files) -> bool:
    """Whether what is copied is a file of the workspace, not one of a host, of a home or of the system."""
    return not source.startswith(("~", "/", "$HOME")) and ":" not in source and _has(source, files)


def _changes(words: Sequence[str], name: str) -> bool:
    """Whether a command changes a file of this name: `yq -i … compose.prod.yml`."""
    named = [number for number, word in enumerate(words) if word.lstrip(">").rpartition("/")[2] == name]
    if not named or not words:
        return False
    tools = {word.rpartition("/")[2] for word in words[: named[-1]]}
    in_place = any(word.startswith(("-i", "--in-place", "--inplace")) for word in words)
    changing = {"tee", "patch", "mv", *(("yq", "sed", "perl", "gawk") if in_place else ())}
    return not tools.isdisjoint(changing)


def _is_extended(name: str, text: str) -> bool:
    """Whether a text adds to a file of this name: `cat workers.yml >> compose.prod.yml`."""
    return re.search(rf">>\s*[\"']?(?:[^\s\"']*/)?{re.escape(name)}", text) is not None


def _counts(named: str) -> bool:
    """Whether workers that a file of this name starts would be those of the product."""
    plain = _VARIABLE.sub("x", named)
    if "://" in named or plain in ("-", "x") or "{{" in plain or _BESIDES.search(named):
        return False
    return not is_development_path(plain) and (not plain.endswith(_YAML) or is_candidate(plain))


def _has(named: str, files: Files) -> bool:
    """Whether one of the files may be the one that a command names, wherever the command runs."""
    leaf = named.rpartition("/")[2]
    if not _VARIABLE.search(leaf):
        return leaf in files.names
    pattern = re.compile(".*".join(re.escape(part) for part in _VARIABLE.split(leaf)))
    return any(pattern.fullmatch(each) for each in files.names)


def _has_folder(named: str, files: Files) -> bool:
    parts = [part for part in named.split("/") if part not in ("", ".", "..")]
    known = [part for part in parts if not _VARIABLE.search(part)]
    if not known:
        return True
    if len(known) < len(parts) or named.startswith(("/", "~")):
        known = known[-1:]
    return any(f"/{'/'.join(known)}/" in f"/{path}" for path in files.paths)


# ---------------------------------------------------------------------- what commands name


def _composed(words: Sequence[str]) -> Iterator[str]:
    """The files of `docker compose -f compose.prod.yml up`, `COMPOSE_FILE=…`, of stacks and playbooks."""
    found: list[str] = []
    for number, word in enumerate(words):
        following = words[number + 1 :]
        leaf = word.rpartition("/")[2]
        if leaf in _COMPOSING:
            named, subcommand = _options(following, ("-f", "--file"))
            found += named if subcommand in _STARTING or not subcommand else []
        elif leaf == "ansible-playbook":
            found += [each for each in following if not each.startswith(("-", "@"))]
        elif word == "stack" and following[:1] == ["deploy"]:
            found += _options(following[1:], ("-c", "--compose-file"))[0]
        elif word.startswith("COMPOSE_FILE"):
            given = _COMPOSED.match(" ".join(words[number:]))
            found += re.split("[:;]", given[1]) if given else []
    yield from (each for each in found if each.endswith(_YAML))


def _of_clusters(words: Sequence[str]) -> Iterator[str]:
    """The manifests and charts of `kubectl apply -f k8s/`, `helm upgrade --install shop ./chart`."""
    for number, word in enumerate(words):
        following = words[number + 1 :]
        if word in ("kubectl", "oc") and not _CLUSTERED.isdisjoint(following):
            for named in _options(following, ("-f", "-k", "--filename", "--kustomize"), whole=True)[0]:
                stem, dot, suffix = named.rpartition("/")[2].rpartition(".")
                if not dot or f".{suffix}" not in _YAML or stem == "*" or _OF_PROCESSES.search(stem):
                    yield re.sub(r"/\*\.ya?ml$", "/", named)
        elif word == "helm" and not {"upgrade", "install"}.isdisjoint(following):
            yield from (each for each in following if each.startswith(_FOLDERS) and not each.endswith(_YAML))


def _options(words: Sequence[str], names: Sequence[str], whole: bool = False) -> tuple[list[str], str]:
    """The values of an option, and the first word that is neither an option nor the value of one.

    ``whole``: options come behind that word as well.
    """
    found: list[str] = []
    first = ""
    takes = ""
    for word in words:
        if takes:
            found += [word] if takes in names else []
            takes = ""
        elif word.startswith("-"):
            name, equals, value = word.partition("=")
            if equals:
                found += [value] if name in names else []
            elif word[:2] in names and len(word) > 2 and not word.startswith("--"):
                found.append(word[2:])
            elif word in names or word in _TAKING:
                takes = word
        else:
            first = first or word
            if not whole:
                break
    return found, first


def _units(path: str, text: str) -> Iterator[str]:
    """The units of workers, and the programs of supervisor, that a text starts by name."""
    for line, words in _commands(path, text):
        for number, word in enumerate(words) if not _TRIED.search(line) else ():
            given = [each for each in words[number + 1 :] if not each.startswith("-")]
            if word in ("systemctl", "supervisorctl") and given and given[0] in _UNITS:
                started = given[1:]
            elif word == "service" and len(given) > 1 and given[1] in _UNITS:
                started = given[:1]
            else:
                continue
            yield from (each for each in started if _OF_WORKERS.search(each) and not _VARIABLE.search(each))


def _is_described(unit: str, files: Files, texts: Mapping[str, bytes]) -> bool:
    """Whether some file says what a unit or a program starts, or makes the file that does."""
    name = re.split(r"[@:*]", unit.removesuffix(".service"))[0]
    units = f"{name}.service", f"{name}@.service"
    if not files.names.isdisjoint(units):
        return True
    made = f"/{units[0]}", f"/{units[1]}", f"[program:{name}", f"[group:{name}"
    written = [each.encode() for each in made]
    return any(each in text for text in texts.values() for each in written)
