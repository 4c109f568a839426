"""The names of tasks in folders that a project puts on ``sys.path``."""

from __future__ import annotations

from pathlib import Path

import pytest

from celery_lint import engine
from celery_lint.configuration import load
from tests.samples import write

CELERY = "from celery import Celery\napp = Celery('shop')\napp.autodiscover_tasks()\n"
TASK = "from celery import shared_task\n{}\n@shared_task\ndef one(pk):\n    return pk\n"
USER = "from user.models import User\n"
FILES = {
    "pyproject.toml": "[tool.celery-lint]\nroot = true\n",
    "shop/__init__.py": "",
    "shop/celery.py": CELERY,
    "apps/__init__.py": "",
    "apps/user/__init__.py": "",
    "apps/user/models.py": "class User:\n    pass\n",
    "apps/user/tasks.py": TASK.format(USER),
    "apps/parts/tasks.py": TASK.format(""),  # no `__init__.py`
}
BASE = "BASE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))\n"
ROOT = "ROOT = Path(__file__).resolve().parent.parent\n"
ENVIRON = "ROOT = environ.Path(__file__) - 2\n"
SHORT = ["user.tasks.one", "parts.tasks.one"]
LONG = ["apps.user.tasks.one", "tasks.one"]


def names(folder: Path, files: dict[str, str]) -> list[str]:
    """The names of the tasks below ``apps``."""
    root = write(folder, {**FILES, **files})
    described = engine.describe(str(root), load(str(root)))
    found = {Path(task.path).relative_to(root).as_posix(): task.name for task in described.tasks}
    return [found[path] for path in ("apps/user/tasks.py", "apps/parts/tasks.py") if path in found]


CODE = {
    "join": BASE + "sys.path.insert(0, os.path.join(BASE, 'apps'))\n",
    "normpath": "sys.path.append(os.path.normpath(os.path.join(dirname(__file__), os.pardir, 'apps')))\n",
    "pathlib": ROOT + "sys.path.insert(0, str(ROOT / 'apps'))\n",
    "joinpath": ROOT + "sys.path.append(str(ROOT.joinpath('apps')))\n",
    "parents": "sys.path.append(str(Path(__file__).parents[1] / 'apps'))\n",
    "environ": ENVIRON + "sys.path.append(str(ROOT.path('apps')))\n",
    "environ called": ENVIRON + "sys.path.append(ROOT('apps'))\n",
    "unipath": "ROOT = Path(__file__).ancestor(2)\nsys.path.append(ROOT.child('apps'))\n",
    "format": BASE + "sys.path.append(f'{BASE}/apps')\n",
    "sum": BASE + "sys.path.append(BASE + '/apps')\n",
    "extend": BASE + "sys.path.extend([os.path.join(BASE, 'apps')])\n",
    "added": BASE + "sys.path += [os.path.join(BASE, 'apps')]\n",
    "slice": BASE + "sys.path[0:0] = [os.path.join(BASE, 'apps')]\n",
    "another list": BASE + "sys.path = [os.path.join(BASE, 'apps')] + sys.path\n",
    "site": BASE + "site.addsitedir(os.path.join(BASE, 'apps'))\n",
    "asked before": BASE
    + "APPS = os.path.join(BASE, 'apps')\nif APPS not in sys.path:\n    sys.path.append(APPS)\n",
    "function of its own": "def at_root(name):\n    ...\n\nsys.path.insert(0, at_root('apps'))\n",
    "working directory": "sys.path.append(os.getcwd() + '/apps')\n",
}


@pytest.mark.parametrize("text", CODE.values(), ids=CODE)
@pytest.mark.parametrize("where", ["shop/celery.py", "shop/settings.py", "manage/manage.py"])
def test_code_puts_a_folder_on_the_path(tmp_path: Path, where: str, text: str) -> None:
    also = "INSTALLED_APPS = ['user']\n" if where == "shop/settings.py" else ""
    text = f"{also}{text}{FILES.get(where, '')}"
    assert names(tmp_path, {where: text}) == SHORT


LAUNCH = {
    "image": ("Dockerfile", "FROM python\nENV PYTHONPATH=/srv:/srv/apps\n"),
    "image, several": ("Dockerfile", "ENV A=1 \\\n    PYTHONPATH=/srv/apps:$PYTHONPATH\n"),
    "image, old": ("docker/Dockerfile", "ENV PYTHONPATH /srv/apps\n"),
    "compose": ("docker-compose.yml", "services:\n  w:\n    environment:\n      PYTHONPATH: ./apps\n"),
    "compose, list": (
        "docker-compose.yml",
        "services:\n  w:\n    environment:\n      - PYTHONPATH=/x/apps\n",
    ),
    "kubernetes": ("k8s/worker.yaml", "env:\n  - name: PYTHONPATH\n    value: /srv/apps\n"),
    "Procfile": ("Procfile", "worker: PYTHONPATH=apps celery -A shop worker\n"),
    "systemd": ("etc/worker.service", '[Service]\nEnvironment="PYTHONPATH=/srv/apps"\n'),
    "supervisor": ("worker.conf", '[program:w]\nenvironment=A="1",PYTHONPATH="%(here)s/apps"\n'),
    "script": ("run_worker.sh", "export PYTHONPATH=$(pwd)/apps:$PYTHONPATH\n"),
}


