"""Paths and texts go in, diagnostics come out."""

from __future__ import annotations

import gc
import os
from pathlib import Path

import pytest

from celery_lint import engine
from celery_lint.configuration import load
from celery_lint.diagnostics import Report
from celery_lint.inventory.tasks.task import Task
from celery_lint.inventory.tasks.tasks import Tasks
from celery_lint.inventory.workers.sent_limits import SentLimits
from celery_lint.rule import Finding, Rule, on
from tests import samples


@pytest.fixture(autouse=True)
def _fresh() -> None:
    engine._workspaces.clear()
    engine._settings_of.clear()


@pytest.fixture
def project(tmp_path: Path) -> Path:
    return samples.write(tmp_path)


def places(report: Report, root: Path) -> list[tuple[str, int, int, str]]:
    """Path, line, column and code of each diagnostic."""
    return [
        (os.path.relpath(found.path, root), found.line, found.column, found.code)
        for found in report.diagnostics
    ]


LOOP = ("app/loops.py", 5, 12, "CEL110")
BOTH = [LOOP, samples.ASYNC_TASK]


def test_a_folder(project: Path) -> None:
    report = engine.check_paths([str(project)], None)
    assert places(report, project) == BOTH
    assert (report.files, report.tasks, report.unparsed) == (6, 2, [])
    assert report.diagnostics[0].related[0].path == str(project / "app/mail.py")


def test_the_garbage_collector_is_as_it_was(project: Path) -> None:
    """And has nothing to look at: all that a run has kept is old by then."""
    gc.enable()
    engine.check_paths([str(project)], None)
    assert gc.isenabled()
    assert gc.get_freeze_count() == 0
    gc.disable()
    try:
        engine.check_paths([str(project)], None)
        assert not gc.isenabled()
    finally:
        gc.enable()


def test_what_was_worked_out_is_freed_without_the_garbage_collector(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who checks one project after the other in one process needs room for one."""
    monkeypatch.chdir(project)
    path = str(project / "app/loops.py")
    text = (project / "app/loops.py").read_text()
    engine.check_text(path, text, None)
    gc.collect()
    before = len(holding_tasks())
    report = engine.check_paths([str(project)], None, overrides={"cache": False})
    assert places(report, project) == BOTH
    assert len(holding_tasks()) == before
    gc.disable()
    try:
        assert engine.check_text(None, text, None).tasks == 0
        assert engine.check_text(path, f"# a line\n{text}", None).diagnostics
        assert engine.check_texts({path: text}, None).diagnostics
        assert len(holding_tasks()) == before
        engine.check_paths([str(project)], None, overrides={"cache": False})
        assert len(holding_tasks()) > before, "who does not collect ends soon, and then nobody frees anything"
    finally:
        gc.enable()


def holding_tasks() -> list[object]:
    """The parts of projects that know tasks."""
    return [part for part in gc.get_objects() if isinstance(part, Tasks) and vars(part)]


def test_tasks_of_tests_are_not_counted(tmp_path: Path) -> None:
    """The last line speaks of the tasks of the product; those that tests define are read, but not counted."""
    task = "from app.celery import app\n\n\n@app.task\ndef one():\n    ...\n"
    samples.write(tmp_path, {**samples.FILES, "tests/test_mail.py": task, "app/test_more.py": task})
    report = engine.check_paths([str(tmp_path)], None)
    assert (report.files, report.tasks) == (8, 2)


@pytest.mark.parametrize(
    "asked, expected, files, tasks",
    [
        (["app/loops.py"], [LOOP], 1, 0),
        (["app/mail.py"], [samples.ASYNC_TASK], 1, 2),
        (["app/quiet.py"], [], 1, 0),
        (["app", "app/mail.py"], BOTH, 6, 2),
        (["."], BOTH, 6, 2),
    ],
)
def test_only_what_was_asked_for(
    project: Path,
    monkeypatch: pytest.MonkeyPatch,
    asked: list[str],
    expected: list[tuple[str, int, int, str]],
    files: int,
    tasks: int,
) -> None:
    monkeypatch.chdir(project)
    report = engine.check_paths(asked, None)
    assert (places(report, project), report.files, report.tasks) == (expected, files, tasks)


def test_two_workspaces(tmp_path: Path) -> None:
    one, two = samples.write(tmp_path / "one"), samples.write(tmp_path / "two")
    report = engine.check_paths([str(two), str(one)], None)
    assert places(report, tmp_path) == [
        (f"{name}/{path}", *rest) for name in ("one", "two") for path, *rest in BOTH
    ]


@pytest.fixture
def nested(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder without any marker, a workspace within, one in that one that says so, and a hidden file."""
    for folder in ("", "web", "web/inner", "web/.hidden"):
        samples.write(tmp_path / folder)
        if folder != "web/inner":
            (tmp_path / folder / "pyproject.toml").unlink()
    (tmp_path / "web/manage.py").write_text("")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    "asked, at, files",
    [
        (["."], [".", "web", "web/inner"], 19),
        (["web"], ["web", "web/inner"], 13),
        (["web/app"], ["web"], 6),
        ([".", "web"], [".", "web", "web/inner"], 19),
        ([".", "./", "web", "web/app", "web/app/mail.py"], [".", "web", "web/inner"], 19),
        ([".", "web", "web/inner", "web/inner/app"], [".", "web", "web/inner"], 19),
        (["web", "web/app/mail.py", "web/app/loops.py"], ["web", "web/inner"], 13),
        (
            ["web/.hidden", "web/.hidden/app", "web/.hidden/app/mail.py", "web"],
            ["web", "web/.hidden", "web/inner"],
            19,
        ),
        ([".", "web/.hidden"], [".", "web", "web/.hidden", "web/inner"], 25),
        (["web/app/mail.py", "web/app/loops.py", "."], [".", "web", "web/inner"], 19),
    ],
)
def test_overlapping_paths(nested: Path, asked: list[str], at: list[str], files: int) -> None:
    expected = sorted((os.path.normpath(f"{folder}/{path}"), *rest) for folder in at for path, *rest in BOTH)
    for words in (asked, asked[::-1], asked * 2, [*asked, str(nested / asked[-1])]):
        report = engine.check_paths(words, None)
        assert sorted(places(report, nested)) == expected
        assert (report.files, report.tasks) == (files, 2 * len(at))


