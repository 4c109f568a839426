"""The options: their names, defaults and meaning.

``OPTIONS`` is the one table. The command's flags and help, the options of the flake8 plugin and of the
pylint checkers, the documentation and the cache key are all made from it.
"""

from __future__ import annotations

from typing import Any, Literal, NamedTuple

from celery_lint.diagnostics import SEVERITIES, Severity

Preset = Literal["recommended", "house", "strict", "all"]
PRESETS: tuple[Preset, ...] = ("recommended", "house", "strict", "all")
Kind = Literal["switch", "choice", "choices", "formats", "text", "version", "list", "rules", "rules-by-path"]


class Configuration(NamedTuple):
    """Every option with its default; ``OPTIONS`` tells what each of them means."""

    select: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()
    extend_select: tuple[str, ...] = ()
    per_file_ignores: tuple[tuple[str, tuple[str, ...]], ...] = ()
    exclude: tuple[str, ...] = ()
    preset: str = "recommended"
    output_format: tuple[str, ...] = ("full",)
    min_severity: Severity = "advice"
    fail_on: Severity = "advice"
    pool: tuple[str, ...] = ()
    broker: str = ""
    target_celery: str = ""
    target_python: str = ""
    time_limits: str = "io"
    task_decorators: tuple[str, ...] = ()
    async_helpers: tuple[str, ...] = ()
    bridge_registries: tuple[str, ...] = ()
    bridge_exempt: tuple[str, ...] = ()
    tracking_parameters: tuple[str, ...] = ("execution_id",)
    pool_classes: tuple[str, ...] = ()
    primary_engines: tuple[str, ...] = ()
    strict_parse: bool = False
    cache: bool = True
    cache_dir: str = ""
    statistics: bool = False
    show_help: bool = False
    root: bool = False
    extend: str = ""

    def runs_python_before(self, *version: int) -> bool:
        """Whether the project is said to run on a Python older than this version."""
        oldest = tuple(int(part) for part in self.target_python.split(".") if part.isdecimal())
        return bool(oldest) and oldest < version


class Option(NamedTuple):
    """What is known about one field of ``Configuration``.

    ``semantic`` options change what the rules find, all others only filter or show it: only semantic
    ones are part of the cache key. ``linters`` says whether flake8 and pylint offer the option as well
    (where they have one of their own, such as ``select``, they do not). ``flag`` is false for what only
    makes sense in a file. ``off`` is the help of a flag that turns off what is on by default.
    """

    key: str
    kind: Kind
    help: str
    metavar: str = ""
    choices: tuple[str, ...] = ()
    semantic: bool = False
    linters: bool = False
    flag: bool = True
    off: str = ""

    @property
    def field(self) -> str:
        """The field of ``Configuration``."""
        return self.key.replace("-", "_")

    @property
    def default(self) -> Any:
        """The value of an option that nobody sets."""
        return Configuration._field_defaults[self.field]

    @property
    def flag_name(self) -> str:
        """The flag of ``celery-lint check``; a switch that is on by default is turned off by its flag."""
        return f"--no-{self.key}" if self.default is True else f"--{self.key}"


