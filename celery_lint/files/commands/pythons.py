"""Which versions of Python a project runs on, as its files say it.

What is deployed or installed says it: ``requires-python``, ``python_requires``, Poetry's and Pipenv's
``python``, images of Dockerfiles, ``.python-version``, ``.tool-versions``, ``runtime.txt``, environments of
conda. All that any of them allows counts; what is said and not understood may mean any version. Where none
of them says anything, the versions that ruff, black, mypy and pyright are told do.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING

from celery_lint.source import NotParsed
from celery_lint.source import read as read_bytes

if TYPE_CHECKING:
    from celery_lint.model.reading.apart.versions import Pythons, Version

_LARGEST = 262_144  # bytes
_EVERY: Pythons = ((2, 7), *((3, minor) for minor in range(40)), (4, 0))
# Files that say nothing else: where the version is spelled there, and how.
_PLAIN = {
    ".python-version": re.compile(r"^[ \t]*([^\s#][^\n#]*)", re.MULTILINE),
    ".tool-versions": re.compile(r"^[ \t]*python[ \t]+([^\n#]+)", re.MULTILINE),
    "runtime.txt": re.compile(r"^[ \t]*([^\s#][^\n#]*)", re.MULTILINE),
}
_RELEASE = re.compile(r"(?:c?python-?)?(\d{1,4})\.(\d{1,4})(?:\.\w{1,20}){0,3}")
# The keys of tables that say what may install a project.
_TABLES = {
    "pyproject.toml": re.compile(
        r"project(?:\.requires-python)?|tool\.poetry(?:\.dependencies(?:\.python(?:\.version)?)?)?"
        r"|tool\.flit\.metadata\.requires-python|tool\.pdm\.python_requires"
        r"|tool\.pixi\.(?:feature\.[\w-]+\.)?dependencies\.python(?:\.version)?"
    ),
    "setup.cfg": re.compile(r"(?:options|metadata)\.(?:python[_-]requires|requires-python)"),
    "pipfile": re.compile(r"requires\.python_(?:full_)?version"),
}
_CONDA = frozenset({"environment.yml", "environment.yaml"})
_OF_TOOLS = frozenset({"ruff.toml", ".ruff.toml", "mypy.ini", ".mypy.ini", "pyrightconfig.json", "tox.ini"})
_TELLING = _CONDA | _OF_TOOLS | _PLAIN.keys() | _TABLES.keys() | {"setup.py"}
_HEADER = re.compile(r"[ \t]*\[\[?[ \t]*(\w[^\]\n]*)\]\]?[ \t]*(?:[#;].*)?")
_BESIDES_NAMES = re.compile(r"[\"'\s]")
_STRING = re.compile(r"""(["'])([^"'\n]*)\1[ \t]*(?:#.*)?""")
_INLINE = re.compile(r"""\{.*?\bversion[ \t]*=[ \t]*(["'])([^"'\n]*)\1.*""")
_CALLED = re.compile(r"""\bpython_requires\b(?:[ \t]*=[ \t]*(["'])([^"'\n]*)\1(?=[ \t]*\n?[ \t]*[,)]))?""")
_OF_CONDA = re.compile(r"^[ \t]*-[ \t]*[\"']?(?:[\w-]+::)?python(?![\w.-])([^\"'\n#]*)", re.MULTILINE)
_TARGET = re.compile(
    r"^[ \t]*target[-_]version[ \t]*=[ \t]*(\[[^\]]*\]|\"[^\"\n]*\"|'[^'\n]*')", re.MULTILINE
)
_TARGETED = re.compile(r"py(\d)(\d{1,4})")
_CHECKED = re.compile(
    r"""^[ \t]*["']?(?:python_version|pythonVersion)["']?[ \t]*[=:][ \t]*["']?(\d{1,4})\.(\d{1,4})""",
    re.MULTILINE,
)
_TESTED = re.compile(r"^[ \t]*(?:env_?list|legacy_tox_ini)[ \t]*=", re.MULTILINE)
_OR = re.compile(r"\|\|?")
_AND = re.compile(r"[ \t]*,[ \t]*|[ \t]+(?=[<>=~!^])")
_CLAUSE = re.compile(
    r"(===?|~=|!=|<=?|>=?|\^|~|=)?[ \t]*v?(\d{1,4})(?:\.(\d{1,4}|\*))?"
    r"((?:\.(?:\d{1,4}(?:(?:a|b|rc|\.dev|\.post)\d{1,4})?|\*)){0,4})"
)
_IMAGE = re.compile(r"^[ \t]*FROM[ \t]+(?:--\S+[ \t]+)*(\S+)", re.MULTILINE | re.IGNORECASE)
_VARIABLE = re.compile(r"\$\{[^}\s]{0,200}\}|\$\w+")
_TAG = re.compile(r"(?:^|[/:.$-])(?:python|pypy)[:-]?v?(\d{1,4})(?:\.(\d{1,4})(?![\d$])|(?![\d$]|\.[\d$]))")
_OF_PYTHON = re.compile(r"(?:^|[/$])(?:python|pypy)(?!\w)")


def tells_python(path: str) -> bool:
    """Whether a file of this path says which Python the project runs on, and not much else."""
    name = path.lower().rpartition("/")[2]
    return name in _PLAIN or name in _OF_TOOLS


def since(oldest: str) -> Pythons:
    """The versions from one on; none where it is not told."""
    return tuple(sorted(allowed(f">={oldest}") or ())) if oldest else ()


def of_files(root: str, paths: Iterable[str]) -> Pythons:
    """The versions that files say a project may run on, in order."""
    told: set[Version] = set()
    of_tools: set[Version] = set()
    is_declared = is_tested = False
    for path in paths:
        name = path.lower().rpartition("/")[2]
        if name not in _TELLING and not _is_of_images(name):
            continue
        try:
            text = read_bytes(f"{root}/{path}", _LARGEST, within=root).decode("utf-8", "replace")
        except NotParsed:
            continue
        said = _told(name, text)
        told |= said
        is_declared = is_declared or (bool(said) and (name in _TABLES or name == "setup.py"))
        of_tools |= _told_to_tools(name, text)
        is_tested = is_tested or (name in _OF_TOOLS | _TABLES.keys() and _TESTED.search(text) is not None)
    if is_tested and not is_declared:  # tox tries versions that nobody says
        return _EVERY
    return tuple(sorted(told or of_tools))


def _is_of_images(name: str) -> bool:
    return name.startswith(("dockerfile", "containerfile")) or name.endswith(
        (".dockerfile", ".containerfile")
    )


def _told(name: str, text: str) -> set[Version]:
    """The versions that a file of this name says the project runs on."""
    if name in _PLAIN:
        releases = [_RELEASE.fullmatch(said.strip()) for said in _PLAIN[name].findall(text)]
        return {
            each for found in releases for each in ([(int(found[1]), int(found[2]))] if found else _EVERY)
        }
    if _is_of_images(name):
        return _of_images(text)
    if name in _CONDA:
        said = _OF_CONDA.findall(text)
    elif name == "setup.py":
        said = [found[2] or "" for found in _CALLED.finditer(text)] or [""] * ("**" in text)
    elif name in _TABLES:
        said = _of_tables(name, text)
    else:
        said = []
    return {version for spelled in said for version in _meant(spelled)}


def _meant(spelled: str) -> Iterable[Version]:
    """The versions that a specifier allows; all of them where it is not understood."""
    return allowed(spelled) or _EVERY


def _of_tables(name: str, text: str) -> list[str]:
    """The specifiers that the tables of a file say; an empty one for what is no plain text."""
    found: list[str] = []
    table = ""
    for line in text.splitlines():
        header = _HEADER.fullmatch(line)
        if header is not None:
            table = _BESIDES_NAMES.sub("", header[1])
            continue
        key, sign, value = line.partition("=")
        if name == "setup.cfg" and ":" in key:
            key, sign, value = line.partition(":")
        path = f"{table}.{_BESIDES_NAMES.sub('', key)}".lstrip(".") if sign else ""
        if _TABLES[name].fullmatch(path):
            value = value.strip()
            quoted = _STRING.fullmatch(value) or _INLINE.fullmatch(value)
            found.append(quoted[2] if quoted else value.partition(" #")[0].partition(" ;")[0])
    return found


def _told_to_tools(name: str, text: str) -> set[Version]:
    if name not in _OF_TOOLS and name not in ("pyproject.toml", "setup.cfg"):
        return set()
    least = [
        (int(major), int(minor))
        for targets in _TARGET.findall(text)
        for major, minor in _TARGETED.findall(targets)
    ]
    least += [(int(major), int(minor)) for major, minor in _CHECKED.findall(text)]
    return {version for version in _EVERY if version >= min(least)} if least else set()


def _of_images(text: str) -> set[Version]:
    """The versions of the images that a Dockerfile starts from.

    A build may give its arguments another value than the file does: then an image may be of any version.
    """
    found: set[Version] = set()
    for image in _IMAGE.findall(text):
        named = _VARIABLE.sub("$", image).partition("@")[0]
        tagged = _TAG.findall(named)
        for major, minor in tagged:
            found.update(_meant(f"=={major}.{minor or '*'}"))
        if tagged:
            continue
        if _OF_PYTHON.search(named):  # any: `python:latest`
            found.update(_EVERY if _is_made(named) else _meant(">=3"))
        elif _is_made(named.rpartition("/")[2].partition(":")[0]):
            found.update(_EVERY)
    return found


def _is_made(spelled: str) -> bool:
    """Whether the name of an image is put together when it is built, or by a template."""
    return not {*"$\\{"}.isdisjoint(spelled)


def allowed(spelled: str) -> set[Version] | None:
    """The versions that a specifier allows: ``>=3.10,<3.13``, ``^3.11``, ``3.12``; ``None`` if it is none."""
    found: set[Version] = set()
    for each in _OR.split(spelled):
        clauses = [_CLAUSE.fullmatch(clause) for clause in _AND.split(each.strip())]
        understood = [clause.groups(default="") for clause in clauses if clause is not None]
        if len(understood) < len(clauses):
            return None
        found.update(v for v in _EVERY if all(_is_allowed(v, *clause) for clause in understood))
    return found


def _is_allowed(version: Version, sign: str, major: str, minor: str, more: str) -> bool:
    """Whether some release of a version fits one clause: ``more`` is what it says of patches."""
    first = (int(major), int(minor) if minor.isdecimal() else 0)
    if sign in (">=", ">"):
        return version >= first
    if sign in ("<", "<="):
        return version < first or (version == first and (sign == "<=" or more > ".0"))
    if sign == "!=":
        return version != first or "*" not in (minor, more.lstrip("."))
    if sign == "^" or (sign == "~=" and not more):
        return version[0] == first[0] and version >= first
    return version[0] == first[0] and (not minor.isdecimal() or version == first)
