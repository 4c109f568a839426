"""From an import to the file that it means."""

from __future__ import annotations

import pytest

from celery_lint.project.imports import Imports, Located

FILES = [
    "manage.py",
    "shop/__init__.py",
    "shop/tasks.py",
    "shop/orders/__init__.py",
    "shop/orders/tasks.py",
    "plain/jobs/mail.py",  # folders without an `__init__.py`
    "backend/src/app/__init__.py",
    "backend/src/app/tasks.py",
    "other/src/app/__init__.py",
    "other/src/app/queue.py",
    "celery/__init__.py",  # a folder that is called like a library
    "docker/redis.py",
    "site/__init__.py",  # a folder of applications that settings put on the path
    "site/apps/__init__.py",
    "site/apps/core/__init__.py",
    "site/apps/core/utils.py",
    "site/apps/reports/tasks.py",
    "workers/__init__.py",  # a stray one, beside the packages
    "workers/mail/__init__.py",
    "workers/mail/tasks.py",
]

LOCATED = [
    # importer, dotted path, file, rest
    ("manage.py", "shop", "shop/__init__.py", ""),
    ("manage.py", "shop.tasks", "shop/tasks.py", ""),
    ("manage.py", "shop.tasks.refresh", "shop/tasks.py", "refresh"),
    ("manage.py", "shop.tasks.refresh.delay", "shop/tasks.py", "refresh delay"),
    ("manage.py", "shop.orders.tasks", "shop/orders/tasks.py", ""),
    ("manage.py", "shop.missing.name", "shop/__init__.py", "missing name"),
    ("manage.py", "shop.tasks().x", "shop/__init__.py", "tasks() x"),
    ("manage.py", "plain.jobs.mail", "plain/jobs/mail.py", ""),
    ("plain/jobs/mail.py", "jobs.mail", "plain/jobs/mail.py", ""),
    # two packages of one name: the nearer one, unless only the other has the module
    ("backend/src/app/tasks.py", "app", "backend/src/app/__init__.py", ""),
    ("other/src/app/queue.py", "app", "other/src/app/__init__.py", ""),
    ("backend/src/app/tasks.py", "app.queue", "other/src/app/queue.py", ""),
    ("manage.py", "app.tasks", "backend/src/app/tasks.py", ""),
    # relative ones
    ("shop/tasks.py", ".", "shop/__init__.py", ""),
    ("shop/tasks.py", ".orders", "shop/orders/__init__.py", ""),
    ("shop/orders/tasks.py", "..tasks.refresh", "shop/tasks.py", "refresh"),
    ("shop/orders/__init__.py", ".tasks", "shop/orders/tasks.py", ""),
    ("site/apps/reports/tasks.py", "core.utils.kept", "site/apps/core/utils.py", "kept"),
    # a stray `__init__.py`
    ("workers/mail/tasks.py", "mail.tasks", "workers/mail/tasks.py", ""),
    ("manage.py", "workers.mail.tasks", "workers/mail/tasks.py", ""),
]

NOWHERE = [
    ("manage.py", "celery"),
    ("manage.py", "celery.Celery"),
    ("docker/redis.py", "redis"),
    ("manage.py", "json"),
    ("manage.py", "missing.module"),
    ("manage.py", "plain.jobs.missing"),
    ("shop/tasks.py", "...too_high"),
]


@pytest.fixture(scope="module")
def imports() -> Imports:
    return Imports(FILES)


@pytest.mark.parametrize("importer, dotted, file, rest", LOCATED)
def test_located(imports: Imports, importer: str, dotted: str, file: str, rest: str) -> None:
    assert imports.locate(dotted, importer) == Located(file, tuple(rest.split()))


@pytest.mark.parametrize("importer, dotted", NOWHERE)
def test_nowhere(imports: Imports, importer: str, dotted: str) -> None:
    assert imports.locate(dotted, importer) is None


@pytest.mark.parametrize(
    "path, root, name",
    [
        ("manage.py", "", "manage"),
        ("shop/__init__.py", "", "shop"),
        ("shop/orders/tasks.py", "", "shop.orders.tasks"),
        ("backend/src/app/tasks.py", "backend/src", "app.tasks"),
        ("plain/jobs/mail.py", "plain/jobs", "mail"),
        ("docker/redis.py", "docker", "redis"),
    ],
)
def test_names_of_modules(imports: Imports, path: str, root: str, name: str) -> None:
    assert (imports.import_root(path), imports.module_name(path)) == (root, name)


STRAY = [
    # files, what follows -A, a file, its root and name
    (["srv/__init__.py", "srv/manage.py", "srv/proj/settings.py", "srv/core/__init__.py"], "", "srv", "core"),
    (["srv/__init__.py", "srv/proj/celery.py", "srv/core/__init__.py"], "proj.celery", "srv", "core"),
    (["srv/__init__.py", "srv/queue.py", "srv/core/__init__.py"], "queue", "srv", "core"),
    (["__init__.py", "core/__init__.py"], "", "", "core"),
    # no stray ones: a module that is called like the script, and two that may be meant
    (["srv/__init__.py", "srv/manage.py", "srv/core/__init__.py"], "", "", "srv.core"),
    (["srv/__init__.py", "srv/tasks.py", "srv/core/__init__.py", "one/__init__.py", "one/tasks.py"], "tasks")
    + ("", "srv.core"),
]


@pytest.mark.parametrize("files, application, root, name", STRAY)
def test_stray_packages(files: list[str], application: str, root: str, name: str) -> None:
    path = next(file for file in files if file.endswith("core/__init__.py"))
    found = Imports(files, [application] if application else [])
    assert (found.import_root(path), found.module_name(path)) == (root, name)


def test_the_root_of_the_workspace_is_no_package() -> None:
    found = Imports(["__init__.py", "app.py", "core/__init__.py", "core/tasks.py"])
    assert found.locate("app.queue", "core/tasks.py") == Located("app.py", ("queue",))
    assert found.locate("core.tasks", "app.py") == Located("core/tasks.py", ())


def test_the_order_of_files_means_nothing() -> None:
    forwards, backwards = Imports(FILES), Imports(FILES[::-1])
    for importer, dotted, *_ in LOCATED:
        assert forwards.locate(dotted, importer) == backwards.locate(dotted, importer)
