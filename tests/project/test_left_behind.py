"""Folders with an application that no launch file builds."""

from __future__ import annotations

from pathlib import Path

import pytest

from celery_lint import engine
from tests import samples

TASK = (
    "from celery import shared_task\nfrom django.db import transaction\nfrom shop.models import Order\n\n\n"
    "@shared_task\ndef deliver(pk):\n    Order.objects.get(pk=pk)\n\n\n"
    "@transaction.atomic\ndef view(x):\n    order = Order.objects.create(x=x)\n    deliver.delay(order.pk)\n"
)
OTHER = TASK.replace("view", "order")
APPLICATION = "from celery import Celery\n\napp = Celery(include=['app.tasks'])\n"
WORKER = "celery -A app.main worker"
COMPOSE = f"services:\n  worker:\n    build: ./backend\n    command: {WORKER}\n"
IMAGE = f"FROM python:3.12\nCOPY . .\nCMD {WORKER}\n"
NEW = {"backend/app/main.py": APPLICATION, "backend/app/tasks.py": TASK, "backend/Dockerfile": IMAGE}


def told(folder: Path, files: dict[str, str]) -> list[str]:
    files = {"pyproject.toml": "[tool.celery-lint]\nroot = true\n", **NEW, **files}
    samples.write(folder, files)
    report = engine.check_paths([str(folder)], None, overrides={"cache": False, "select": ["CEL623"]})
    return sorted(found.path.removeprefix(f"{folder}/") for found in report.diagnostics)


def application(folder: str, text: str = OTHER) -> dict[str, str]:
    return {
        f"{folder}/app/main.py": APPLICATION,
        f"{folder}/app/tasks.py": text,
        f"{folder}/Dockerfile": IMAGE,
    }


@pytest.mark.parametrize(
    "old", ["old/backend", "legacy", "Archive/2023/server", "backend-old", "src/backend"]
)
@pytest.mark.parametrize(
    "launch",
    [
        {"docker-compose.yml": COMPOSE},
        {"deploy/compose.prod.yml": COMPOSE.replace("./backend", "\n      context: ../backend")},
        {
            "compose.yml": "services:\n  web:\n    build: &own\n      context: ./backend\n"
            f"  worker:\n    build: *own\n    command: {WORKER}\n"
        },
        {
            "compose.yml": "services:\n  worker:\n    build:\n      context: .\n"
            f"      dockerfile: docker/Dockerfile\n    command: {WORKER}\n",
            "docker/Dockerfile": "FROM python\nCOPY backend/*.txt ./\nCOPY --chown=a backend/ /srv/\n",
        },
        {
            "render.yaml": "services:\n  - type: worker\n    name: w\n    runtime: docker\n"
            f"    dockerContext: ./backend\n    startCommand: {WORKER}\n"
        },
    ],
)
def test_what_nobody_builds_is_not_the_product(tmp_path: Path, old: str, launch: dict[str, str]) -> None:
    assert told(tmp_path, {**launch, **application(old)}) == ["backend/app/tasks.py"]


@pytest.mark.parametrize(
    "old",
    ["backend_old", "backend_backup_20250815_021148", "backend copy", "backend (copy 2)", "backend.bak"],
)
def test_a_copy_of_its_neighbour_needs_no_launch_file_to_be_known(tmp_path: Path, old: str) -> None:
    launch = {"compose.yml": COMPOSE.replace("./backend", ".") + "    volumes:\n      - .:/app\n"}
    assert told(tmp_path, {**launch, **application(old)}) == ["backend/app/tasks.py"]


@pytest.mark.parametrize(
    "line",
    [
        "import orders_archive.tasks",
        "from orders_archive import tasks",
        "from importlib import import_module\n\nimport_module('orders_archive.tasks')",
    ],
)
def test_who_names_it_as_modules_do_uses_it(tmp_path: Path, line: str) -> None:
    """From the folder that modules are looked for in; that both have migrations says nothing."""
    files = {"compose.yml": COMPOSE, "backend/settings.py": f"import orders.tasks\n{line}\n"}
    for name in ("orders", "orders_archive"):
        files[f"backend/{name}/tasks.py"] = OTHER.replace("order(x)", f"{name}(x)")
        files[f"backend/{name}/jobs/__init__.py"] = ""
    expected = ["app/tasks.py", "orders/tasks.py", "orders_archive/tasks.py"]
    assert told(tmp_path, files) == [f"backend/{path}" for path in expected]


@pytest.mark.parametrize(
    ("other", "text"),
    [
        ("backend_mails", OTHER),
        ("backend_v2", OTHER),  # may be the newer one
        ("backup_backend_jobs", OTHER),
        ("backend_backup", OTHER.replace("deliver", "save_rows")),  # makes backups
    ],
)
def test_a_neighbour_of_another_kind_is_a_service(tmp_path: Path, other: str, text: str) -> None:
    launch = {"compose.yml": COMPOSE + "    volumes:\n      - .:/app\n"}
    expected = ["backend/app/tasks.py", f"{other}/app/tasks.py"]
    assert told(tmp_path, {**launch, **application(other, text)}) == expected


