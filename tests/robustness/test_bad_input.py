"""No file on earth may crash the linter: what the lower layers make of the worst of them.

Everything runs in a process of its own where it could take the interpreter down.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from celery_lint import engine
from celery_lint.files.commands.launch import read as read_launch_files
from celery_lint.files.discovery import discover
from celery_lint.files.library import facts_of
from celery_lint.files.roots import workspace
from celery_lint.model.facts import Module
from celery_lint.source import NotParsed, read

SOURCES = {
    "empty": b"",
    "blank": b"\n \n\t\n\f",
    "null byte": b"x = 1\0\n",
    "wrong cookie": b"# coding: latin-99\n",
    "cookie of no text": b"# coding: hex\n",
    "cookie that lies": b"# coding: utf-8\nx = '\xff'\n",
    "cookie against the mark": b"\xef\xbb\xbf# coding: latin-1\n",
    "half a mark": b"\xef\xbbx = 1\n",
    "utf-16": "x = 1\n".encode("utf-16"),
    "utf-16 without mark": "x = 1\n".encode("utf-16-be"),
    "utf-32": "x = 1\n".encode("utf-32"),
    "random": bytes(range(256)) * 64,
    "carriage returns": b"x = 1\rdef f():\r    return 2\r",
    "form feeds": b"\fx = 1\n\f\ndef f():\n\f    return 2\n",
    "line separators": "x = '\u2028\u2029\x85\x0b\x1c'\ny = 2\n".encode(),
    "10,000 terms": b"x = " + b" + ".join([b"1"] * 10_000),
    "1,000,000 terms": b"x = " + b"+".join([b"1"] * 1_000_000),
    "100,000 attributes": b"x = a" + b".a" * 100_000,
    "100,000 calls": b"x = a" + b"()" * 100_000,
    "100,000 subscripts": b"x = a" + b"[0]" * 100_000,
    "1,000 parentheses": b"x = " + b"(" * 1_000 + b")" * 1_000,
    "1,000 lists": b"x = " + b"[" * 1_000 + b"]" * 1_000,
    "100,000 signs": b"x = " + b"-" * 100_000 + b"1",
    "100,000 nots": b"x = " + b"not " * 100_000 + b"1",
    "10,000 powers": b"x = 1" + b"**1" * 10_000,
    "10,000 lambdas": b"x = " + b"lambda: " * 10_000 + b"1",
    "10,000 conditions": b"x = 1" + b" if 1 else 1" * 10_000,
    "10,000 branches": b"if 1: pass\n" + b"elif 1: pass\n" * 10_000,
    "10,000 targets": b"x = " * 10_000 + b"1",
    "10,000 decorators": b"@a\n" * 10_000 + b"def f(): pass",
    "10,000 patterns": b"match x:\n    case 1" + b" | 1" * 10_000 + b": pass",
    "150 blocks": b"".join(b" " * level + b"if 1:\n" for level in range(150)) + b" " * 150 + b"pass",
    "100 f-strings": b"f'{" * 100 + b"1" + b"}'" * 100,
    "many digits": b"x = " + b"1" * 10_000,
    "10 MB of data": b"x = [\n" + b"    'some text of the usual length', 12345,\n" * 240_000 + b"]\n",
    "10 MB in one line": b"x = '" + b"a" * 10_000_000 + b"'",
    "open string": b"x = '''\n" * 3,
    "open bracket": b"x = [\n" * 50,
    "backslash at the end": b"x = 1 \\",
    "mixed blanks": b"if 1:\n\tx = 1\n        y = 2\n",
    "Python 2": b"print 'x'\n",
}


@pytest.mark.parametrize("name", SOURCES)
def test_sources(name: str, tmp_path: Path) -> None:
    path = tmp_path / "a.py"
    path.write_bytes(SOURCES[name])
    code = (
        "import sys; from celery_lint.source import NotParsed, parse, read\n"
        "try: tree, source = parse(sys.argv[1], read(sys.argv[1]))\n"
        "except NotParsed as error: print(error)\n"
        "else: print(len(tree.body), source.column(len(source.lines), 3))\n"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "PYTHONIOENCODING": "utf-8"}
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code, str(path)],
        capture_output=True,
        env=environment,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, b"")
    assert len(done.stdout.splitlines()) == 1


@pytest.mark.skipif(sys.platform == "win32", reason="links need a permission, and there are no pipes")
def test_paths(tmp_path: Path) -> None:
    (tmp_path / "good.py").write_text("x = 1\n")
    (tmp_path / "folder.py").mkdir()
    (tmp_path / "folder.sh").mkdir()
    (tmp_path / "dangling.py").symlink_to("nowhere.py")
    (tmp_path / "loop.py").symlink_to("loop.py")
    (tmp_path / "around").symlink_to(tmp_path)
    os.mkfifo(tmp_path / "pipe.sh")
    (tmp_path / "folder.py" / "pyproject.toml").mkdir()
    root = workspace(str(tmp_path / "good.py"))
    listing = discover(root)
    assert listing.python == ["good.py"]
    assert read_launch_files(root, ["folder.sh", "missing.sh", *listing.launch]) == []
    for name in ("folder.py", "dangling.py", "loop.py", "missing.py"):
        assert workspace(str(tmp_path / name))
        with pytest.raises(NotParsed, match="cannot be read"):
            read(str(tmp_path / name))


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="everything is readable to root")
def test_an_unreadable_file(tmp_path: Path) -> None:
    path = tmp_path / "a.py"
    path.write_text("x = 1\n")
    path.chmod(0)
    with pytest.raises(NotParsed, match="cannot be read: Permission denied"):
        read(str(path))
    assert discover(str(tmp_path)).python == ["a.py"]


def test_a_deep_folder(tmp_path: Path) -> None:
    folder = os.path.join(tmp_path, *["a"] * 500)
    os.makedirs(folder)
    (Path(folder) / "x.py").write_text("")
    assert len(discover(str(tmp_path)).python) == 1
    assert workspace(f"{folder}/x.py")


RUNS = """\
import asyncio
from celery import shared_task