def test_a_file_named_together_with_its_folder_though_it_is_ignored(project: Path) -> None:
    (project / ".hidden").mkdir()
    (project / ".hidden/job.py").write_text((project / "app/mail.py").read_text())
    for words in ([".", ".hidden/job.py"], [".hidden/job.py", "."]):
        report = engine.check_paths([str(project / word) for word in words], None)
        assert report.files == 7
        assert (".hidden/job.py", 15, 11, "CEL111") in places(report, project)


def test_the_configuration_filters(project: Path) -> None:
    def codes(**overrides: object) -> list[str]:
        return [d.code for d in engine.check_paths([str(project)], None, overrides=overrides).diagnostics]

    assert codes() == ["CEL110", "CEL111"]
    assert codes(select="CEL110") == ["CEL110"]
    assert codes(ignore="asyncio-run-in-task") == ["CEL111"]
    assert codes(per_file_ignores="app/mail.py:CEL1") == ["CEL110"]
    assert codes(exclude="app/mail.py") == ["CEL110"]
    assert codes(pool="prefork") == codes(pool="prefork", cache="no")
    assert "CEL110" not in codes(pool="prefork")


def test_severities_filter_and_decide(project: Path) -> None:
    def outcome(**overrides: object) -> tuple[list[str], int]:
        report = engine.check_paths([str(project)], None, overrides=overrides)
        return [found.code for found in report.diagnostics], report.blocking

    assert outcome() == (["CEL110", "CEL111"], 2)  # a warning and an error
    assert outcome(fail_on="error") == (["CEL110", "CEL111"], 1)
    assert outcome(min_severity="error") == (["CEL111"], 1)
    assert outcome(min_severity="error", select="CEL110", fail_on="advice") == ([], 0)


def test_each_workspace_decides_when_it_fails(tmp_path: Path) -> None:
    for name, table in (("a", ""), ("b", "strict-parse = true\n")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "pyproject.toml").write_text(f"[tool.celery-lint]\nroot = true\n{table}")
        (tmp_path / name / "broken.py").write_text("print 'nothing of ours'\n")
    for paths in (["a", "b"], ["b", "a"]):
        report = engine.check_paths([str(tmp_path / path) for path in paths], None)
        assert ([os.path.basename(os.path.dirname(e.path)) for e in report.unparsed], report.blocking) == (
            ["b"],
            1,
        )


