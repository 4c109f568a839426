"""The guide that ``celery-lint skill`` prints, and those of the documentation."""

from __future__ import annotations

from pathlib import Path

from scripts.guides.parts import filled

TEMPLATE = Path(__file__).parent / "skill.md"
PAGES = Path(__file__).parent / "pages"


def skill() -> str:
    """The text of SKILL.md."""
    return filled(TEMPLATE.read_text(encoding="utf-8"), lambda code: code)


def pages() -> dict[str, str]:
    """The guides of the documentation by the names of their files in ``docs/guides``."""
    return {
        path.name: filled(path.read_text(encoding="utf-8"), lambda code: f"[{code}](../rules/{code}.md)")
        for path in sorted(PAGES.glob("*.md"))
    }