OPTIONS: tuple[Option, ...] = (
    Option(
        "select",
        "rules",
        "report only these rules: codes (CEL110), prefixes (CEL1) or names (asyncio-run-in-task)",
        "RULES",
    ),
    Option("ignore", "rules", "do not report these rules", "RULES"),
    Option("extend-select", "rules", "report these rules as well as those of the preset", "RULES"),
    Option(
        "per-file-ignores",
        "rules-by-path",
        "do not report rules in some files: 'tests/*:CEL510,CEL1 legacy.py:CEL211'",
        "PATTERN:RULES",
    ),
    Option("exclude", "list", "do not report anything in files that match these patterns", "PATTERNS"),
    Option(
        "preset",
        "choice",
        "the set of rules to start from; each holds all rules of those before it",
        "PRESET",
        choices=PRESETS,
        linters=True,
    ),
    Option(
        "output-format",
        "formats",
        "full shows the source, concise one line each, grouped each file's together, json everything; the "
        "others are for services. FORMAT:FILE writes a file beside what is shown",
        "FORMAT",
        choices=("full", "concise", "grouped", "json", "sarif", "github", "gitlab", "junit"),
    ),
    Option(
        "min-severity",
        "choice",
        "report only what is at least as severe as this",
        "SEVERITY",
        choices=SEVERITIES,
    ),
    Option(
        "fail-on",
        "choice",
        "exit with 1 only for what is at least as severe as this",
        "SEVERITY",
        choices=SEVERITIES,
    ),
    Option(
        "pool",
        "choices",
        "the worker pools that run the tasks, where launch files do not tell",
        "POOLS",
        choices=("prefork", "solo", "threads", "gevent", "eventlet"),
        semantic=True,
        linters=True,
    ),
    Option(
        "broker",
        "choice",
        "the message broker, where the settings do not tell",
        "BROKER",
        choices=(
            "redis",
            "amqp",
            "sqs",
            "gcpubsub",
            "kafka",
            "mongodb",
            "sqlalchemy",
            "filesystem",
            "memory",
        ),
        semantic=True,
        linters=True,
    ),
    Option(
        "target-celery",
        "version",
        "the oldest Celery version that the project runs on, such as 5.3",
        "VERSION",
        semantic=True,
        linters=True,
    ),
    Option(
        "target-python",
        "version",
        "the oldest Python version that the project runs on, such as 3.10",
        "VERSION",
        semantic=True,
        linters=True,
    ),
    Option(
        "time-limits",
        "choice",
        "which tasks need a time limit: those with I/O, all, or none because the worker sets it",
        "MODE",
        choices=("io", "always", "worker"),
        semantic=True,
        linters=True,
    ),
    Option(
        "task-decorators",
        "list",
        "decorators of the project that make a function a task, such as myproject.celery.durable_task",
        "NAMES",
        semantic=True,
        linters=True,
    ),
    Option(
        "async-helpers",
        "list",
        "functions of the project that may run a coroutine inside a task",
        "NAMES",
        semantic=True,
        linters=True,
    ),
    Option(
        "bridge-registries",
        "list",
        "dictionaries, decorators and register functions that map job names to tasks",
        "NAMES",
        semantic=True,
        linters=True,
    ),
    Option(
        "bridge-exempt",
        "list",
        "names of tasks that need no entry in a registry (with * and ?)",
        "TASKS",
        semantic=True,
        linters=True,
    ),
    Option(
        "tracking-parameters",
        "list",
        "task parameters that carry the id of a tracked execution",
        "NAMES",
        semantic=True,
        linters=True,
    ),
    Option(
        "pool-classes",
        "list",
        "pool or tracer classes of the project that await the coroutine of an async task",
        "NAMES",
        semantic=True,
        linters=True,
    ),
    Option(
        "primary-engines",
        "list",
        "engines of the project that a task disposes of last, such as app.database.engine",
        "NAMES",
        semantic=True,
        linters=True,
    ),
    Option(
        "strict-parse",
        "switch",
        "parse every file, even without a word of Celery, and exit with 1 if one cannot be parsed",
    ),
    Option(
        "cache",
        "switch",
        "keep what was read between runs",
        linters=True,
        off="neither read nor write what other runs have kept",
    ),
    Option(
        "cache-dir",
        "text",
        "the folder of the cache, in place of one in the user's folder for caches",
        "FOLDER",
        linters=True,
    ),
    Option("statistics", "switch", "show how often each rule was broken instead of where"),
    Option(
        "show-help",
        "switch",
        "concise, grouped, flake8 and pylint also say what to write, and show the first related place",
        linters=True,
    ),
    Option("root", "switch", "this folder is a workspace of its own", flag=False),
    Option(
        "extend",
        "text",
        "a file whose table holds where this one says nothing; its path is seen from this file",
        "FILE",
        flag=False,
    ),
)
BY_KEY = {option.key: option for option in OPTIONS}
ADDING = {
    f"extend-{option.key}": option
    for option in OPTIONS
    if option.kind != "formats"
    and isinstance(option.default, tuple)
    and option.key not in ("select", "extend-select")
}
"""Keys of a table that add to a list, in place of the key that replaces it."""


def semantic_key(configuration: Configuration) -> str:
    """A stable text of all options that change what the rules find."""
    return repr([(option.key, getattr(configuration, option.field)) for option in OPTIONS if option.semantic])