@pytest.mark.parametrize("text", ["print 'x'\n", "x = '\0'\n", "x = (\n"])
def test_strict_parse_parses_every_file(project: Path, text: str) -> None:
    (project / "app/other.py").write_text(text)
    overrides = {"strict-parse": True, "exclude": "app/mail.py"}
    report = engine.check_paths([str(project)], None, overrides=overrides)
    assert [os.path.basename(entry.path) for entry in report.unparsed] == ["other.py"]
    assert report.blocking == 2  # and the diagnostic that is left
    path = str(project / "app/other.py")
    assert engine.check_text(path, text, None, overrides=overrides).blocking == 1
    assert engine.check_text(path, text, None).blocking == 0
    assert engine.check_text(path, text, None, suppress=False).unparsed == []  # the linter around parses it
    report = engine.check_paths([str(project)], None, overrides={**overrides, "exclude": "app"})
    assert (report.unparsed, report.blocking) == ([], 0)


def test_the_files_that_would_be_checked(project: Path) -> None:
    everything = engine.files([str(project)])
    assert len(everything) == engine.check_paths([str(project)], None).files
    mail = str(project / "app/mail.py")
    assert engine.files([mail, str(project / "app")], {"exclude": "mail.py"}) == [
        path for path in everything if os.path.dirname(path).endswith("app") and path != mail
    ]
    assert engine.files([mail]) == [mail]


def test_noqa(project: Path) -> None:
    mail = project / "app/mail.py"
    mail.write_text(mail.read_text().replace("async def never():", "async def never():  # noqa: CEL111"))
    assert places(engine.check_paths([str(project)], None), project) == [LOOP]
    text = mail.read_text()
    assert places(engine.check_text(str(mail), text, None), project) == []
    left_to_the_caller = engine.check_text(str(mail), text, None, suppress=False)
    assert places(left_to_the_caller, project) == [samples.ASYNC_TASK]


def test_a_buffer_overlays_its_file(project: Path) -> None:
    mail = project / "app/mail.py"
    text = mail.read_text()
    assert places(engine.check_text(str(mail), text, None), project) == [samples.ASYNC_TASK]
    assert places(engine.check_text(str(mail), f"# a line\n{text}", None), project) == [
        ("app/mail.py", 16, 11, "CEL111")
    ]
    assert (
        places(engine.check_text(str(mail), text.replace("async def never", "def never"), None), project)
        == []
    )
    assert mail.read_text() == text


def test_a_buffer_decides_about_the_rest_of_the_project(project: Path) -> None:
    loops = project / "app/loops.py"
    assert places(engine.check_text(str(loops), loops.read_text(), None), project) == [LOOP]
    silent = loops.read_text().replace("asyncio.run(coroutine)", "coroutine")
    assert places(engine.check_text(str(loops), silent, None), project) == []


def test_a_buffer_that_is_no_file_yet(project: Path) -> None:
    text = "from app.celery import app\n\n\n@app.task\nasync def later():\n    ...\n"
    path = project / "app/new.py"
    assert places(engine.check_text(str(path), text, None), project) == [("app/new.py", 5, 11, "CEL111")]
    assert not path.exists()


def test_a_buffer_that_does_not_parse(project: Path) -> None:
    report = engine.check_text(str(project / "app/mail.py"), "def (", None)
    assert (report.diagnostics, [entry.line for entry in report.unparsed]) == ([], [1])
    assert report.unparsed[0].path == str(project / "app/mail.py")


@pytest.mark.parametrize("data", ["@x", b"\xff\xfe", "\0", "'''", b"# coding: nothing\n"])
def test_a_buffer_of_anything(project: Path, data: str | bytes) -> None:
    for path in (None, str(project / "app/mail.py"), str(project / "app/quiet.py")):
        assert engine.check_text(path, data, None).diagnostics == []


def test_two_rules_at_one_place_are_in_the_order_of_their_codes(tmp_path: Path) -> None:
    """The shorter stretch does not come first: reports of files and of their texts are the same."""
    text = (
        "import asyncio\nfrom celery import shared_task\n\n\nasync def load():\n    ...\n\n\n"
        "@shared_task(time_limit=5)\ndef refresh():\n"
        "    return asyncio.new_event_loop().run_until_complete(load())\n"
    )
    files = {"tasks.py": text, "pyproject.toml": samples.FILES["pyproject.toml"]}
    project = samples.write(tmp_path, {**files, "Procfile": samples.FILES["Procfile"]})
    path, wanted = str(project / "tasks.py"), {"preset": "all"}
    for report in (
        engine.check_paths([path], None, overrides=wanted),
        engine.check_text(path, text, None, overrides=wanted),
    ):
        assert [row[3] for row in places(report, project) if row[1] == 11] == ["CEL112", "CEL129"]
    options = load(str(project), {**wanted, "pool": "gevent"})
    codes = [found.code for found in engine.check_text(None, text, options).diagnostics if found.line == 11]
    assert codes == ["CEL112", "CEL129"]


