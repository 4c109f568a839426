"""The language server, asked by a real client over standard input and output."""

from __future__ import annotations

import asyncio
import os
import re
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, Union

import pytest
from lsprotocol import types
from pygls import uris
from pygls.lsp.client import BaseLanguageClient
from pygls.protocol import default_converter

from celery_lint import engine
from celery_lint.frontends.server.queue import Queue
from celery_lint.rules import all_rules
from tests import samples
from tests.processes import HANGS, run

REPOSITORY = Path(__file__).parent.parent.parent
MAIL, LOOPS = "app/mail.py", "app/loops.py"
NEVER = next(rule for rule in all_rules() if rule.code == "CEL111")


def _converter() -> Any:
    """The library's own takes an action with a command for a command."""
    converter = default_converter()

    def action(given: Any, _: object) -> types.Command | types.CodeAction:
        kind = types.Command if isinstance(given.get("command"), str) else types.CodeAction
        return converter.structure(given, kind)

    converter.register_structure_hook(Union[types.Command, types.CodeAction], action)  # noqa: UP007
    return converter


class Editor(BaseLanguageClient):
    """A client that keeps what it is told."""

    def __init__(self, root: Path) -> None:
        super().__init__("editor", "1", converter_factory=_converter)
        self.root = root
        self.told: list[types.PublishDiagnosticsParams] = []
        self.messages: list[str] = []
        self.registered: list[str] = []
        self.pages: list[str] = []
        self._news = asyncio.Event()
        self._versions: dict[str, int] = {}

        @self.feature(types.TEXT_DOCUMENT_PUBLISH_DIAGNOSTICS)
        def told(parameters: types.PublishDiagnosticsParams) -> None:
            self.told.append(parameters)
            self._news.set()

        @self.feature(types.WINDOW_SHOW_MESSAGE)
        def message(parameters: types.ShowMessageParams) -> None:
            self.messages.append(parameters.message)
            self._news.set()

        @self.feature(types.WINDOW_SHOW_DOCUMENT)
        def show(parameters: types.ShowDocumentParams) -> types.ShowDocumentResult:
            self.pages.append(parameters.uri)
            self._news.set()
            return types.ShowDocumentResult(success=True)

        @self.feature(types.CLIENT_REGISTER_CAPABILITY)
        def register(parameters: types.RegistrationParams) -> None:
            self.registered += [each.method for each in parameters.registrations]

    def uri(self, name: str) -> str:
        return uris.from_fs_path(str(self.root / name)) or ""

    async def until(self, holds: Callable[[], Any]) -> Any:
        """Wait until something is so; told by messages alone, whatever the time."""
        async with asyncio.timeout(HANGS) if sys.version_info >= (3, 11) else _Nothing():
            while not (found := holds()):
                self._news.clear()
                await self._news.wait()
        return found

    async def begin(self, options: object = None, *, able: bool = True) -> types.InitializeResult:
        published = types.PublishDiagnosticsClientCapabilities(
            related_information=True, code_description_support=True
        )
        watched = types.DidChangeWatchedFilesClientCapabilities(dynamic_registration=True)
        result = await self.initialize_async(
            types.InitializeParams(
                capabilities=types.ClientCapabilities(
                    text_document=types.TextDocumentClientCapabilities(publish_diagnostics=published),
                    workspace=types.WorkspaceClientCapabilities(
                        did_change_watched_files=watched,
                        workspace_edit=types.WorkspaceEditClientCapabilities(document_changes=able),
                    ),
                    window=types.WindowClientCapabilities(
                        show_document=types.ShowDocumentClientCapabilities(support=able)
                    ),
                ),
                root_uri=self.uri(""),
                initialization_options=options,
            )
        )
        self.initialized(types.InitializedParams())
        return result

    def open(self, name: str, text: str | None = None) -> None:
        self._versions[name] = 1
        text = (self.root / name).read_text(encoding="utf-8") if text is None else text
        document = types.TextDocumentItem(self.uri(name), "python", 1, text)
        self.text_document_did_open(types.DidOpenTextDocumentParams(document))

    def type(self, name: str, text: str) -> int:
        version = self._versions[name] = self._versions[name] + 1
        document = types.VersionedTextDocumentIdentifier(version, self.uri(name))
        change = types.TextDocumentContentChangeWholeDocument(text)
        self.text_document_did_change(types.DidChangeTextDocumentParams(document, [change]))
        return version

    def save(self, name: str, text: str) -> None:
        (self.root / name).write_text(text, encoding="utf-8")
        self.text_document_did_save(
            types.DidSaveTextDocumentParams(types.TextDocumentIdentifier(self.uri(name)))
        )

    async def actions(
        self, name: str, at: types.Range, only: list[str] | None = None
    ) -> list[types.CodeAction]:
        """What the server offers in a range."""
        parameters = types.CodeActionParams(
            types.TextDocumentIdentifier(self.uri(name)), at, types.CodeActionContext([], only)
        )
        found = await self.text_document_code_action_async(parameters)
        return [each for each in found or () if isinstance(each, types.CodeAction)]

    def saying(self, name: str, *codes: str, version: int = 0) -> Callable[[], bool]:
        """Whether the last word about a file is these codes (of ours that the sample is about)."""

        def holds() -> bool:
            last = next((each for each in reversed(self.told) if each.uri == self.uri(name)), None)
            return last is not None and (last.version or 0) >= version and sorted(codes) == codes_of(last)

        return holds

    def last(self, name: str) -> types.PublishDiagnosticsParams:
        return next(each for each in reversed(self.told) if each.uri == self.uri(name))


