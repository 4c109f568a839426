"""Automatic edits: every fixture is fixed, what comes out is checked, and little cases say what stays."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from pathlib import Path

import pytest

from celery_lint import engine
from celery_lint.configuration import load
from celery_lint.diagnostics import Report
from celery_lint.engine.fixing import Fixed, fixable, fixed
from celery_lint.fixes.edits import EDITS
from celery_lint.options import Configuration
from celery_lint.rules import all_rules
from tests.fixture_reports import report_of_all_rules

FIXTURES = Path(__file__).parents[2] / "fixtures"
LIMITS = ", soft_time_limit=50, time_limit=60"


def fix(path: Path, unsafe: bool = True, preset: str = "all") -> tuple[Report, list[Fixed]]:
    """What is said about a file, and how it can be fixed."""
    configuration = load(str(path.parent), {"preset": preset, "cache": False})

    def check(texts: Mapping[str, str]) -> Report:
        return engine.check_texts(texts, configuration)

    report = engine.check_paths([str(path)], configuration)
    return report, list(fixed(report, unsafe, check))


def test_each_rule_with_edits_says_so() -> None:
    assert sorted(EDITS) == sorted(rule.code for rule in all_rules() if rule.fixable)


@pytest.mark.parametrize("code", sorted(EDITS))
def test_the_fixtures_of_a_rule_are_fixed(code: str) -> None:
    """Some of them at least; the text is another, compiles, and is said less of."""
    mended: Counter[str] = Counter()
    for case in sorted(path for path in (FIXTURES / code).iterdir() if path.is_dir()):
        before = report_of_all_rules(case)
        configuration = load(str(case), {"preset": "all", "cache": False})

        def check(texts: Mapping[str, str], configuration: Configuration = configuration) -> Report:
            return engine.check_texts(texts, configuration)

        for file in fixed(before, True, check):
            compile(file.after, file.path, "exec", dont_inherit=True)
            after = engine.check_text(file.path, file.after, configuration)
            was = Counter(d.code for d in before.diagnostics if d.path == file.path)
            assert not Counter(d.code for d in after.diagnostics) - (was - file.codes)
            assert not after.unparsed
            assert code in ABOUT_COMMENTS or comments(file.after) == comments(file.before)
            mended += file.codes
    assert mended[code]


ABOUT_COMMENTS = ("CEL001", "CEL002")


def comments(data: bytes) -> list[str]:
    """The comments of a file, which an edit leaves as they are."""
    return [line.partition("#")[2] for line in data.decode().splitlines() if "#" in line]


def written(folder: Path, text: str) -> Path:
    (folder / "celery-lint.toml").unlink(missing_ok=True)
    path = folder / "tasks.py"
    path.write_bytes(text.encode())
    return path


HEAD = f"""from celery import Celery, shared_task
from celery.schedules import crontab

app = Celery("shop", broker="redis://localhost")


@shared_task(ignore_result=True{LIMITS})
def remind(user, often=1):
    print(user, often)


