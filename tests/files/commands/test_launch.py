"""Worker commands in launch files."""

from __future__ import annotations

import textwrap
from math import nan
from pathlib import Path

import pytest

from celery_lint.files.commands.candidates import is_candidate
from celery_lint.files.commands.launch import read, worker_commands
from celery_lint.model.commands import WorkerCommand
from tests.tables import in_one


def workers(path: str, text: str) -> list[WorkerCommand]:
    return worker_commands(path, textwrap.dedent(text).encode())


@in_one(
    "path, candidate",
    [
        ("Procfile", True),
        ("Procfile.dev", True),
        ("docker-compose.yml", True),
        ("compose.prod.yaml", True),
        ("deploy/k8s/worker.yaml", True),
        ("chart/templates/worker.yaml.tpl", True),
        (".do/app.yaml", True),
        ("Dockerfile", True),
        ("docker/Dockerfile.worker", True),
        ("worker.dockerfile", True),
        ("contrib/systemd/worker.service", True),
        ("roles/app/templates/worker.service.j2", True),
        ("supervisord.conf", True),
        ("supervisor/celery.ini", True),
        ("scripts/start.sh", True),
        ("bin/start-worker", True),
        ("docker/entrypoint", True),
        ("Makefile", True),
        ("fly.toml", True),
        ("fly-beat.toml", True),
        ("backend/railway.worker.toml", True),
        ("deploy/worker.railway.json", True),
        ("nixpacks.toml", True),
        ("butterfly.toml", False),
        ("pyproject.toml", False),
        ("bin/manage", False),
        ("app/worker.py", False),
        ("README.md", False),
        ("package.json", True),
        ("tsconfig.json", False),
        ("deploy/task-definition.json", True),
        ("e2e/start.sh", False),
        ("integration_tests/compose.yml", False),
        ("celery.log", False),
        ("tests/docker-compose.yml", False),
        ("docs/Makefile", False),
        ("examples/celery/Procfile", False),
        (".github/workflows/ci.yml", False),
        ("docker-compose.test.yml", False),
        ("docker-compose.override.unit_tests.yml", False),
        ("run-tests.sh", False),
        ("scripts/latest/start.sh", True),
    ],
)
def test_candidates(path: str, candidate: bool) -> None:
    assert is_candidate(path) is candidate


