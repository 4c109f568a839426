"""What may be there although it is no file of the workspace."""

from __future__ import annotations

from pathlib import Path

import pytest

from celery_lint.files import unlisted
from celery_lint.files.discovery import discover
from celery_lint.model.unlisted import Unlisted

IGNORED = "# made by the build\nkeys.py\n/made/\n!orders.py\n**/below/*.py\nlogs/\n"


@pytest.mark.parametrize(
    ("stem", "expected"),
    [
        ("shop/orders", False),
        ("shop/keys", True),
        ("shop/more/keys", True),
        ("made/orders", True),
        ("shop/made/orders", False),
        ("shop/below/orders", True),
        ("shop/logs/orders", True),
        ("shop/fast", True),
        ("shop/faster", False),
        ("shop/data", True),
        ("shop/data/more", False),
        ("shop/linked/orders", True),
        ("shop/orders_pb2", True),
        ("shop/_version", True),
        ("shop/local_settings", True),
        ("shop/locale", False),
        ("inner/mails", True),
        ("inner/keys", True),
        ("shop/mails", False),
    ],
)
def test_what_there_may_be(tmp_path: Path, stem: str, expected: bool) -> None:
    for folder in ("shop/data", "inner", "elsewhere"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / ".gitignore").write_text(IGNORED, encoding="utf-8")
    (tmp_path / "inner/.gitignore").write_text("mails.py\n", encoding="utf-8")
    (tmp_path / "shop/fast.pyx").touch()
    (tmp_path / "shop/linked").symlink_to(tmp_path / "elsewhere", target_is_directory=True)
    found = unlisted.of(str(tmp_path), discover(str(tmp_path)))
    assert found.may_hold(stem) == expected


def test_nothing_is_known_of_a_text_alone() -> None:
    assert not Unlisted().may_hold("shop/orders")
