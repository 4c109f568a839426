"""What a help suggests is something that would work."""

from __future__ import annotations

from pathlib import Path

import pytest

from celery_lint import engine
from tests import samples
from tests.fixture_corpus import FOLDER


def test_a_guess_by_the_last_word_is_of_a_task_that_the_entry_lacks() -> None:
    """None that beat sends already, and none that fails at its first import."""
    folder = FOLDER / "CEL723" / "only_the_last_word_is_the_same"
    report = engine.check_paths([str(folder)], None, overrides={"cache": False})
    helps = {each.message.split("`")[1].rpartition(".")[2]: each.help or "" for each in report.diagnostics}
    assert helps["count_bills"] == "did you mean `shop.jobs.count_bills`?"
    assert not helps["send_digest"].startswith("did you mean")
    assert not helps["count_orders"].startswith("did you mean")


OPTIONS = "[tool.celery-lint]\nroot = true\n"
TASKS = (
    "from celery import Celery\n\napp = Celery('shop')\napp.conf.task_ignore_result = {otherwise}\n\n\n"
    "@app.task(ignore_results={given})\ndef work(x):\n    print(x)\n"
)
VIEW = "from celery import chain, chord, group\nfrom tasks import app, work\n\n\ndef view(x):\n    {}\n"


@pytest.mark.parametrize(
    "use",
    [
        "return work.delay(x)",
        "sent = work.delay(x)\n    return {'id': sent.id}",
        "sent = work.delay(x)\n    if sent.ready():\n        x.save()",
        "sent = app.send_task('tasks.work', (x,))\n    x.save(sent.id)",
        "x.task = work.delay(x)",
        "x.task_id = work.delay(x).id",
        "x.append(work.delay(x))",
        "work.apply_async((x,), task_id=x.id)",
        "x.later(lambda: work.delay(x))",
        "work.s(x).apply_async().get()",
        "return chain(work.s(x), work.s())()",
        "chord([work.s(x)])(x)",
        "(group(work.s(y) for y in x) | work.s()).delay()",
    ],
)
def test_no_option_is_proposed_that_takes_a_result_away(tmp_path: Path, use: str) -> None:
    assert helped(tmp_path, use) == "leave it out: with `ignore_result=` the result of `work` would be lost"
    assert helped(tmp_path, use, given=False).startswith("write `ignore_result=`")


@pytest.mark.parametrize(
    "use",
    [
        "work.delay(x)",
        "[work.delay(y) for y in x]",
        "sent = work.delay(x)\n    print(sent.id)",
        "sent = work.delay(x)",
        "print(work.delay(x).id)",
        "x.on_commit(lambda: work.delay(x))",
        "work.s(x).apply_async()",
        "work.apply_async((x,), ignore_result=False)",
        "chain(work.s(x), work.s())()",
        "group(work.s(y) for y in x)()",
    ],
)
def test_an_option_is_proposed_where_nobody_takes_the_result(tmp_path: Path, use: str) -> None:
    assert helped(tmp_path, use) == "write `ignore_result=`: `work` runs without it now"


def helped(folder: Path, use: str, given: bool = True) -> str:
    tasks = TASKS.format(given=given, otherwise=not given)
    samples.write(folder, {"pyproject.toml": OPTIONS, "tasks.py": tasks, "views.py": VIEW.format(use)})
    report = engine.check_paths([str(folder)], None, overrides={"cache": False, "select": ["CEL310"]})
    (found,) = report.diagnostics
    return found.help
