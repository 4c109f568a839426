"""What Flask and its kin call their applications, and what their configurations are read with."""

from __future__ import annotations

#: Applications, which keep their configuration in ``config``.
APPLICATIONS = frozenset({"flask.Flask()", "flask.current_app", "quart.Quart()"})
#: What a configuration is read with from a file, or from the environment.
FROM_ELSEWHERE = (".from_envvar", ".from_file", ".from_prefixed_env", ".from_pyfile")
#: Where an application keeps what its extensions made for it, by their names.
EXTENSIONS = ".extensions"
