"""Comments that silence rules: for which lines they hold, and whoever asks."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from celery_lint import engine
from celery_lint.model.comments import Comment
from celery_lint.model.reading.comments import comments_of
from celery_lint.source import Source

HEAD = "from celery import shared_task\n"
TASK = "@shared_task(time_limit=60)\nasync def one(): ...{}\n"

RANGES = [
    # a text, and the lines for which its one comment holds
    ("x = 1  # celery-lint: ignore[CEL110]\n", (1, 1)),
    ("x = 1 + \\\n  2  # celery-lint: ignore[CEL110]\n", (1, 2)),
    ("x = '''\n\n'''  # celery-lint: ignore[CEL110]\n", (1, 3)),
    ("x = (  # celery-lint: ignore[CEL110]\n  2)\n", (1, 1)),
    ("x = (\n  2)  # celery-lint: ignore[CEL110]\n", (2, 2)),
    ("# celery-lint: ignore[CEL110]\n\n# why\nx = 1 + \\\n  2\n", (4, 5)),
    ("if x:\n    # celery-lint: ignore[CEL110]\n    y = (\n      1)\n", (3, 3)),
    ("x = 1\n# celery-lint: ignore[CEL110]\n", (2, 2)),
    ("x = 1\n# celery-lint: ignore-file[CEL110]", (0, 0)),
    ("x = 1\r\n# celery-lint: ignore[CEL110]\r\nx = 2\r\n", (3, 3)),
    ("x = 1 + \\\n  2  # noqa\n", (1, 2)),
    ("x = '''\n\n'''  # noqa: CEL110\n", (1, 3)),
    ("x = 1 + \\\n  2\ny = 3  # noqa\n", (3, 3)),
    ('class A:\n    def b(self):\n        x = """\n1\n"""; y = 2  # noqa\n        return x\n', (3, 5)),
    ('x = """\n"""; y = """  # noqa\n"""\n', (1, 3)),
    ("@a('''\n''')  # noqa\ndef f():\n    pass\n", (1, 2)),
    ("if x:\n    pass\nelif '''\n''':  # noqa\n    pass\n", (3, 4)),
    ("try:\n    pass\nexcept A:\n    x = 1 + \\\n        2  # noqa\n", (4, 5)),
    ("match x:\n    case 1:\n        x = '''\n'''  # noqa\n", (3, 4)),
    ("match x:\n    case '''\n''':  # noqa\n        pass\n", (2, 3)),
    ('x = [\n    """a""",  # noqa\n    1,\n]\n', (2, 2)),
    ('x = 1\n# """ # noqa\ny = 2\n', (2, 2)),
]


def comments(text: str) -> tuple[Comment, ...]:
    source = Source("tasks.py", text)
    return comments_of(source, source.parse())


@pytest.mark.parametrize("text, expected", RANGES)
def test_lines(text: str, expected: tuple[int, int]) -> None:
    (comment,) = comments(text)
    assert (comment.first, comment.last) == expected


@pytest.mark.parametrize(
    "text",
    ["'''# celery-lint: ignore[CEL110]'''\n", "x = '# celery-lint: ignore[CEL110]'\n", "# celery-lint\n"],
)
def test_what_is_no_comment(text: str) -> None:
    assert comments(text) == ()


def codes(text: str, suppress: bool = True, **overrides: object) -> list[str]:
    report = engine.check_text(None, HEAD + text, None, overrides=overrides, suppress=suppress)
    return [f"{d.code} {d.line}" for d in report.diagnostics]


@pytest.mark.parametrize("suppress", [True, False])
def test_ours_hold_whoever_asks(suppress: bool) -> None:
    assert codes(TASK.format(""), suppress) == ["CEL111 3"]
    assert codes(TASK.format("  # celery-lint: ignore[cel111]"), suppress) == []
    assert codes(TASK.format("  # noqa: E501  # celery-lint: ignore[async-def-task] -- why"), suppress) == []
    assert codes(TASK.format("") + "# celery-lint: ignore-file[CEL1]", suppress) == []
    assert codes(TASK.format("  # celery-lint: ignore[CEL112]"), suppress) == ["CEL111 3"]


