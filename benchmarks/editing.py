"""How long an editor waits: from a change in a file to what the server says about it, in milliseconds.

    python benchmarks/editing.py PROJECT FILE [FILE ...] [--runs N]

A real client types into each file of the project: letters of a statement in the first function that has a
body of its own, then lines, then functions at the end. Nothing is written to the project. The server is that
of the Python that runs this file; its first look at the project is not counted.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import sys
import time
from pathlib import Path

from lsprotocol import types
from pygls import uris
from pygls.lsp.client import BaseLanguageClient

_STATEMENT = "total = len(values)"
# Between two changes somebody thinks; the server gets ready meanwhile.
_PAUSE = 0.5


class Typist(BaseLanguageClient):
    """A client that types and waits for the answer."""

    def __init__(self) -> None:
        super().__init__("typist", "1")
        self._answers: asyncio.Queue[types.PublishDiagnosticsParams] = asyncio.Queue()
        self._version = 1

        @self.feature(types.TEXT_DOCUMENT_PUBLISH_DIAGNOSTICS)
        def told(parameters: types.PublishDiagnosticsParams) -> None:
            self._answers.put_nowait(parameters)

    async def open(self, uri: str, text: str) -> None:
        """Open a file, and wait for what is said about it."""
        self._version = 1
        document = types.TextDocumentItem(uri, "python", 1, text)
        self.text_document_did_open(types.DidOpenTextDocumentParams(document))
        await self._answers.get()
        await asyncio.sleep(2)

    async def type(self, uri: str, text: str) -> float:
        """The milliseconds until something is said about this text."""
        self._version += 1
        document = types.VersionedTextDocumentIdentifier(self._version, uri)
        change = types.TextDocumentContentChangeWholeDocument(text)
        started = time.perf_counter()
        self.text_document_did_change(types.DidChangeTextDocumentParams(document, [change]))
        while (await self._answers.get()).version != self._version:
            pass
        took = (time.perf_counter() - started) * 1000
        await asyncio.sleep(_PAUSE)
        return took


def body_of(lines: list[str]) -> int:
    """The line behind the head of the first function, or the last one."""
    heads = (at for at, line in enumerate(lines) if line.startswith(("def ", "async def ")))
    first = next(heads, len(lines) - 1)
    ends = (at for at in range(first, len(lines)) if lines[at].rstrip().endswith(":"))
    return next(ends, len(lines) - 1) + 1


async def measure(client: Typist, path: Path, runs: int) -> dict[str, list[float]]:
    """The times of each kind of change."""
    text, uri = path.read_text(encoding="utf-8"), uris.from_fs_path(str(path)) or ""
    lines = text.split("\n")
    at = body_of(lines)

    def with_lines(*new: str) -> str:
        return "\n".join([*lines[:at], *(f"    {line}" for line in new), *lines[at:]])

    await client.open(uri, text)
    first = await client.type(uri, with_lines("t"))
    letters = [await client.type(uri, with_lines(_STATEMENT[: end + 1])) for end in (1, 2, 3, 4)]
    whole = [await client.type(uri, with_lines(f"{_STATEMENT} + {number}")) for number in range(runs)]
    more = [await client.type(uri, with_lines(*[_STATEMENT] * (number + 1))) for number in range(runs)]
    added = [
        await client.type(uri, f"{text}\n\ndef added_{number}():\n    return {number}\n")
        for number in range(runs)
    ]
    client.text_document_did_close(types.DidCloseTextDocumentParams(types.TextDocumentIdentifier(uri)))
    return {"first": [first], "letter": letters + whole, "line": more, "function": added}


async def session(project: Path, files: list[str], runs: int) -> None:
    """Measure all files with one server."""
    client = Typist()
    await client.start_io(sys.executable, "-m", "celery_lint", "server", cwd=project)
    await client.initialize_async(
        types.InitializeParams(types.ClientCapabilities(), root_uri=uris.from_fs_path(str(project)))
    )
    client.initialized(types.InitializedParams())
    for file in files:
        times = await measure(client, project / file, runs)
        print(file, *(f"{kind} {statistics.median(found):.0f}" for kind, found in times.items()), sep="  ")
    await client.shutdown_async(None)
    client.exit(None)


def main() -> None:
    """Print the medians."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else None)
    parser.add_argument("project", type=Path)
    parser.add_argument("files", nargs="+")
    parser.add_argument("--runs", type=int, default=5)
    options = parser.parse_args()
    asyncio.run(session(options.project.resolve(), options.files, options.runs))


if __name__ == "__main__":
    main()