class _Nothing:
    async def __aenter__(self) -> None: ...
    async def __aexit__(self, *_: object) -> None: ...


def codes_of(told: types.PublishDiagnosticsParams) -> list[str]:
    return sorted({str(each.code) for each in told.diagnostics} & {"CEL110", "CEL111", "CEL999"})


def edit(root: Path, session: Callable[[Editor], Awaitable[None]]) -> tuple[int | None, str]:
    """Run a session with a server of its own; its exit code and what it wrote on standard error."""

    async def whole() -> tuple[int | None, str]:
        editor = Editor(root)
        environment = {**os.environ, "XDG_CACHE_HOME": str(root.parent / "cache")}
        await editor.start_io(sys.executable, "-m", "celery_lint", "server", cwd=root, env=environment)
        process = editor._server
        assert process is not None
        assert process.stderr is not None
        errors = asyncio.ensure_future(process.stderr.read())
        try:
            await session(editor)
            await editor.shutdown_async(None)
            editor.exit(None)
            await process.wait()
        finally:
            if process.returncode is None:
                process.kill()
            await editor.stop()
        return process.returncode, (await errors).decode()

    return asyncio.run(whole())


@pytest.fixture
def project(tmp_path: Path) -> Path:
    return samples.write(tmp_path / "project")


def test_open_change_save_close(project: Path) -> None:
    mail, loops = samples.FILES[MAIL], samples.FILES[LOOPS]

    async def session(editor: Editor) -> None:
        result = await editor.begin()
        assert result.server_info is not None
        assert result.server_info.name == "celery-lint"
        editor.open(MAIL)
        await editor.until(editor.saying(MAIL, "CEL111"))
        editor.open(LOOPS)
        await editor.until(editor.saying(LOOPS, "CEL110"))
        # What is typed counts before it is saved; half a line leaves what was said.
        version = editor.type(MAIL, "\n" + mail)
        await editor.until(editor.saying(MAIL, "CEL111", version=version))
        (never,) = (each for each in editor.last(MAIL).diagnostics if each.code == "CEL111")
        assert never.range.start == types.Position(15, 10)
        told = len(editor.told)
        editor.type(MAIL, mail + "def (")
        version = editor.type(MAIL, mail.replace("async def never", "def never"))
        await editor.until(editor.saying(MAIL, version=version))
        assert len(editor.told) <= told + 2
        # A file that is saved changes what is said about another.
        editor.type(LOOPS, loops.replace("asyncio.run(", "print("))
        editor.save(LOOPS, loops.replace("asyncio.run(", "print("))
        await editor.until(editor.saying(LOOPS))
        editor.save(MAIL, mail.replace("run(send())", "pass"))
        editor.type(LOOPS, loops)
        await editor.until(lambda: editor.last(LOOPS).version == 3)
        assert codes_of(editor.last(LOOPS)) == [], "no task runs it any more"
        editor.type(MAIL, mail)
        await editor.until(editor.saying(MAIL, "CEL111"))
        editor.text_document_did_close(
            types.DidCloseTextDocumentParams(types.TextDocumentIdentifier(editor.uri(MAIL)))
        )
        await editor.until(editor.saying(MAIL))
        assert editor.messages == []

    code, errors = edit(project, session)
    assert (code, errors) == (0, "")


