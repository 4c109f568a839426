"""Where a configuration is read from, and what is said where it cannot be used."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any, NamedTuple

from celery_lint.options import ADDING, BY_KEY, Configuration, Option
from celery_lint.paths import shown
from celery_lint.regular_files import LARGEST_CONFIGURATION, read_regular
from celery_lint.selection import normal_form, valid_selectors

_TABLE = "celery-lint"
_MISSPELT = b"[tool.celery_lint"
_ADDED_BY_FLAGS = ("ignore", "extend-select", "per-file-ignores", "exclude")


class ConfigurationError(Exception):
    """The user's configuration cannot be used.

    Each argument is one line that says where and how to mend it; the text is all of them.
    """

    def __str__(self) -> str:
        return "; ".join(map(str, self.args))


class _Unreadable(ConfigurationError):
    """A file that may hold a configuration cannot be read."""


def did_you_mean(word: str, valid: Iterable[str], quote: str = '"') -> str:
    """``, did you mean "select"?`` for the valid word most like this one; ``""`` if none is like it."""
    close = closest(word, valid)
    return f", did you mean {quote}{close}{quote}?" if close else ""


def closest(word: str, valid: Iterable[str]) -> str:
    """The valid word most like this one; ``""`` if none is like it."""
    # Imported here: only the way to an error message leads through this function.
    from difflib import get_close_matches

    by_lower_case = {candidate.lower(): candidate for candidate in valid}
    close = get_close_matches(word.lower(), by_lower_case, n=1)
    return by_lower_case[close[0]] if close else ""


def load(root: str, overrides: Mapping[str, object] | None = None) -> Configuration:
    """The configuration of a workspace: defaults, then its file, then the overrides.

    The file is ``pyproject.toml`` (table ``tool.celery-lint``), else ``setup.cfg`` (section
    ``celery-lint``) of the root. Where it says ``extend``, the table of that file holds for what it does not
    set itself, and so on; ``extend-select`` and the other keys of ``ADDING`` add to what the extended file
    says. Overrides are named like the options, with ``-`` or ``_``; their values may be texts, as on a
    command line. The override ``config`` names a file to be read instead of the root's. Overrides that name
    rules or files to be left out, and ``extend-select``, add to the file's; every other override replaces.

    Raises ConfigurationError for an unknown key, value or rule, for a file that is not valid TOML or
    INI, for a ``config`` that cannot be read, and for files that extend each other; all that is wrong is told
    at once.
    """
    given = {key.replace("_", "-"): value for key, value in (overrides or {}).items()}
    file = given.pop("config", "")
    values: dict[str, Any] = {}
    wrong: list[object] = []
    nearest = _named_table(str(file)) if file else _table_of_root(root)
    for table in reversed(_with_extended(nearest, wrong)) if nearest is not None else ():
        values.pop("root", None)  # says something about the folder of the file that holds it
        file = shown(table.path)
        keys = {key.replace("_", "-"): (key, value) for key, value in table.entries.items()}
        for name in sorted(keys, key=ADDING.__contains__):  # what adds to a list, after what replaces it
            key, value = keys[name]
            _set(values, name, value, f"{file}: {key}", f"{file}: unknown key", wrong)
    for key, value in given.items():
        option = BY_KEY.get(key)
        where = option.flag_name if option is not None else f"--{key}"
        _set(values, key, value, where, "unknown option", wrong, added=key in _ADDED_BY_FLAGS)
    if wrong:
        raise ConfigurationError(*wrong)
    return Configuration(**values)


def _set(
    values: dict[str, Any],
    key: str,
    value: object,
    where: str,
    unknown: str,
    wrong: list[object],
    added: bool = False,
) -> None:
    """Lay the value of a key over those of files that are further away; what is wrong with it is noted.

    ``where`` opens what is said about the value, ``unknown`` about the key.
    """
    option = BY_KEY.get(key) or ADDING.get(key)
    try:
        if option is None:
            raise ConfigurationError(f"{unknown} {_quoted(key)}{_or_one_of(key, BY_KEY)}")
        converted = _converted(option, value, where)
    except ConfigurationError as error:
        wrong += error.args
        return
    if added or key in ADDING or key == "extend-select":
        converted = values.get(option.field, option.default) + converted
    values[option.field] = converted


# ---------------------------------------------------------------------------------------- files


def has_table(folder: str) -> bool:
    """Whether a file of this folder has a table of ours.

    A file that cannot be read (it is too large, or a link that leads out of the folder) has none. Raises
    ConfigurationError for one that is read and makes no sense.
    """
    try:
        return _table_of_root(folder) is not None
    except _Unreadable:
        return False


class _Table(NamedTuple):
    """Our table of a file."""

    path: str
    entries: Mapping[str, object]


def _table_of_root(root: str) -> _Table | None:
    """Our table of the workspace's own files."""
    for name in ("pyproject.toml", "setup.cfg"):
        path = os.path.join(root, name)
        try:
            data = read_regular(path, LARGEST_CONFIGURATION, within=root)
        except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
            continue
        except OSError as error:
            raise _Unreadable(f"{shown(path)}: {error.strerror or error}") from None
        table = _parsed(path, data)
        if table is not None:
            return _Table(path, table)
    return None


