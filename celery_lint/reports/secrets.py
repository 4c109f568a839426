"""Passwords and tokens in the URLs of source lines: they must not stand in the logs of others."""

from __future__ import annotations

MASK = "\0"
"""Stands for each character of a secret, so that columns stay what they are. No line of source holds it."""

_WORDS = ("credential", "passphrase", "passwd", "password", "pwd", "secret", "signature", "token")
_NAMES = frozenset({"accesskey", "apikey", "auth", "key", "pass", "sig"})


def masked(line: str) -> str:
    """The line with the secrets of its URLs masked: ``redis://:pw@host``, ``?password=pw``.

    Of ``name:password@`` the password is one, of ``name@`` all of it, because it may be a token. What is
    filled in at run time (``{password}``, ``%s``, ``$PASSWORD``) is none.
    """
    if "://" not in line and "=" not in line:
        return line
    import re

    found = []
    for match in re.finditer(r"""://([^\s/?#"'<>\\]*)@""", line):
        start, end = match.span(1)
        colon = line.find(":", start, end)
        found.append((start if colon < 0 else colon + 1, end))
    for match in re.finditer(r"""[?&]([\w.-]+)=([^\s&#"'<>\\]+)""", line):
        name = match[1].lower()
        if any(word in name for word in _WORDS) or re.sub(r"[_.-]", "", name) in _NAMES:
            found.append(match.span(2))
    filled_in = re.compile(r"\{[\w.\[\]()!:]*\}|%\(\w+\)s|%s|\$\{?\w+\}?|\$\(\w+\)|\*+")
    characters = list(line)
    for start, end in found:
        if not filled_in.fullmatch(line, start, end):
            characters[start:end] = MASK * (end - start)
    return "".join(characters)