def test_files_that_change_elsewhere(project: Path) -> None:
    """A launch file decides about the pool, and nobody has it open."""

    async def session(editor: Editor) -> None:
        await editor.begin()
        editor.open(LOOPS)
        await editor.until(editor.saying(LOOPS, "CEL110"))
        (project / "Procfile").write_text("worker: celery -A app worker -P prefork\n")
        event = types.FileEvent(editor.uri("Procfile"), types.FileChangeType.Changed)
        editor.workspace_did_change_watched_files(types.DidChangeWatchedFilesParams([event]))
        await editor.until(editor.saying(LOOPS))
        assert editor.registered == [types.WORKSPACE_DID_CHANGE_WATCHED_FILES]

    assert edit(project, session) == (0, "")


def test_places_links_and_hover(project: Path) -> None:
    """Columns are in UTF-16, places of other files are told, and a code leads to the page of its rule."""
    wide = samples.FILES[LOOPS].replace("return asyncio", "return '🥕' and asyncio")

    async def session(editor: Editor) -> None:
        await editor.begin()
        editor.open(LOOPS, wide)
        await editor.until(editor.saying(LOOPS, "CEL110"))
        (found,) = (each for each in editor.last(LOOPS).diagnostics if each.code == "CEL110")
        line = wide.splitlines()[found.range.start.line].encode("utf-16-le")
        start, end = found.range.start.character, found.range.end.character
        assert line[2 * start : 2 * end].decode("utf-16-le") == "asyncio.run(coroutine)"
        assert found.source == "celery-lint"
        assert "\nhelp: " in found.message
        assert {each.location.uri for each in found.related_information or ()} >= {editor.uri(MAIL)}
        assert found.code_description is not None
        page = Path(uris.to_fs_path(found.code_description.href) or "")
        assert page.read_text(encoding="utf-8").startswith("# CEL110: asyncio-run-in-task\n")
        document = types.TextDocumentIdentifier(editor.uri(LOOPS))
        hover = await editor.text_document_hover_async(types.HoverParams(document, found.range.start))
        assert isinstance(hover, types.Hover)
        assert isinstance(hover.contents, types.MarkupContent)
        assert hover.contents.value.startswith(f"**CEL110**: {found.message}")
        assert "## Why it matters" in hover.contents.value
        nothing = types.HoverParams(document, types.Position(0, 0))
        assert await editor.text_document_hover_async(nothing) is None
        pages.append(page)

    pages: list[Path] = []
    assert edit(project, session) == (0, "")
    assert not pages[0].exists(), "the pages go with the server"


