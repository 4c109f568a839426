"""The server itself: what it does with each message of an editor."""

from __future__ import annotations

import gc
import logging
import os
import sys
import time
from collections.abc import Callable, Sequence
from typing import Any, BinaryIO

from lsprotocol import types
from pygls import uris
from pygls.lsp.server import LanguageServer

from celery_lint import __version__, engine
from celery_lint.configuration import ConfigurationError
from celery_lint.diagnostics import Report
from celery_lint.engine.filtering import NAMELESS
from celery_lint.frontends.server.actions import KINDS, OPEN_PAGE, Actions, Shown
from celery_lint.frontends.server.pages import Pages
from celery_lint.frontends.server.queue import Queue
from celery_lint.frontends.server.wording import Wording
from celery_lint.source import NotParsed, Source, read

PATIENCE = 0.2
"""Seconds without a change after which a text is checked; or half of what the last answer took."""

_WATCHED = "**/*.{py,toml,cfg,yml,yaml,ini,conf,sh,service,lock,txt}", "**/{Procfile,Dockerfile,Makefile}*"
_log = logging.getLogger(__name__)


class Server(LanguageServer):
    """Checks every open Python document when it is opened, changed or saved; all of them when one is saved.

    ``initializationOptions`` are options as in ``[tool.celery-lint]``, laid over the project's own.
    """

    def __init__(self) -> None:
        super().__init__("celery-lint", __version__)
        self.pages = Pages()
        self.shown: dict[str, Shown] = {}
        self._options: dict[str, object] = {}
        self._queue: Queue[Report | None] = Queue(self._work, self._tell, self._failed)
        self._latest = ""  # the document that somebody works on
        self._changing = ""  # the one whose surroundings are known, because it has changed
        self._preparing = ""  # the document that is looked at before it changes
        self._took = PATIENCE
        self._wording: Wording | None = None
        self._actions: Actions | None = None
        self._disk_has_changed = False
        self._told = ""

    def begin(self, options: object) -> None:
        """Take over what the client says about itself."""
        self._options = dict(options) if isinstance(options, dict) else {}

    def check_change(self, uri: str) -> None:
        """Check a document once no more is typed."""
        self._latest = self._changing = uri
        self.check(uri, min(PATIENCE, self._took / 2))

    def check(self, uri: str, delay: float = 0.0) -> None:
        """Check a document soon, if it is a Python file."""
        self._preparing = "" if self._preparing == uri else self._preparing
        document = self.workspace.text_documents.get(uri)
        if document is not None and (document.language_id == "python" or uri.endswith((".py", ".pyw"))):
            self._queue.ask(uri, delay)

    def check_opened(self, uri: str) -> None:
        """Check a document that somebody is going to work on."""
        self._latest = uri
        self.check(uri)

    def check_all(self, first: str = "") -> None:
        """Look at the disk anew, and check all open documents, this one before the others."""
        self._disk_has_changed = True
        self._changing = ""
        for uri in sorted(self.workspace.text_documents, key=lambda uri: (uri != first, uri)):
            self.check(uri)

    def close(self, uri: str) -> None:
        """Forget a document: what is said about files that nobody looks at, the command says."""
        self._queue.drop(uri)
        shown = self.shown.pop(uri, None)
        if shown is not None and shown.diagnostics:
            self._publish(uri, [], None)

    def hover(self, uri: str, position: types.Position) -> types.Hover | None:
        """The words of the rules at a position."""
        shown = self.shown.get(uri)
        return self.wording.hover([told for _, told in shown.diagnostics] if shown else (), position)

    def actions(self, parameters: types.CodeActionParams) -> list[types.CodeAction]:
        """What can be done about the diagnostics in a range of a document as it is now."""
        uri = parameters.text_document.uri
        document, shown = self.workspace.text_documents.get(uri), self.shown.get(uri)
        if document is None or shown is None or document.source != shown.text:
            return []  # what was said is about another text; the answer about this one is on its way
        if self._actions is None:
            self._actions = Actions(self.wording, self.client_capabilities)
        return self._actions.of(uri, shown._replace(version=document.version), parameters)

    def open_page(self, code: str) -> None:
        """Let the client show the page of a rule."""
        address = self.pages.address(code)
        if address is not None:
            self.window_show_document(types.ShowDocumentParams(address, take_focus=True))

    @property
    def wording(self) -> Wording:
        """How diagnostics are told to this client."""
        if self._wording is None:
            codec = self.workspace.position_codec
            self._wording = Wording(self.client_capabilities, codec, self.pages)
        return self._wording

    # ------------------------------------------------------------------------ a check

    def _work(self, uri: str, stale: Callable[[], bool]) -> Callable[[], Report | None] | None:
        document = self.workspace.text_documents.get(uri)
        if document is None:
            return None
        forget, self._disk_has_changed = self._disk_has_changed, False
        path = uris.to_fs_path(uri) if uris.uri_scheme(uri) == "file" else None
        text, options = document.source, self._options
        prepares = self._preparing == uri
        self._preparing = "" if prepares else self._preparing

        def work() -> Report | None:
            if forget:
                engine.forget()
            if prepares:
                engine.prepare(path or "", text, overrides=options, stale=stale)
                return None
            started = time.perf_counter()
            report = engine.check_text(path, text, None, overrides=options, stale=stale)
            self._took = time.perf_counter() - started
            return report

        return work

    def _prepare(self, uri: str) -> None:
        """Look at what is around a document while nobody waits: the next thing that happens is a change."""
        if uri == self._latest != self._changing and uris.uri_scheme(uri) == "file":
            self._preparing = uri
            self._queue.ask(uri)

    def _tell(self, uri: str, report: Report | None) -> None:
        document = self.workspace.text_documents.get(uri)
        if document is None or report is None:
            return
        self._prepare(uri)
        self._told = ""
        if report.unparsed and not report.diagnostics and uri in self.shown:
            return  # half a line has been typed: what was said stays until the text can be read again
        texts: dict[str, Sequence[str]] = {}
        own = os.path.realpath(uris.to_fs_path(uri) or "")

        def lines(path: str) -> Sequence[str]:
            if path not in texts:
                texts[path] = _lines(path, document.source if _is_own(path, own) else None)
            return texts[path]

        told = [(each, self.wording.diagnostic(each, uri, lines)) for each in report.diagnostics]
        path = next((each.path for each, _ in told if _is_own(each.path, own)), "")
        self.shown[uri] = Shown(document.version, path, document.source, told)
        self._publish(uri, [diagnostic for _, diagnostic in told], document.version)

    def _publish(self, uri: str, found: list[types.Diagnostic], version: int | None) -> None:
        self.text_document_publish_diagnostics(types.PublishDiagnosticsParams(uri, found, version))

    def _failed(self, uri: str, error: Exception) -> None:
        if isinstance(error, ConfigurationError):
            message = f"celery-lint: error: {error}"
        else:
            _log.error("checking %s failed", uri, exc_info=error)
            message = f"celery-lint: internal error: {type(error).__name__}: {error}"
        if message != self._told:  # once, and not with every letter that is typed
            self._told = message
            self.window_show_message(types.ShowMessageParams(types.MessageType.Error, message))


