"""Worker commands in launch files: which pool and which limits the workers run with.

Procfiles, compose files, Kubernetes and platform YAML, Dockerfiles, systemd units, supervisor
configuration, shell scripts and Makefiles, scripts of npm. The options are Celery's own:
https://docs.celeryq.dev/en/stable/reference/cli.html#celery-worker
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import takewhile

from celery_lint.diagnostics import Unparsed, reading_failed
from celery_lint.files.commands.candidates import TEMPLATES
from celery_lint.files.commands.options import is_no_command, literal, number, of_nodes, take_option
from celery_lint.files.commands.shell import (
    Word,
    behind_pattern,
    is_variable,
    list_items,
    logical_lines,
    quoted_commands,
    simple_commands,
    with_defaults,
)
from celery_lint.files.commands.variables import expanded, with_environment
from celery_lint.files.commands.yaml_commands import yaml_commands
from celery_lint.model.commands import ANY_QUEUE, UNREADABLE, WorkerCommand
from celery_lint.source import NotParsed
from celery_lint.source import read as read_bytes

_LARGEST = 262_144  # bytes; nobody writes a larger launch file by hand

_SUBCOMMAND = re.compile(rb"(?<![\w./-])(?:worker|multi|beat|flower)(?![\w./:-])")
# What is started with an application, and is no worker.
_OTHERS = frozenset({"beat", "flower"})
# The option for the application, which Celery 5 takes before the sub-command alone; and Celery itself.
_OF_APPLICATION = re.compile(r"(-A|--app\b)")
_CELERY = re.compile(r"(?:.*/)?celery(?:\.exe)?")
_OF_QUEUES = re.compile(r"-Q.*|--queues(?:=.*)?")
_QUEUE = re.compile(r"[A-Za-z][\w.-]*,?")
# The program itself, or a script of the project that hands its arguments on: `python run_celery.py worker`.
_PROGRAM = re.compile(r"(?:.*/)?(?:celery(?:-?[\d.]+)?(?:\.exe)?|[\w-]*celery[\w-]*\.py)")
_PROGRAM_VARIABLE = re.compile(r"\$[{(]?CELERY(?:D|_BIN|_CMD|_COMMAND|_EXE)?[)}]?")
_ASSIGNMENT = re.compile(r"-{0,2}[\w.-]+(?:\[\w*\])?\+?=")
_APPENDED = re.compile(r"\$\{?([A-Za-z_]\w*)\}?[\"']?[ \t]+[^\s;&|)#>]")
# A script that an image is built with: `RUN echo "celery -A shop worker" > run.sh`.
_WRITTEN = re.compile(r"""\b(?:echo|printf)[ \t]+(?:-\w+[ \t]+)?(?:"([^"]*)"|'([^']*)')[ \t]*>""")
# What files end with that say how services start, each by a command of its own.
_OF_SERVICES = frozenset({"conf", "ini", "json", "service", "toml", "yaml", "yml"})
# A list of words as TOML has it: `cmd = ["celery", "-A", "shop", "worker"]`.
_LIST = re.compile(r"[ \t]*[\w.\"'-]+[ \t]*=[ \t]*\[")
_POOL = re.compile(r"[\w.]+(?::\w+)?")
_RUNNERS = frozenset({"--", "-m", "exec", "run", "run-program"})
_KEYWORDS = frozenset(
    {
        "!",
        "-",
        "CMD",
        "ENTRYPOINT",
        "RUN",
        "do",
        "elif",
        "else",
        "exec",
        "if",
        "sudo",
        "then",
        "until",
        "while",
        "{",
    }
)

# What a file is for, in the words of the comment at its top.
_DEVELOPMENT = re.compile(
    r"\b(?:for|local|as a|only) (?:local )?dev(?:elopment)?\b"
    r"|\bdev(?:elopment)? (?:compose|env|environment|machine|only|server|setup|stack)\b",
    re.IGNORECASE,
)
_PRODUCTION = re.compile(r"\b(?:deploy|prod|production|staging)", re.IGNORECASE)

# Programs that speak of a worker command and do not run it.
_SPEAKERS = frozenset(
    {
        "ADD", "COPY", "HEALTHCHECK", "LABEL", "[", "[[", "awk", "cat", "cp", "echo", "egrep", "grep",
        "kill", "killall", "log", "mv", "pgrep", "pip", "pkill", "printf", "ps", "rm", "sed", "test",
    }
)  # fmt: skip

