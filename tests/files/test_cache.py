"""What is kept between runs: it must never change what is said, whatever has become of it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from celery_lint.configuration import load
from celery_lint.engine import building
from celery_lint.engine.workspace import Workspace
from celery_lint.files import installation, stamps
from celery_lint.files.cache import Cache
from celery_lint.options import semantic_key
from scripts import edits
from tests import samples
from tests.files.cached_project import EDITS, agree, check, settle
from tests.processes import HANGS, end


@pytest.fixture(autouse=True)
def kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The user's own folder, where the cache lies."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "user"))
    return tmp_path / "user" / "celery-lint"


@pytest.fixture
def trusting(monkeypatch: pytest.MonkeyPatch) -> None:
    """A cache that trusts the times of files at once: scripts wait for the tick of the clock instead."""
    monkeypatch.setattr(stamps, "RACY_NANOSECONDS", 0)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    return samples.write(tmp_path / "project")


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What was linked again."""
    linked: list[str] = []
    original = building.linked

    def counting(*arguments: object) -> object:
        linked.append("")
        return original(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(building, "linked", counting)
    return linked


def test_the_folder_has_manners(project: Path, kept: Path) -> None:
    check(project)
    check(project, pool="prefork")
    names = sorted(os.listdir(kept))
    assert [name for name in names if not name.startswith("celery-lint-")] == ["CACHEDIR.TAG"]
    assert (kept / "CACHEDIR.TAG").read_text().startswith("Signature: 8a477f597d28d172789f06886806bc55")
    suffixes = sorted(name.rpartition(".")[2] for name in names if "." in name and name != "CACHEDIR.TAG")
    assert suffixes == ["facts", "facts", "lock", "lock", "manifest", "manifest"]


@pytest.mark.skipif(os.name == "nt", reason="files have no modes")
def test_nobody_else_may_read_it(project: Path, kept: Path) -> None:
    check(project)
    assert kept.stat().st_mode & 0o777 == 0o700
    assert {path.stat().st_mode & 0o777 for path in kept.iterdir()} == {0o600}


def test_a_run_without_changes_reads_nothing(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settle(project)
    before = check(project)

    def forbidden(*arguments: object) -> None:
        raise AssertionError(arguments)

    for name in ("celery_lint.source.read", "celery_lint.files.library.read"):
        monkeypatch.setattr(name, forbidden)
    monkeypatch.setattr(Workspace, "_made", forbidden)
    assert check(project) == before != []


def test_no_cache_writes_nothing(project: Path, kept: Path) -> None:
    check(project, cache=False)
    assert not kept.exists()


@pytest.mark.parametrize("edit", EDITS)
def test_after_a_change_all_is_as_without_a_cache(project: Path, edit: str) -> None:
    settle(project)
    EDITS[edit](project)
    first = agree(project)
    assert check(project) == first
    samples.age(project)
    assert agree(project) == first


@pytest.mark.parametrize("edit", EDITS)
def test_a_change_and_back(project: Path, edit: str) -> None:
    settle(project)
    before = check(project)
    EDITS[edit](project)
    agree(project)
    for name in ("app/extra.py", "app/jobs/extra.py", "app/post.py"):
        (project / name).unlink(missing_ok=True)
    samples.write(project)
    assert agree(project) == before


@pytest.mark.parametrize(
    "edit, linked", [("touch", False), ("comment", False), ("shift", False), ("mended", True)]
)
def test_what_says_the_same_is_not_linked_again(
    project: Path, counted: list[str], edit: str, linked: bool
) -> None:
    settle(project)
    counted.clear()
    EDITS[edit](project)
    check(project)
    assert bool(counted) is linked


def test_a_file_that_is_rewritten_and_given_back_its_times(project: Path) -> None:
    """Size, inode and modification time are what they were: only the change time tells."""
    settle(project)
    path = project / "app/mail.py"
    before, said = path.stat(), check(project)
    text = path.read_text()
    with path.open("r+") as file:
        file.write(text.replace("async def never", "def      never "))
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert agree(project) != said


def test_a_file_that_could_not_be_parsed_can_be_again(project: Path) -> None:
    """What it says now concerns others: nobody has asked for it by a word of its own."""
    path = project / "app/loops.py"
    text = path.read_text()
    path.write_text(
        text.replace("asyncio.run(coroutine)", "coroutine")
    )  # nothing that the filter lets through
    settle(project)
    before = check(project)
    path.write_text("def (run\n")
    settle(project)
    agree(project)
    path.write_text(text)
    assert agree(project) != before
    path.write_text(text.replace("asyncio.run(coroutine)", "coroutine"))
    assert agree(project) == before


def test_a_file_that_is_gone_takes_along_what_was_read_for_it(tmp_path: Path) -> None:
    """Settings that an early round looks for because of another application, and nobody in the end."""
    project = tmp_path / "moved"
    shutil.copytree(Path(__file__).parents[2] / "fixtures/CEL223/application_made_elsewhere", project)
    settle(project)
    (project / "celery_apps.py").rename(project / "renamed.py")
    agree(project)
    (project / "tests").mkdir()
    (project / "fetching.py").rename(project / "tests/fetching.py")
    agree(project)
    (project / "client.py").unlink()
    assert agree(project) != []


def test_other_launch_files_start_from_nothing(tmp_path: Path, counted: list[str]) -> None:
    """What the last run has read for the sake of its commands may be what nobody asks for now."""
    project = tmp_path / "deployed"
    shutil.copytree(Path(__file__).parents[2] / "fixtures/CEL223/application_made_elsewhere", project)
    compose = "services:\n  worker:\n    command: celery -A {} worker\n"
    (project / "docker-compose.yml").write_text(compose.format("app.elsewhere"))
    counted.clear()
    check(project, cache=False)
    rounds = len(counted)
    (project / "docker-compose.yml").write_text(compose.format("app.main"))
    settle(project)
    (project / "docker-compose.yml").write_text(compose.format("app.elsewhere"))
    counted.clear()
    check(project)
    assert len(counted) == rounds > 1


def test_another_python(tmp_path: Path) -> None:
    """Branches that the facts did not have while no Python of the project ran them, and the other way."""
    project = tmp_path / "renewed"
    shutil.copytree(Path(__file__).parents[2] / "fixtures/CEL110/branches_for_other_pythons", project)
    settle(project)
    new = agree(project)
    image = project / "Dockerfile"
    image.write_text(image.read_text().replace("3.12", "3.9"))
    old = agree(project)
    assert len(old) == 3
    assert len(new) == 1
    (project / ".python-version").write_text("3.12\n")  # some run one, some the other
    assert agree(project) != new
    image.write_text(image.read_text().replace("3.9", "3.12"))
    assert agree(project) == new


def test_a_file_that_was_read_for_its_words_has_others_now(tmp_path: Path) -> None:
    """A table that is read because it names a task; without it nobody would look at what it holds now."""
    files = {
        "shop/__init__.py": "",
        "shop/tasks.py": """from celery import Celery

app = Celery("shop", broker="redis://queue")


@app.task
def first():
    ...


@app.task
def second():
    ...


@app.task
def report():
    return second.delay().get()
""",
        "shop/views.py": "from shop.tasks import first, second\n\nfirst.delay()\nsecond.delay()\n",
        "shop/table.py": "from shop.tasks import report\n\nTABLE = [report]\n",
        "pyproject.toml": '[tool.celery-lint]\nroot = true\npreset = "all"\n',
    }
    project = samples.write(tmp_path / "shop", files)
    settle(project)
    assert agree(project) != []
    looking = "class Jobs:\n    def find(self, name):\n        return app.tasks.get(name)\n"
    (project / "shop/table.py").write_text(f"from shop.tasks import app\n\n\n{looking}")
    agree(project)


@pytest.mark.usefixtures("trusting")
def test_a_file_of_variables_that_says_something_else(tmp_path: Path) -> None:
    """Its values are believed, though it starts nothing."""
    text = (
        "import os\nfrom celery import Celery\n"
        "app = Celery('shop', broker=os.environ.get('BROKER_URL', 'redis://localhost:6379/0'))\n"
        "@app.task(ignore_result=True)\ndef send():\n    print('sent')\n"
        "def view():\n    send.apply_async(countdown=86400)\n"
    )
    project = samples.write(tmp_path / "project", {"shop.py": text, ".env.example": ""})
    (project / "pyproject.toml").write_text(
        '[tool.celery-lint]\nroot = true\nselect = ["CEL517", "CEL518"]\n'
    )
    for scheme, code in (("redis", "CEL517"), ("amqp", "CEL518"), ("redis", "CEL517")):
        (project / ".env.example").write_text(f"BROKER_URL={scheme}://broker\n")
        assert [each[3] for each in agree(project)] == [code]
        settle(project)
        assert [each[3] for each in agree(project)] == [code]


def test_edits(tmp_path: Path) -> None:
    """The short form of ``scripts/edits.py``."""
    found = edits.differences(60, 7, tmp_path)
    assert [line for difference in found for line in edits.told(difference)] == []


# ------------------------------------------------------------------------- whose it is


def test_options_that_change_the_findings(project: Path) -> None:
    gevent = check(project)
    prefork = check(project, pool="prefork")
    assert gevent != prefork
    assert check(project) == gevent


@pytest.mark.usefixtures("trusting")
def test_options_in_turn_keep_their_caches(project: Path, kept: Path, counted: list[str]) -> None:
    pools = ("gevent", "prefork", "threads")
    for pool in pools:
        check(project, pool=pool)
    counted.clear()
    for pool in pools:
        check(project, pool=pool)
    assert not counted
    assert len(list(kept.glob("*.manifest"))) == 3


@pytest.mark.usefixtures("trusting")
def test_installations_in_turn_keep_their_caches(
    project: Path, kept: Path, counted: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    names = ["0" * 16, "1" * 16, "2" * 16]
    for name in names:
        monkeypatch.setattr(installation, "_known", name)
        check(project)
    counted.clear()
    for name in names:
        monkeypatch.setattr(installation, "_known", name)
        check(project)
    assert not counted
    monkeypatch.setattr(installation, "_known", "3" * 16)
    check(project)
    assert counted
    assert sorted({path.name.split("-")[3] for path in kept.glob("*.manifest")}) == [
        "1" * 16,
        "2" * 16,
        "3" * 16,
    ]


def test_workspaces_share_a_folder(tmp_path: Path, counted: list[str]) -> None:
    """Their folders have equal times, as in an unpacked archive, and their files differ."""
    shared, projects = str(tmp_path / "shared"), [tmp_path / "one", tmp_path / "two"]
    for project in projects:
        samples.write(project)
    (projects[1] / "Procfile").write_text("worker: celery -A app worker -P prefork\n")
    (projects[1] / "app/mail.py").unlink()
    then = time.time() - 3600
    for project in projects:
        for path in [project, *project.rglob("*")]:
            os.utime(path, (then, then))
    expected = [check(project, cache=False) for project in projects]
    assert expected[0] != expected[1]
    for project in projects:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(stamps, "RACY_NANOSECONDS", 0)
            check(project, cache_dir=shared)
    counted.clear()
    for _ in range(2):
        assert [check(project, cache_dir=shared) for project in projects] == expected
    assert not counted


def test_no_folder_anywhere(project: Path, tmp_path: Path) -> None:
    (tmp_path / "user").write_text("")
    agree(project)


def test_many_processes_at_once(project: Path) -> None:
    command = [sys.executable, "-m", "celery_lint", "check", "--output-format", "concise", str(project)]
    for _ in range(2):
        pipe = subprocess.PIPE
        processes = [
            subprocess.Popen(command, stdout=pipe, stderr=pipe, start_new_session=True) for _ in range(6)
        ]
        try:
            outputs = {process.communicate(timeout=HANGS)[0] for process in processes}
        finally:
            for process in processes:
                end(process)
        assert len(outputs) == 1
        assert b"CEL110" in outputs.pop()
        EDITS["shift"](project)


RELAYING = {
    "shop/__init__.py": "",
    "shop/celery.py": "from celery import Celery\n\napp = Celery('shop')\napp.conf.task_time_limit = 60\n",
    "shop/database.py": (
        "from sqlalchemy.ext.asyncio import async_sessionmaker, create_async_engine\n\n"
        "engine = create_async_engine('postgresql+asyncpg://localhost/shop')\n"
        "Session = async_sessionmaker(engine)\n"
    ),
    "shop/rows.py": (
        "from shop.database import Session\n\n\nasync def fetch(pk):\n"
        "    async with Session() as session:\n        return await session.get(dict, pk)\n"
    ),
    "shop/service.py": "async def load(pk):\n    return pk\n",
    "shop/tasks.py": (
        "import asyncio\n\nfrom shop import service\nfrom shop.celery import app\n\n\n"
        "@app.task\ndef refresh(pk):\n    return asyncio.run(service.load(pk))\n"
    ),
    "Procfile": "worker: celery -A shop worker\n",
}


def test_a_file_that_was_not_worth_reading_becomes_so(tmp_path: Path) -> None:
    """A task's coroutine has led to it all the time; now it leads on to the engine."""
    for name, text in RELAYING.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    (tmp_path / "pyproject.toml").write_text("[tool.celery-lint]\nroot = true\n")
    settle(tmp_path)
    assert agree(tmp_path) == []
    text = "from shop import rows\n\n\nasync def load(pk):\n    return await rows.fetch(pk)\n"
    (tmp_path / "shop/service.py").write_text(text)
    assert [found[3] for found in agree(tmp_path)] == ["CEL110"]
    (tmp_path / "shop/service.py").write_text(RELAYING["shop/service.py"])
    assert agree(tmp_path) == []


def test_a_cache_in_use_stays_young(project: Path, kept: Path) -> None:
    settle(project)
    files = [path for path in kept.iterdir() if path.suffix in (".manifest", ".facts")]
    assert len(files) == 2
    then = time.time() - 3 * 86_400
    for path in files:
        os.utime(path, (then, then))
    check(project)
    assert all(time.time() - path.stat().st_mtime < 86_400 for path in files)


def test_a_project_that_says_nothing_of_celery(project: Path) -> None:
    for path in project.rglob("*.py"):
        path.write_text("x = 1\n")
    settle(project)
    assert agree(project) == []
    (project / "app" / "quiet.py").write_text("x = 2\n")
    assert agree(project) == []
    (project / "app" / "mail.py").write_text(samples.FILES["app/mail.py"].replace("app.task", "shared_task"))
    assert check(project) == check(project, cache=False)


@pytest.mark.skipif(os.name == "nt", reason="nobody waits for a lock there")
def test_who_builds_keeps_others_waiting(project: Path) -> None:
    first, waited = of(project).acquire()
    assert first >= 0
    assert not waited
    started = threading.Event()

    def hold() -> None:
        started.set()
        time.sleep(0.2)
        os.close(first)

    holder = threading.Thread(target=hold)
    holder.start()
    started.wait()
    second, waited = of(project).acquire()
    holder.join()
    assert second >= 0
    assert waited
    other, waited = of(project, pool="prefork").acquire()
    assert other >= 0
    assert not waited  # what it builds is something else
    os.close(other)
    os.close(second)


@pytest.mark.skipif(os.name == "nt", reason="there are no pipes")
def test_a_lock_that_is_no_file_keeps_nobody_waiting(project: Path, kept: Path) -> None:
    check(project)
    (lock,) = kept.glob("*.lock")
    lock.unlink()
    os.mkfifo(lock)
    assert of(project).acquire() == (-1, False)


def of(project: Path, **overrides: object) -> Cache:
    return Cache(str(project), "", semantic_key(load(str(project), overrides)))
