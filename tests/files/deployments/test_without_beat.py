"""What is known of deployments without a beat: which files list all processes, and which can be read."""

from __future__ import annotations

from pathlib import Path

import pytest

from celery_lint.files.commands import launch
from celery_lint.files.commands.mentions import is_text, speaks_of_beat
from celery_lint.files.deployments.without_beat import without_beat
from celery_lint.files.discovery import discover
from celery_lint.model.reading.started import starts_beat
from tests import samples
from tests.files.cached_project import agree, settle

RENDER = "services:\n- type: web\n  startCommand: gunicorn\n- type: worker\n  startCommand: "
WORKER = "celery -A shop worker"
PROCFILE = f"web: gunicorn shop\nworker: {WORKER}\n"
COMPOSE = f"services:\n  redis:\n    image: redis:7\n  worker:\n    build: .\n    command: {WORKER}\n"
IMAGE = 'FROM python:3.12\nCMD ["gunicorn", "shop"]\n'


def found(folder: Path, files: dict[str, str]) -> tuple[str, ...] | None:
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    listing = discover(str(folder))
    commands = launch.read(str(folder), listing.launch)
    return without_beat(str(folder), listing.launch, listing.texts, listing.python, commands)


@pytest.mark.parametrize(
    "files",
    [
        {"Procfile": PROCFILE},
        {"compose.yml": COMPOSE, "Dockerfile": IMAGE},
        {"compose.yml": COMPOSE.replace("build: .", "build: {context: .}"), "Dockerfile": IMAGE},
        {"compose.yml": COMPOSE.replace("build: .", "image: ghcr.io/shop/shop:1")},
        {"compose.yml": COMPOSE + "  w:\n    build: .\n    command: ./x.sh\n", "Dockerfile": "", "x.sh": ""},
        {"compose.yml": COMPOSE + "  db:\n    image: ${DB:-postgres}:16\n", "Dockerfile": IMAGE},
        {"fly.toml": f'[processes]\nweb = "gunicorn shop"\nworker = "{WORKER}"\n'},
        {"supervisord.conf": f"[program:web]\ncommand=gunicorn shop\n[program:worker]\ncommand={WORKER}\n"},
        {"render.yaml": f"{RENDER}{WORKER}\n"},
    ],
)  # fmt: skip
def test_deployments_that_are_known(files: dict[str, str], tmp_path: Path) -> None:
    assert found(tmp_path, files) == (next(iter(files)),)


@pytest.mark.parametrize(
    "files",
    [
        {"Procfile": f"worker: {WORKER}\n"},
        {"Procfile": PROCFILE + "clock: $CLOCK\n"},
        {"Procfile": PROCFILE + "clock: bin/clock.sh\n"},
        {"Procfile": PROCFILE + "clock: celery -A shop --workdir=/app $ROLE\n"},
        {"Procfile": PROCFILE.replace("worker\n", "worker $OPTIONS\n")},
        {"Procfile": PROCFILE, "run.sh": 'exec celery -A shop "$@"\n'},
        {"Procfile": PROCFILE, "deploy/worker.yaml": "containers:\n  - image: {{ image }}\n"},
        {"Procfile": PROCFILE, ".github/workflows/a.yml": "docker compose -f prod.yml up"},
        {"compose.yml": COMPOSE},
        {"compose.yml": COMPOSE, "Dockerfile": IMAGE.replace('"gunicorn"', '"/entrypoint.sh"')},
        {"compose.yml": COMPOSE + "  jobs:\n    image: registry.shop.com/jobs\n", "Dockerfile": IMAGE},
        {"compose.yml": COMPOSE + "  jobs:\n    image: ${IMAGE}\n", "Dockerfile": IMAGE},
        {"compose.yml": COMPOSE + "  jobs:\n    <<: *common\n", "Dockerfile": IMAGE},
        {"compose.yml": COMPOSE + "  jobs: *common\n", "Dockerfile": IMAGE},
        {"compose.yml": COMPOSE + "  jobs:\n    image: shop/jobs\n    command: $JOB\n", "Dockerfile": IMAGE},
        {"compose.yml": COMPOSE.replace("build: .", "image: shop/web") + "  jobs:\n    image: shop/jobs\n"},
        {"compose.yml": COMPOSE.replace("build: .", "build: https://shop.com/shop.git"), "Dockerfile": IMAGE},
    ],
)
def test_deployments_that_nobody_knows(files: dict[str, str], tmp_path: Path) -> None:
    assert not found(tmp_path, files)


