"""The guide that ``celery-lint skill`` prints."""

from __future__ import annotations

from pathlib import Path

from scripts.guides.parts import filled

TEMPLATE = Path(__file__).parent / "skill.md"


def skill() -> str:
    """The text of SKILL.md."""
    return filled(TEMPLATE.read_text(encoding="utf-8"), lambda code: code)