def test_a_text_without_a_name_is_alone(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(project)
    text = "from celery import shared_task\n\n\n@shared_task(time_limit=5)\nasync def never():\n    ...\n"
    report = engine.check_text(None, text, None)
    assert [(d.path, d.line, d.code) for d in report.diagnostics] == [("<stdin>", 5, "CEL111")]


def test_columns_count_characters(project: Path) -> None:
    text = 'from celery import shared_task\n\nif "日本": f = shared_task(time_limit=1)\n'
    mail = project / "app/mail.py"
    assert engine.check_text(str(mail), text, None).diagnostics == []
    text = (
        '"日本"; import asyncio\nfrom celery import shared_task\n\n\n'
        '@shared_task(time_limit=1)\ndef t():\n    "日本語"; asyncio.run(f())\n'
    )
    found = engine.check_text(str(mail), text, None).diagnostics
    assert [(d.line, d.column) for d in found if d.code == "CEL110"] == [(7, 12)]


def test_unparsed_files_are_listed_where_they_matter(project: Path) -> None:
    (project / "app/broken.py").write_text("from celery import (\n")
    (project / "app/other.py").write_text("print 'nothing of ours'\n")
    report = engine.check_paths([str(project)], None)
    assert [os.path.basename(entry.path) for entry in report.unparsed] == ["broken.py"]
    assert places(report, project) == BOTH
    assert engine.check_paths([str(project / "app/mail.py")], None).unparsed == []


def test_a_file_that_is_named_is_parsed_whatever_words_it_holds(project: Path) -> None:
    (project / "app/other.py").write_text("print 'nothing of ours'\n")
    for paths in (["app/other.py"], ["app/mail.py", "app/other.py"], ["app", "app/other.py"]):
        report = engine.check_paths([str(project / path) for path in paths], None)
        assert [os.path.basename(entry.path) for entry in report.unparsed] == ["other.py"]
        assert report.blocking == len(report.diagnostics)  # without strict-parse


def test_an_ignored_file_is_checked_when_it_is_named(project: Path) -> None:
    text = (project / "app/mail.py").read_text()
    hidden = project / ".hidden"
    hidden.mkdir()
    (hidden / "job.py").write_text(text)
    assert places(engine.check_paths([str(project)], None), project) == BOTH
    report = engine.check_paths([str(hidden / "job.py")], None)
    assert (".hidden/job.py", 15, 11, "CEL111") in places(report, project)
    assert report.files == 1


@pytest.mark.parametrize("text, told", [("echo hi\n", "is not Python: invalid syntax"), ("x = 1\n", "")])
def test_a_named_file_that_is_no_python_has_passed_no_check(project: Path, text: str, told: str) -> None:
    """Any name may be that of a Python file, and what it holds tells."""
    (project / "run.sh").write_text(text)
    for strict in (False, True):
        report = engine.check_paths([str(project / "run.sh")], None, overrides={"strict-parse": strict})
        assert [entry.message for entry in report.unparsed] == ([told] if told else [])
        assert (report.files, report.diagnostics, report.blocking) == (1, [], int(strict and bool(told)))


class Failing(Rule):
    """A rule that fails.

    It is needed here only.
    """

    code = "CEL398"
    name = "failing"
    severity = "error"
    preset = "recommended"
    message = "never said"
    help = "none"

    @on(Tasks.all)
    def check(self, task: Task) -> list[Finding]:
        """Fail."""
        raise LookupError(f"no\n{task.label}")


def test_a_rule_that_fails_fails_alone(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from celery_lint.rules import all_rules

    monkeypatch.setattr("celery_lint.rules._registry", [*all_rules(), Failing])
    report = engine.check_paths([str(project)], None, overrides={"cache": False})
    assert report.failed
    told = [(line, code) for _, line, _, code in places(report, project)]
    assert told == [(5, "CEL110"), (10, "CEL999"), (15, "CEL111"), (15, "CEL999")]
    failure = next(d for d in report.diagnostics if d.code == "CEL999")
    assert "CEL398" in failure.message
    assert "LookupError" in failure.message
    assert "\n" not in failure.message


def test_facts_that_cannot_be_found_hide_no_others(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from celery_lint.analysis.limits.limits import Limits

    def failing(limits: Limits) -> None:
        raise LookupError("no limits")

    monkeypatch.setattr(SentLimits, "_sent", property(failing))
    monkeypatch.setattr(Limits, "pairs", property(failing))
    report = engine.check_paths([str(project)], None, overrides={"cache": False})
    assert report.failed
    codes = [code for *_, code in places(report, project)]
    assert sorted(set(codes)) == ["CEL110", "CEL111", "CEL999"]
    messages = [found.message for found in report.diagnostics if found.code == "CEL999"]
    assert "the search for Limits.pairs failed: LookupError: no limits" in messages


def test_describe(project: Path) -> None:
    description = engine.describe(str(project), load(str(project)))
    assert [entry.name for entry in description.tasks] == ["app.mail.deliver", "app.mail.never"]
    assert [entry.name for entry in description.apps] == ["app"]
    assert [(entry.name, entry.line) for entry in description.pools] == [("gevent", 1)]


def test_describe_task(tmp_path: Path) -> None:
    """By each of its names: how it is called, with which options, by whom."""
    (tmp_path / "pyproject.toml").write_text("[tool.celery-lint]\nroot = true\n")
    (tmp_path / "shop.py").write_text(
        "from celery import Celery, shared_task\nfrom third import traced, Base\napp = Celery('shop')\n"
        "@app.task(bind=True, queue='slow', throws=(KeyError,), max_retries=3)\n"
        "def bill(self, order, copies=1): ...\n"
        "@shared_task(base=Base)\n@traced\ndef ship(order): ...\n"
        "TASKS = {'bill': bill}\n"
        "def ordered(order, more):\n    bill.delay(order, copies=2)\n    bill.apply_async(more)\n"
        "    ship.s(*more)\n"
        "@app.task(time_limit=60 * 2)\ndef count(): ...\n@app.task\ndef alone(): ...\n"
        "app.conf.task_soft_time_limit = 50\n"
        "app.conf.beat_schedule = {'hourly': {'task': 'shop.count', 'schedule': 3600}}\n"
    )
    bill = engine.describe_task(str(tmp_path), load(str(tmp_path)), "bill")
    assert bill == engine.describe_task(str(tmp_path), load(str(tmp_path)), "shop.bill")
    assert [(entry.name, entry.detail) for entry in bill.tasks] == [("shop.bill", "of app in shop.py")]
    assert [(entry.name, entry.detail) for entry in bill.signature] == [
        ("(order, copies=…)", "compared when it is sent")
    ]
    assert [(entry.name, entry.detail) for entry in bill.options] == [
        ("bind", "True"),
        ("max_retries", "3"),
        ("queue", "'slow'"),
        ("soft_time_limit", "50, by `task_soft_time_limit`"),
        ("throws", "(KeyError)"),
    ]
    assert [entry.name for entry in bill.queues] == ["slow"]
    assert [(entry.name, entry.line, entry.detail) for entry in bill.sent_by] == [
        ("delay", 11, "with 1 by position, copies"),
        ("apply_async", 12, "with arguments that cannot be read"),
    ]
    assert [(entry.name, entry.detail) for entry in bill.registries] == [("TASKS", "under 'bill'")]
    ship = engine.describe_task(str(tmp_path), load(str(tmp_path)), "ship")
    assert [entry.detail for entry in ship.signature] == [
        "`@third.traced` below the task decorator may change its arguments"
    ]
    assert [entry.name for entry in ship.options] == ["base", "soft_time_limit", "others"]
    assert [entry.detail for entry in ship.sent_by] == ["with 0 by position and more"]
    scheduled = engine.describe_task(str(tmp_path), load(str(tmp_path)), "count")
    assert [(entry.name, entry.detail) for entry in scheduled.options] == [
        ("soft_time_limit", "50, by `task_soft_time_limit`"),
        ("time_limit", "120"),
    ]
    assert [(entry.name, entry.detail) for entry in scheduled.sent_by] == [("beat", "entry 'hourly'")]
    alone = engine.describe_task(str(tmp_path), load(str(tmp_path)), "alone")
    assert [entry.name for entry in alone.sent_by] == ["nobody"]
    assert engine.describe_task(str(tmp_path), load(str(tmp_path)), "gone").tasks == []


def test_clean(project: Path) -> None:
    assert engine.clean(str(project)) == []
    engine.check_paths([str(project)], None)
    assert engine.clean(str(project)) == [os.path.join(os.environ["XDG_CACHE_HOME"], "celery-lint")]
    assert engine.clean(str(project)) == []