@in_one(
    "command, app, pool, stated",
    [
        ("celery -A app worker", "app", "prefork", False),
        ("celery --app=app.main:celery worker -l info", "app.main:celery", "prefork", False),
        ("celery worker -A app -P gevent", "app", "gevent", True),
        ("celery -A worker worker --pool=solo", "worker", "solo", True),
        ("celery -A app worker --pool threads", "app", "threads", True),
        ("celery -A app worker -Peventlet -EB -c4", "app", "eventlet", True),
        ("celery -A app worker -P processes", "app", "prefork", True),
        ("celery -A app worker -P custom", "app", "", True),
        (
            "celery -A app worker -P celery_aio_pool.pool:AsyncIOPool",
            "app",
            "celery_aio_pool.pool:AsyncIOPool",
            True,
        ),
        ("celery -q --no-color -A app worker", "app", "prefork", False),
        ("/opt/venv/bin/celery -A app worker", "app", "prefork", False),
        ("celery-3 -A app worker", "app", "prefork", False),
        ("exec celery -A app worker", "app", "prefork", False),
        ("C_FORCE_ROOT=1 exec celery -A app worker -P gevent", "app", "gevent", True),
        ("python -m celery -A app worker", "app", "prefork", False),
        ("poetry run celery -A app worker", "app", "prefork", False),
        ("newrelic-admin run-program celery -A app worker", "app", "prefork", False),
        ("watchmedo auto-restart -d . -p '*.py' -- celery -A app worker -P solo", "app", "solo", True),
        ("wait-for-it db:5432 -t 30 -- celery -A app worker", "app", "prefork", False),
        ("nautobot-server celery worker -l INFO", "", "prefork", False),
        ("bash -c 'sleep 3; celery -A app worker -P gevent'", "app", "gevent", True),
        ('sh -c "migrate && celery -A \\"app\\" worker -P gevent"', "app", "gevent", True),
        ("migrate && celery -A app worker & wait", "app", "prefork", False),
        ("celery -A app worker > worker.log 2>&1 -P gevent", "app", "prefork", False),
        ("if true; then celery -A app worker; fi", "app", "prefork", False),
        ("celery multi start 3 -A app -P gevent", "app", "gevent", True),
        ("celery -A app multi restart w1 w2 -l info", "app", "prefork", False),
        ("celery multi start 3 -A app -P:1 $POOL -P:2,3 $POOL", "app", "", True),
        ("celery multi start 3 -A app -P:$N gevent", "app", "", False),
        ("celery multi start a b -A app -P:3 gevent", "app", "", False),
        ("celery multi start 1000000 -A app -P:3 gevent", "app", "", False),
        # not known before it runs
        ("celery -A app worker -P $POOL", "app", "", True),
        ("celery -A app worker --pool=${POOL:-gevent}", "app", "gevent", True),
        ("celery -A app worker --pool=${POOL:-}", "app", "", True),
        ("celery -A app worker --pool={{ pool }}", "app", "", True),
        ("celery -A app worker $OPTIONS", "app", "", False),
        ('celery -A app worker "${OPTIONS[@]}"', "app", "", False),
        ("celery -A app worker {{ options | join(' ') }} -l info", "app", "", False),
        ("celery -A app worker %(ENV_OPTIONS)s", "app", "", False),
        ("celery -A app worker $(cat options)", "app", "", False),
        ("celery -A app worker `cat options`", "app", "", False),
        ("celery $OPTIONS worker", "", "", False),
        ("celery -A app worker $OPTIONS -P gevent", "app", "gevent", True),
        ("celery -A $APP worker -l ${LEVEL:-info} -Q $QUEUE,b -c ${N}", "", "prefork", False),
        ("$CELERY_BIN -A app worker", "app", "prefork", False),
        ("${CELERY_BIN} -A $APP multi start $NODES --pidfile=/run/%n.pid $OPTS", "", "", False),
    ],
)
@in_one(
    "path, form",
    [
        ("start.sh", "#!/bin/sh\n{}\n"),
        ("Procfile", "web: gunicorn\nworker: {}\n"),
        ("Dockerfile", "FROM python\nCMD {}\n"),
        ("compose.yml", "services:\n  worker:\n    command: {}\n    image: x\n"),
        ("compose.yml", "services:\n  worker:\n    command:\n\n      {}\n    image: x\n"),
        ("app.yaml", "workers:\n  - run_command: >-\n      {}\n    name: x\n"),
        ("Makefile", "worker:\n\t@{}\n"),
        ("worker.service", "[Service]\nExecStart={}\n"),
        ("supervisor.conf", "[program:x]\ncommand = {}\n"),
    ],
)
def test_commands(path: str, form: str, command: str, app: str, pool: str, stated: bool) -> None:
    found = workers(path, form.format(command))
    assert [(worker.app, worker.pool, worker.pool_stated) for worker in found] == [(app, pool, stated)]
    assert "celery" in form.format(command).split("\n")[found[0].line - 1].lower()


