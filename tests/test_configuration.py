"""Where options come from, what they turn on, and what is said about a mistake."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

import pytest

from celery_lint.configuration import ConfigurationError, load
from celery_lint.options import OPTIONS, Configuration, semantic_key
from celery_lint.selection import Selection, enabled
from tests import examples

pytestmark = pytest.mark.usefixtures("example_rules")

LINTED = "[tool.celery-lint]\n"


def test_table_and_fields_are_the_same_in_the_same_order() -> None:
    assert tuple(option.field for option in OPTIONS) == Configuration._fields


@pytest.mark.parametrize("option", OPTIONS, ids=lambda option: option.key)
def test_default_is_valid(option: Any) -> None:
    assert not option.choices or not option.default or set(option.choices) >= set(_many(option.default))
    assert (option.kind == "switch") is isinstance(option.default, bool)
    assert (option.kind == "switch") is not option.metavar


def _many(value: Any) -> tuple[Any, ...]:
    return value if isinstance(value, tuple) else (value,)


TOML = [
    ("", Configuration()),
    ("[tool.black]\n# celery-lint\n", Configuration()),
    (LINTED, Configuration()),
    (LINTED + 'preset = "strict"', Configuration(preset="strict")),
    (LINTED + 'select = ["CEL1", "async-def-task"]', Configuration(select=("CEL1", "async-def-task"))),
    (LINTED + 'select = "cel1, Async-Def-Task"', Configuration(select=("CEL1", "async-def-task"))),
    (LINTED + "cache = false\nstrict-parse = true", Configuration(cache=False, strict_parse=True)),
    (LINTED + "strict_parse = true", Configuration(strict_parse=True)),
    (LINTED + 'pool = "gevent"\nbroker = ""', Configuration(pool=("gevent",))),
    (LINTED + 'pool = ["gevent", "prefork"]', Configuration(pool=("gevent", "prefork"))),
    (LINTED + 'target-celery = "5.3"', Configuration(target_celery="5.3")),
    (LINTED + "tracking-parameters = []", Configuration(tracking_parameters=())),
    (
        LINTED + 'per-file-ignores = {"tests/*" = ["CEL5", "CEL110"], "old.py" = "CEL"}',
        Configuration(per_file_ignores=(("tests/*", ("CEL5", "CEL110")), ("old.py", ("CEL",)))),
    ),
    ("\ufeff" + LINTED + "root = true", Configuration(root=True)),
]


@pytest.mark.parametrize("text, expected", TOML)
def test_pyproject(tmp_path: Path, text: str, expected: Configuration) -> None:
    (tmp_path / "pyproject.toml").write_text(text, encoding="utf-8")
    (tmp_path / "setup.cfg").write_text("[metadata]\nname = x\n", encoding="utf-8")
    assert load(str(tmp_path)) == expected


INI = [
    ("[flake8]\n# celery-lint\n", Configuration()),
    ("[celery-lint]\npreset = all\n", Configuration(preset="all")),
    ("[celery-lint]\nselect =\n    CEL1,\n    CEL510\n", Configuration(select=("CEL1", "CEL510"))),
    ("[celery-lint]\nextend_select = CEL510\n", Configuration(extend_select=("CEL510",))),
    ("[celery-lint]\ncache = no\n", Configuration(cache=False)),
    ("[celery-lint]\nexclude = */100%%/*\n", Configuration(exclude=("*/100%%/*",))),
    (
        "[celery-lint]\nper-file-ignores =\n    tests/*: CEL5, CEL110\n    old.py:CEL\n",
        Configuration(per_file_ignores=(("tests/*", ("CEL5", "CEL110")), ("old.py", ("CEL",)))),
    ),
]


@pytest.mark.parametrize("text, expected", INI)
def test_setup_cfg(tmp_path: Path, text: str, expected: Configuration) -> None:
    (tmp_path / "pyproject.toml").write_text("[project]\nname = 'x'\n", encoding="utf-8")
    (tmp_path / "setup.cfg").write_text(text, encoding="utf-8")
    assert load(str(tmp_path)) == expected


def test_pyproject_comes_first(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text(LINTED + 'preset = "house"', encoding="utf-8")
    (tmp_path / "setup.cfg").write_text("[celery-lint]\npreset = all\n", encoding="utf-8")
    assert load(str(tmp_path)).preset == "house"


OVERRIDES = [
    ({"preset": "all"}, {"preset": "all"}),
    ({"select": "CEL1,CEL510"}, {"select": ("CEL1", "CEL510")}),
    ({"select": ["CEL1", "CEL510"]}, {"select": ("CEL1", "CEL510")}),
    ({"extend-select": "CEL510"}, {"extend_select": ("CEL210", "CEL510")}),
    ({"strict_parse": True, "cache": False}, {"strict_parse": True, "cache": False}),
    (
        {"per-file-ignores": "tests/*:CEL1,CEL5 a.py:CEL2"},
        {"per_file_ignores": (("old/*", ("CEL5",)), ("tests/*", ("CEL1", "CEL5")), ("a.py", ("CEL2",)))},
    ),
    ({"ignore": "CEL5"}, {"ignore": ("CEL210", "CEL5")}),
    ({"exclude": "docs"}, {"exclude": ("old", "docs")}),
    ({"select": "all"}, {"select": ("CEL",)}),
    ({"fail-on": "error", "min-severity": "warning"}, {"fail_on": "error", "min_severity": "warning"}),
    (
        {"per-file-ignores": (("a.py", ("CEL2",)),)},
        {"per_file_ignores": (("old/*", ("CEL5",)), ("a.py", ("CEL2",)))},
    ),
]


@pytest.mark.parametrize("overrides, expected", OVERRIDES)
def test_overrides(tmp_path: Path, overrides: dict[str, object], expected: dict[str, Any]) -> None:
    (tmp_path / "pyproject.toml").write_text(
        LINTED + 'preset = "house"\nextend-select = ["CEL210"]\nignore = ["CEL210"]\nexclude = ["old"]\n'
        'per-file-ignores = { "old/*" = ["CEL5"] }\n',
        encoding="utf-8",
    )
    base = Configuration(
        preset="house",
        extend_select=("CEL210",),
        ignore=("CEL210",),
        exclude=("old",),
        per_file_ignores=(("old/*", ("CEL5",)),),
    )
    assert load(str(tmp_path), overrides) == base._replace(**expected)


def test_named_file_replaces_the_root_s(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text(LINTED + "cache = false", encoding="utf-8")
    named = tmp_path / "other.toml"
    named.write_text(LINTED + 'preset = "all"', encoding="utf-8")
    assert load(str(tmp_path), {"config": str(named)}) == Configuration(preset="all")


# ------------------------------------------------------------------------------------ extend

FAR = (
    'preset = "house"\npool = ["gevent"]\nignore = ["CEL210"]\nextend-select = ["CEL510"]\n'
    'exclude = ["old"]\nper-file-ignores = { "old/*" = ["CEL5"] }\nroot = true\n'
)
NEAR = [
    ("", {}),
    ('preset = "all"', {"preset": "all"}),
    ('ignore = ["CEL110"]\npool = []', {"ignore": ("CEL110",), "pool": ()}),
    ('extend-select = ["CEL111"]', {"extend_select": ("CEL510", "CEL111")}),
    ('extend-ignore = ["CEL110"]', {"ignore": ("CEL210", "CEL110")}),
    ('extend-ignore = "CEL5"\nignore = ["CEL110"]', {"ignore": ("CEL110", "CEL5")}),
    ('extend_exclude = ["new"]', {"exclude": ("old", "new")}),
    ('extend-pool = "solo"', {"pool": ("gevent", "solo")}),
    ('extend-tracking-parameters = ["run"]', {"tracking_parameters": ("execution_id", "run")}),
    (
        'extend-per-file-ignores = { "a.py" = ["CEL2"] }',
        {"per_file_ignores": (("old/*", ("CEL5",)), ("a.py", ("CEL2",)))},
    ),
    ("root = true", {"root": True}),
]


@pytest.mark.parametrize("text, expected", NEAR)
def test_the_nearer_table_wins(tmp_path: Path, text: str, expected: dict[str, Any]) -> None:
    (tmp_path / "shared.toml").write_text(LINTED + FAR, encoding="utf-8")
    (tmp_path / "pyproject.toml").write_text(LINTED + f'extend = "shared.toml"\n{text}\n', encoding="utf-8")
    whole = Configuration(
        preset="house",
        pool=("gevent",),
        ignore=("CEL210",),
        extend_select=("CEL510",),
        exclude=("old",),
        per_file_ignores=(("old/*", ("CEL5",)),),
        extend="shared.toml",
    )
    assert load(str(tmp_path)) == whole._replace(**expected)


def test_paths_are_seen_from_the_file_that_says_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for folder in ("shop/orders", "conf/deep", "elsewhere"):
        (tmp_path / folder).mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "elsewhere")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    (tmp_path / "shop/orders/setup.cfg").write_text("[celery-lint]\nextend = ../../conf/a.toml\n")
    (tmp_path / "conf/a.toml").write_text(LINTED + 'extend = "deep/b.cfg"\npreset = "strict"\n')
    (tmp_path / "conf/deep/b.cfg").write_text("[celery-lint]\nextend = ~/c.toml\npreset = all\n")
    (tmp_path / "c.toml").write_text(LINTED + 'preset = "house"\nbroker = "redis"\n')
    found = load(str(tmp_path / "shop/orders"))
    assert (found.preset, found.broker, found.extend) == ("strict", "redis", "../../conf/a.toml")
    named = load(str(tmp_path), {"config": "../conf/a.toml"})
    assert (named.preset, named.broker) == ("strict", "redis")


EXTENDING = [
    ({"pyproject.toml": "missing.toml"}, "pyproject.toml: extend: missing.toml: No such file or directory"),
    ({"pyproject.toml": "."}, "pyproject.toml: extend: .: Is a directory"),
    ({"pyproject.toml": "pyproject.toml"}, "files extend each other: pyproject.toml -> pyproject.toml"),
    (
        {"pyproject.toml": "a.toml", "a.toml": "b.toml", "b.toml": "./a.toml"},
        "b.toml: extend: files extend each other: a.toml -> b.toml -> a.toml",
    ),
    ({"pyproject.toml": "empty.toml"}, "pyproject.toml: extend: empty.toml: has no [tool.celery-lint]"),
    ({"pyproject.toml": "empty.cfg"}, "pyproject.toml: extend: empty.cfg: has no [celery-lint]"),
    ({"pyproject.toml": "bad.toml"}, "pyproject.toml: extend: bad.toml: is not valid TOML"),
    ({"pyproject.toml": "a\\u0000b"}, "pyproject.toml: extend: "),
    ({"pyproject.toml": "a.toml", "a.toml": '", selekt = "'}, 'a.toml: unknown key "selekt", did you mean'),
]  # fmt: skip


@pytest.mark.parametrize("files, expected", EXTENDING)
def test_what_cannot_be_extended_is_told_with_both_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, files: dict[str, str], expected: str
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "empty.toml").touch()
    (tmp_path / "empty.cfg").touch()
    (tmp_path / "bad.toml").write_text(LINTED + "select = [")
    for file, extend in files.items():
        (tmp_path / file).write_text(f'[tool]\ncelery-lint = {{extend = "{extend}"}}\n', encoding="utf-8")
    with pytest.raises(ConfigurationError, match=re.escape(expected)) as caught:
        load(str(tmp_path))
    assert "\n" not in str(caught.value)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.toml")
    (tmp_path / "pyproject.toml").write_text(LINTED + 'extend = "pipe.toml"')
    with pytest.raises(ConfigurationError, match="is not a regular file"):
        load(str(tmp_path))


def test_a_file_that_cannot_be_extended_hides_no_other_mistake(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text(LINTED + 'extend = "missing.toml"\nfoo = 1\n')
    with pytest.raises(ConfigurationError) as caught:
        load(str(tmp_path))
    assert len(caught.value.args) == 2


MISTAKES = [
    ("pyproject.toml", LINTED + 'extend-ignor = ["CEL1"]', 'unknown key "extend-ignor", did you mean "ext'),
    ("pyproject.toml", LINTED + 'extend = ["a"]', "extend: must be a string in quotes"),
    ("pyproject.toml", LINTED + "selct = []", 'unknown key "selct", did you mean "select"?'),
    ("pyproject.toml", LINTED + "zzz = 1", 'unknown key "zzz", one of select, ignore, '),
    ("pyproject.toml", LINTED + 'pool = ["zzz"]', 'unknown value "zzz", one of prefork, solo, '),
    ("pyproject.toml", LINTED + 'select = ["zzz"]', 'unknown rule "zzz" (celery-lint rule --all lists them)'),
    ("pyproject.toml", LINTED + "target-celery = 5.3", 'a string in quotes: target-celery = "5.3"'),
    ("setup.cfg", "[celery-lint]\nper-file-ignore = a\n", 'did you mean "per-file-ignores"?'),
    ("pyproject.toml", LINTED + 'preset = "houses"', 'preset: unknown value "houses", did you mean "house"?'),
    ("pyproject.toml", LINTED + 'pool = ["geven"]', 'pool: unknown value "geven", did you mean "gevent"?'),
    ("pyproject.toml", LINTED + 'ignore = ["CEL115"]', 'ignore: unknown rule "CEL115", did you mean "CEL11'),
    ("pyproject.toml", LINTED + 'ignore = ["asyncio-run"]', 'did you mean "asyncio-run-in-task"?'),
    ("pyproject.toml", LINTED + 'per-file-ignores = {"a" = ["XYZ"]}', 'per-file-ignores: unknown rule "XYZ"'),
    ("pyproject.toml", LINTED + 'per-file-ignores = ["a"]', 'must be pattern:rules, not "a"'),
    ("pyproject.toml", LINTED + 'per-file-ignores = 3', 'per-file-ignores: must be a list of strings, not 3'),
    ("pyproject.toml", LINTED + "select = [1]", 'select: must be a list of strings, not [1]'),
    ("pyproject.toml", LINTED + "preset = 3", 'preset: must be a string in quotes: preset = "3"'),
    ("pyproject.toml", LINTED + 'cache = "maybe"', 'cache: must be true or false, not "maybe"'),
    ("pyproject.toml", LINTED + "cache = 1", 'cache: must be true or false, not "1"'),
    ("pyproject.toml", LINTED + 'target-python = "2"', "target-python: must be a version of Python 3"),
    ("pyproject.toml", LINTED + 'target-python = ">=3.10"', 'target-python: must be a version such as "5.3"'),
    ("pyproject.toml", "[tool]\ncelery-lint = 3", "tool.celery-lint must be a table"),
    ("pyproject.toml", LINTED + "select = [", "is not valid TOML: "),
    ("setup.cfg", "celery-lint\n[x]\n", "is not valid INI: "),
    ("pyproject.toml", "[tool.celery_lint]\nx = 1", "nothing reads [tool.celery_lint]: write "),
    ("pyproject.toml", LINTED + 'exclude = ["!tests"]', 'exclude: a pattern cannot be negated: "!t'),
    ("pyproject.toml", LINTED + 'exclude = ["[a-z.py"]', "exclude: a pattern has a [ without a ]"),
    ("pyproject.toml", LINTED + 'per-file-ignores = {"!a" = ["CEL1"]}', "per-file-ignores: a pattern cannot"),
]  # fmt: skip


@pytest.mark.parametrize("file, text, expected", MISTAKES)
def test_mistake_is_one_line_with_file_key_and_nearest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, file: str, text: str, expected: str
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / file).write_text(text, encoding="utf-8")
    with pytest.raises(ConfigurationError) as caught:
        load(str(tmp_path))
    message = str(caught.value)
    assert message.startswith(f"{file}: ")
    assert expected in message
    assert "\n" not in message


def test_all_mistakes_are_told_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "pyproject.toml").write_text(LINTED + 'pool = "gevnt"\nfoo = 1\ntarget-celery = 5.3\n')
    with pytest.raises(ConfigurationError) as caught:
        load(str(tmp_path), {"preset": "x"})
    told = [str(line).partition(" ")[2][:12] for line in caught.value.args]
    assert told == ["pool: unknow", "unknown key ", "target-celer", "unknown valu"]
    assert str(caught.value) == "; ".join(caught.value.args)


@pytest.mark.parametrize(
    "given, patterns",
    [
        ("app/{a,b}.py,lib", ("app/{a,b}.py", "lib")),
        (["{a,b}/{c,d}.py", "e, f"], ("{a,b}/{c,d}.py", "e", "f")),
        ("{a,b", ("{a,b",)),
    ],
)
def test_commas_within_braces_belong_to_a_pattern(
    given: object, patterns: tuple[str, ...], tmp_path: Path
) -> None:
    assert load(str(tmp_path), {"exclude": given}).exclude == patterns


def test_braces_in_a_pattern_for_rules(tmp_path: Path) -> None:
    ignored = load(str(tmp_path), {"per-file-ignores": "app/{a,b}.py:CEL1,CEL2"}).per_file_ignores
    assert ignored == (("app/{a,b}.py", ("CEL1", "CEL2")),)


@pytest.mark.parametrize(
    "overrides, expected",
    [
        ({"preset": "x"}, '--preset: unknown value "x", one of recommended, house, strict, all'),
        ({"selekt": "x"}, 'unknown option "selekt", did you mean "select"?'),
        ({"select": "CEL9"}, '--select: unknown rule "CEL9", did you mean'),
        ({"config": "missing.toml"}, "missing.toml: No such file or directory"),
        ({"config": "empty.cfg"}, "empty.cfg: has no [celery-lint]"),
        ({"config": "latin.toml"}, "latin.toml: is not UTF-8"),
    ],
)
def test_mistake_in_an_override(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, overrides: dict[str, object], expected: str
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "empty.cfg").touch()
    (tmp_path / "latin.toml").write_bytes(b"# celery-lint \xe9")
    with pytest.raises(ConfigurationError, match=re.escape(expected)):
        load(str(tmp_path), overrides)


ENABLED = [
    ({}, ["CEL110", "CEL111"]),
    ({"preset": "house"}, ["CEL110", "CEL111", "CEL210"]),
    ({"preset": "strict"}, ["CEL110", "CEL111", "CEL210"]),
    ({"preset": "all"}, ["CEL110", "CEL111", "CEL210", "CEL510"]),
    ({"select": "CEL510"}, ["CEL510"]),
    ({"select": "missing-time-limit", "preset": "house"}, ["CEL510"]),
    ({"extend-select": "CEL510"}, ["CEL110", "CEL111", "CEL510"]),
    ({"select": "CEL2", "extend-select": "CEL510"}, ["CEL210", "CEL510"]),
    ({"ignore": "CEL110"}, ["CEL111"]),
    ({"ignore": "asyncio-run-in-task"}, ["CEL111"]),
    ({"ignore": "CEL"}, []),
    ({"select": "CEL1", "ignore": "CEL111"}, ["CEL110"]),
    ({"select": "CEL111", "ignore": "CEL1"}, ["CEL111"]),  # the longer selector wins
    ({"select": "CEL111", "ignore": "async-def-task"}, []),  # and ignore in a tie
    ({"extend-select": "CEL111", "ignore": "CEL1"}, ["CEL111"]),
]


@pytest.mark.parametrize("overrides, expected", ENABLED)
def test_enabled(tmp_path: Path, overrides: dict[str, object], expected: list[str]) -> None:
    configuration = load(str(tmp_path), overrides)
    selection = Selection(configuration, str(tmp_path))
    rules = [(rule.code, rule.name, rule.preset) for rule in examples.RULES]
    assert [rule[0] for rule in rules if enabled(configuration, *rule)] == expected
    assert [rule[0] for rule in rules if selection.enabled(*rule)] == expected


def test_internal_error_is_always_on(tmp_path: Path) -> None:
    configuration = load(str(tmp_path), {"ignore": "CEL", "per-file-ignores": "*:CEL"})
    selection = Selection(configuration, str(tmp_path))
    assert selection.enabled("CEL999", "internal-error", "recommended")
    assert not selection.ignored("a.py", "CEL999", "internal-error")


PATTERNS = [
    ("tests", "tests/a.py", True),
    ("tests", "app/tests/deep/a.py", True),
    ("tests", "latests/a.py", False),
    ("tests", "tests.py", False),
    ("tests/", "tests/a.py", True),
    ("tests/*", "tests/deep/a.py", True),
    ("tests/**", "tests/deep/a.py", True),
    ("./tests/*", "tests/a.py", True),
    ("**/migrations/*", "migrations/a.py", True),
    ("**/migrations/*", "app/migrations/a.py", True),
    ("*/migrations/*", "app/migrations/a.py", True),
    ("test_*.py", "app/test_mail.py", True),
    ("test_*.py", "app/latest_mail.py", False),
    ("app/tasks.py", "app/tasks.py", True),
    ("app/tasks.py", "backend/app/tasks.py", True),
    ("app/tasks.py", "myapp/tasks.py", False),
    ("/srv/shop/app", "app/tasks.py", True),
    ("/srv/app", "app/tasks.py", False),
    ("App", "app/tasks.py", False),
    ("*", "app/tasks.py", True),
    ("**", "app/tasks.py", True),
    ("a[bc].py", "ab.py", True),
    ("tests/**/*.py", "tests/a.py", True),
    ("tests/**/*.py", "tests/unit/deep/a.py", True),
    ("tests/**/*.py", "app/tests/a.py", True),
    ("tests/**/*.py", "tests/a.txt", False),
    ("tests/**/unit/**/*.py", "tests/unit/a.py", True),
    ("tests/**/unit/**/*.py", "tests/x/unit/y/a.py", True),
    ("tests/**/unit/**/*.py", "tests/x/a.py", False),
    ("/srv/shop/**/tasks.py", "tasks.py", True),
    ("src/**", "src/a.py", True),
    ("{app,lib}/*.py", "lib/a.py", True),
    ("{app,lib}/{a,b}.py", "lib/b.py", True),
    ("{app,lib}/{a,b}.py", "lib/c.py", False),
    ("{app}.py", "{app}.py", True),
    ("{app,lib", "lib", False),
]


@pytest.mark.parametrize("pattern, path, expected", PATTERNS)
def test_patterns(pattern: str, path: str, expected: bool) -> None:
    configuration = Configuration(exclude=(pattern,), per_file_ignores=((pattern, ("CEL1",)),))
    selection = Selection(configuration, "/srv/shop/")
    assert selection.excluded(path) is expected
    assert selection.ignored(path, "CEL110", "asyncio-run-in-task") is expected
    assert not selection.ignored(path, "CEL510", "missing-time-limit")


def test_no_patterns_exclude_nothing() -> None:
    assert not Selection(Configuration(), "/").excluded("a.py")


def test_semantic_key_changes_with_semantic_options_only() -> None:
    key = semantic_key(Configuration())
    assert key == semantic_key(Configuration(select=("CEL1",), preset="all", cache=False))
    assert key == semantic_key(Configuration(output_format=("json",), strict_parse=True))
    assert key != semantic_key(Configuration(pool=("gevent",)))
    assert key != semantic_key(Configuration(time_limits="always"))