def _is_own(path: str, own: str) -> bool:
    """Whether a path is that of the document itself."""
    return path == NAMELESS or os.path.realpath(path) == own


def _lines(path: str, text: str | None) -> Sequence[str]:
    try:
        return Source(path, read(path) if text is None else text).lines
    except NotParsed:
        return ()


def _server() -> Server:
    server = Server()

    @server.feature(types.INITIALIZE)
    def initialize(server: Server, parameters: types.InitializeParams) -> None:
        server.begin(parameters.initialization_options)

    @server.feature(types.INITIALIZED)
    def initialized(server: Server, _: types.InitializedParams) -> None:
        about = server.client_capabilities.workspace
        watching = about.did_change_watched_files if about is not None else None
        if watching is not None and watching.dynamic_registration:
            watchers = [types.FileSystemWatcher(pattern) for pattern in _WATCHED]
            options = types.DidChangeWatchedFilesRegistrationOptions(watchers)
            method = types.WORKSPACE_DID_CHANGE_WATCHED_FILES
            registration = types.Registration("watched-files", method, options)
            server.client_register_capability(types.RegistrationParams([registration]))

    @server.feature(types.TEXT_DOCUMENT_DID_OPEN)
    def opened(server: Server, parameters: types.DidOpenTextDocumentParams) -> None:
        server.check_opened(parameters.text_document.uri)

    @server.feature(types.TEXT_DOCUMENT_DID_CHANGE)
    def changed(server: Server, parameters: types.DidChangeTextDocumentParams) -> None:
        server.check_change(parameters.text_document.uri)

    @server.feature(types.TEXT_DOCUMENT_DID_SAVE)
    def saved(server: Server, parameters: types.DidSaveTextDocumentParams) -> None:
        server.check_all(parameters.text_document.uri)

    @server.feature(types.WORKSPACE_DID_CHANGE_WATCHED_FILES)
    def changed_on_disk(server: Server, _: types.DidChangeWatchedFilesParams) -> None:
        server.check_all()

    @server.feature(types.TEXT_DOCUMENT_DID_CLOSE)
    def closed(server: Server, parameters: types.DidCloseTextDocumentParams) -> None:
        server.close(parameters.text_document.uri)

    @server.feature(types.TEXT_DOCUMENT_HOVER)
    def hover(server: Server, parameters: types.HoverParams) -> types.Hover | None:
        return server.hover(parameters.text_document.uri, parameters.position)

    @server.feature(types.TEXT_DOCUMENT_CODE_ACTION, types.CodeActionOptions(code_action_kinds=KINDS))
    def actions(server: Server, parameters: types.CodeActionParams) -> list[types.CodeAction]:
        return server.actions(parameters)

    @server.command(OPEN_PAGE)
    def open_page(server: Server, code: str) -> None:
        server.open_page(code)

    return server


def serve() -> None:
    """Serve the client on standard input and output until it says goodbye, and exit as the protocol asks."""
    level = logging.DEBUG if os.environ.get("CELERY_LINT_DEBUG") == "1" else logging.WARNING
    logging.basicConfig(stream=sys.stderr, level=level, format="celery-lint: %(levelname)s: %(message)s")
    gc.enable()  # the command turns it off, for runs that end soon
    server = _server()
    try:
        server.start_io(sys.stdin.buffer, _own_output())
    finally:
        server.pages.remove()


def _own_output() -> BinaryIO:
    """Standard output for the protocol alone: whatever else is written there goes to standard error."""
    sys.stdout.flush()
    output: Any = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    return output  # type: ignore[no-any-return]