@in_one(
    "command",
    [
        "celery -A app beat",
        "celery -A app inspect ping -d worker@host",
        "celery -A worker flower",
        "celery multi stopwait worker -A app",
        "celeryd worker",
        "celery_worker --pool gevent worker",
        "echo 'celery -A app worker'",
        "echo Starting celery worker",
        "pkill -f 'celery -A app worker'",
        "kill $(pgrep -f 'celery -A app worker')",
        "ps aux | grep 'celery worker'",
        "# celery -A app worker -P gevent",
        "true  # celery -A app worker -P gevent",
        "start the celery worker",
        "the celery worker -l is a command that starts",
        "use celery --help worker for help",
        "docker build -f docker/celery/worker .",
        "rq worker celery",
    ],
)
@in_one("path, form", [("a.sh", "{}\n"), ("a.yml", "a:\n  command: {}\n"), ("Makefile", "x:\n\t{}\n")])
def test_what_starts_no_worker(path: str, form: str, command: str) -> None:
    assert workers(path, form.format(command)) == []


@in_one(
    "path, text, line, pool",
    [
        (
            "docker-compose.yml",
            """
            services:
              worker:
                "command":
                  "celery -A app worker -P threads"
                image: x
            """,
            5,
            "threads",
        ),
        (
            "run.sh",
            r"""
            celery \
              -A app \
              worker \
              --loglevel=info \
              # -P solo
              -P gevent
            """,
            2,
            "gevent",
        ),
        (
            "run.sh",
            """
            if x; then
                WORKER="celery -A app worker -P gevent"
            fi
            """,
            3,
            "gevent",
        ),
        (
            "run.sh",
            """
            bash -c "
              # celery -A app worker -P solo
              celery -A app worker -P gevent
            "
            """,
            4,
            "gevent",
        ),
        ("Dockerfile", 'FROM x\nCMD ["celery", "-A", "app", "worker", "-P", "gevent"]', 2, "gevent"),
        (
            "Dockerfile",
            'FROM x\nENTRYPOINT ["celery"]\nCMD ["-A", "app", "worker", \\\n "-P", "gevent"]',
            2,
            "gevent",
        ),
        ("Dockerfile", 'FROM x\nCMD ["sh", "-c", "celery -A app worker -P gevent $X"]', 2, "gevent"),
        ("Dockerfile", "FROM x\nCMD celery -A app worker \\\n# -P solo\n  -P gevent", 2, "gevent"),
        (
            "supervisord.conf",
            """
            [program:x]
            ; command=celery -A app worker -P solo
            command=celery -A app worker
                ; -P solo
                -P gevent
            """,
            4,
            "gevent",
        ),
        (
            "worker.service",
            """
            [Service]
            ExecStart=/bin/sh -c '/venv/bin/celery -A app worker \\
              -P gevent'
            """,
            3,
            "gevent",
        ),
        ("fly.toml", '[processes]\nworker = "celery -A app worker -P gevent"', 2, "gevent"),
        (
            "railway.worker.toml",
            '[deploy]\n# as a service of its own\nstartCommand = "celery -A app worker --pool=gevent"',
            3,
            "gevent",
        ),
        (
            "fly-worker.toml",
            '[a]\ncmd = ["celery", "-A", "app", "worker", "-Pgevent"]',
            2,
            "gevent",
        ),
        ("nixpacks.toml", "[start]\ncmd = 'celery -A app worker -P gevent'", 2, "gevent"),
        (
            "railway-worker.json",
            '{"deploy": {\n"startCommand": "celery -A app worker -P gevent"}}',
            2,
            "gevent",
        ),
        ("a.yml", 'a:\n  command: ["celery", "-A", "app", "worker", "-P", "gevent"]', 2, "gevent"),
        (
            "a.yml",
            "a:\n  command: [celery, -A, app, worker,\n    -P,  # which pool\n    gevent]",
            2,
            "gevent",
        ),
        (
            "a.yml",
            "a:\n  command:\n    - celery\n    - -A\n    - app\n    - worker\n    - -P\n    - 'gevent'\nb: 1",
            3,
            "gevent",
        ),
        (
            "a.yml",
            "a:\n  command:\n  - celery\n  - worker\n  # - -P\n  # - solo\n  - --pool=gevent",
            3,
            "gevent",
        ),
        (
            "a.yml",
            "a:\n  command:\n  - celery\n  - worker\n  {{- if .x }}\n  - --without-gossip\n  {{- end }}",
            3,
            "prefork",  # either way
        ),
        (
            "a.yml",
            (
                "a:\n  args:\n  - celery\n  - worker\n  {{- if .q }}\n  - -Q={{ .q }}\n"
                "  {{- else if .r }}\n  - -Qr\n  {{- else }}\n  - -Qs\n  {{- end }}"
            ),
            3,
            "prefork",
        ),
        ("a.yml", "a:\n  args:\n  - celery\n  - worker\n  {{- toYaml .x | nindent 2 }}", 3, ""),
        ("a.yml", "a:\n  args:\n  - celery\n  - worker\n  {{- if .x }}\n  {{- .y }}\n  {{- end }}", 3, ""),
        ("a.yml", "a:\n  command: celery -A app worker\n    -l info\n    -P gevent\n  b: c", 2, "gevent"),
        ("a.yml", "a:\n  command: 'celery -A app worker\n\n    -P gevent'\n  b: c", 2, "gevent"),
        ("a.yml", 'a:\n  command: "celery -A app worker \\\n    -P gevent"', 2, "gevent"),
        ("a.yml", "a:\n  command: >\n    celery\n    -A app worker\n\n    -P gevent\n  b: c", 3, "gevent"),
        (
            "a.yml",
            "a:\n  command: |\n    sleep 1\n    celery -A app worker \\\n      -P gevent\n    x",
            4,
            "gevent",
        ),
        (
            "a.yml",
            "a:\n  command: |-  # x\n    # celery worker -P solo\n    exec celery -A app worker -P gevent",
            4,
            "gevent",
        ),
        ("a.yml", "a:\n  args:\n  - |\n    sleep 1\n    celery -A app worker -P gevent", 5, "gevent"),
        ("a.yml", "a:\n  command: [sh, -c]\n  args: ['celery -A app worker -P gevent']", 3, "gevent"),
        (
            "a.yml",
            "- name: x\n  args: [-A, app, worker, -P, gevent]\n  command: [celery]\n- name: y",
            3,
            "gevent",
        ),
        (
            "a.yml",
            "- command:\n  - celery\n  - -A\n  - app\n  - worker\n  args:\n  - -P\n  - gevent",
            2,
            "gevent",
        ),
        ("a.yml", "a:\n  entrypoint: celery -A app\n  command: worker -P gevent", 2, "gevent"),
        ("a.yml", "a:\n  command: &worker celery -A app worker -P gevent  # x", 2, "gevent"),
        ("a.yml", "worker: &worker\n  image: x\n  command: celery -A app worker\n    -P gevent", 3, "gevent"),
        ("a.yml", "slow:\n  <<: *worker\n  command: celery -A app worker -P gevent", 3, "gevent"),
        ("a.yml", "run:\n  worker: celery -A app worker -P gevent", 2, "gevent"),
        ("a.yml", "steps:\n  - celery -A app worker -P gevent", 2, "gevent"),
        ("a.yml", "a:\r\n  command: celery -A app worker\r\n    -P gevent\r\n", 2, "gevent"),
    ],
)
def test_forms(path: str, text: str, line: int, pool: str) -> None:
    assert [(worker.line, worker.pool) for worker in workers(path, text)] == [(line, pool)]