def _named_table(path: str) -> _Table:
    """Our table of a file that the user has named."""
    try:
        with open(path, "rb") as file:
            data = file.read()
    except OSError as error:
        raise ConfigurationError(f"{path}: {error.strerror or error}") from None
    return _table_in(path, data)


def _with_extended(table: _Table, wrong: list[object]) -> list[_Table]:
    """A table, the one that it extends, and so on; what is wrong on the way is noted, and ends it."""
    tables = [table]
    seen = [os.path.realpath(table.path)]
    while isinstance(named := tables[-1].entries.get("extend"), str) and named.strip():
        holder = tables[-1].path
        path = os.path.normpath(os.path.join(os.path.dirname(holder), os.path.expanduser(named.strip())))
        try:
            seen.append(os.path.realpath(path))
            if seen[-1] in seen[:-1]:
                circle = " -> ".join(shown(file) for file in seen[seen.index(seen[-1]) :])
                raise ConfigurationError(f"files extend each other: {circle}")
            tables.append(_table_in(path, read_regular(path, LARGEST_CONFIGURATION)))
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or error
            wrong.append(f"{shown(holder)}: extend: {shown(path)}: {reason}")
            break
        except ConfigurationError as error:
            wrong += [f"{shown(holder)}: extend: {line}" for line in error.args]
            break
    return tables


def _table_in(path: str, data: bytes) -> _Table:
    """Our table in the text of a file that somebody has named, and that must have one."""
    entries = _parsed(path, data)
    if entries is None:
        expected = "[tool.celery-lint]" if path.endswith(".toml") else "[celery-lint]"
        raise ConfigurationError(f"{shown(path)}: has no {expected}")
    return _Table(path, entries)


@lru_cache(maxsize=16)  # the command and the engine both ask, and TOML is slow to parse
def _parsed(path: str, data: bytes) -> Mapping[str, object] | None:
    """Our table in the text of a file; None if there is none."""
    if _TABLE.encode() not in data and _MISSPELT not in data:  # spares most runs the import of a parser
        return None
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise ConfigurationError(f"{shown(path)}: is not UTF-8") from None
    return _parsed_toml(path, text) if path.endswith(".toml") else _parsed_ini(path, text)


def _parsed_toml(path: str, text: str) -> Mapping[str, object] | None:
    import sys

    if sys.version_info >= (3, 11):
        import tomllib
    else:
        import tomli as tomllib
    try:
        table: object = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise ConfigurationError(f"{shown(path)}: is not valid TOML: {_one_line(error)}") from None
    if isinstance(table, dict) and isinstance(tool := table.get("tool"), dict) and "celery_lint" in tool:
        raise ConfigurationError(f"{shown(path)}: nothing reads [tool.celery_lint]: write [tool.{_TABLE}]")
    for key in ("tool", _TABLE):
        table = table.get(key) if isinstance(table, dict) else None
    if table is not None and not isinstance(table, dict):
        raise ConfigurationError(f"{shown(path)}: tool.{_TABLE} must be a table")
    return table


def _parsed_ini(path: str, text: str) -> Mapping[str, object] | None:
    import configparser

    parser = configparser.RawConfigParser()
    try:
        parser.read_string(text)
    except configparser.Error as error:
        raise ConfigurationError(f"{shown(path)}: is not valid INI: {_one_line(error)}") from None
    return dict(parser.items(_TABLE)) if parser.has_section(_TABLE) else None


# --------------------------------------------------------------------------------------- values


