"""A file that cannot be parsed hides what it may do by its words, and nothing else of the project."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from celery_lint import engine
from celery_lint.configuration import load
from celery_lint.engine.building import linked
from celery_lint.engine.workspace import Workspace
from celery_lint.inventory.workers.loading.idle.uninstalled import Uninstalled
from celery_lint.inventory.workers.loading.shadowed import Shadowed
from celery_lint.model.commands import Deployment, Texts
from celery_lint.options import Configuration
from celery_lint.project.imports import Imports
from celery_lint.project.unseen.unparsed import UnparsedTexts
from tests import samples
from tests.files.cached_project import agree, settle
from tests.fixture_corpus import FOLDER, Case, cases
from tests.project import test_orphans, test_unsent
from tests.project.test_worker_imports import told

# What says that nobody imports, sends, defines, starts or consumes something.
FROM_ABSENCE = ("CEL710", "CEL711", "CEL723", "CEL726", "CEL728", "CEL831")
CONCLUDING = cases(*FROM_ABSENCE, variants=False)
BROKEN = "# .revoke\nprint 'hello'\nfor each in (:\n    pass\n"
WORDS = " ".join(
    (
        "autodiscover_tasks import_module PeriodicTask @app.task Celery(",
        "schedule beat_schedule 'celery beat' '-Q' gen_task_name INSTALLED_APPS",
    )
)


def said(folder: Path) -> set[tuple[str, str, int]]:
    report = engine.check_paths([str(folder)], load(str(folder), {"cache": False}))
    return {(d.code, Path(d.path).relative_to(folder).as_posix(), d.line) for d in report.diagnostics}


def copied(case: Case, folder: Path) -> Path:
    return Path(shutil.copytree(case.folder, folder / "case"))


@pytest.mark.parametrize("case", CONCLUDING, ids=lambda c: c.label)
def test_a_file_that_says_nothing_of_it_changes_nothing(tmp_path: Path, case: Case) -> None:
    folder = copied(case, tmp_path)
    expected = said(folder)
    (folder / "unrelated.py").write_text(BROKEN)
    assert said(folder) == expected


@pytest.mark.parametrize("case", CONCLUDING, ids=lambda c: c.label)
def test_of_what_it_names_nothing_is_known(tmp_path: Path, case: Case) -> None:
    folder = copied(case, tmp_path)
    texts = [path.read_text(encoding="utf-8") for path in folder.rglob("*.py")]
    names = [part for path in folder.rglob("*.py") for part in path.relative_to(folder).with_suffix("").parts]
    words = sorted({*names, *(word for text in texts for word in re.findall(r"\w+", text))})
    (folder / "related.py").write_text(f"{BROKEN}{WORDS}\n{' '.join(words)}\n", encoding="utf-8")
    assert not {found for found in said(folder) if found[0] in FROM_ABSENCE and found[0] == case.rule}


# ---------------------------------------------------------------------- what no one but it may import

IMPORTS = [
    ("config/urls.py", "from mails import tasks\n"),
    ("config/urls.py", "import orders, mails.tasks as later\n"),
    ("config/urls.py", "from mails.tasks import (\n    send,\n"),
    ("config/urls.py", "from mails \\\n    import tasks\n"),
    ("config/urls.py", "if True: import mails.tasks\n"),
    ("mails/views.py", "from . import tasks\n"),
    ("mails/web/views.py", "from ..tasks import send\n"),
    ("config/loading.py", "MODULES = ['mails.tasks']\n"),
    ("config/loading.py", "def load(name):\n    return import_module(name)\n"),
    ("config/loading.py", "spec = spec_from_file_location(name, path)\n"),
    ("config/loading.py", "exec(text)\n"),
    ("config/loading.py", "from pydoc import locate\n"),
    ("config/loading.py", "app.autodiscover_tasks()\n"),
    ("config/other.py", "other = Celery('other')\n"),
    ("config/other.py", "from config.making import make_celery\n\nother = make_celery('other')\n"),
    ("config/live.py", "INSTALLED_APPS = ['orders', 'mails']\n"),
]
IMPORTS_NOTHING = [
    ("config/urls.py", "from mails import views\n"),
    ("config/urls.py", "from orders.tasks import send\n"),
    ("config/live.py", "INSTALLED_APPS = ['orders']\n"),
    ("tests/test_mails.py", "from mails.tasks import send\n"),
    ("config/urls.py", "session.exec(query)\nlocate(address)\n"),
    ("config/urls.py", ""),
]


@pytest.mark.parametrize(("name", "text"), IMPORTS)
def test_it_may_import_what_it_names(tmp_path: Path, name: str, text: str) -> None:
    assert test_orphans.speaks(tmp_path, {name: text + BROKEN})


@pytest.mark.parametrize(("name", "text"), IMPORTS_NOTHING)
def test_it_imports_nothing_else(tmp_path: Path, name: str, text: str) -> None:
    assert not test_orphans.speaks(tmp_path, {name: text + BROKEN})


def test_bytes_that_are_no_text_are_searched_too(tmp_path: Path) -> None:
    (tmp_path / "config").mkdir()
    (tmp_path / "config/cities.py").write_bytes(b"# celery\nCITY = '\xba\xff'\n")
    assert not test_orphans.speaks(tmp_path, {})
    (tmp_path / "config/cities.py").write_bytes(b"# celery\nCITY = '\xba\xff'\nimport mails.tasks\n")
    assert test_orphans.speaks(tmp_path, {})


def test_one_that_cannot_be_read_may_do_anything(tmp_path: Path) -> None:
    project, elsewhere = tmp_path / "project", tmp_path / "elsewhere.py"
    elsewhere.touch()
    assert not test_orphans.speaks(project, {})
    (project / "config/lost.py").symlink_to(elsewhere)
    assert test_orphans.speaks(project, {})


# ---------------------------------------------------------------------- what workers reach

REACHED = [
    ("import lost\n", "import reports\n", False),
    ("import lost\n", "import other\n", False),
    ("import lost\n", "from other import *\n", False),
    ("import lost\n", "print 'nothing'\n", True),
    ("import lost\n", "import_module(name)\n", False),
    ("import lost\n", "app.autodiscover_tasks(['jobs'])\n", False),
    ("import lost\n", "import django\n", False),
    ("", "import reports\n", True),  # no worker imports it
    ("", "other = Celery('other')\n", False),
]


@pytest.mark.parametrize(("more", "text", "expected"), REACHED)
def test_workers_go_on_from_it_to_what_it_names(tmp_path: Path, more: str, text: str, expected: bool) -> None:
    other = "import reports\n"
    assert told(tmp_path, more, lost=text + BROKEN, other=other) == expected


# ---------------------------------------------------------------------- what it may send

SENDS = [
    ("shop.py", "from tasks import forgotten\n\nforgotten.delay()\n", True),
    ("shop.py", "NAMES = ['tasks.forgotten']\n", True),
    ("shop.py", "def start(name):\n    app.send_task(name)\n", True),
    ("shop.py", "def start(name):\n    signature(\n        f'tasks.{name}').delay()\n", True),
    ("shop.py", "from tasks import pull\n\npull.delay()\napp.send_task('tasks.pull')\n", False),
    ("tests/test_tasks.py", "from tasks import forgotten\n", False),
]


@pytest.mark.parametrize(("name", "text", "expected"), SENDS)
def test_it_may_send_what_it_names(tmp_path: Path, name: str, text: str, expected: bool) -> None:
    (tmp_path / "tasks.py").write_text(test_unsent.TASKS)
    (tmp_path / name).parent.mkdir(exist_ok=True)
    (tmp_path / name).write_text(text + BROKEN)
    assert test_unsent.said(tmp_path) == ["CEL444"] * expected


FIXTURES = [
    # the modules that a worker may have where none is seen to be started
    ("CEL711/no_command_tells_of_workers", "print 'nothing'\n", True),
    ("CEL711/no_command_tells_of_workers", "import shop.queue\nimport shop.tasks.mails\n", False),
    ("CEL711/no_command_tells_of_workers", "import shop.queue\nimport shop.site\n", True),
    ("CEL711/no_command_tells_of_workers", "import shop.tasks.mails\n", True),
    ("CEL711/no_command_tells_of_workers", "other = Celery('other')\n", False),
    # who imports the only application
    ("CEL728/sent_by_a_view", "other = Celery('other')\n", False),
    ("CEL728/sent_by_a_view", "import shop.celery\n", False),
    ("CEL728/sent_by_a_view", "import shop.mails\n", True),
    # what keeps time
    ("CEL831/by_update", "subprocess.run(['celery', '-A', 'shop', 'beat'])\n", False),
    ("CEL831/by_update", "import schedule\n", False),
    ("CEL831/by_update", "for entry in app.conf.beat_schedule:\n", False),
    ("CEL831/by_update", "from shop.celery import purge\n", False),
    ("CEL831/by_update", "from shop.celery import app\n", True),
    # the names of tasks
    ("CEL723/entries_of_redbeat", "app.send_task('camera.capture')\n", False),
    ("CEL723/entries_of_redbeat", "app.send_task('camera.store')\n", True),
    ("CEL723/only_the_last_word_is_the_same", "@app.task\ndef other():\n    pass\n", True),
    ("CEL723/only_the_last_word_is_the_same", "@app.task\ndef send_digest():\n    pass\n", False),
    ("CEL723/only_the_last_word_is_the_same", "@app.task(name='shop.figures.count_bills')\n", False),
    ("CEL723/only_the_last_word_is_the_same", "@app.task(name='shop.figures.other')\n", True),
    ("CEL723/only_the_last_word_is_the_same", "@app.task(name=PREFIX + 'digest')\n", False),
    ("CEL723/only_the_last_word_is_the_same", "@app.task(name='%s.digest' % PREFIX)\n", False),
    ("CEL723/only_the_last_word_is_the_same", "@app.task(name=f'{PREFIX}.digest')\n", False),
    ("CEL723/only_the_last_word_is_the_same", "print('count_bills')\n", True),
    ("CEL723/only_the_last_word_is_the_same", "class Own(Celery):\n    def gen_task_name(\n", False),
    # the queues that workers are told
    ("CEL726/told_by_code", "os.system('celery -A shop worker -Q reports')\n", False),
    ("CEL726/told_by_code", "app.control.add_consumer('reports')\n", False),
    ("CEL726/told_by_code", "os.system('celery -A shop worker')\n", True),
]


@pytest.mark.parametrize(("name", "text", "expected"), FIXTURES)
def test_what_it_says_of_it(tmp_path: Path, name: str, text: str, expected: bool) -> None:
    folder = Path(shutil.copytree(FOLDER / name, tmp_path / "case"))
    before = {found for found in said(folder) if found[0] == name[:6]}
    assert before
    (folder / "lost.py").write_text(text + BROKEN)
    after = {found for found in said(folder) if found[0] == name[:6]}
    assert (before <= after) == expected


NOT_INSTALLED = FOLDER / "CEL723/an_application_that_is_not_installed"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", True),
        ("import shop.background\n", False),
        ("from shop import orders\n", False),
        ("import shop\n", True),
        ("os.system('celery worker')\n", False),
    ],
)
def test_it_may_have_in_use_what_nothing_installs(tmp_path: Path, text: str, expected: bool) -> None:
    folder = Path(shutil.copytree(NOT_INSTALLED, tmp_path / "case"))
    (folder / "lost.py").write_text(text + BROKEN)
    known, _ = Workspace(str(folder), load(str(folder), {"cache": False})).linked()
    assert bool(known.of(Uninstalled).all) == expected


LOOKING_UP = "from tasks import app\n\n\ndef send(name):\n    app.tasks[name].delay()\n"
TELLING = LOOKING_UP.replace("app.tasks[name].delay()", "app.send_task(name)") + "\n\nsend('tasks.pull')\n"
ELSEWHERE = [
    (LOOKING_UP, "from tasks import app\n", False),
    (LOOKING_UP, "from shop import send\n", True),
    (TELLING, "from tasks import app\n", False),
    (TELLING, "from shop import send\n", True),
]


@pytest.mark.parametrize(("shop", "text", "expected"), ELSEWHERE)
def test_it_may_call_what_sends_anything(tmp_path: Path, shop: str, text: str, expected: bool) -> None:
    samples.write(tmp_path, {"tasks.py": test_unsent.TASKS, "shop.py": shop, "lost.py": text + BROKEN})
    assert test_unsent.said(tmp_path) == ["CEL444"] * expected


# ---------------------------------------------------------------------- the part itself

FILES = (
    *("shop/__init__.py", "shop/mails.py", "shop/web/__init__.py", "shop/web/views.py"),
    *("jobs/nightly.py", "backend/orders/__init__.py", "backend/orders/tasks.py"),
)
MAY_IMPORT = [
    ("shop/mails.py", "import shop.mails", True),
    ("shop/mails.py", "shop mails", True),
    ("shop/mails.py", "mails", False),
    ("shop/mails.py", "shop mails_of", False),
    ("shop/__init__.py", "shop", True),
    ("shop/web/__init__.py", "shop web", True),
    ("shop/web/__init__.py", "web", False),
    ("jobs/nightly.py", "nightly", True),  # its folder is no package: it may be on the path
    ("backend/orders/tasks.py", "orders.tasks", True),
    ("backend/orders/tasks.py", "tasks", False),
    ("shop/web/views.py", "größe", False),
]


def texts_of(text: str) -> UnparsedTexts:
    texts = Texts(["lost.py"], lambda _: text.encode())
    return linked([], Imports([*FILES, "lost.py"]), Configuration(), Deployment(), texts).of(UnparsedTexts)


@pytest.mark.parametrize(("path", "text", "expected"), MAY_IMPORT)
def test_which_modules_it_may_import(path: str, text: str, expected: bool) -> None:
    unparsed = texts_of(text)
    assert unparsed.may_import(path) == expected
    assert (path in unparsed.targets("lost.py")) == expected


def test_words_beyond_ascii_are_said_by_all() -> None:
    """In what encoding a file is that cannot be parsed is not looked at."""
    known = linked(
        [], Imports(["lost.py"]), Configuration(), Deployment(), Texts(["lost.py"], lambda _: b"x")
    )
    assert known.of(UnparsedTexts).hold([("größe", "x")])
    assert not known.of(UnparsedTexts).hold([("größe", "y")])


@pytest.mark.parametrize(("text", "expected"), [("", True), ("run_path(path)\n", False)])
def test_it_may_load_by_its_path_what_stands_behind_a_package(
    tmp_path: Path, text: str, expected: bool
) -> None:
    tasks = "from celery import shared_task\n\n\n@shared_task\ndef send():\n    pass\n"
    files = {"shop/mails.py": tasks, "shop/mails/__init__.py": "", "shop/lost.py": text + BROKEN}
    folder = samples.write(tmp_path, {**files, "shop/__init__.py": ""})
    known, _ = Workspace(str(folder), load(str(folder), {"cache": False})).linked()
    shadowed = known.of(Shadowed)
    assert (shadowed.all == {"shop/mails.py"}) == expected
    assert shadowed.is_loaded_by_path != expected


# ---------------------------------------------------------------------- from the cache, and in an editor

PROJECT = {name: text for name, text in test_orphans.PROJECT.items() if name != "mails/views.py"}
MAILS = "mails/tasks.py"


def test_what_it_says_now_counts_with_a_cache(tmp_path: Path) -> None:
    """It was not parsed before, and is not now: what has changed is a word."""
    project = samples.write(tmp_path, {**PROJECT, "config/lost.py": BROKEN})
    for text, expected in [("", False), ("import mails.tasks\n", True), ("import orders\n", False)]:
        (project / "config/lost.py").write_text(text + BROKEN)
        settle(project)
        assert any(path == MAILS and code == "CEL526" for path, _, _, code, _ in agree(project)) == expected


def test_one_that_only_the_name_of_a_task_leads_to_is_found_again(tmp_path: Path) -> None:
    options = '[tool.celery-lint]\nroot = true\nextend-select = ["CEL444"]\n'
    files = {"pyproject.toml": options, "tasks.py": test_unsent.TASKS, "lost.py": "print 'x'\n"}
    project = samples.write(tmp_path, files)
    settle(project)
    assert agree(project) == []
    (project / "lost.py").write_text("from tasks import forgotten\nprint 'x'\n")
    settle(project)
    for more in ("", "\n\ndef more():\n    return 1\n", "\n\nMORE = 1\n"):
        (project / "tasks.py").write_text(test_unsent.TASKS + more)
        assert [(path, code) for path, _, _, code, _ in agree(project)] == [
            ("tasks.py", "CEL444"),
            ("lost.py", ""),
        ]


@pytest.mark.parametrize("warm", [False, True])
@pytest.mark.parametrize(("text", "expected"), [("", False), ("import mails.tasks\n", True)])
def test_an_editor_says_the_same_of_another_file(
    tmp_path: Path, text: str, expected: bool, warm: bool
) -> None:
    project = samples.write(tmp_path, {**PROJECT, "config/lost.py": text + BROKEN})
    if warm:
        settle(project)
    typed = PROJECT[MAILS] + "\n\ndef more():\n    return 1\n"
    for said in (
        engine.check_text(str(project / MAILS), typed, None),
        engine.check_text(str(project / MAILS), typed, None, stale=lambda: False),
        engine.check_texts({str(project / MAILS): typed}, None),
    ):
        assert [d.code for d in said.diagnostics if d.code == "CEL526"] == ["CEL526"] * expected


def test_of_texts_that_are_given_together_one_may_be_none_of_python(tmp_path: Path) -> None:
    project = samples.write(tmp_path, {**PROJECT, "config/lost.py": "import mails.tasks\n"})
    for text, expected in [(BROKEN, False), ("import mails.tasks\n" + BROKEN, True)]:
        texts = {str(project / MAILS): PROJECT[MAILS], str(project / "config/lost.py"): text}
        said = engine.check_texts(texts, None)
        assert any(d.code == "CEL526" and d.path.endswith(MAILS) for d in said.diagnostics) == expected