@pytest.mark.parametrize(
    "text",
    [
        "# command: celery -A app worker\n",
        "a:\n  # command: celery -A app worker\n  b: c\n",
        "a:\n  command: x  # celery -A app worker\n",
        "a:\n  description: celery -A app worker -l info\n",
        "a:\n  healthcheck:\n    test: [CMD, celery, -A, app, worker]\n",
        "celery:\n  worker:\n    pool: gevent\n",
        "- command: [celery]\n- args: [-A, app, worker]\n",  # two containers
        "a:\n  command: [celery]\nb:\n  args: [-A, app, worker]\n",
    ],
)
def test_yaml_that_starts_no_worker(text: str) -> None:
    assert workers("a.yml", text) == []


def test_two_containers_keep_their_own_arguments() -> None:
    text = (
        "- command: [celery]\n  args: [worker, -P, solo]\n- command: [celery]\n  args: [worker, -P, gevent]\n"
    )
    assert [(worker.line, worker.pool) for worker in workers("a.yml", text)] == [(1, "solo"), (3, "gevent")]


def test_the_patterns_of_a_script_are_no_commands() -> None:
    script = """
        case "$1" in
          "celery worker") exec celery -A shop worker -P gevent ;;
          'celery worker' | worker)
            exec celery -A shop worker -P solo
            ;;
          (celery) (exec celery -A shop worker -P threads) ;;
          beat)
            exec celery -A shop beat ;;
        esac
        """
    found = [(command.app, command.pool) for command in workers("start.sh", script)]
    assert found == [("shop", "gevent"), ("shop", "solo"), ("shop", "threads")]