def _converted(option: Option, value: object, where: str) -> Any:
    """A value as the configuration keeps it; ``where`` opens the error message."""
    if option.kind == "switch":
        return _switch(value, where)
    if option.kind == "rules-by-path":
        return _rules_by_path(value, where)
    if option.kind in ("list", "rules", "choices", "formats"):
        words = _words(value, where)
        if option.kind == "formats":
            return tuple(_choice(option, word.partition(":")[0], where) + _file(word) for word in words)
        if option.kind == "rules":
            return tuple(_selector(word, where) for word in words)
        if option.key == "exclude":
            return tuple(_pattern(word, where) for word in words)
        return tuple(_choice(option, word, where) for word in words) if option.choices else words
    if not isinstance(value, str):
        raise ConfigurationError(f"{where}: must be a string in quotes: {option.key} = {_quoted(value)}")
    word = value.strip()
    if option.kind == "choice" and (word or option.default):
        return _choice(option, word, where)
    if option.kind == "version" and word and not all(part.isdecimal() for part in word.split(".")):
        raise ConfigurationError(f'{where}: must be a version such as "5.3", not {_quoted(word)}')
    if option.key == "target-python" and word and int(word.partition(".")[0]) < 3:
        raise ConfigurationError(
            f'{where}: must be a version of Python 3 such as "3.10", not {_quoted(word)}'
        )
    return word


def _switch(value: object, where: str) -> bool:
    if isinstance(value, bool):
        return value
    word = value.strip().lower() if isinstance(value, str) else ""
    if word in ("true", "yes", "on", "1"):
        return True
    if word in ("false", "no", "off", "0"):
        return False
    raise ConfigurationError(f"{where}: must be true or false, not {_quoted(value)}")


def _words(value: object, where: str) -> tuple[str, ...]:
    """A list of words, or one text with commas or line ends between them."""
    if isinstance(value, str):
        words = [word.strip() for line in value.splitlines() for word in _between_commas(line)]
        return tuple(word for word in words if word)
    if isinstance(value, (list, tuple)) and all(isinstance(word, str) for word in value):
        return tuple(part for word in value for part in _words(word, where))
    raise ConfigurationError(f"{where}: must be a list of strings, not {_one_line(value)[:60]}")


def _between_commas(line: str) -> list[str]:
    """The parts of a line; a comma within braces belongs to a pattern: ``app/{a,b}.py``."""
    words = line.split(",")
    if "{" not in line:
        return words
    whole: list[str] = []
    for word in words:
        if whole and whole[-1].count("{") > whole[-1].count("}"):
            whole[-1] += f",{word}"
        else:
            whole.append(word)
    return whole


def _file(word: str) -> str:
    """The part of ``sarif:report.sarif`` behind the format."""
    _, colon, file = word.partition(":")
    return f":{file}" if colon and file else ""


def _choice(option: Option, word: str, where: str) -> str:
    if word not in option.choices:
        close = did_you_mean(word, option.choices)
        one_of = f"{' (' if close else ', '}one of {', '.join(option.choices)}{')' if close else ''}"
        raise ConfigurationError(f"{where}: unknown value {_quoted(word)}{close}{one_of}")
    return word


def _rules_by_path(value: object, where: str) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """A table of pattern → rules, or pairs of tuples, or flake8's text: ``tests/*:CEL510,CEL1 a.py:CEL2``."""
    if isinstance(value, dict):
        pairs: list[tuple[str, object]] = list(value.items())
    elif isinstance(value, (list, tuple)) and all(
        isinstance(pair, tuple) and len(pair) == 2 for pair in value
    ):
        pairs = list(value)
    else:
        pairs = []
        for word in " ".join(_words(value, where)).split():
            pattern, colon, rule = word.rpartition(":")
            if colon:
                pairs.append((pattern, [rule] if rule else []))
            elif pairs:
                rules = pairs[-1][1]
                assert isinstance(rules, list)
                rules.append(rule)
            else:
                raise ConfigurationError(f"{where}: must be pattern:rules, not {_quoted(word)}")
    return tuple(
        (_pattern(pattern, where), tuple(_selector(word, where) for word in _words(rules, where)))
        for pattern, rules in pairs
    )


def _pattern(word: str, where: str) -> str:
    """A pattern for paths, where it can match any."""
    if word.startswith("!"):
        raise ConfigurationError(f"{where}: a pattern cannot be negated: {_quoted(word)}")
    if word.count("[") > word.count("]"):
        raise ConfigurationError(f"{where}: a pattern has a [ without a ]: {_quoted(word)}")
    return word


def _or_one_of(key: str, valid: Iterable[str]) -> str:
    return did_you_mean(key, (*valid, *ADDING)) or f", one of {', '.join(valid)}"


def _quoted(value: object) -> str:
    """A user's value inside a message: short, and on one line."""
    text = _one_line(value if isinstance(value, str) else repr(value))
    return f'"{text[:57]}..."' if len(text) > 60 else f'"{text}"'


def _one_line(value: object) -> str:
    return " ".join(str(value).split())


def _selector(word: str, where: str) -> str:
    normal = normal_form(word)
    if normal is None:
        close = did_you_mean(word, valid_selectors()) or " (celery-lint rule --all lists them)"
        raise ConfigurationError(f"{where}: unknown rule {_quoted(word)}{close}")
    return normal
