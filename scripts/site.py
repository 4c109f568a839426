"""A hook of MkDocs: the README is the first page, and what is not in ``docs/`` is named and not linked.

A page of the repository may lead to a fixture or a test. The site has no such files: with ``repo_url`` in
``mkdocs.yml`` the link goes there, without it stays its text.
"""

from __future__ import annotations

import posixpath
import re
from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).resolve().parent.parent
_LINK = re.compile(r"\[(?P<text>[^\]]*)\]\((?P<target>[^()\s]+)\)")
_HOME = "index.md"


def on_files(files: Any, config: Any) -> Any:
    """Put the README in front."""
    from mkdocs.structure.files import File

    files.append(
        File.generated(config, _HOME, content=(REPOSITORY / "README.md").read_text(encoding="utf-8"))
    )
    return files


def on_page_markdown(markdown: str, page: Any, config: Any, files: Any) -> str:
    """The page with its links as the site has them."""
    path = page.file.src_uri
    of_readme = path == _HOME
    folder = "" if of_readme else posixpath.join("docs", posixpath.dirname(path))

    def link(match: re.Match[str]) -> str:
        text, target = match["text"], match["target"]
        name, hash_, anchor = target.partition("#")
        if not name or ":" in name:
            return match[0]
        whole = posixpath.normpath(posixpath.join(folder, name))
        if whole == "README.md":
            return f"[{text}]({posixpath.relpath(_HOME, posixpath.dirname(path) or '.')})"
        inner = whole.removeprefix("docs/")
        if not (REPOSITORY / whole).exists():
            return match[0]  # MkDocs says so
        if inner != whole and files.get_file_from_path(inner) is not None:
            return f"[{text}]({posixpath.relpath(inner, posixpath.dirname(path) or '.')}{hash_}{anchor})"
        return f"[{text}]({config.repo_url.rstrip('/')}/blob/main/{whole})" if config.repo_url else text

    return _LINK.sub(link, markdown)
