"""The options of single nodes of ``celery multi``, compared with what Celery's own parser makes of them."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest
from celery.apps.multi import MultiParser, NamespacedOptionParser

from celery_lint.files.commands.launch import worker_commands

_LETTERS = {"-Q": "queues", "-P": "pool", "-c": "concurrency", "--pool": "pool", "--queues": "queues"}

_COMMANDS = [
    "mails reports -Q:mails mails -c:mails 2 -Q:reports reports,archive -c:reports 4 -l info",
    "mails reports other -Q:1,3 mails -P:2 gevent -c 5 -c:2 100",
    "3 -Q:1 mails -Q:2,3 reports",
    "10 -P:1-3 gevent -Q:1-3 images,video -Q:4,5 data -Q celery -P prefork",
    "mails reports --pool:mails=threads --queues:2=reports --pool=solo",
    "mails a-b -Q:a-b reports -Q:mails,a-b mails",
    "2 -Q:7-9 mails",
    "1 -c:1 3",
    "mails reports -Q mails",
]


@pytest.mark.parametrize("arguments", _COMMANDS)
def test_each_node_is_as_celery_has_it(tmp_path: Path, arguments: str) -> None:
    parser = NamespacedOptionParser(
        [*shlex.split(arguments), f"--pidfile={tmp_path}", f"--logfile={tmp_path}"]
    )
    parser.parse()
    real = {
        tuple(_given(dict(node.options), name) for name in ("queues", "pool", "concurrency"))
        for node in MultiParser().parse(parser)
    }
    found = worker_commands("start.sh", f"celery -A shop multi start {arguments}\n".encode())
    assert {(each.queues, each.pool if each.pool_stated else "", each.concurrency) for each in found} == real
    assert len(found) == len(real)


def _given(options: dict[str, str], wanted: str) -> str:
    """The last of the options of this name, as a worker's command line has them."""
    return ([""] + [value for option, value in options.items() if _LETTERS.get(option) == wanted])[-1]
