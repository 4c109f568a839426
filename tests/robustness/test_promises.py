"""The promises of ``SECURITY.md``, kept by the command and by what the plugins ask, in hostile folders."""

from __future__ import annotations

import io
import os
import random
import sys
from pathlib import Path

import pytest

from celery_lint import engine
from celery_lint.frontends import host
from celery_lint.frontends.cli import main
from scripts.hunt import hostile, workspaces
from scripts.hunt.watch import Watch

WAYS = {
    "check": ["check", "{}"],
    "concise": ["check", "--output-format", "concise", "{}"],
    "json": ["check", "--output-format", "json", "--no-cache", "{}"],
    "statistics": ["check", "--statistics", "{}"],
    "one file": ["check", "{}/shop/tasks.py"],
    "a text": ["check", "--stdin-filename", "{}/shop/tasks.py", "-"],
    "project": ["project", "{}"],
    "clean": ["clean", "{}"],
}
TRIALS = range(20)


@pytest.fixture
def places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Path, Watch]:
    """A folder for the workspace, and who watches what is done outside of it."""
    for variable, name in {"XDG_CACHE_HOME": "cache", "TMPDIR": "temporary", "HOME": "home"}.items():
        (tmp_path / name).mkdir()
        monkeypatch.setenv(variable, str(tmp_path / name))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "home" / "settings"))
    folder = tmp_path / "outer" / "project"
    folder.mkdir(parents=True)
    (tmp_path / "secret.py").write_text("PASSWORD = 'open sesame'\n")
    watch = Watch([str(folder)], [str(tmp_path / "cache"), str(tmp_path / "temporary")])
    # Modules that are imported when first needed are found by looking around on the path.
    monkeypatch.setattr(sys, "path", [path for path in sys.path if os.path.isabs(path)])
    return folder, watch


@pytest.mark.parametrize("way", WAYS)
def test_the_command(
    way: str,
    places: tuple[Path, Watch],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    folder, watch = places
    seen: list[str] = []
    codes = set()
    for number in TRIALS:
        made = folder / str(number)
        workspaces.write(made, hostile.files(random.Random(f"promises/{number}")))
        before = sorted(path for path in made.rglob("*"))
        monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(hostile.TASK)))
        with watch.watching() as heard:
            codes.add(main([argument.replace("{}", str(made)) for argument in WAYS[way]]))
        seen += heard
        shown = capsys.readouterr()
        assert "open sesame" not in shown.out
        assert all(line.isprintable() for line in (shown.out + shown.err).split("\n"))
        assert sorted(path for path in made.rglob("*")) == before
    assert seen == []
    assert codes <= {0, 1, 2}
    assert (0 if way in ("project", "clean") else 1) in codes
    assert list((folder.parent.parent / "temporary").iterdir()) == []


def test_what_the_plugins_ask(places: tuple[Path, Watch]) -> None:
    folder, watch = places
    told = []
    for number in TRIALS:
        made = folder / str(number)
        workspaces.write(made, hostile.files(random.Random(f"promises/{number}")))
        engine._workspaces.clear()
        engine._settings_of.clear()
        with watch.watching() as seen:
            told += host.diagnostics(str(made / "shop" / "tasks.py"), hostile.TASK, ())
        assert seen == []
    engine._workspaces.clear()
    assert "CEL110" in {found.code for found in told}
    assert all(found.message.isprintable() for found in told)