def test_unused_ones_are_told_where_their_rule_is_on() -> None:
    text = TASK.format("  # celery-lint: ignore[CEL111, CEL112, CEL222]")
    assert codes(text) == []
    assert codes(text, extend_select="CEL002") == ["CEL002 3"]
    assert codes(text, extend_select="CEL002", preset="all") == ["CEL002 3", "CEL002 3"]
    assert codes(text, extend_select="CEL002", ignore="CEL112") == []
    assert codes(text, extend_select="CEL002", per_file_ignores="*:CEL112") == []


def test_a_comment_may_silence_what_is_said_of_comments() -> None:
    text = TASK.format("  # celery-lint: ignore[CEL111, CEL112]")
    assert codes(f"# celery-lint: ignore-file[CEL0]\n{text}", preset="house") == []
    assert codes("x = 1  # celery-lint: ignore[nothing-of-ours]\n") == ["CEL001 2"]
    assert codes("x = 1  # celery-lint: ignore[nothing-of-ours, CEL001]\n") == []
    assert codes("x = 1  # noqa  # celery-lint: ignore[nothing-of-ours]\n") == []


def test_every_front_end_says_the_same(tmp_path: Path) -> None:
    pytest.importorskip("flake8")
    pytest.importorskip("pylint")
    (tmp_path / "pyproject.toml").write_text("[tool.celery-lint]\nroot = true\npreset = 'house'\n")
    text = TASK.format("  # celery-lint: ignore[CEL111, CEL112, nonsense]")
    (tmp_path / "tasks.py").write_text(HEAD + text)
    pylint = ["pylint", "--load-plugins=celery_lint", "--disable=all", "--enable=suppressions,event_loop"]
    for words, format_ in (
        (["celery_lint", "check", "--output-format=concise"], "{}:{}:{}: {}"),
        (["flake8", "--isolated", "--select=CEL"], "{}:{}:{}: {}"),
        ([*pylint, "--msg-template={path}:{line}:{column}: CEL00{msg_id}"], ""),
    ):
        done = subprocess.run(
            [sys.executable, "-m", *words, "tasks.py"], cwd=tmp_path, capture_output=True, text=True
        )
        found = [line.removeprefix("./") for line in done.stdout.splitlines() if "tasks.py" in line]
        if format_:
            places = [line.partition(" ")[0] + line.split(" ")[1] for line in found]
            assert places == ["tasks.py:3:53:CEL002", "tasks.py:3:61:CEL001"], done.stdout + done.stderr
        else:
            assert [line.partition(" ")[0] for line in sorted(found)] == ["tasks.py:3:52:", "tasks.py:3:60:"]


def test_the_cache_keeps_them(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text("[tool.celery-lint]\nroot = true\npreset = 'house'\n")
    (tmp_path / "tasks.py").write_text(
        HEAD + TASK.format("  # celery-lint: ignore[CEL111, CEL112, nonsense]")
    )
    cold, warm = (engine.check_paths([str(tmp_path)], None).diagnostics for _ in range(2))
    assert cold == warm
    assert [found.code for found in cold] == ["CEL002", "CEL001"]
    # Whether a rule is on may change without anything being read again.
    quiet = engine.check_paths([str(tmp_path)], None, overrides={"ignore": "CEL112"}).diagnostics
    assert [found.code for found in quiet] == ["CEL001"]


@pytest.mark.parametrize("text", ["x = 1 + \\\n  2  # noqa: CEL110\n", "x = f('''\n''')  # noqa: CEL111\n"])
def test_joined_lines_as_in_flake8(text: str) -> None:
    processor = pytest.importorskip("flake8.processor")
    options = type("options", (), {"indent_size": 4, "max_line_length": 79, "max_doc_length": None})
    options.hang_closing, options.verbose, options.stdin_display_name = False, 0, "stdin"
    lines = text.splitlines(keepends=True)
    theirs = processor.FileProcessor("tasks.py", options, lines).noqa_line_for(1)
    (comment,) = comments(text)
    assert theirs.splitlines() == text.splitlines()[comment.first - 1 : comment.last]
