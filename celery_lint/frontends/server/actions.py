"""What an editor offers where a diagnostic stands: to mend it, to silence it here, to read about it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from lsprotocol import types

from celery_lint.diagnostics import Diagnostic
from celery_lint.engine.comments.silencing import silencing
from celery_lint.fixes.suggestions import Replacement, Suggestions
from celery_lint.frontends.server.wording import Wording
from celery_lint.selection import INTERNAL_ERROR
from celery_lint.source import NotParsed, Source

FIX_ALL = f"{types.CodeActionKind.SourceFixAll.value}.celeryLint"
"""The kind of the action that makes all safe fixes of a file, for settings that run it with each save."""
KINDS = [types.CodeActionKind.QuickFix, types.CodeActionKind.SourceFixAll, FIX_ALL]
OPEN_PAGE = "celery-lint.openRulePage"
"""The command that shows the page of the rule whose code it is given."""


class Shown(NamedTuple):
    """What was said about a document of this version and text, and how it was told."""

    version: int | None
    path: str
    text: str
    diagnostics: Sequence[tuple[Diagnostic, types.Diagnostic]]


class Actions:
    """The actions for a client that can do these things."""

    def __init__(self, wording: Wording, capabilities: types.ClientCapabilities) -> None:
        window, workspace = capabilities.window, capabilities.workspace
        self._wording = wording
        self._opens = bool(window and window.show_document and window.show_document.support)
        edits = workspace.workspace_edit if workspace is not None else None
        self._versions = bool(edits and edits.document_changes)

    def of(self, uri: str, shown: Shown, parameters: types.CodeActionParams) -> list[types.CodeAction]:
        """The actions of the kinds that are asked for, for the diagnostics in a range."""
        wanted = parameters.context.only
        suggestions = Suggestions({shown.path: shown.text})
        found: list[types.CodeAction] = []
        if _is_wanted(types.CodeActionKind.QuickFix.value, wanted):
            for each, told in shown.diagnostics:
                if _meet(told.range, parameters.range):
                    found += self._quick(uri, shown, each, told, suggestions)
        if _is_wanted(FIX_ALL, wanted):
            safe = [each for each, _ in shown.diagnostics if each.fix and each.fix[0] == "safe"]
            edits = suggestions.together(shown.path, [each for each in safe if each.path == shown.path])
            if edits:
                title = "Make all safe fixes of celery-lint"
                found.append(types.CodeAction(title, FIX_ALL, edit=self._edit(uri, shown, edits)))
        return found

    def _quick(
        self,
        uri: str,
        shown: Shown,
        each: Diagnostic,
        told: types.Diagnostic,
        suggestions: Suggestions,
    ) -> Iterator[types.CodeAction]:
        kind = types.CodeActionKind.QuickFix
        edits = suggestions.of(each) if each.path == shown.path else []
        if edits and each.fix:
            is_safe = each.fix[0] == "safe"
            title = f"Fix {each.code} ({each.name})" + ("" if is_safe else ": changes what the code does")
            edit = self._edit(uri, shown, edits)
            yield types.CodeAction(title, kind, [told], is_preferred=is_safe, edit=edit)
        comment = self._comment(shown, each)
        if comment is not None:
            title = f"Ignore {each.code} here, with a reason ({each.name})"
            yield types.CodeAction(title, kind, [told], edit=self._edit(uri, shown, [comment]))
        if self._opens and each.code != INTERNAL_ERROR:
            title = f"Open the page of {each.code} ({each.name})"
            command = types.Command(title, OPEN_PAGE, arguments=[each.code])
            yield types.CodeAction(title, kind, [told], command=command)

    def _comment(self, shown: Shown, each: Diagnostic) -> Replacement | None:
        if each.code == INTERNAL_ERROR or each.path != shown.path:
            return None
        try:
            return silencing(Source(shown.path, shown.text), each.line, each.name)
        except NotParsed:
            return None

    def _edit(self, uri: str, shown: Shown, edits: Iterable[Replacement]) -> types.WorkspaceEdit:
        """The edits as the client takes them: for one version of the text, if it knows versions."""
        lines = Source(shown.path, shown.text).lines
        changes = [types.TextEdit(self._wording.range(lines, span), text) for span, text in edits]
        if not self._versions:
            return types.WorkspaceEdit(changes={uri: changes})
        document = types.OptionalVersionedTextDocumentIdentifier(uri, shown.version)
        return types.WorkspaceEdit(document_changes=[types.TextDocumentEdit(document, list(changes))])


def _is_wanted(kind: str, wanted: Sequence[str | types.CodeActionKind] | None) -> bool:
    """Whether a kind, or one that it belongs to, is asked for; without a question all are."""
    names = [getattr(each, "value", each) for each in wanted or ()]
    return wanted is None or any(kind == name or kind.startswith(f"{name}.") or not name for name in names)


def _meet(one: types.Range, other: types.Range) -> bool:
    def at(position: types.Position) -> tuple[int, int]:
        return position.line, position.character

    return at(one.start) <= at(other.end) and at(other.start) <= at(one.end)