@pytest.mark.parametrize(
    "path, text",
    [
        ("README.md", "Run `celery -A shop beat`."),
        ("README.md", "Start Celery Beat."),
        ("Makefile", "beat:\n\tcelery -A shop beat"),
        ("deploy/start-beat.sh", "exec run"),
        ("env", "START_CELERY_BEAT=1"),
        ("run.sh", "celery -A shop worker -B"),
        ("run.sh", "celery -A shop worker -EB"),
        ("k8s/purge.yaml", "kind: CronJob"),
        ("requirements.txt", "APScheduler==3.10"),
        ("requirements.txt", "schedule==1.2"),
        ("requirements.txt", "django-q2"),
        ("setup.sh", "echo '0 3 * * * root certbot renew && python send.py' > /etc/cron.d/renew"),
        ("setup.sh", "0 3 * * * certbot renew --deploy-hook /srv/hook.sh # cron"),
        ("setup.sh", "0 3 * * * certbot renew\n@daily app ./purge # cron"),
        ("setup.sh", "echo '0 3 * * * certbot renew' >> /etc/crontab\ncrontab jobs"),
        ("setup.sh", "0 3 * * * certbot renew # cron\nstart-scheduler"),
    ],
)
def test_texts_that_speak_of_beat(path: str, text: str) -> None:
    assert is_text(path)
    assert speaks_of_beat(path, text.encode())


@pytest.mark.parametrize(
    "path, text",
    [
        ("README.md", "A heartbeat is sent. The list of cron jobs is in the wiki."),
        ("requirements.txt", "django-celery-beat==2.6\ncelery-redbeat\n"),
        ("env", "CELERY_BEAT_SCHEDULE=/tmp/celerybeat-schedule"),
        ("docs/plans/jobs.md", "Celery Beat sends it."),
        ("README.md", "The schedule of the school."),
        ("setup.sh", "echo '0 3 * * * root certbot renew -q' > /etc/cron.d/renew"),
        ("setup.sh", '(crontab -l; echo "0 3 * * * certbot renew && systemctl reload nginx") | crontab -'),
        ("crontab.txt", "# m h dom mon dow\n@daily root /usr/sbin/logrotate /etc/logrotate.conf"),
        (".github/workflows/ci.yml", "on:\n  schedule:\n    - cron: '0 0 * * *'"),
    ],
)
def test_texts_that_do_not(path: str, text: str) -> None:
    assert not speaks_of_beat(path, text.encode())


@pytest.mark.parametrize(
    "text, does",
    [
        ('run(["celery", "-A", "shop", "beat"])', True),
        ('run("celery -A shop beat", shell=True)', True),
        ('run(f"celery -A {app} beat --loglevel=info")', True),
        ('call_command("celerybeat")', True),
        ('app.worker_main(["worker", "-B"])', True),
        ('run("celery -A shop worker -EB")', True),
        ("app.Beat().run()", True),
        ("# in another terminal: celery -A shop beat", True),
        ("# a heartbeat\n# beat by beat\n# celery -A shop beat\n# beat", True),
        ("# -B\nrun(['celery', 'worker', '-B'])", True),
        ("worker = 1\n# a - B\n# celery\n# beat -", False),
        ("# Celery Beat sends this every hour", False),
        ('"""Sent by celery beat once a day."""', False),
        ("app.conf.beat_schedule = {}", False),
        ('INSTALLED_APPS = ["django_celery_beat"]', False),
        ("CELERYBEAT_SCHEDULE = {}", False),
        ('run("celery -A shop worker -E -Q bills")', False),
    ],
)
def test_code_that_starts_beat(text: str, does: bool) -> None:
    assert starts_beat(text) is does


@pytest.mark.parametrize("path", ["poetry.lock", "package-lock.json", ".gitignore", "logo.png", "app.js"])
def test_what_tells_nobody_anything(path: str) -> None:
    assert not is_text(path)


def test_a_text_that_comes_changes_and_goes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The cache says what a run without it says."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "user"))
    application = (
        "from celery import Celery\napp = Celery('shop')\n"
        "app.conf.beat_schedule = {'purge': {'task': 'shop.purge', 'schedule': 9}}\n"
        "@app.task\ndef purge():\n    pass\n"
    )
    project = samples.write(tmp_path / "project", {"shop.py": application, "Procfile": PROCFILE})
    (project / "pyproject.toml").write_text('[tool.celery-lint]\nroot = true\nselect = ["CEL831"]\n')
    readme = project / "README.md"
    for text, count in (("", 1), ("celery beat\n", 0), ("Ask the others.\n", 1), ("celerybeat\n", 0)):
        readme.write_text(text)
        assert len(agree(project)) == count
        settle(project)
        assert len(agree(project)) == count
    readme.unlink()
    assert len(agree(project)) == 1
