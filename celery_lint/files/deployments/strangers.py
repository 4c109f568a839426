"""What `-A` names although nothing that an image of the project is made of has that name.

A command of a service that is built here, of a script that such a service runs, or of a ``Procfile``, runs
with the files of the project and what its lists install. Where a name is neither in a path nor in any text
that says what goes into the image, there is no such module. Other services may be of images that bring
programs of their own: they say nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from celery_lint.files.commands.candidates import is_candidate
from celery_lint.files.commands.mentions import is_text, text_of
from celery_lint.files.dependencies import is_list
from celery_lint.files.deployments.wholes import kind_of
from celery_lint.model.commands import WorkerCommand

_BUILD = re.compile(r"[ ]*build:(?![^\n]*(?:\$|://))")

# `container_name: shop-db`, `- POSTGRES_DB=shop`: the whole line says nothing else.
_SETTING = re.compile(r"""(?i)\s*(?:-\s+|export\s+|ENV\s+)?["']?(\w+)["']?(\s*)(.*)""")
_VALUE = re.compile(r"""["']?[^\s"';$&|]*["']?(.*)""")
_OF_HOSTS = frozenset({"container_name", "hostname", "server_name"})
_DATABASE = re.compile(r"(?i)DB|DATABASE|POSTGRES|MYSQL|MARIADB|MONGO|RABBITMQ|REDIS")
_OF_DATABASES = frozenset({"db", "database", "name", "user", "username", "pass", "password", "vhost"})
_OF_SCHEMES = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-."
_OF_ADDRESSES = frozenset(f"{_OF_SCHEMES}_:/@%+")
#: What says with whom something talks, `redis://shop@cache`. Any other scheme may fetch packages.
_TALKING = frozenset(
    {
        "amqp", "amqps", "cache", "cassandra", "clickhouse", "cockroachdb", "couchbase", "couchdb", "cql",
        "db", "db2", "elasticsearch", "influxdb", "kafka", "ldap", "ldaps", "mariadb", "memcache",
        "memcached",
        "mongo", "mongodb", "mqtt", "mqtts", "mssql", "mysql", "mysql2", "mysqlgis", "nats", "neo4j",
        "odbc", "oracle", "pgsql", "postgis", "postgres", "postgresql", "psql", "pyamqp", "rabbitmq", "redis",
        "rediss", "redshift", "rpc", "sentinel", "smtp", "smtps", "snowflake", "spatialite", "sqlite",
        "sqlite3", "sqlserver", "sqs", "tcp", "timescale", "timescaledb", "trino", "udp", "unix", "ws", "wss",
        "zookeeper",
    }
)  # fmt: skip
_HOST = re.compile(
    r"(?:[\w-]+\.)+(?:com|org|net|dev|de|eu|fr|in|info|io|ir|ru|uk|us)(?::\d+)?", re.IGNORECASE
)


def strangers(
    root: str,
    launch: list[str],
    python: list[str],
    directories: Iterable[str],
    commands: list[WorkerCommand],
) -> frozenset[str]:
    """The first names of what commands name that are names of nothing in the project."""
    asked: dict[str, list[WorkerCommand]] = {}
    for command in commands:
        top = re.split(r"[.:]", command.app)[0]
        if top.isidentifier():
            asked.setdefault(top, []).append(command)
    if not asked:
        return frozenset()
    known = {part.removesuffix(".py").lower() for path in (*python, *directories) for part in path.split("/")}
    unknown = {top: found for top, found in asked.items() if top.lower() not in known}
    texts = list(_texts(root, launch)) if unknown else []
    return frozenset(
        top
        for top, found in unknown.items()
        if any(_is_built_here(root, command, launch) for command in found)
        and not any(_speaks_of(text, top) for text in texts)
    )


def _texts(root: str, launch: list[str]) -> Iterator[str]:
    """What says how images are made and services are started; lists of dependencies are read elsewhere."""
    for path in launch:
        if is_text(path) and (is_candidate(path) or not is_list(path)):
            yield text_of(root, path)


def _speaks_of(text: str, top: str) -> bool:
    """Whether a text has a name otherwise than as that of a module that is started.

    Or of a container, of a database or its user, or as a part of an address of one, or of a host: none of
    these puts a module anywhere. A line and a word of it are judged once, however often they have the name.
    """
    name = re.compile(rf"(?<![A-Za-z0-9]){re.escape(top)}(?![A-Za-z0-9])", re.IGNORECASE)
    line_end = word_end = of_others = -1
    is_setting = False
    for found in name.finditer(text):
        at = found.start()
        if at >= line_end:
            begin, line_end = text.rfind("\n", 0, at) + 1, (text.find("\n", at) + 1 or len(text) + 1) - 1
            is_setting = _is_of_database(text[begin:line_end])
        if is_setting or _is_started(text, found):
            continue
        if at >= word_end:
            begin, word_end = _word(text, *found.span())
            of_others = begin + _of_others(text[begin:word_end])
        if at >= of_others:
            return True
    return False


def _is_of_database(line: str) -> bool:
    """Whether a line sets the name of a container, or that of a database or its user, and nothing else."""
    setting = _SETTING.match(line)
    if setting is None:
        return False
    name, gap, rest = setting.groups()
    database, _, what = name.rpartition("_")
    if name.lower() not in _OF_HOSTS and (
        what.lower() not in _OF_DATABASES or not _DATABASE.search(database)
    ):
        return False
    if not gap and rest[:1] not in (":", "="):
        return False
    value = _VALUE.match((rest[1:] if rest[:1] in (":", "=") else rest).lstrip())
    behind = value[1].strip().removeprefix(";").lstrip() if value is not None else ""
    return not behind or behind.startswith("#")


def _word(text: str, start: int, end: int) -> tuple[int, int]:
    """Where the word begins and ends that a name is in, with all that may be part of an address."""
    while start and text[start - 1] in _OF_ADDRESSES:
        start -= 1
    while end < len(text) and text[end] in _OF_ADDRESSES:
        end += 1
    return start, end


def _of_others(word: str) -> int:
    """How much of the beginning of a word names a host, or one with whom something talks."""
    *before, rest = word.split("://")
    if before and all(_scheme(part) in _TALKING for part in before):
        return len(word)
    host = rest.partition("/")[0]
    return len(word) - len(rest) + len(host) if _HOST.fullmatch(host) else 0


def _scheme(before: str) -> str:
    """The scheme at the end of a text, without a driver: that of `postgresql+asyncpg` is `postgresql`."""
    whole = before[len(before.rstrip(f"{_OF_SCHEMES}+")) :]
    return whole.partition("+")[0].lower()


def _is_started(text: str, found: re.Match[str]) -> bool:
    before, after = text[max(0, found.start() - 12) : found.start()], text[found.end() : found.end() + 2]
    if re.search(r"(?:^|[\s\"'])(?:-A|--app)(?:[\s=]|[\"'],\s*[\"'])[\s\"']*$", before):
        return True
    # `gunicorn shop.wsgi`, `DJANGO_SETTINGS_MODULE=shop.settings`
    return re.match(r"\.[a-z_]", after) is not None and not before.endswith(("/", "-", ".", "@"))


def _is_built_here(root: str, command: WorkerCommand, launch: list[str]) -> bool:
    kind = kind_of(command.path)
    if kind == "procfile":
        return True
    if kind == "compose":
        lines = text_of(root, command.path).split("\n")
        return any(_BUILD.match(line) for line in _service(lines, command.line))
    return command.path.endswith(".sh") and any(
        _runs(root, path, command.path) for path in launch if kind_of(path) == "compose"
    )


def _runs(root: str, compose: str, script: str) -> bool:
    """Whether a service of a compose file that is built here is told to run a script."""
    folder = compose.rpartition("/")[0]
    below = script.removeprefix(f"{folder}/") if folder else script
    told = re.compile(rf"(?<![\w.-])(?:\./|/\w+/)?{re.escape(below)}(?![\w.-])")
    lines = text_of(root, compose).split("\n")
    return any(
        told.search(line) is not None and any(_BUILD.match(key) for key in _service(lines, number))
        for number, line in enumerate(lines, 1)
        if script.rpartition("/")[2] in line
    )


def _service(lines: list[str], number: int) -> Iterator[str]:
    """The keys of the service of a compose file that a line is in."""
    at = min(number, len(lines)) - 1
    while at >= 0 and not lines[at].lstrip().startswith(("command:", "entrypoint:")):
        at -= 1
    if at < 0:
        return
    depth = _depth(lines[at])
    for step in (-1, 1):
        position = at + step
        while 0 <= position < len(lines) and (
            not lines[position].strip() or _depth(lines[position]) >= depth
        ):
            if _depth(lines[position]) == depth:
                yield lines[position]
            position += step


def _depth(line: str) -> int:
    return len(line) - len(line.lstrip(" "))