@shared_task
def task(key):
    run(load(key))

def run(coroutine):
    return asyncio.run(coroutine)

async def load(key): ...
"""


@pytest.mark.skipif(sys.platform in ("win32", "darwin"), reason="names of files are text there")
@pytest.mark.parametrize("name", [b"\xff.py", b"\xff\xfe/__init__.py", b"\xed\xa0\x80.py"])
def test_names_that_are_no_text(name: bytes, tmp_path: Path) -> None:
    """Its functions are looked for in other files, together with its name."""
    (tmp_path / "pyproject.toml").write_text("[tool.celery-lint]\nroot = true\n")
    (tmp_path / "other.py").write_text("from nowhere import run\nrun(1)\n")
    path = os.path.join(os.fsencode(tmp_path), name)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w") as file:
        file.write(RUNS)
    report = engine.check_paths([str(tmp_path)], None, overrides={"preset": "all"})
    assert ("CEL110", os.fsdecode(path)) in {(found.code, found.path) for found in report.diagnostics}
    assert not report.failed


GIVEN = [
    # what a call is given, and what is known of it
    ("'a'", "text"),
    ("'a' + 'b'", "text"),
    ("'a\\n' + 'b'", "unknown"),
    ("'a' * 3", "unknown"),
    ("b'a'", "unknown"),
    ("-1", "constant"),
    ("60 * 60", "constant"),
    ("10 ** 500", "unknown"),
    ("-(10 ** 500)", "unknown"),
    ("1" * 400, "unknown"),
    ("-" + "1" * 400, "unknown"),
    ("1e400", "constant"),
    ("1j", "unknown"),
    ("-1j", "unknown"),
    ("None", "constant"),
    ("...", "unknown"),
]


@pytest.mark.parametrize("given, kind", GIVEN)
def test_what_calls_are_given(given: str, kind: str) -> None:
    text = f"{RUNS}\n\ndef other():\n    run({given})\n"
    module = facts_of("a.py", text)
    assert isinstance(module, Module)
    (call,) = module.functions["other"].calls()
    argument = call.argument(0)
    assert argument.kind == kind
    assert argument.amount is None or kind == "constant"
    assert not engine.check_text(None, text, None).failed