# Words of a command that may be the program: an image, a service or a user of that name stands before it.
_MOST_PROGRAMS = 8


def read(root: str, paths: Iterable[str], failures: list[Unparsed] | None = None) -> list[WorkerCommand]:
    """The commands of these files (relative to the root), in the order of paths and lines.

    Also those that are refused, and those of what is no worker. Files that cannot be read have none.
    Where the linter itself fails, ``failures`` gets a word about it.
    """
    return [command for path in paths for command in _read(root, path, failures)]


def _read(root: str, path: str, failures: list[Unparsed] | None) -> list[WorkerCommand]:
    try:
        return commands_of(path, read_bytes(f"{root}/{path}", _LARGEST, within=root))
    except NotParsed:
        return []
    except Exception as error:
        if failures is not None:
            failures.append(reading_failed(path, error))
        return []


def worker_commands(path: str, data: bytes) -> list[WorkerCommand]:
    """The commands of one file that start workers."""
    return [command for command in commands_of(path, data) if command.is_worker]


def commands_of(path: str, data: bytes) -> list[WorkerCommand]:
    """The commands of one file that start workers, or would, and those of what else has an application."""
    if len(data) > _LARGEST or b"celery" not in data.lower() or not _SUBCOMMAND.search(data):
        return []
    text = data.decode("utf-8", "replace").removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
    appended = frozenset(_APPENDED.findall(text)) if "$" in text else frozenset()
    found = {
        worker: None for command in _commands(path, text) for worker in _workers(path, command, appended)
    }  # each once, in order
    if found and _is_for_development(text):
        found = dict.fromkeys(worker._replace(development=True) for worker in found)
    return sorted(found, key=lambda worker: worker.line)


def _is_for_development(text: str) -> bool:
    """Whether the comment that a file begins with says that it is for development, and for nothing else."""
    comments = takewhile(lambda line: not line.strip() or line.lstrip().startswith("#"), text.split("\n"))
    head = " ".join(line.lstrip(" #") for line in comments)
    return bool(_DEVELOPMENT.search(head)) and not _PRODUCTION.search(head)


def _commands(path: str, text: str) -> Iterator[list[Word]]:
    """All commands of a file, by the file's kind."""
    name = path.lower().rpartition("/")[2]
    for ending in TEMPLATES:
        name = name.removesuffix(ending)
    if name.endswith(".json"):
        yield from quoted_commands(text, 1)
    elif name.endswith((".yml", ".yaml")):
        yield from yaml_commands(text)
    elif name.startswith(("dockerfile", "containerfile")) or name.endswith(".dockerfile"):
        yield from _dockerfile_commands(text)
    else:
        ini = name.endswith((".conf", ".ini"))
        lines = list(logical_lines(text, comments="#;" if ini else "#", indented=ini))
        if "$" in text and not ini and not name.endswith((".service", ".toml")):
            lines = list(expanded(lines, name.endswith((".mk", "makefile"))))
        for line, logical in lines:
            if "celery" not in logical.lower():
                continue
            if name.endswith(".toml") and _LIST.match(logical):
                yield list_items(logical.partition("=")[2], line)
            else:
                yield from simple_commands(behind_pattern(logical), line)


def _dockerfile_commands(text: str) -> Iterator[list[Word]]:
    """Shell and exec forms; an ``ENTRYPOINT`` in exec form gets the words of the ``CMD``.

    Of several in one stage the last counts: https://docs.docker.com/reference/dockerfile/#cmd
    """
    entrypoint: list[Word] = []
    command: list[Word] = []
    lines = list(logical_lines(text))
    for line, logical in with_environment(lines) if "$" in text else lines:
        instruction, _, rest = logical.lstrip().partition(" ")
        instruction = instruction.upper()
        if instruction == "FROM":
            yield entrypoint + command
            entrypoint, command = [], []
        elif instruction in ("CMD", "ENTRYPOINT") and rest.lstrip().startswith("["):
            items = list_items(rest, line)
            if instruction == "ENTRYPOINT":
                entrypoint = items
            else:
                command = items
        else:
            yield from simple_commands(logical, line)
            for written in _WRITTEN.finditer(logical) if instruction == "RUN" else ():
                for row in (written[1] or written[2] or "").split("\\n"):
                    yield from simple_commands(row, line)
    yield entrypoint + command


