"""``celery-lint server``: the language server, for editors."""

from __future__ import annotations

from importlib.util import find_spec

from celery_lint.frontends.cli.arguments import Arguments, UsageError


def run(arguments: Arguments) -> int:
    """Serve until the client says goodbye. Raises UsageError where the extra ``lsp`` is not installed."""
    del arguments  # there are none
    missing = [name for name in ("pygls", "lsprotocol") if find_spec(name) is None]
    if missing:
        names = " and ".join(missing)
        raise UsageError(f"the server needs {names}: pip install 'celery-lint[lsp]'")
    from celery_lint.frontends.server.serving import serve

    serve()
    return 0
