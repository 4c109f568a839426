"""Write the table of Celery's own settings from the installed Celery.

python scripts/celery_settings.py            writes celery_lint/libraries/celery_settings.py
python scripts/celery_settings.py --check    writes nothing, exits with 1 if the table is out of date
"""

from __future__ import annotations

import sys
from datetime import timedelta
from pathlib import Path

import celery
from celery.app.defaults import _TO_OLD_KEY, NAMESPACES, Option, flatten

TABLE = Path(__file__).resolve().parent.parent / "celery_lint/libraries/celery_settings.py"
_WIDEST = 20
_HEAD = '''"""The settings that Celery knows. Written by ``scripts/celery_settings.py``; do not edit."""

# ruff: noqa: E501
# fmt: off

from __future__ import annotations

#: The Celery that the table was made from.
VERSION = "{version}"

#: By name: the older name, the type, the default as Python writes it (empty where that is long), and the
#: version that removes it.
SETTINGS: dict[str, tuple[str, str, str, str]] = {{
'''


def _type(option: Option) -> str:
    kind = option.type
    return kind if isinstance(kind, str) else kind.__name__


def _default(option: Option) -> str:
    value = option.default
    if isinstance(value, timedelta):
        value = value.total_seconds()
    text = repr(value)
    return text if len(text) <= _WIDEST and "\\n" not in text and not text.startswith("<") else ""


def table() -> str:
    """The module with the table."""
    lines = [_HEAD.format(version=celery.__version__)]
    for name, option in sorted(flatten(NAMESPACES)):
        row = (
            _TO_OLD_KEY.get(name, ""),
            _type(option),
            _default(option),
            option.remove_by or "",
        )
        lines.append(f"    {_quoted(name)}: ({', '.join(map(_quoted, row))}),\n")
    return "".join([*lines, "}\n"])


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


if __name__ == "__main__":
    made = table()
    if "--check" in sys.argv[1:]:
        sys.exit(int(TABLE.read_text(encoding="utf-8") != made))
    TABLE.write_text(made, encoding="utf-8")