def _workers(
    path: str, command: Sequence[Word], appended: frozenset[str], depth: int = 0
) -> Iterator[WorkerCommand]:
    """The workers that one command starts, also through ``sh -c '…'`` or by way of a variable.

    ``appended``: the variables that the file adds words to where it uses them.
    """
    if not command:  # `CMD []`
        return
    program = _program_index(command)
    if command[program].text.lstrip("@-").rpartition("/")[2] in _SPEAKERS:
        return
    programs = 0
    for index, word in enumerate(command):
        text = _assigned(word.text)
        if any(blank in text for blank in " \t\n"):
            if "celery" not in text.lower() or text.startswith(("$(", "`")) or depth > 4:
                continue
            for inner in simple_commands(text, word.line):
                if inner[0].text != text:  # else one expansion with blanks in it
                    for worker in _workers(path, inner, appended, depth + 1):
                        yield _with_more(worker, word.text, appended)
        elif _is_program(text):
            leading = index <= program or command[index - 1].text in _RUNNERS
            started = _started(path, command, index, leading)
            yield from started
            programs += 1
            if started or programs == _MOST_PROGRAMS:
                return


def _with_more(worker: WorkerCommand, word: str, appended: frozenset[str]) -> WorkerCommand:
    """A command that is kept in a variable, with what is added to it later."""
    assignment = _ASSIGNMENT.match(word)
    name = assignment[0].rstrip("+=") if assignment else ""
    if name not in appended:
        return worker
    pool = worker.pool if worker.pool_stated else ""
    return worker._replace(
        pool=pool, hidden=worker.hidden or f"${name}", open_ended=True, queues=worker.queues or ANY_QUEUE
    )


def _program_index(command: Sequence[Word]) -> int:
    """Where the program's name stands: behind keywords, a Procfile's or Makefile's label, and assignments."""
    for index, word in enumerate(command):
        assigned = _assigned(word.text)
        if _is_program(assigned):
            return index
        if word.text not in _KEYWORDS and assigned == word.text and not word.text.endswith(":"):
            return index
    return 0


def _assigned(text: str) -> str:
    """The text without the name that it is assigned to, as in ``ExecStart=celery``."""
    assignment = _ASSIGNMENT.match(text)
    return text[assignment.end() :] if assignment else text


def _is_program(text: str) -> bool:
    text = text.lstrip("@-")  # as a Makefile has them
    return bool(_PROGRAM.fullmatch(text) or _PROGRAM_VARIABLE.fullmatch(text))


def _started(path: str, words: Sequence[Word], program: int, leading: bool) -> list[WorkerCommand]:
    """The workers that the command of ``celery`` starts whose name is the word of this number, if it does.

    ``leading``: nothing but known runners stands before. Elsewhere, a bare "celery worker" is prose.
    """
    options: dict[str, str] = {}
    command = ""
    unknown = ""
    nodes: list[str] = []
    multi = False
    late = ""
    refused: list[str] = []
    of_queues = False  # whether nothing but queues came since the option for them
    index = program + 1
    while index < len(words):
        text = with_defaults(words[index].text)
        index += 1
        if text.startswith("-") and text != "--":
            following = with_defaults(words[index].text) if index < len(words) else None
            spelled = "".join(word.text for word in words[index - 1 : index + (text in ("-Q", "--queues"))])
            index += take_option(text, following, options)
            of_queues = command == "worker" and bool(_OF_QUEUES.fullmatch(text))
            if _OF_QUEUES.fullmatch(text) and is_variable(spelled) and not _lists_services(path):
                options["queues"] = ANY_QUEUE
        elif is_variable(text):
            unknown = unknown or text
            of_queues = False
        elif not command:
            late = _late(words, program, index) if text != "flower" else ""  # which goes on without it
            if text in _OTHERS and leading and not unknown and late:
                for at in range(index, len(words)):
                    take_option(words[at].text, words[at + 1].text if at + 1 < len(words) else None, options)
            if text in _OTHERS and leading and not unknown and literal(options, "app"):
                other = _worker(path, words[program].line, options, "")._replace(program=text, late=late)
                return [other._replace(scheduler=_scheduler(words[index:])) if text == "beat" else other]
            if text not in ("worker", "multi"):  # inspect, purge, …
                wrong = leading and not unknown and is_no_command(text, words[index:])
                given = _worker(path, words[program].line, options, "")
                return [given._replace(refused=text, misplaced=True)] if wrong and given.app else []
            command = text
        elif command == "multi" and not multi:
            if text not in ("start", "restart"):
                return []
            multi = True
        elif multi:
            nodes += [text] if text != "--" and "=" not in text else []
        elif of_queues and leading and _QUEUE.fullmatch(text):
            refused.append(text)
        elif not (text == "--" or "=" in text):
            return []  # a sentence: the worker takes no arguments but settings, `-- worker.pool_restarts=1`
        else:
            of_queues = False
    if not (command == "worker" or multi) or not (leading or unknown or options):
        return []
    if refused and (is_variable(options.get("queues", "")) or unknown):
        return []  # what the variable holds may be an option of its own
    each = of_nodes(nodes, options) if multi and not unknown else None
    if each is None and multi:
        unknown = unknown or command
    found = [_worker(path, words[program].line, given, unknown) for given in each or [options]]
    late = "" if multi else late
    return [worker._replace(refused=" ".join(refused), late=late) for worker in found]


