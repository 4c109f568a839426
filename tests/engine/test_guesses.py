"""What a help suggests is something that would work."""

from __future__ import annotations

from celery_lint import engine
from tests.fixture_corpus import FOLDER


def test_a_guess_by_the_last_word_is_of_a_task_that_the_entry_lacks() -> None:
    """None that beat sends already, and none that fails at its first import."""
    folder = FOLDER / "CEL723" / "only_the_last_word_is_the_same"
    report = engine.check_paths([str(folder)], None, overrides={"cache": False})
    helps = {each.message.split("`")[1].rpartition(".")[2]: each.help or "" for each in report.diagnostics}
    assert helps["count_bills"] == "did you mean `shop.jobs.count_bills`?"
    assert not helps["send_digest"].startswith("did you mean")
    assert not helps["count_orders"].startswith("did you mean")
