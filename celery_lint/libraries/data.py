"""What the libraries of classes that only hold data call their bases and decorators."""

from __future__ import annotations

#: Last components of decorators that make one of a class.
DATA_DECORATORS = frozenset({"dataclass", "define"})
DATA_BASES = frozenset({"pydantic.BaseModel", "typing.NamedTuple"})
#: The same as words of a file.
DATA_WORDS = frozenset({(name.rpartition(".")[2], "") for name in DATA_BASES | DATA_DECORATORS})
#: What makes a text of data.
TEXT_MAKERS = frozenset({"json.dumps"})