@pytest.mark.parametrize(
    "other, launch",
    [
        ("services/mail", {}),  # another service
        ("src/backend", {"src/backend/app/tasks.py": OTHER.replace("deliver", "send_mail")}),  # no copy
        ("src/backend", {"src/backend/app/tasks.py": OTHER, "src/backend/Dockerfile": ""}),
        ("backup", {}),  # makes backups
        ("old", {"compose.yml": COMPOSE.replace("./backend", "./old")}),
        ("old", {"compose.yml": COMPOSE + "  second:\n    build: .\n"}),
        ("old", {"compose.yml": COMPOSE + "    volumes:\n      - .:/app\n"}),
        ("old", {"compose.yml": COMPOSE.replace("./backend", "${FOLDER}")}),
        ("old", {"compose.yml": COMPOSE + f"  second:\n    image: x\n    command: {WORKER} -A old.main\n"}),
        ("old", {"scripts/run.sh": f"cd old\n{WORKER}\n"}),
        ("old/backend", {"README.md": f"    cd old/backend\n    {WORKER}\n"}),
        ("old/backend", {"docs/start.md": "cd old && cd backend\n"}),
        (
            "old",
            {".github/workflows/deploy.yml": "jobs:\n  a:\n    steps:\n      - run: docker build old/app\n"},
        ),
        ("old", {"backend/app/web.py": "from old.app import tasks\n"}),
        # What builds it, or all that there is
        ("old", {"Makefile": "build:\n\tdocker build -t shop-old old\n"}),
        (
            "old",
            {"Makefile": "PARTS := backend old\n\nbuild:\n\t@for p in $(PARTS); do docker build $$p; done\n"},
        ),
        ("legacy", {"build.sh": "for part in backend legacy; do\n  podman build -t $part ./$part\ndone\n"}),
        ("legacy", {"build.sh": "for part in */; do\n  docker build -t x $part\ndone\n"}),
        ("legacy", {"build.sh": "find . -name Dockerfile | xargs -n1 docker build -f\n"}),
        ("legacy/v1", {"build.sh": "for part in backend legacy/*; do docker build $part; done\n"}),
        ("backend-old", {"Taskfile.yml": "tasks:\n  build:\n    cmds:\n      - docker build backend-old\n"}),
        ("backend-old", {"justfile": "build:\n    docker buildx build --push backend-old\n"}),
        ("backend-old", {"docker-bake.hcl": 'target "old" {\n  context = "backend-old"\n}\n'}),
        ("src/backend", {"ci/build.sh": "cd src\nfor part in backend web; do docker build $part; done\n"}),
        (
            "backend-old",
            {
                ".github/workflows/build.yml": "jobs:\n  a:\n    strategy:\n      matrix:\n        part:\n"
                "          - backend\n          - backend-old\n    steps:\n"
                "      - uses: docker/build-push-action@v6\n        with:\n"
                "          context: ${{ matrix.part }}\n"
            },
        ),
        (
            "old",
            {
                ".gitlab-ci.yml": "build:\n  parallel:\n    matrix:\n      - PART: [backend, old]\n"
                "  script: docker build $PART\n"
            },
        ),
        ("old", {"skaffold.yaml": "build:\n  artifacts:\n    - image: a\n      context: old\n"}),
        ("old", {"compose.override.yml": "services:\n  second:\n    build: old\n"}),
        # Who starts workers?
        (
            "old",
            {
                "compose.yml": "services:\n  web:\n    build: ./backend\n",
                "backend/Dockerfile": "FROM python\n",
            },
        ),
    ],
)
def test_what_may_be_started_is(tmp_path: Path, other: str, launch: dict[str, str]) -> None:
    files = {"compose.yml": COMPOSE, **application(other), **launch}
    if not files[f"{other}/Dockerfile"]:
        del files[f"{other}/Dockerfile"]
    assert told(tmp_path, files) == sorted(["backend/app/tasks.py", f"{other}/app/tasks.py"])


@pytest.mark.parametrize(
    "text",
    [
        {"build.sh": "# the old one is gone\necho 'old things'\ndocker build backend\n"},
        {"build.sh": "docker build backend -t old:1\ndocker rmi old-image\n"},
        {"Makefile": "# old\nbuild:\n\tdocker build backend  # not old\n"},
    ],
)
def test_a_word_of_its_name_builds_nothing(tmp_path: Path, text: dict[str, str]) -> None:
    files = {"compose.yml": COMPOSE, **application("old"), **text}
    assert told(tmp_path, files) == ["backend/app/tasks.py"]


def test_it_is_known_from_the_cache(tmp_path: Path) -> None:
    samples.write(tmp_path, {"compose.yml": COMPOSE, **application("old")})
    (tmp_path / "README.md").write_text("The shop.\n")
    samples.write(tmp_path, {"pyproject.toml": "[tool.celery-lint]\nroot = true\n", **NEW})

    def found() -> int:
        overrides = {"cache_dir": str(tmp_path / "cache"), "select": ["CEL623"]}
        return len(engine.check_paths([str(tmp_path)], None, overrides=overrides).diagnostics)

    assert [found(), found()] == [1, 1]
    (tmp_path / "README.md").write_text("To start it: cd old\n")
    assert found() == 2
