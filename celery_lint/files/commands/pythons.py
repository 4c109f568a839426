"""Which versions of Python a project runs on, as its files say it.

What is deployed or installed says it: ``requires-python``, ``python_requires``, Poetry's and Pipenv's
``python``, images of Dockerfiles, ``.python-version``, ``.tool-versions``, ``runtime.txt``, environments of
conda. All that any of them allows counts. Where none of them says anything, the versions that ruff, black,
mypy and pyright are told do.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from celery_lint.source import NotParsed
from celery_lint.source import read as read_bytes

Version = tuple[int, int]

_LARGEST = 262_144  # bytes
_EVERY: tuple[Version, ...] = ((2, 7), *((3, minor) for minor in range(40)), (4, 0))
# Files that say nothing else, and how the version is spelled there.
_PLAIN = {
    ".python-version": re.compile(r"^\s*(?:python-?|cpython-?)?(\d+)\.(\d+)(?:\.[\w.]+)?\s*$", re.MULTILINE),
    ".tool-versions": re.compile(r"^[ \t]*python[ \t]+(\d+)\.(\d+)", re.MULTILINE),
    "runtime.txt": re.compile(r"^\s*python-(\d+)\.(\d+)", re.MULTILINE),
}
_TABLES = frozenset({"pyproject.toml", "setup.cfg", "setup.py", "pipfile"})
_CONDA = frozenset({"environment.yml", "environment.yaml"})
_OF_TOOLS = frozenset({"ruff.toml", ".ruff.toml", "mypy.ini", ".mypy.ini", "pyrightconfig.json"})
_TELLING = _TABLES | _CONDA | _OF_TOOLS | _PLAIN.keys()
_REQUIRED = re.compile(
    r"""^[ \t]*["']?(?:requires-python|python_requires|python_full_version|python_version|python)["']?"""
    r"""[ \t]*=[ \t]*(?:\{[ \t]*version[ \t]*=[ \t]*)?["']?([<>=~^!\d][^"'\n#]*)""",
    re.MULTILINE,
)
_CALLED = re.compile(r"""\bpython_requires[ \t]*=[ \t]*["']([^"'\n]+)""")
_OF_CONDA = re.compile(r"^[ \t]*-[ \t]*[\"']?python[ \t]*([<>=~!][^\"'\n#]*)", re.MULTILINE)
_TARGET = re.compile(
    r"^[ \t]*target[-_]version[ \t]*=[ \t]*(\[[^\]]*\]|\"[^\"\n]*\"|'[^'\n]*')", re.MULTILINE
)
_TARGETED = re.compile(r"py(\d)(\d+)")
_CHECKED = re.compile(
    r"""^[ \t]*["']?(?:python_version|pythonVersion)["']?[ \t]*[=:][ \t]*["']?(\d+)\.(\d+)""", re.MULTILINE
)
_CLAUSE = re.compile(r"(===?|~=|!=|<=?|>=?|\^|~)?[ \t]*v?(\d+)(?:\.(\d+|\*))?((?:\.[\w*]+)*)")
_ARGUMENT = re.compile(r"^[ \t]*ARG[ \t]+(\w+)=[\"']?([\w.-]+)", re.MULTILINE | re.IGNORECASE)
_IMAGE = re.compile(r"^[ \t]*FROM[ \t]+(?:--\S+[ \t]+)*(\S+)", re.MULTILINE | re.IGNORECASE)
_VARIABLE = re.compile(r"\$\{?(\w+)(?::-([\w.-]*))?\}?")
_TAG = re.compile(r"(?:^|[/:.-])(?:python|pypy)[:-]?v?(\d+)(?:\.(\d+))?")
_OF_PYTHON = re.compile(r"(?:^|/)(?:python|pypy)(?![\w])")
# The tables of tools that install nothing.
_TOOL = re.compile(r"\[+(?:tool\.(?!poetry|pdm|hatch|pixi)|mypy)")


def tells_python(path: str) -> bool:
    """Whether a file of this path says which Python the project runs on, and not much else."""
    name = path.lower().rpartition("/")[2]
    return name in _PLAIN or name in _OF_TOOLS


def since(oldest: str) -> tuple[Version, ...]:
    """The versions from one on; none where it is not told."""
    return tuple(sorted(allowed(f">={oldest}") or ())) if oldest else ()


def of_files(root: str, paths: Iterable[str]) -> tuple[Version, ...]:
    """The versions that files say a project may run on, in order."""
    told: set[Version] = set()
    of_tools: set[Version] = set()
    for path in paths:
        name = path.lower().rpartition("/")[2]
        if name not in _TELLING and not _is_of_images(name):
            continue
        try:
            text = read_bytes(f"{root}/{path}", _LARGEST, within=root).decode("utf-8", "replace")
        except NotParsed:
            continue
        told |= _told(name, text)
        of_tools |= _told_to_tools(name, text)
    return tuple(sorted(told or of_tools))


def _is_of_images(name: str) -> bool:
    return name.startswith(("dockerfile", "containerfile")) or name.endswith(
        (".dockerfile", ".containerfile")
    )


def _told(name: str, text: str) -> set[Version]:
    """The versions that a file of this name says the project runs on."""
    if name in _PLAIN:
        return {(int(major), int(minor)) for major, minor in _PLAIN[name].findall(text)}
    if _is_of_images(name):
        return _of_images(text)
    if name in _CONDA:
        said = _OF_CONDA.findall(text)
    elif name == "setup.py":
        said = _CALLED.findall(text)
    elif name in _TABLES:
        said = _REQUIRED.findall(_without_tools(text))
    else:
        said = []
    return {version for spelled in said for version in allowed(spelled) or ()}


def _without_tools(text: str) -> str:
    """A text without its tables for tools that install nothing."""
    kept: list[str] = []
    of_tools = False
    for line in text.splitlines():
        if line.startswith("["):
            of_tools = _TOOL.match(line) is not None
        if not of_tools:
            kept.append(line)
    return "\n".join(kept)


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
    """The versions of the images that a Dockerfile starts from."""
    given = dict(_ARGUMENT.findall(text))
    found: set[Version] = set()
    for image in _IMAGE.findall(text):
        named = _VARIABLE.sub(lambda found: given.get(found[1]) or found[2] or "", image)
        tagged = _TAG.findall(named.partition("@")[0])
        for major, minor in tagged:
            found.update(allowed(f"=={major}.{minor or '*'}") or ())
        if not tagged and _OF_PYTHON.search(named):  # any: `python:latest`
            found.update(allowed(">=3") or ())
    return found


def allowed(spelled: str) -> set[Version] | None:
    """The versions that a specifier allows: ``>=3.10,<3.13``, ``^3.11``, ``3.12``; ``None`` if it is none."""
    found: set[Version] = set()
    for each in spelled.split("||"):
        clauses = _CLAUSE.findall(each)
        if not clauses:
            return None
        found.update(v for v in _EVERY if all(_is_allowed(v, *clause) for clause in clauses))
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
