"""Which options hold where in a workspace: those of the closest table, as in ruff.

A table in a folder below the root decides what is reported about the files below it: rules, presets,
severities, patterns. What the linter cannot see in the project (the worker pool, the broker ...) has one
answer for the whole workspace, so those options are put together from all its tables.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from celery_lint.configuration import ConfigurationError, has_table, load
from celery_lint.files.roots import CONFIGURATION_FILES, absolute_path
from celery_lint.options import OPTIONS, Configuration
from celery_lint.paths import shown
from celery_lint.selection import Selection


class Scope:
    """The options of the files below one folder."""

    def __init__(self, root: str, configuration: Configuration) -> None:
        self.configuration = configuration
        self.selection = Selection(configuration, root)


class Scopes:
    """The scopes of a workspace.

    ``configuration`` is that of the root; ``nested`` the folders below it that may have a table of their own,
    and ``overrides`` what is laid over each table. ``outer`` are those of a workspace that was asked for as a
    whole and holds this one: what it leaves out stays out.
    """

    def __init__(
        self,
        root: str,
        configuration: Configuration,
        nested: Iterable[str] = (),
        overrides: Mapping[str, object] = {},
        outer: Scopes | None = None,
    ) -> None:
        self._top = Scope(root, configuration)
        self._root = root
        self._outer = outer
        self._nested: dict[str, Scope] = {}
        for folder in sorted(nested, key=lambda folder: (folder.count("/"), folder)):
            absolute = absolute_path(root, folder)
            if not self.excluded(folder) and has_table(absolute):
                # The deepest first: the first that holds a file is the closest.
                self._nested = {f"{folder}/": Scope(root, load(absolute, overrides)), **self._nested}

    def of(self, path: str) -> Scope:
        """The scope of a file, which is named as the index names it."""
        for prefix, scope in self._nested.items():
            if path.startswith(prefix):
                return scope
        return self._top

    def excluded(self, path: str) -> bool:
        """Whether a file or folder is left out. What lies in a folder that is has no say in it."""
        return self.of(path).selection.excluded(path) or (
            self._outer is not None and self._outer.excluded(self._outer.named(self._root, path))
        )

    def named(self, root: str, path: str) -> str:
        """What a file of a workspace within is called here."""
        inner = os.path.relpath(root, self._root).replace(os.sep, "/")
        return f"{inner}/{path}" if path else inner

    def whole(self) -> Configuration:
        """The root's configuration with what the nested tables say about the project as a whole.

        Lists are put together; of single values the root's wins. Raises ConfigurationError where two nested
        tables contradict each other.
        """
        values: dict[str, Any] = {}
        for option in OPTIONS if self._nested else ():
            if not option.semantic:
                continue
            own = getattr(self._top.configuration, option.field)
            given = list(self._given(option.field, option.default))
            if isinstance(option.default, tuple):
                every = [
                    *(own if own != option.default or not given else ()),
                    *(w for _, v in given for w in v),
                ]
                values[option.field] = tuple(dict.fromkeys(every))
            elif own == option.default and given:
                (first, value), *others = given
                for other, differing in others:
                    if differing != value:
                        raise ConfigurationError(
                            f"{self._shown(other)}: {option.key} differs from that of {self._shown(first)}: "
                            f"set it at the top, or root = true to make the folder a project of its own"
                        )
                values[option.field] = value
        return self._top.configuration._replace(**values)

    def _given(self, field: str, default: object) -> Iterator[tuple[str, Any]]:
        for prefix, scope in sorted(self._nested.items()):
            value = getattr(scope.configuration, field)
            if value != default:
                yield prefix[:-1], value

    def _shown(self, folder: str) -> str:
        return shown(absolute_path(self._root, folder))


Asked = tuple[str, list[str], "Scopes | None"]
"""The root of a workspace, what of it is asked for (``""``: all), and the scopes of one that holds it."""


def nested_folders(configuration_files: Iterable[str]) -> set[str]:
    """The folders below the root that may have a table of ours, of all configuration files of a workspace."""
    return {
        folder
        for folder, _, name in (path.rpartition("/") for path in configuration_files)
        if folder and name in CONFIGURATION_FILES
    }


def closest_table(folder: str, root: str) -> str:
    """The closest folder upwards with a table of ours, the root at the latest."""
    while folder != root and folder.startswith(root.rstrip(os.sep) + os.sep):
        if has_table(folder):
            return folder
        folder = os.path.dirname(folder)
    return root
