"""Which commands of images never run, since every deployment that a project shows gives another."""

from __future__ import annotations

from pathlib import Path

import pytest

from celery_lint.files.commands import launch
from celery_lint.files.deployments.defaults import defaults, is_idle
from celery_lint.files.discovery import discover

IMAGE = 'FROM python:3.12\nCMD ["celery", "-A", "shop", "worker"]\n'
SERVICE = "services:\n  worker:\n    build: ./worker\n    command: python consumer.py\n"
ANCHOR = "x-app: &app\n  build: ./worker\n  command: python consumer.py\nservices:\n  worker:\n    <<: *app\n"
MANIFEST = "apiVersion: apps/v1\nspec:\n  containers:\n    - name: worker\n      image: acme/worker:1\n"
RENDER = "services:\n  - type: worker\n    dockerfilePath: ./worker/Dockerfile\n"
TASK = '{"containerDefinitions": [{"name": "w", "image": "acme/worker:1"%s}]}'


def found(folder: Path, files: dict[str, str]) -> list[str]:
    for name, text in {"worker/Dockerfile": IMAGE, **files}.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    listing = discover(str(folder))
    commands = launch.read(str(folder), listing.launch)
    return [each.path for each in defaults(str(folder), listing.launch, listing.texts, commands) or ()]


@pytest.mark.parametrize(
    "files",
    [
        {"compose.yml": SERVICE},
        {"compose.yml": SERVICE.replace("command: python", "command:\n      - python\n      -")},
        {"compose.yml": SERVICE.replace("command: python", "entrypoint: python")},
        {"compose.yml": SERVICE.replace("./worker", "{context: ., dockerfile: worker/Dockerfile}")},
        {"compose.yml": SERVICE.replace("./worker", "\n      context: worker\n      target: run")},
        {"compose.yml": SERVICE + "  db:\n    image: postgres:16\n  proxy:\n    image: prom/prometheus\n"},
        {"compose.yml": SERVICE + "  web:\n    build: ./web\n", "web/Dockerfile": "FROM python\n"},
        {"compose.yml": ANCHOR},
        {"compose.yml": ANCHOR.replace("  command: python consumer.py\n", "") + "    command: ./x.sh\n"},
        {"deploy/worker.yaml": MANIFEST + "      command: [python, consumer.py]\n"},
        {"deploy/worker.yaml": MANIFEST + "      args:\n      - python\n      - consumer.py\n"},
        {"render.yaml": RENDER + "    dockerCommand: python consumer.py\n"},
        {"worker/fly.toml": '[processes]\nworker = "python consumer.py"\n'},
        {"worker/railway.json": '{"deploy": {"startCommand": "python consumer.py"}}'},
        {"ecs/task-def.json": TASK % ', "command": ["python", "consumer.py"]'},
        {"compose.yml": SERVICE, "run.sh": "docker run redis\ndocker run acme/worker celery -A shop worker"},
        {"compose.yml": SERVICE, ".github/workflows/a.yml": "run: docker build worker\nrun: pytest\n"},
    ],
)  # fmt: skip
def test_commands_that_never_run(files: dict[str, str], tmp_path: Path) -> None:
    assert found(tmp_path, files) == ["worker/Dockerfile"]


@pytest.mark.parametrize(
    "files",
    [
        {},  # nothing shows how it is deployed
        {"compose.yml": "services:\n  worker:\n    build: ./worker\n"},
        {"compose.yml": SERVICE + "  other:\n    build: ./worker\n"},
        {"compose.yml": SERVICE.replace("python consumer.py", "")},
        {"compose.yml": SERVICE.replace("python consumer.py", "$COMMAND")},
        {"compose.yml": SERVICE.replace("./worker", "$FOLDER").replace("python consumer.py", "[]")},
        {"compose.yml": SERVICE + "  other:\n    image: ghcr.io/acme/worker\n"},
        {"compose.yml": SERVICE + "  other:\n    image: $IMAGE\n"},
        {"compose.yml": SERVICE + "  other:\n    extends: {file: base.yml, service: worker}\n"},
        {"compose.yml": SERVICE.replace("build", "image: x\n    build") + "  other:\n    image: x\n"},
        {"compose.yml": ANCHOR.replace("  command: python consumer.py\n", "")},
        {"compose.dev.yml": SERVICE},  # says nothing of how the product runs
        {"compose.yml": SERVICE.replace("python", "watchmedo auto-restart python")},
        {"compose.yml": SERVICE, "deploy/worker.yaml": MANIFEST},
        {"compose.yml": SERVICE, "deploy/w.yaml": MANIFEST + "    - name: a\n      command: [a]\n"},
        {"compose.yml": SERVICE, "chart/templates/w.yaml": MANIFEST.replace("acme/worker:1", "{{ image }}")},
        {"compose.yml": SERVICE, "render.yaml": RENDER},
        {"compose.yml": SERVICE, "worker/fly.toml": 'app = "worker"\n'},
        {"compose.yml": SERVICE, "ecs/task-def.json": TASK % ""},
        {"compose.yml": SERVICE, "run.sh": "docker run -d acme/worker\n"},
        {"compose.yml": SERVICE, "Makefile": "up:\n\tdocker run --rm \\\n\t  $(IMAGE)\n"},
        {"compose.yml": SERVICE, ".github/workflows/a.yml": "docker compose -f prod.yml up"},
        {"compose.yml": SERVICE, ".github/workflows/a.yml": "docker build worker && gcloud run deploy"},
        {"compose.yml": SERVICE, "ansible/site.yml": "- docker_image:\n    path: worker/Dockerfile\n"},
    ],
)  # fmt: skip
def test_commands_that_may_run(files: dict[str, str], tmp_path: Path) -> None:
    assert found(tmp_path, files) == []


def test_what_an_entrypoint_starts_is_no_default(tmp_path: Path) -> None:
    image = IMAGE.replace("CMD", "ENTRYPOINT") + 'CMD ["-Q", "mails"]\n'
    assert found(tmp_path, {"worker/Dockerfile": image, "compose.yml": SERVICE}) == []


def test_images_without_workers_need_no_texts(tmp_path: Path) -> None:
    listing = discover(str(tmp_path))
    assert defaults(str(tmp_path), listing.launch, listing.texts, []) is None


@pytest.mark.parametrize(
    ("files", "idle"),
    [
        ({}, True),
        ({"README.md": "Celery workers consume ticks; Flower watches the celery worker.\n"}, True),
        ({"notes.conf": "# celery worker\n"}, True),
        ({"README.md": "    celery -A shop worker\n"}, False),
        ({"README.md": "Run `celery worker -l info`.\n"}, False),
        ({"ecosystem.config.js": "args: ['celery', '-A', 'shop', 'worker']\n"}, False),
        ({"pm2.config.js": "script: '/venv/bin/celery', args: 'worker'\n"}, False),
        ({"Procfile": "worker: celery -A shop worker\n"}, False),
    ],
)
def test_whether_nobody_starts_a_worker(files: dict[str, str], idle: bool, tmp_path: Path) -> None:
    assert found(tmp_path, {"compose.yml": SERVICE, **files})
    listing = discover(str(tmp_path))
    commands = launch.read(str(tmp_path), listing.launch)
    never = defaults(str(tmp_path), listing.launch, listing.texts, commands) or ()
    others = [command for command in commands if command not in never]
    assert is_idle(str(tmp_path), listing.told, others, never) is idle