"""
CASES = {
    "options behind arguments": (
        "def f(u):\n    remind.delay(u, often=2, countdown=5)  # soon\n",
        'def f(u):\n    remind.apply_async((u,), kwargs={"often": 2}, countdown=5)  # soon\n',
    ),
    "several arguments keep their lines": (
        "remind.delay(\n    1,\n    # twice\n    2,\n    countdown=5,\n)\n",
        "remind.apply_async(\n    (1,\n    # twice\n    2),\n    countdown=5,\n)\n",
    ),
    "options among arguments": ("def f(u):\n    remind.delay(u, countdown=5, often=2)\n", None),
    "stars hide arguments": ("def f(u):\n    remind.delay(*u, countdown=5)\n", None),
    "a crontab over several lines": (
        "S = crontab(\n    hour=2,  # at night\n)\n",
        "S = crontab(\n    hour=2,  # at night\n    minute=0,\n)\n",
    ),
    "a crontab without a comma at the end": (
        "S = crontab(\n    hour=2\n)\n",
        "S = crontab(\n    hour=2, minute=0\n)\n",
    ),
    "an hour that is every hour": ('S = crontab(hour="*", day_of_week=1)\n', None),
    "characters of several bytes before it": (
        'S = {"ü": crontab(hour=2)}; T = "é"\n',
        'S = {"ü": crontab(hour=2, minute=0)}; T = "é"\n',
    ),
    "two in one line": (
        "S = [crontab(hour=2), crontab(hour=3)]\n",
        "S = [crontab(hour=2, minute=0), crontab(hour=3, minute=0)]\n",
    ),
}


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_a_case(tmp_path: Path, name: str, end: str) -> None:
    before, after = CASES[name]
    path = written(tmp_path, (HEAD + before).replace("\n", end))
    report, files = fix(path, preset="recommended")
    assert [d.code for d in fixable(report, True)]
    if after is None:
        assert files == []
        return
    (file,) = files
    assert file.after.decode() == (HEAD + after).replace("\n", end)
    path.write_bytes(file.after)
    assert fix(path, preset="recommended")[1] == []  # a second run changes nothing


def test_only_safe_edits_if_no_others_are_asked_for(tmp_path: Path) -> None:
    path = written(tmp_path, HEAD + "S = crontab(hour=2)\n\n\ndef f(u):\n    remind.delay(u, countdown=5)\n")
    _, (file,) = fix(path, unsafe=False, preset="recommended")
    assert file.codes == {"CEL611": 1}
    assert b"crontab(hour=2)\n" in file.after


def test_an_edit_that_makes_another_diagnostic_is_not_made(tmp_path: Path) -> None:
    """A limit that comes into force lacks its other half, which the preset `all` tells."""
    text = HEAD + "@shared_task(timelimit=5)\ndef other():\n    return 1\n\n\nS = crontab(hour=2)\n"
    path = written(tmp_path, text)
    _, (file,) = fix(path)
    assert file.codes == {"CEL810": 1}


def test_all_files_are_judged_at_once(tmp_path: Path) -> None:
    """Each time is one run over the whole project."""
    calls = []
    configuration = load(str(tmp_path), {"cache": False})

    def check(texts: Mapping[str, str]) -> Report:
        calls.append(sorted(texts))
        return engine.check_texts(texts, configuration)

    for count in (1, 6):
        for number in range(count):
            (tmp_path / f"m{number}.py").write_text(HEAD + "S = [crontab(hour=2), crontab(hour=3)]\n")
        calls.clear()
        files = list(fixed(engine.check_paths([str(tmp_path)], configuration), True, check))
        assert (len(files), [len(texts) for texts in calls]) == (count, [count])
        assert all(file.codes == {"CEL810": 2} for file in files)


def test_what_does_harm_is_searched_for_by_halves(tmp_path: Path) -> None:
    calls = []
    configuration = load(str(tmp_path), {"cache": False, "select": "CEL810"})

    def check(texts: Mapping[str, str]) -> Report:
        calls.append(texts)
        report = engine.check_texts(texts, configuration)
        harmed = [d._replace(code="X") for d in before.diagnostics if "hour=7, minute=0" in texts[d.path]]
        return report._replace(diagnostics=[*report.diagnostics, *harmed])

    for name in ("a", "b"):
        hours = ", ".join(f"crontab(hour={hour})" for hour in range(16))
        (tmp_path / f"{name}.py").write_text(f"from celery.schedules import crontab\n\nS = [{hours}]\n")
    before = engine.check_paths([str(tmp_path)], configuration)
    for file in fixed(before, True, check):
        assert file.codes == {"CEL810": 15}
        assert b"crontab(hour=7)," in file.after
    assert len(calls) < 2 * 2 * 10


def test_a_byte_order_mark_stays(tmp_path: Path) -> None:
    path = written(tmp_path, "\ufeff" + HEAD + "S = crontab(hour=2)\n")
    _, (file,) = fix(path, preset="recommended")
    assert file.after == ("\ufeff" + HEAD + "S = crontab(hour=2, minute=0)\n").encode()


def test_another_encoding_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "tasks.py"
    path.write_bytes(("# coding: latin-1\n# \xe9\n" + HEAD + "S = crontab(hour=2)\n").encode("latin-1"))
    report, files = fix(path, preset="recommended")
    assert [d.code for d in report.diagnostics] == ["CEL810"]
    assert files == []


LOOPING = """\
from celery import shared_task
from django.db import transaction


@shared_task
def sync(pk): ...


def one(pk):
    transaction.on_commit(sync.delay(pk))


def all_of(pks):
    for pk in pks:
        transaction.on_commit(sync.delay(pk))
"""


def test_a_callback_in_a_loop_would_read_its_last_name(tmp_path: Path) -> None:
    _, [file] = fix(written(tmp_path, LOOPING))
    assert file.after.decode() == LOOPING.replace("commit(sync", "commit(lambda: sync", 1)


RUNNING = """\
import asyncio

from celery import shared_task


async def ready(number=1): ...


async def needing(number): ...


@shared_task
def task():
    asyncio.run(ready)
    asyncio.run(needing)
"""


def test_only_what_needs_no_arguments_is_called(tmp_path: Path) -> None:
    _, [file] = fix(written(tmp_path, RUNNING))
    assert file.codes["CEL124"] == 1
    assert "run(ready())" in file.after.decode()
    assert "run(needing)" in file.after.decode()


CAUSES = """\
from celery import shared_task


@shared_task(bind=True, max_retries=3)
def task(self):
    try:
        open("/data")
    except (OSError  # a: b
    ):
        raise self.retry(countdown=10)
    except ValueError as error:
        raise self.retry()
"""


def test_the_cause_of_a_retry_is_named_where_it_can_be(tmp_path: Path) -> None:
    _, [file] = fix(written(tmp_path, CAUSES))
    after = file.after.decode()
    assert "raise self.retry(exc=error)" in after
    assert "# a: b\n    ):\n        raise self.retry(countdown=10)\n" in after
