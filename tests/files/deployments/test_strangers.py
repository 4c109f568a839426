"""Which names of commands are names of nothing else: what is fetched from somewhere may have them."""

from __future__ import annotations

from pathlib import Path

import pytest

from celery_lint.files.commands.launch import worker_commands
from celery_lint.files.deployments.strangers import strangers

PROCFILE = "worker: celery -A jobs worker\n"


def is_stranger(folder: Path, text: str) -> bool:
    (folder / "Procfile").write_text(PROCFILE)
    (folder / "setup.sh").write_text(f"{text}\n")
    commands = worker_commands("Procfile", PROCFILE.encode())
    return strangers(str(folder), ["Procfile", "setup.sh"], ["shop/queue.py"], ["shop"], commands) == {"jobs"}


@pytest.mark.parametrize(
    "text",
    [
        "aws s3 cp --recursive s3://acme/jobs /srv",
        "gsutil rsync -r gs://acme/jobs /srv",
        "az storage copy az://acme/jobs /srv",
        "svn checkout svn://code.acme.org/jobs",
        "rsync -a rsync://files.acme.org/jobs /srv",
        "download hf://acme/jobs",
        "pip install git+ssh://git@github.com/acme/jobs",
        "pip install git+https://github.com/acme/jobs.git",
        "git clone https://github.com/acme/jobs",
        "python load.py hdfs://cluster/acme/jobs",
        "cp -r /opt/jobs /srv",
        "ln -s /opt/all /srv/jobs # redis://jobs@cache",
    ],
)
def test_what_may_bring_it(text: str, tmp_path: Path) -> None:
    assert not is_stranger(tmp_path, text)


@pytest.mark.parametrize(
    "text",
    [
        "export DATABASE_URL=postgresql+asyncpg://jobs:secret@db/jobs",
        "export BROKER_URL=amqps://jobs@broker/jobs",
        "export CELERY_RESULT_BACKEND=db+postgresql://jobs@db/jobs",
        "export JDBC_URL=jdbc:postgresql://db/jobs",
        "curl https://jobs.acme.org/health",
        "curl https://jobs.acme.org:8443",
        "export POSTGRES_DB=jobs",
        'export POSTGRES_USER="jobs"  # who works',
        "container_name: jobs",
        "celery -A jobs inspect ping",
    ],
)
def test_what_brings_nothing(text: str, tmp_path: Path) -> None:
    assert is_stranger(tmp_path, text)
