"""``celery-lint check --show-settings``: the options that are in force, as a table that could be written."""

from __future__ import annotations

from celery_lint.options import OPTIONS, Configuration
from celery_lint.paths import shown
from celery_lint.reports.colours import printable


def settings(root: str, configuration: Configuration) -> str:
    """The options of a workspace as TOML. What differs from the default stands first, the others below."""
    from json import dumps

    def line(key: str, value: object) -> str:
        if isinstance(value, tuple) and key == "per-file-ignores":
            pairs = ", ".join(f"{dumps(pattern)} = {dumps(list(rules))}" for pattern, rules in value)
            return f"{key} = {{{f' {pairs} ' if pairs else ''}}}\n"
        return f"{key} = {dumps(list(value) if isinstance(value, tuple) else value, ensure_ascii=False)}\n"

    # What an extended file says is among the values.
    values = [(option, getattr(configuration, option.field)) for option in OPTIONS if option.key != "extend"]
    given = [line(option.key, value) for option, value in values if value != option.default]
    default = [line(option.key, value) for option, value in values if value == option.default]
    return "".join(
        [
            f"# project: {printable(shown(root))}\n",
            f"# extends: {printable(configuration.extend)}\n" if configuration.extend else "",
            "[tool.celery-lint]\n",
            *given,
            "\n# as by default\n",
            *default,
        ]
    )