@pytest.mark.parametrize("name, text", LAUNCH.values(), ids=LAUNCH)
def test_a_launch_file_puts_a_folder_on_the_path(tmp_path: Path, name: str, text: str) -> None:
    assert names(tmp_path, {name: text}) == SHORT


SILENT = {
    "nothing": {},
    "a comment": {"Dockerfile": "# ENV PYTHONPATH=/srv/apps\n"},
    "of another command": {"Makefile": "docs:\n\tPYTHONPATH=apps sphinx-build docs\n"},
    "a script": {"scripts/report.py": f"# celery\n{CODE['working directory']}from user.models import User\n"},
    "migrations": {"alembic/settings.py": f"# celery\n{CODE['working directory']}CONFIG = 'settings'\n"},
    "a web server": {"shop/wsgi.py": f"# celery\n{CODE['working directory']}"},
    "a test": {"conftest.py": f"{CELERY}{CODE['working directory']}"},
    "another folder": {"shop/settings.py": "CELERY = 1\nsys.path.append(os.getcwd() + '/libs')\n"},
    "nobody imports from it": {
        "manage.py": CODE["working directory"],
        "apps/user/tasks.py": TASK.format("from apps.user.models import User\n"),
    },
    "may be of another folder": {"manage.py": CODE["working directory"], "user/models.py": "User = 1\n"},
    "the folder of the project": {"Dockerfile": "ENV PYTHONPATH=/apps\n"},
}


@pytest.mark.parametrize("files", SILENT.values(), ids=SILENT)
def test_no_certain_folder(tmp_path: Path, files: dict[str, str]) -> None:
    assert names(tmp_path, files) == LONG


BOTH = {
    # what else, the name of the task
    "imported by both": ("from apps.user.models import User\n", "apps.user.tasks.one"),
    "of one of its modules": ("from apps.user import views\n", "apps.user.tasks.one"),
    "installed by the shorter": (
        "from apps.user import views\nINSTALLED_APPS = ['user']\n",
        "user.tasks.one",
    ),
    "installed by the longer": ("INSTALLED_APPS = ['apps.user']\n", "apps.user.tasks.one"),
    "a configuration": ("INSTALLED_APPS = ('x',) + ['user.apps.Config']\n", "user.tasks.one"),
    "others by the longer": ("from apps.parts import models\n", "user.tasks.one"),
}


@pytest.mark.parametrize("text, name", BOTH.values(), ids=BOTH)
def test_both_names(tmp_path: Path, text: str, name: str) -> None:
    files = {"shop/settings.py": f"{text}CELERY_TIMEZONE = 'UTC'\n{CODE['working directory']}"}
    assert names(tmp_path, files)[0] == name


def test_what_is_imported_from_above_the_folder_has_the_longer_name(tmp_path: Path) -> None:
    task = TASK.format(f"{USER}from ..parts import models\n")
    assert names(tmp_path, {"manage.py": CODE["working directory"], "apps/user/tasks.py": task})[0] == LONG[0]


def test_what_the_workers_import_by_name_decides(tmp_path: Path) -> None:
    application = CELERY.replace("('shop')", "('shop', include=['apps.user.tasks'])")
    files = {"manage.py": CODE["working directory"], "shop/celery.py": application}
    assert names(tmp_path, files)[0] == LONG[0]


def test_a_folder_in_the_package_that_the_command_names(tmp_path: Path) -> None:
    """``-A site.shop`` is imported from above, and what lies in ``site/apps`` from there all the same."""
    root = "sys.path.append(os.getcwd() + '/site')\n"
    files = {f"site/{name}": text for name, text in FILES.items() if name != "pyproject.toml"}
    tasks = TASK.format("from apps.user.models import User\n")
    written = {
        "pyproject.toml": FILES["pyproject.toml"],
        **files,
        "site/__init__.py": "",
        "site/shop/celery.py": root + CELERY,
        "site/apps/user/tasks.py": tasks,
        "Procfile": "worker: celery -A site.shop worker\n",
    }
    folder = write(tmp_path, written)
    found = [task.name for task in engine.describe(str(folder), load(str(folder))).tasks]
    assert "apps.user.tasks.one" in found
