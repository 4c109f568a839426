"""``celery-lint check --baseline FILE``: what was there before is known, and only the rest is told.

A baseline is a JSON document with an entry a line: the path from the baseline's folder, code, message, and
the fingerprint, which is all that is compared. It holds no lines, so that edits elsewhere change nothing. It
shrinks by itself: what no longer occurs is taken out.
"""

from __future__ import annotations

import json
import os
from collections.abc import Collection
from typing import Any

from celery_lint.diagnostics import Report
from celery_lint.frontends.cli.arguments import UsageError
from celery_lint.reports.fingerprints import fingerprints

VERSION = 1
_SHOWN = 3


class Baseline:
    """The baseline of a file, which need not be there yet."""

    def __init__(self, path: str) -> None:
        self.path = path
        self._folder = os.path.dirname(os.path.realpath(path))

    def _named(self, path: str) -> str:
        return os.path.relpath(path, self._folder) if os.path.isabs(path) else path

    def _read(self) -> list[dict[str, str]]:
        try:
            with open(self.path, encoding="utf-8") as file:
                document: Any = json.load(file)
        except OSError as error:
            raise UsageError(f"cannot read the baseline: {self.path}: {error.strerror or error}") from None
        except (ValueError, RecursionError):
            raise UsageError(f"{self.path}: is no baseline: {_ANEW.format(self.path)}") from None
        entries = document.get("entries") if isinstance(document, dict) else None
        if not isinstance(entries, list) or document.get("version") != VERSION:
            raise UsageError(f"{self.path}: is no baseline of this version: {_ANEW.format(self.path)}")
        if not all(isinstance(entry, dict) and entry.keys() >= _KEYS for entry in entries):
            raise UsageError(f"{self.path}: an entry is damaged: {_ANEW.format(self.path)}")
        return entries

    def without_known(self, report: Report) -> tuple[Report, list[dict[str, str]]]:
        """The report without what the baseline holds, and the entries that are not found any more."""
        entries = {entry["fingerprint"]: entry for entry in self._read()}
        new = []
        for found, fingerprint in fingerprints(report.diagnostics, self._named):
            if found.code == "CEL999" or entries.pop(fingerprint, None) is None:
                new.append(found)
        known = len(report.diagnostics) - len(new)
        return report.only(new)._replace(known=known), list(entries.values())

    def gone(self, entries: list[dict[str, str]], checked: Collection[str]) -> list[dict[str, str]]:
        """Those of the entries that no longer occur: others may do so where nobody has looked."""
        return [entry for entry in entries if self._was_looked_at(entry["path"], checked)]

    def shrink(self, gone: list[dict[str, str]]) -> str:
        """Take entries out, and say so. In CI, or where the file cannot be written, it is only said."""
        places = [f"{entry['code']} in {entry['path']}" for entry in gone[:_SHOWN]]
        more = f" and {len(gone) - _SHOWN} more" if len(gone) > _SHOWN else ""
        one = len(gone) == 1
        occur = "1 entry no longer occurs" if one else f"{len(gone)} entries no longer occur"
        done = _ANEW.format(self.path)
        if not os.environ.get("CI") and os.access(self.path, os.W_OK):
            self._write([entry for entry in self._read() if entry not in gone])
            done = "it is taken out" if one else "they are taken out"
        return f"{self.path}: {occur}: {', '.join(places)}{more}: {done}"

    def _was_looked_at(self, path: str, checked: Collection[str]) -> bool:
        absolute = os.path.normpath(os.path.join(self._folder, path))  # the path may lead upwards first
        return absolute in checked or not absolute.endswith(".py") or not os.path.exists(absolute)

    def write(self, report: Report, checked: Collection[str]) -> int:
        """Write what a report holds, and keep the entries of files that were not checked; returns how many.

        Raises UsageError for a file that cannot be written, or that holds something else.
        """
        kept = []
        if os.path.lexists(self.path) and os.path.getsize(self.path):
            kept = [entry for entry in self._read() if not self._was_looked_at(entry["path"], checked)]
        for found, fingerprint in fingerprints(report.diagnostics, self._named):
            if found.code != "CEL999":
                path = self._named(found.path).replace(os.sep, "/")
                kept.append(
                    {"path": path, "code": found.code, "message": found.message, "fingerprint": fingerprint}
                )
        kept.sort(key=lambda entry: (entry["path"], entry["code"], entry["message"]))
        self._write(kept)
        return len(kept)

    def _write(self, entries: list[dict[str, str]]) -> None:
        lines = ",\n".join(f"    {json.dumps(entry)}" for entry in entries)
        text = f'{{\n  "version": {VERSION},\n  "entries": [\n{lines}\n  ]\n}}\n'
        try:
            with open(self.path, "w", encoding="utf-8", newline="\n") as file:
                file.write(text)
        except OSError as error:
            raise UsageError(f"cannot write the baseline: {self.path}: {error.strerror or error}") from None


_KEYS = {"path", "code", "fingerprint"}
_ANEW = "--write-baseline {} writes it anew"
