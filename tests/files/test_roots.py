"""The workspace that a path belongs to."""

from __future__ import annotations

from pathlib import Path

import pytest

from celery_lint.files.roots import is_marked, workspace

ROOT = "[tool.celery-lint]\nroot = true\n"


def lay_out(folder: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        path = folder / name
        if name.endswith("/"):
            path.mkdir(parents=True, exist_ok=True)
        else:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)


@pytest.mark.parametrize(
    "files, path, expected",
    [
        ({"a/b/c.py": ""}, "a/b/c.py", "a/b"),
        ({"a/b/c.py": ""}, "a/b", "a/b"),
        ({"a/b/c.py": ""}, "a/b/unsaved.py", "a/b"),
        ({"a/b/c.py": "", "a/setup.py": ""}, "a/b/c.py", "a"),
        ({"a/b/c.py": "", "a/b/manage.py": "", "a/requirements.txt": ""}, "a/b/c.py", "a"),
        ({"a/b/c.py": "", "a/b/.git/": "", "a/setup.py": ""}, "a/b/c.py", "a/b"),
        ({"a/b/c.py": "", "a/.git": "gitdir: elsewhere", "a/b/setup.py": ""}, "a/b/c.py", "a"),
        ({"a/b/c.py": "", "a/.hg/": "", "a/b/setup.py": ""}, "a/b/c.py", "a"),
        ({"a/b/c.py": "", "a/.git/": "", "a/b/pyproject.toml": ROOT}, "a/b/c.py", "a/b"),
        ({"a/b/c.py": "", "a/.git/": "", "a/b/setup.cfg": "[celery-lint]\nroot = true"}, "a/b/c.py", "a/b"),
        ({"a/b/c.py": "", "a/.git/": "", "pyproject.toml": ROOT}, "a/b/c.py", "a"),  # beyond the checkout
        ({"a/b/c.py": "", "a/setup.py": "", "pyproject.toml": ROOT}, "a/b/c.py", "."),
        # "home" is the home folder of these tests
        ({"home/a/c.py": "", "home/setup.cfg": ""}, "home/a/c.py", "home/a"),
        ({"home/a/c.py": "", "home/.git/": ""}, "home/a/c.py", "home/a"),
        ({"home/a/c.py": "", "home/.git/": "", "home/manage.py": ""}, "home/a/c.py", "home"),
        ({"home/a/c.py": "", "home/pyproject.toml": ROOT}, "home/a/c.py", "home"),
        ({"home/a/c.py": "", "setup.py": ""}, "home/a/c.py", "home/a"),
    ],
)
def test_workspace(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, files: dict[str, str], path: str, expected: str
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("USERPROFILE", str(tmp_path / "home"))
    lay_out(tmp_path, files)
    assert workspace(str(tmp_path / path)) == str((tmp_path / expected).resolve())


def test_links_and_relative_paths_come_to_the_same_root(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lay_out(tmp_path, {"real/setup.py": "", "real/app/tasks.py": ""})
    (tmp_path / "link").symlink_to("real")
    monkeypatch.chdir(tmp_path / "real" / "app")
    expected = str((tmp_path / "real").resolve())
    for path in ("tasks.py", ".", "", "../app/tasks.py", f"{tmp_path}/link/app/tasks.py"):
        assert workspace(path) == expected


@pytest.mark.parametrize(
    "name, text, marked",
    [
        ("pyproject.toml", ROOT, True),
        ("pyproject.toml", "[ tool . 'celery-lint' ]  # ours\nselect = ['CEL1']\nroot=true # yes\n", True),
        ("pyproject.toml", '[tool."celery-lint"]\r\n"root" = true\r\n', True),
        ("pyproject.toml", "tool.celery-lint = {preset = 'all', root = true}\n", True),
        ("pyproject.toml", "[tool]\ncelery-lint.root = true\n", True),
        ("pyproject.toml", '[tool.celery-lint]\nexclude = """\n[x]\n"""\nroot = true\n', True),
        ("pyproject.toml", '[tool.x]\ny = """\n[tool.celery-lint]\nroot = true\n"""\n', False),
        ("pyproject.toml", "[tool.celery-lint]\nroot = true\n[", False),
        ("pyproject.toml", "[tool.celery-lint]\nroot = false\n", False),
        ("pyproject.toml", "[tool.celery-lint]\n# root = true\n", False),
        ("pyproject.toml", "[tool.celery-lint]\n[tool.other]\nroot = true\n", False),
        ("pyproject.toml", "[tool.celery-lint-extra]\nroot = true\n", False),
        ("pyproject.toml", "[tool.other]\nroot = true\n", False),
        ("pyproject.toml", "\xff\0[[[", False),
        ("setup.cfg", "[metadata]\n[celery-lint]\nRoot = yes\n", True),
        ("setup.cfg", "[tool.celery-lint]\nroot = true\n", False),
        ("pyproject.toml/", "", False),
    ],
)
def test_marker(tmp_path: Path, name: str, text: str, marked: bool) -> None:
    lay_out(tmp_path, {name: text})
    assert is_marked(str(tmp_path)) is marked