def test_options_of_the_client_and_faults_in_the_project(project: Path) -> None:
    async def session(editor: Editor) -> None:
        await editor.begin({"ignore": ["CEL111"]})
        editor.open(MAIL)
        await editor.until(lambda: editor.told)
        assert codes_of(editor.last(MAIL)) == []
        editor.save("pyproject.toml", '[tool.celery-lint]\nroot = true\npool = "forks"\n')
        await editor.until(lambda: editor.messages)
        assert re.match(r"celery-lint: error: .*pool.*forks", editor.messages[0])
        editor.type(MAIL, samples.FILES[MAIL] + "\n")
        editor.save("pyproject.toml", '[tool.celery-lint]\nroot = true\nselect = ["CEL11"]\n')
        await editor.until(lambda: editor.last(MAIL).version == 2)
        assert len(editor.messages) == 1
        editor.save("shared.toml", "[tool.celery-lint]\npool = [")
        editor.save("pyproject.toml", '[tool.celery-lint]\nroot = true\nextend = "shared.toml"\n')
        await editor.until(lambda: len(editor.messages) == 2)
        assert re.match(r"celery-lint: error: .*extend: .*shared.toml: is not valid TOML", editor.messages[1])

    assert edit(project, session) == (0, "")


def test_a_text_that_was_never_saved(project: Path) -> None:
    async def session(editor: Editor) -> None:
        await editor.begin()
        text = "from celery import shared_task\n\n\n@shared_task\nasync def never(): ...\n"
        document = types.TextDocumentItem("untitled:Untitled-1", "python", 1, text)
        editor.text_document_did_open(types.DidOpenTextDocumentParams(document))
        other = types.TextDocumentItem(editor.uri("README.md"), "markdown", 1, text)
        editor.text_document_did_open(types.DidOpenTextDocumentParams(other))
        await editor.until(lambda: editor.told)
        assert [(each.uri, codes_of(each)) for each in editor.told] == [("untitled:Untitled-1", ["CEL111"])]

    assert edit(project, session) == (0, "")


# ------------------------------------------------------------------------------------ actions

FIXES = """\
import requests
from app.celery import app


@app.task(bind=True, soft_time_limit=500, time_limit=600)
def first(self, x):
    y = "é🥕"; self.retry()
    text = \\
        requests.get("https://x").text
    return text, y


@app.task(bind=True)
def second(self):
    self.retry(countdown=3)  # later
"""
EVERYWHERE = types.Range(types.Position(0, 0), types.Position(99, 0))
OPTIONS = {"select": ["CEL410", "CEL526"]}


def edited(text: str, action: types.CodeAction, version: int = 1) -> str:
    """What an editor makes of a text with an action: positions count in UTF-16."""
    assert action.edit is not None
    if action.edit.document_changes:
        [change] = action.edit.document_changes
        assert isinstance(change, types.TextDocumentEdit)
        assert change.text_document.version == version
        edits: Any = change.edits
    else:
        [edits] = (action.edit.changes or {}).values()
    lines = [line.encode("utf-16-le") for line in text.split("\n")]
    end = "\n".encode("utf-16-le")

    def offset(position: types.Position) -> int:
        above = sum(len(line) + len(end) for line in lines[: position.line])
        return above + 2 * position.character

    data = end.join(lines)
    for edit in sorted(edits, key=lambda edit: -offset(edit.range.start)):
        data = (
            data[: offset(edit.range.start)]
            + edit.new_text.encode("utf-16-le")
            + data[offset(edit.range.end) :]
        )
    return data.decode("utf-16-le")


