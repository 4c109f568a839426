"""Where modules are imported from: Python's own folders and those of the installation, and nothing else.

pylint puts the folder that it lints first on the path, and ``python -m`` the working directory. Much is
imported only when it is needed, by us, by the standard library and by Python itself (``unicodedata`` for a
name that is not ASCII, ``_codecs_jp`` for a coding cookie), and would then be looked for among the code that
is linted. Nothing of that may run, so the path is another one while we work.
"""

from __future__ import annotations

import os
import sys

_EXTENSIONS = ("lib-dynload", "DLLs")
_INSTALLED = ("site-packages", "dist-packages")


def own_path() -> list[str]:
    """The entries of the path that are not the user's, the standard library before all others."""
    standard = os.path.dirname(os.__file__)
    package = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    folders = {path: os.path.basename(path) for path in sys.path}
    return [
        standard,
        *(os.path.join(folder, name) for folder in (standard, sys.base_exec_prefix) for name in _EXTENSIONS),
        *(path for path, name in folders.items() if name in _EXTENSIONS),
        *(path for path, name in folders.items() if name in _INSTALLED),
        package,
    ]