def test_every_field() -> None:
    command = "celery -A app worker --time-limit 300 --soft-time-limit=240.5 -Q a,b --concurrency=8 -P solo"
    assert workers("Procfile", f"worker: {command}") == [
        WorkerCommand("Procfile", 1, "app", "solo", True, 300.0, 240.5, "a,b", "8")
    ]
    command = "celery -A app worker --time-limit=$LIMIT --soft-time-limit"
    assert workers("Procfile", f"worker: {command}") == [
        WorkerCommand("Procfile", 1, "app", "prefork", False, nan, None, "", "")
    ]


@in_one("path", ["a.sh", "a.yml", "Dockerfile", "a.conf", "a.service", "Procfile", "Makefile", "fly.toml"])
@in_one(
    "data",
    [
        b"",
        b"\0celery worker\0",
        b"\xff\xfecelery worker\xff",
        "celery worker".encode("utf-16"),
        b"celery worker \\",
        b"\\\n" * 50 + b"celery worker" + b" \\\n" * 50,
        b"celery worker '" * 100,
        b'"' * 999 + b"celery worker",
        b"a: [" * 500 + b"celery, worker",
        b"- " * 500 + b"celery worker",
        b"${" * 500 + b"celery worker",
        b"{{ celery worker",
        b"a=" * 500 + b"'celery worker a'",
        b"command:\n- |\n- >\n-\n- celery\nworker:\n",
        b"celery -A\nworker -P\ncelery worker -P\ncelery worker --pool=\n",
        b"x" * 2_000_000 + b" celery worker",
    ],
)
def test_bad_input(path: str, data: bytes) -> None:
    for worker in worker_commands(path, data):
        assert 1 <= worker.line <= data.count(b"\n") + 1


def test_read_skips_what_cannot_be_read(tmp_path: Path) -> None:
    (tmp_path / "folder.sh").mkdir()
    (tmp_path / "b.sh").write_text("celery -A b worker\n\ncelery -A c worker\n")
    found = read(str(tmp_path), ["missing.sh", "folder.sh", "b.sh"])
    assert [(worker.path, worker.line, worker.app) for worker in found] == [
        ("b.sh", 1, "b"),
        ("b.sh", 3, "c"),
    ]


@pytest.mark.parametrize(
    ("comment", "expected"),
    [
        ("# For local development only", True),
        ("\n# Compose file.\n#\n# Development environment of the shop", True),
        ("# The dev stack", True),
        ("# The stack of development and production", False),
        ("# For development; production adds compose.prod.yml", False),
        ("# Developed by the shop", False),
        ("services: {}\n# For development", False),
    ],
)
def test_a_file_says_at_its_top_that_it_is_for_development(comment: str, expected: bool) -> None:
    text = f"{comment}\nservices:\n  worker:\n    command: celery -A shop worker\n"
    assert [worker.development for worker in workers("docker-compose.yml", text)] == [expected]
