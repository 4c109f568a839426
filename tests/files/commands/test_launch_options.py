"""Worker commands in detail: their options, what is said of them and not run, and kinds of files."""

from __future__ import annotations

import pytest

from celery_lint.files.commands.launch import commands_of, worker_commands
from celery_lint.model.commands import WorkerCommand

PLAIN = WorkerCommand("a.sh", 1, "app", "prefork", False, None, None, "", "")


def workers(text: str, path: str = "a.sh") -> list[WorkerCommand]:
    return worker_commands(path, text.encode())


OPTIONS = [
    # what follows the command, and what of the plain worker it changes; None: it starts none
    ("", {}),
    ("-Q a,b -c 4", {"queues": "a,b", "concurrency": "4"}),
    ("--max-tasks-per-child 1", {"tasks_per_child": 1.0}),
    ("--max-tasks-per-child=20", {"tasks_per_child": 20.0}),
    ("-Qa,b -c4", {"queues": "a,b", "concurrency": "4"}),
    ("-Q=a,b", {"queues": "a,b"}),
    ("-Qa=", {"queues": "a="}),
    ("-EQ a", {"queues": "a"}),
    ("-E -Q a", {"queues": "a"}),
    ("--queues a --concurrency 4", {"queues": "a", "concurrency": "4"}),
    ("--queues=a --concurrency=4", {"queues": "a", "concurrency": "4"}),
    ("--queues '' -c 4", {"concurrency": "4"}),
    ("-Q '' -c 4", {"concurrency": "4"}),
    ("--queues -c 4", {"concurrency": "4"}),  # an option is no value
    ("-Q -c 4", {"concurrency": "4"}),
    ("-c 4 -Q", {"concurrency": "4"}),
    ("-c 4 --queues", {"concurrency": "4"}),
    ("--beat -c 4", {"concurrency": "4", "with_beat": True}),
    ("--quiet --time-limit 30", {"time_limit": 30.0}),
    ("--time-limit 1m", {}),
    ("--prefetch-multiplier=1", {"prefetch": True}),
    ("--prefetch-multiplier 1 -c 4", {"prefetch": True, "concurrency": "4"}),
    ("--disable-prefetch -c 4", {"prefetch": True, "concurrency": "4"}),
    ("$OPTIONS", {"pool": "", "prefetch": True, "hidden": "$OPTIONS", "open_ended": True, "queues": "*"}),
    ("-P $POOL", {"pool": "", "pool_stated": True, "hidden": "$POOL"}),
    ("${OPTIONS:---pool=solo}", {"pool": "solo", "pool_stated": True}),
    ("-Q $QUEUES", {"queues": "*"}),
    ("worker.pool_restarts=1", {}),  # a setting
    ("-c 4 -- worker.pool_restarts=1", {"concurrency": "4"}),
    ("-- please", None),
    ("please", None),
    ("-E please", None),
    ("--beat please", None),
    ("-Qa please", None),
    ("-Q a please", None),
    ("--queues=a please", None),
    ("--queues a please", None),
]


@pytest.mark.parametrize("options, changes", OPTIONS)
def test_options(options: str, changes: dict[str, object] | None) -> None:
    expected = [] if changes is None else [PLAIN._replace(**changes)]  # type: ignore[arg-type]
    assert workers(f"celery -A app worker {options}\n") == expected


SPOKEN = [
    # a command, and how many workers it starts
    ("celery worker", 1),
    ("exec celery worker", 1),
    ("poetry run celery worker", 1),
    ("uv run -- celery worker", 1),
    ("start the celery worker", 0),
    ("poetry run the celery worker", 0),
    ("echo celery -A app worker", 0),
    ("/bin/echo celery -A app worker", 0),
    ("@echo celery -A app worker", 0),
    ("-@echo celery -A app worker", 0),
    ("exec echo celery -A app worker", 0),
    ("LEVEL=info echo celery -A app worker", 0),
    ("worker: echo celery -A app worker", 0),
    ("Xcelery -A app worker", 0),
    ("exec /srv/XX/bin/celery -A app worker", 1),
    ("env 'LEVEL=a b' celery -A app worker", 1),
    ("sh -c \"sh -c 'celery -A app worker'\"", 1),
    ("sh -c \"sh -c 'echo celery -A app worker'\"", 0),
    ("celery -A app worker -n one & celery -A app worker -n two", 1),  # the same, for all that is kept
    ("celery -A app worker -c 1 & celery -A app worker -c 2", 2),
]


@pytest.mark.parametrize("command, count", SPOKEN)
def test_what_starts_a_worker(command: str, count: int) -> None:
    found = workers(f"{command}\n")
    assert len(found) == count
    assert {worker.path for worker in found} <= {"a.sh"}


