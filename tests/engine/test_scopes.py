"""Options for a part of a workspace: rules and severities by the closest table, the rest for all."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from celery_lint import engine
from celery_lint.configuration import ConfigurationError, load
from celery_lint.engine.scopes import Scopes, closest_table, nested_folders
from tests import samples

TABLE = "[tool.celery-lint]\n"


@pytest.fixture(autouse=True)
def _fresh() -> Iterator[None]:
    engine._workspaces.clear()
    engine._settings_of.clear()
    yield
    engine._workspaces.clear()
    engine._settings_of.clear()


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A checkout with a project in each of two folders; only the folders have configuration files."""
    subprocess.run(["git", "init", "-q", str(tmp_path)], check=True)
    for folder in ("one", "two"):
        samples.write(tmp_path / folder)
        (tmp_path / folder / "pyproject.toml").write_text("[project]\nname = 'x'\n")
    return tmp_path


def found(paths: list[Path], **overrides: object) -> list[str]:
    report = engine.check_paths([str(path) for path in paths], None, overrides=overrides)
    return [f"{Path(diagnostic.path).parts[-3]} {diagnostic.code}" for diagnostic in report.diagnostics]


BOTH = ["one CEL110", "one CEL111", "two CEL110", "two CEL111"]


def test_rules_are_those_of_the_closest_table(checkout: Path) -> None:
    assert found([checkout]) == BOTH
    (checkout / "one/pyproject.toml").write_text(TABLE + 'select = ["CEL111"]\n')
    assert found([checkout]) == ["one CEL111", "two CEL110", "two CEL111"]
    assert found([checkout / "one"]) == ["one CEL111"]
    (checkout / "pyproject.toml").write_text(TABLE + 'ignore = ["CEL111"]\n')
    assert found([checkout]) == ["one CEL111", "two CEL110"]  # nothing is inherited
    (checkout / "one/app/setup.cfg").write_text("[celery-lint]\nexclude = mail.py\n")
    assert found([checkout]) == ["one CEL110", "two CEL110"]
    assert found([checkout], ignore="CEL110") == []
    assert found([checkout], config=str(checkout / "pyproject.toml")) == ["one CEL110", "two CEL110"]


def test_a_table_below_the_top_may_extend_that_at_the_top(checkout: Path) -> None:
    (checkout / "pyproject.toml").write_text(TABLE + 'pool = ["prefork"]\nignore = ["CEL111"]\n')
    below = checkout / "one/pyproject.toml"
    below.write_text(TABLE + 'extend = "../pyproject.toml"\n')
    assert found([checkout]) == []
    below.write_text(TABLE + 'extend = "../pyproject.toml"\nignore = []\n')
    assert found([checkout]) == ["one CEL111"]
    (checkout / "pyproject.toml").write_text(TABLE + 'ignore = ["CEL111"]\n')
    assert found([checkout]) == ["one CEL110", "one CEL111", "two CEL110"]  # nothing of it was kept
    below.write_text(TABLE + 'root = true\nextend = "../pyproject.toml"\nextend-ignore = ["CEL110"]\n')
    assert found([checkout]) == ["two CEL110"]


def test_a_buffer_has_the_options_of_its_file(checkout: Path) -> None:
    (checkout / "one/pyproject.toml").write_text(TABLE + 'ignore = ["CEL111"]\n')
    for folder, expected in (("one", []), ("two", ["CEL111"])):
        path = checkout / folder / "app/mail.py"
        report = engine.check_text(str(path), path.read_text() + "\n", None)
        assert [diagnostic.code for diagnostic in report.diagnostics] == expected


def test_failing_is_decided_where_the_file_lies(checkout: Path) -> None:
    (checkout / "one/pyproject.toml").write_text(TABLE + 'fail-on = "error"\nstrict-parse = true\n')
    for folder in ("one", "two"):
        (checkout / folder / "broken.py").write_text("print 'nothing of ours'\n")
    report = engine.check_paths([str(checkout)], None)
    assert len(report.diagnostics) == 4
    assert [os.path.relpath(entry.path, checkout) for entry in report.unparsed] == ["one/broken.py"]
    assert report.blocking == 1 + 1 + 2  # the error and the broken file of one, both diagnostics of two


def test_what_the_linter_cannot_see_is_one_answer_for_all(checkout: Path) -> None:
    assert found([checkout]) == BOTH
    (checkout / "one/pyproject.toml").write_text(TABLE + 'pool = ["prefork"]\n')
    assert found([checkout]) == ["one CEL111", "two CEL111"]
    assert found([checkout]) == ["one CEL111", "two CEL111"]  # from the cache
    (checkout / "one/pyproject.toml").write_text(TABLE)
    assert found([checkout]) == BOTH


