"""Worker commands whose options stand in variables of a script."""

from __future__ import annotations

import pytest

from celery_lint.files.commands.launch import worker_commands

_BRANCHES = 'if x; then\n  OPTS="{}"\nelse\n  OPTS="{}"\nfi\ncelery -A shop worker $OPTS\n'

CASES = [
    (
        "run.sh",
        'OPTS="-A shop worker"\nOPTS="$OPTS -P gevent"\nexec celery $OPTS\n',
        [("shop", "gevent", "")],
    ),
    ("run.sh", 'OPTS="-A shop worker"\nOPTS+=" -P gevent"\ncelery ${OPTS}\n', [("shop", "gevent", "")]),
    (
        "bin/worker",
        'args=(-A shop worker)\nargs+=(--pool=solo)\nexec celery "${args[@]}"\n',
        [("shop", "solo", "")],
    ),
    (
        "Makefile",
        "OPTS = -A shop worker\nOPTS += -P eventlet\nrun:\n\tcelery $(OPTS)\n",
        [("shop", "eventlet", "")],
    ),
    (
        "run.sh",
        'export OPTS="-A shop worker -Q ${QUEUES:-mail}"\ncelery $OPTS\n',
        [("shop", "prefork", "*")],  # each container may be given others
    ),
    ("run.sh", 'Q=${Q-mail}\nexec celery -A shop worker -Q "${Q}"\n', [("shop", "prefork", "*")]),
    ("run.sh", "celery -A shop worker --queues=${1:-mail} -c 2\n", [("shop", "prefork", "*")]),
    ("Dockerfile", "CMD celery -A shop worker -Q ${QUEUES:-mail}\n", [("shop", "prefork", "*")]),
    ("compose.yml", "command: celery -A shop worker -Q ${QUEUES:-mail}\n", [("shop", "prefork", "mail")]),
    ("Procfile", "worker: celery -A shop worker -Q ${QUEUES:-mail}\n", [("shop", "prefork", "mail")]),
    ("run.sh", 'Q="mail,pay"\ncelery -A shop worker -Q "$Q" -c $N\n', [("shop", "prefork", "mail,pay")]),
    ("run.sh", 'CMD="celery -A shop worker"\nCMD="$CMD -P gevent"\nexec $CMD\n', [("shop", "gevent", "")]),
    # Of options that each branch sets the names are known, and no queue is among these.
    (
        "run.sh",
        _BRANCHES.format("--max-tasks-per-child=9 --time-limit=60", "--time-limit=9"),
        [("shop", "prefork", "")],
    ),
    ("run.sh", _BRANCHES.format("--without-gossip", "--pool=solo"), [("shop", "", "")]),
    ("run.sh", _BRANCHES.format("--loglevel=info", "-P gevent"), [("shop", "", "*")]),
    # As in the command itself, what a variable says for one option is no other option.
    ("run.sh", _BRANCHES.format("--loglevel=info", "--loglevel=$LEVEL"), [("shop", "prefork", "")]),
    ("run.sh", _BRANCHES.format("--autoscale=$A,${B}", "--concurrency=${N:-4}"), [("shop", "prefork", "")]),
    ("run.sh", _BRANCHES.format("--loglevel=info", "--loglevel=$LEVEL $MORE"), [("shop", "", "*")]),
    ("run.sh", _BRANCHES.format("--loglevel=info", "--loglevel=$(level)"), [("shop", "", "*")]),
    ("run.sh", _BRANCHES.format("--purge", "--pool=$POOL"), [("shop", "", "")]),
    (
        "run.sh",
        "POOL=${POOL:-solo}\nexport POOL=$POOL;\ncelery -A shop worker --pool=$POOL\n",
        [("shop", "solo", "")],
    ),
    ("run.sh", "POOL=solo; start\ncelery -A shop worker --pool=$POOL\n", [("shop", "", "")]),
    ("run.sh", 'OPTS="-P gevent"\n' + _BRANCHES.format("--purge", "--purge"), [("shop", "", "*")]),
    ("run.sh", 'if x; then\n  OPTS="--purge"\nfi\ncelery -A shop worker $OPTS\n', [("shop", "", "*")]),
    ("run.sh", f"if z; then\n{_BRANCHES.format('--purge', '--purge')}fi\n", [("shop", "", "*")]),
    # What decides elsewhere what a variable holds hides the pool.
    (
        "run.sh",
        'OPTS="-A shop worker"\nif x; then\nOPTS="$OPTS -P gevent"\nfi\ncelery $OPTS worker\n',
        [("", "", "*")],
    ),
    ("run.sh", 'OPTS="-A shop"\nf() {\n  OPTS="-P gevent"\n}\ncelery worker $OPTS\n', [("", "", "*")]),
    ("run.sh", '[ "$X" ] && OPTS="-P gevent"\nOPTS="-A shop"\ncelery worker $OPTS\n', [("", "", "*")]),
    ("run.sh", 'OPTS="-A a"\ncelery worker $OPTS\nOPTS="-A b"\ncelery worker $OPTS\n', [("", "", "*")] * 2),
    ("run.sh", "OPTS=$(options)\ncelery worker $OPTS\n", [("", "", "*")]),
    ("run.sh", 'OPTS="$OPTS -P gevent"\ncelery worker $OPTS\n', [("", "", "*")]),
    ("Makefile", "OPTS ?= -P gevent\nrun:\n\tcelery worker $(OPTS)\n", [("", "", "*")]),
]


@pytest.mark.parametrize("path, text, expected", CASES)
def test_variables(path: str, text: str, expected: list[tuple[str, str, str]]) -> None:
    found = worker_commands(path, text.encode())
    assert [(worker.app, worker.pool, worker.queues) for worker in found] == expected


def test_variables_that_double_take_no_memory() -> None:
    text = (
        'A="celery -A shop worker"\n' + 'A="$A $A"\n' * 200 + "exec $A\n" + "celery worker " + "$A " * 50_000
    )
    assert len(worker_commands("run.sh", text.encode())) < 10