def test_quick_fixes_and_comments(project: Path) -> None:
    async def session(editor: Editor) -> None:
        result = await editor.begin(OPTIONS)
        assert isinstance(result.capabilities.code_action_provider, types.CodeActionOptions)
        editor.open(MAIL, FIXES)
        found = (await editor.until(lambda: editor.told))[-1].diagnostics
        assert [each.code for each in found] == ["CEL410", "CEL526", "CEL410"]
        retry, request, _ = found
        offered = await editor.actions(MAIL, retry.range)
        assert [each.title for each in offered] == [
            "Fix CEL410 (retry-without-raise)",
            "Ignore CEL410 here, with a reason (retry-without-raise)",
            "Open the page of CEL410 (retry-without-raise)",
            "Make all safe fixes of celery-lint",
        ]
        for action in offered[:3]:
            [about] = action.diagnostics or ()
            assert (about.code, about.range, about.message) == (retry.code, retry.range, retry.message)
        assert offered[0].is_preferred
        assert edited(FIXES, offered[0]) == FIXES.replace('🥕"; self', '🥕"; raise self')
        silent = edited(FIXES, offered[1])
        assert "    # celery-lint: ignore[retry-without-raise] -- reason\n    y = " in silent
        # What changes what the code does says so, and is not what an editor takes by itself.
        unsafe, ignoring, *_ = await editor.actions(MAIL, request.range)
        assert unsafe.title == "Fix CEL526 (missing-io-timeout): changes what the code does"
        assert not unsafe.is_preferred
        assert 'requests.get("https://x", timeout=' in edited(FIXES, unsafe)
        assert "-- reason\n    text = \\\n        requests" in edited(FIXES, ignoring)
        # Each silences what it is about, and nothing else.
        for text, left in ((silent, ["CEL526", "CEL410"]), (edited(FIXES, ignoring), ["CEL410", "CEL410"])):
            version = editor.type(MAIL, text)
            await editor.until(lambda version=version: editor.last(MAIL).version == version)
            assert [each.code for each in editor.last(MAIL).diagnostics] == left
        assert (
            await editor.actions(MAIL, types.Range(types.Position(0, 0), types.Position(0, 3)), ["quickfix"])
            == []
        )

    assert edit(project, session) == (0, "")


def test_all_safe_fixes_at_once(project: Path) -> None:
    async def session(editor: Editor) -> None:
        await editor.begin(OPTIONS, able=False)
        editor.open(MAIL, FIXES)
        await editor.until(lambda: editor.told)
        for kind in ("source", "source.fixAll", "source.fixAll.celeryLint"):
            [action] = await editor.actions(MAIL, EVERYWHERE, [kind])
            assert action.kind == "source.fixAll.celeryLint"
            mended = edited(FIXES, action)
            assert mended == FIXES.replace("self.retry", "raise self.retry")
        assert await editor.actions(MAIL, EVERYWHERE, ["source.fixAll.ruff"]) == []
        assert not [each for each in await editor.actions(MAIL, EVERYWHERE) if "page" in each.title]
        # Of a text that has not been judged yet nothing is offered.
        version = editor.type(MAIL, mended)
        assert await editor.actions(MAIL, EVERYWHERE) == []
        await editor.until(lambda: editor.last(MAIL).version == version)
        assert not editor.last(MAIL).diagnostics  # what stands behind the `raise` is never reached
        assert await editor.actions(MAIL, EVERYWHERE, ["source.fixAll"]) == []

    assert edit(project, session) == (0, "")


def test_the_page_of_a_rule_is_shown(project: Path) -> None:
    async def session(editor: Editor) -> None:
        await editor.begin(OPTIONS)
        editor.open(MAIL, FIXES)
        await editor.until(lambda: editor.told)
        offered = await editor.actions(MAIL, EVERYWHERE, ["quickfix"])
        command = next(each.command for each in offered if each.command is not None)
        await editor.workspace_execute_command_async(
            types.ExecuteCommandParams(command.command, command.arguments)
        )
        [page] = await editor.until(lambda: editor.pages)
        text = Path(uris.to_fs_path(page) or "").read_text(encoding="utf-8")
        assert text.startswith("# CEL410: retry-without-raise\n")
        await editor.workspace_execute_command_async(types.ExecuteCommandParams(command.command, ["CEL000"]))
        assert editor.pages == [page]

    assert edit(project, session) == (0, "")


# ------------------------------------------------------------------------------------ without a client