def _late(words: Sequence[Word], program: int, index: int) -> str:
    """The option for the application behind the sub-command of Celery itself, if it stands there."""
    if not _CELERY.fullmatch(_assigned(words[program].text).lstrip("@-")):
        return ""
    given = (_OF_APPLICATION.match(word.text) for word in words[index:])
    return next((found[1] for found in given if found is not None), "")


def _lists_services(path: str) -> bool:
    """Whether each command of a file is that of one service.

    Scripts and images are started in many places, and queues are what tells one of their workers from the
    next: the value by default of ``-Q ${QUEUES:-default}`` is only that of whoever says none.
    """
    name = path.lower().rpartition("/")[2]
    return name.startswith("procfile") or not _OF_SERVICES.isdisjoint(name.split("."))


def _scheduler(words: Sequence[Word]) -> str:
    """The class that beat is told to take by its own options, of which `-S` is one.

    A variable may hold more options.
    """
    options: dict[str, str] = {}
    texts = [with_defaults(word.text) for word in words]
    open_ended = False
    index = 0
    while index < len(texts):
        text = texts[index]
        index += 1
        if text.startswith("-"):
            index += take_option(text, texts[index] if index < len(texts) else None, options)
        else:
            open_ended = open_ended or is_variable(text)
    given = options.get("scheduler") or options.get("statedb", "")
    return UNREADABLE if is_variable(given) or (open_ended and not given) else given


def _worker(path: str, line: int, options: Mapping[str, str], unknown: str) -> WorkerCommand:
    """The worker of these options; ``unknown``: a word that may hold further ones."""
    pool = options.get("pool")
    if pool is None:
        known = "" if unknown else "prefork"
    else:
        known = "" if not _POOL.fullmatch(pool) or pool == "custom" else pool
    with_beat = "beat" in options or "B" in options
    scheduler = options.get("scheduler", "") if with_beat else ""
    return WorkerCommand(
        path=path,
        line=line,
        app=literal(options, "app"),
        pool="prefork" if known == "processes" else known,
        pool_stated=pool is not None,
        time_limit=number(options, "time-limit"),
        soft_time_limit=number(options, "soft-time-limit"),
        queues=ANY_QUEUE if unknown or is_variable(options.get("queues", "")) else options.get("queues", ""),
        concurrency=literal(options, "concurrency"),
        hidden=unknown or (pool if pool is not None and is_variable(pool) else ""),
        open_ended=bool(unknown),
        prefetch=bool(unknown) or "prefetch-multiplier" in options or "disable-prefetch" in options,
        include=options.get("include", ""),
        tasks_per_child=number(options, "max-tasks-per-child"),
        scheduler=UNREADABLE if is_variable(scheduler) else scheduler,
        with_beat=with_beat,
    )


def worker_of_arguments(path: str, line: int, arguments: Sequence[str]) -> WorkerCommand | None:
    """The worker that code starts with these arguments: ``["worker", "--pool=solo"]``."""
    words = [Word("celery", line), *(Word(text, line) for text in arguments)]
    return next(iter(_started(path, words, 0, leading=True)), None)
