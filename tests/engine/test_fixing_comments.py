"""Automatic edits of comments that silence rules."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.engine.test_fixing import fix, written

HEAD = "from celery import shared_task\n\n\n@shared_task(time_limit=60, soft_time_limit=50)\n"
PLAIN, WRONG = "def add(x, y):", "async def add(x, y):"

# The line of the function before and after; the comment above it, if it begins with a sharp.
CASES = [
    (f"{PLAIN}  # celery-lint: ignore[CEL110]", PLAIN),
    (f"{PLAIN}  # celery-lint: ignore[async-def-task] -- a pool of ours", PLAIN),
    (f"{PLAIN}  # noqa: CEL111", PLAIN),
    (f"{PLAIN}  # noqa: CEL111 because of the pool", PLAIN),
    (f"{PLAIN}  # noqa: CEL111 by-design", PLAIN),
    (f"{PLAIN}  # celery-lint: ignore[CEL110 async-def-task]", PLAIN),
    (f"{PLAIN}  # noqa: CEL111, E501", f"{PLAIN}  # noqa: E501"),
    (f"{PLAIN}  # noqa: E501,CEL111", f"{PLAIN}  # noqa: E501"),
    (f"{PLAIN}  # noqa: E501 CEL111 F401", f"{PLAIN}  # noqa: E501 F401"),
    (f"{PLAIN}  # type: ignore  # noqa: CEL111", f"{PLAIN}  # type: ignore"),
    (f"{PLAIN}  # noqa: CEL111  # type: ignore", f"{PLAIN}  # type: ignore"),
    (f"{PLAIN}  # celery-lint: ignore[CEL110, CEL111]", PLAIN),
    (f"{WRONG}  # celery-lint: ignore[CEL110, CEL111]", f"{WRONG}  # celery-lint: ignore[CEL111]"),
    (f"{WRONG}  # celery-lint: ignore[CEL111, CEL110] -- x", f"{WRONG}  # celery-lint: ignore[CEL111] -- x"),
    (f"{WRONG}  # celery-lint: ignore[asinc-def-task]", f"{WRONG}  # celery-lint: ignore[async-def-task]"),
    (f"{WRONG}  # noqa: cel111", f"{WRONG}  # noqa: CEL111"),
    (f"# celery-lint: ignore[CEL110] -- x\n{PLAIN}", PLAIN),
    (f"  # celery-lint: ignore-file[CEL110]\n{PLAIN}", PLAIN),
]


@pytest.mark.parametrize("before, after", CASES)
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_a_comment(tmp_path: Path, before: str, after: str, end: str) -> None:
    body = "\n    return x + y\n"
    path = written(tmp_path, (HEAD + before + body).replace("\n", end))
    report, files = fix(path, unsafe=False)
    assert {found.code for found in report.diagnostics} & {"CEL001", "CEL002"}
    assert [file.after.decode() for file in files] == [(HEAD + after + body).replace("\n", end)]
    path.write_bytes(files[0].after)
    assert fix(path, unsafe=False)[1] == []