def test_what_nobody_waits_for_is_given_up() -> None:
    """Of many changes the last is answered, and one that already runs is told to stop."""
    told: list[tuple[str, int]] = []
    failed: list[Exception] = []
    started: list[int] = []
    current = 0

    def prepare(address: str, stale: Callable[[], bool]) -> Callable[[], int]:
        number = current

        def work() -> int:
            started.append(number)
            while number == 1:  # it ends only because it has become stale
                if stale():
                    raise engine.Stale
            if number == 4:
                raise ValueError("no")
            return number

        return work

    async def session() -> None:
        nonlocal current
        queue: Queue[int] = Queue(prepare, lambda *answer: told.append(answer), lambda _, e: failed.append(e))
        current = 1
        queue.ask("a")
        while not started:
            await asyncio.sleep(0.001)
        for _ in range(3):
            queue.ask("a", 0.001)
        current = 2
        queue.ask("b")
        while len(told) < 2:
            await asyncio.sleep(0.001)
        current = 3
        queue.ask("a", 0.001)
        queue.drop("a")
        current = 4
        queue.ask("c")
        while not failed:
            await asyncio.sleep(0.001)

    asyncio.run(session())
    assert sorted(told) == [("a", 2), ("b", 2)]
    assert started == [1, 2, 2, 4]
    assert [str(error) for error in failed] == ["no"]


def test_a_check_that_nobody_waits_for(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(project.parent / "cache"))
    path, text = str(project / MAIL), samples.FILES[MAIL] + "\n"
    engine.forget()
    with pytest.raises(engine.Stale):
        engine.check_text(path, text, None, stale=lambda: True)
    found = engine.check_text(path, text, None, stale=lambda: False)
    assert found == engine.check_text(path, text, None)
    assert "CEL111" in {each.code for each in found.diagnostics}


def test_one_text_after_another_is_judged_as_if_it_were_the_first(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was unpacked for one text is not believed of the next, or of another file's."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(project.parent / "cache"))
    mail, loops = samples.FILES[MAIL], samples.FILES[LOOPS]
    texts = [
        (MAIL, f"\n{mail}"),
        (LOOPS, f"\n{loops}"),
        (MAIL, mail.replace("run(send())", "print(send())") + "\n"),
        (LOOPS, loops.replace("asyncio.run(", "print(")),
        (LOOPS, f"\n\n{loops}"),
        (MAIL, f"{mail}\n\n@app.task\ndef again():\n    run(send())\n"),
        (LOOPS, f"\n{loops}"),
        (MAIL, mail),
    ]
    engine.forget()
    one_by_one = [engine.check_text(str(project / name), text, None) for name, text in texts]
    for (name, text), report in zip(texts, one_by_one, strict=True):
        engine.forget()
        assert engine.check_text(str(project / name), text, None) == report


# ------------------------------------------------------------------------------------ the command


def test_without_the_extra_one_line_says_what_to_install(tmp_path: Path) -> None:
    script = (
        "import importlib.util, sys\n"
        "find = importlib.util.find_spec\n"
        "importlib.util.find_spec = lambda name, *rest: None if name == 'pygls' else find(name, *rest)\n"
        "from celery_lint.frontends.cli import main\n"
        "sys.exit(main(['server']))\n"
    )
    done = run([sys.executable, "-c", script], cwd=tmp_path)
    assert (done.code, done.out) == (2, "")
    assert done.err == "celery-lint: error: the server needs pygls: pip install 'celery-lint[lsp]'\n"


def test_other_commands_import_none_of_it(tmp_path: Path) -> None:
    script = (
        "import sys\n"
        "from celery_lint.frontends.cli import main\n"
        "main(sys.argv[1:])\n"
        "assert not {'pygls', 'lsprotocol', 'asyncio', 'celery_lint.frontends.server'} & set(sys.modules)\n"
    )
    for words in (["--version"], ["check", "."], ["rule", "CEL110"]):
        done = run([sys.executable, "-c", script, *words], cwd=tmp_path)
        assert done.code == 0, done.err


@pytest.mark.parametrize(
    "editor, command",
    [
        ("VS Code", '"celery-lint",\n  "glspc.server.commandArguments": ["server"]'),
        ("PyCharm", "`celery-lint server`"),
        ("Neovim", 'cmd = { "celery-lint", "server" }'),
        ("Helix", 'command = "celery-lint"\nargs = ["server"]'),
    ],
)
def test_the_page_of_editors_starts_the_server(editor: str, command: str) -> None:
    page = (REPOSITORY / "docs/editors.md").read_text(encoding="utf-8")
    assert command in page.partition(f"## {editor}\n")[2].partition("\n## ")[0]
