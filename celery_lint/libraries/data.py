"""What the libraries of classes that only hold data call their bases and decorators."""

from __future__ import annotations

#: Last components of decorators that make one of a class.
DATA_DECORATORS = frozenset({"dataclass", "define"})
DATA_BASES = frozenset({"pydantic.BaseModel", "typing.NamedTuple"})
#: The same as words of a file.
DATA_WORDS = frozenset({(name.rpartition(".")[2], "") for name in DATA_BASES | DATA_DECORATORS})
#: What makes a text of data.
TEXT_MAKERS = frozenset({"json.dumps"})
#: Bases of classes whose members are all that they write.
ENUMS = frozenset({"enum.Enum", "enum.IntEnum", "enum.StrEnum", "enum.Flag"})
#: The same, with names in small letters besides: ``Size.choices``.
CHOICES = frozenset({"django.db.models.TextChoices", "django.db.models.IntegerChoices"})
#: Bases of classes whose members are equal to their texts.
TEXT_CHOICES = frozenset({"django.db.models.TextChoices", "enum.StrEnum", "~str"})
#: Bases of settings whose fields are variables of the environment.
ENVIRONMENT_MODELS = frozenset({"pydantic.BaseSettings", "pydantic_settings.BaseSettings"})
#: Bases of models and settings. What these have besides their fields is written in small letters.
MODELS = ENVIRONMENT_MODELS | {"pydantic.BaseModel"}