KINDS = [
    # path, text, the lines of the workers in it
    ("deploy/compose.yaml", "services:\n  worker:\n    command: celery -A app worker\n", [3]),
    ("compose.yml.j2", "services:\n  worker:\n    command: celery -A app worker\n", [3]),
    ("compose.yml", "services:\n  worker:\n    command: [celery, -A, app, worker]\n", [3]),
    ("compose.yaml", "services:\n  worker:\n    command: [celery, -A, app, worker]\n", [3]),
    ("deploy/Dockerfile", 'CMD ["celery", "-A", "app", "worker"]\n', [1]),
    ("Containerfile", 'CMD ["celery", "-A", "app", "worker"]\n', [1]),
    ("worker.dockerfile", 'CMD ["celery", "-A", "app", "worker"]\n', [1]),
    ("Dockerfile.tmpl", 'CMD ["celery", "-A", "app", "worker"]\n', [1]),
    ("Dockerfile", '  cmd   ["celery", "-A", "app", "worker"]\n', [1]),
    ("Dockerfile", 'ENTRYPOINT ["celery", "-A", "app"]\nCMD ["worker"]\n', [1]),
    ("Dockerfile", 'ENTRYPOINT ["celery", "-A", "app"]\nFROM base\nCMD ["worker"]\n', []),
    ("Dockerfile", 'entrypoint ["celery", "-A", "app"]\nfrom base\ncmd ["worker"]\n', []),
    ("Dockerfile", 'ENTRYPOINT ["celery", "-A", "app", "worker"]\n', [1]),
    ("supervisor.conf", "[program:x]\n; celery -A app worker\n", []),
    ("supervisor.ini", "[program:x]\n; celery -A app worker\n", []),
    ("supervisor.ini", "[program:x]\ncommand = celery\n  -A app worker\n", [2]),
    ("supervisor.conf", "[program:x]\ncommand = celery\n  -A app worker\n", [2]),
    ("a.sh", "celery\n  -A app worker\n", []),
]


@pytest.mark.parametrize("path, text, lines", KINDS)
def test_kinds_of_files(path: str, text: str, lines: list[int]) -> None:
    found = workers(text, path)
    assert [(worker.line, worker.path) for worker in found] == [(line, path) for line in lines]


WRITTEN = [
    # a file, what it holds, and the pools of the workers that it starts
    ("package.json", '{"scripts": {"worker": "celery -A app worker --pool=solo"}}', ["solo"]),
    ("package.json", '{"celery worker": 1, "a": "celery -A app beat"}', []),
    ("task-definition.json", '{"command": ["celery", "-A", "app", "worker", "-P", "gevent"]}', ["gevent"]),
    ("app.json", '{"a": [["x"], "sh -c \\"celery -A app worker -P solo\\""]}', ["solo"]),
    ("a.yml", 'a: {image: x, command: "celery -A app worker -P gevent"}', ["gevent"]),
    ("a.yml", "a: {command: [celery, -A, app, worker,\n  -P, solo]}", ["solo"]),
    ("a.yml", "command:\n  [\n    celery, worker,\n    --pool=gevent,\n  ]\n", ["gevent"]),
    ("a.yml", "args:\n\n  ['celery', 'worker', '-P', 'solo']\n", ["solo"]),
    ("a.sh", "c='celery worker -P solo'\nexec $c\n", ["solo"]),
    ("a.sh", "c='celery worker'\na=-E\na=\"$a --pool=$POOL\"\nexec $c $a\n", [""]),
    ("a.sh", "c='celery worker'\nc=\"$c --pool=$POOL\"\nexec $c\n", [""]),
    ("a.sh", "c='celery worker -P solo'\nexec ${c} -E\n", ["solo"]),
    ("a.sh", "celery worker -P gevent}\n", [""]),
]


@pytest.mark.parametrize("path, text, pools", WRITTEN)
def test_pools_in_other_writings(path: str, text: str, pools: list[str]) -> None:
    assert [worker.pool for worker in workers(text, path)] == pools


@pytest.mark.parametrize(
    "options, refused",
    [
        ("-Q a b c -l info", "b c"),
        ("-l info -Qa, b", "b"),
        ("--queues=a b", "b"),
        ("-Q a,b", None),
        ("-Q 'a, b'", None),
        ("-Q a -- b=1", None),
        ("-Q $QUEUES b", None),
        ("-Q a $MORE b", None),
        ("-Q a -c 2 please", None),
        ("-Q a to see it", "to see it"),
    ],
)
def test_queues_that_blanks_separate(options: str, refused: str | None) -> None:
    """Celery refuses such a command, so that it starts no worker."""
    text = f"worker: celery -A app worker {options}\n".encode()
    found = commands_of("Procfile", text)
    assert [command.refused for command in found if not command.is_worker] == ([refused] if refused else [])


def test_what_is_no_worker_and_has_an_application() -> None:
    text = b"a: celery -A app beat -l info\nb: celery -A app inspect ping\nc: celery flower\n"
    assert [(each.app, each.program) for each in commands_of("Procfile", text)] == [("app", "beat")]
    assert not worker_commands("Procfile", text)