def test_lists_are_put_together(checkout: Path) -> None:
    (checkout / "one/pyproject.toml").write_text(TABLE + 'pool = ["gevent"]\nbroker = "redis"\n')
    (checkout / "two/pyproject.toml").write_text(TABLE + 'pool = ["gevent", "solo"]\nbroker = "redis"\n')
    scopes = Scopes(str(checkout), load(str(checkout)), ["one", "two"])
    assert scopes.whole()._replace(pool=()) == load(str(checkout))._replace(broker="redis")
    assert scopes.whole().pool == ("gevent", "solo")
    (checkout / "pyproject.toml").write_text(TABLE + 'pool = ["prefork"]\nbroker = "amqp"\n')
    scopes = Scopes(str(checkout), load(str(checkout)), ["one", "two"])
    assert (scopes.whole().pool, scopes.whole().broker) == (("prefork", "gevent", "solo"), "amqp")


def test_a_contradiction_is_told(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(checkout)
    (checkout / "one/pyproject.toml").write_text(TABLE + 'broker = "redis"\n')
    (checkout / "two/pyproject.toml").write_text(TABLE + 'broker = "amqp"\n')
    expected = r"^two: broker differs from that of one: set it at the top, or root = true to make the folder "
    with pytest.raises(ConfigurationError, match=expected):
        found([checkout])
    assert found([checkout], broker="sqs") == BOTH


def test_where_tables_are(checkout: Path) -> None:
    files = ["pyproject.toml", "one/pyproject.toml", "two/setup.cfg", "two/deep/setup.cfg", "one/.gitignore"]
    (checkout / "two/setup.cfg").write_text("[celery-lint]\npreset = all\n")
    assert nested_folders(files) == {"one", "two", "two/deep"}
    assert closest_table(str(checkout / "two/app"), str(checkout)) == str(checkout / "two")
    assert closest_table(str(checkout / "one/app"), str(checkout)) == str(checkout)
    assert closest_table(os.sep, str(checkout)) == str(checkout)
    (checkout / "one/pyproject.toml").write_text("[tool.celery-lint\n")
    with pytest.raises(ConfigurationError, match="is not valid TOML"):
        Scopes(str(checkout), load(str(checkout)), ["one"])


def test_a_workspace_within_is_checked_with_its_own_options(checkout: Path) -> None:
    (checkout / "pyproject.toml").write_text(TABLE + 'pool = ["prefork"]\n')
    assert found([checkout]) == ["one CEL111", "two CEL111"]
    (checkout / "one/pyproject.toml").write_text(TABLE + "root = true\n")
    expected = ["one CEL110", "one CEL111", "two CEL111"]
    assert found([checkout]) == expected
    assert found([checkout, checkout / "one"]) == expected
    assert found([checkout / "two"]) == ["two CEL111"]
    everything = engine.files([str(checkout)])
    assert len(everything) == engine.check_paths([str(checkout)], None).files == 12


@pytest.mark.parametrize("table", [TABLE + "root = true\n", TABLE + 'preset = "house"\n', ""])
@pytest.mark.parametrize("pattern", ["one", "one/**/*.py", "./one/", "*/app"])
def test_what_is_left_out_stays_out_whatever_it_holds(checkout: Path, table: str, pattern: str) -> None:
    """A folder that is excluded may be a project of its own, or have a table of its own."""
    (checkout / "one/pyproject.toml").write_text(table)
    others = [] if pattern == "*/app" else ["two CEL110", "two CEL111"]
    assert found([checkout], exclude=pattern) == others
    assert len(engine.files([str(checkout)], {"exclude": pattern})) == 3 * len(others)
    (checkout / "pyproject.toml").write_text(f'{TABLE}exclude = ["{pattern}"]\n')
    if pattern in ("one", "./one/") or "preset" not in table:  # else the closest table decides
        assert found([checkout]) == others
    if "root" in table:
        assert found([checkout / "one"]) == ["one CEL110", "one CEL111"]


def test_a_folder_that_is_left_out_is_not_looked_into(checkout: Path) -> None:
    for wrong in ("root = true\nselect = 5\n", "select = 5\n", "["):
        (checkout / "one/pyproject.toml").write_text(TABLE + wrong)
        with pytest.raises(ConfigurationError, match=r"select|is not valid TOML"):
            found([checkout])
        assert found([checkout], exclude="one") == ["two CEL110", "two CEL111"]
