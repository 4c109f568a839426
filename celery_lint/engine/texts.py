"""Texts that are not those on disk, judged once: several in the place of their files, or one alone."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from celery_lint.diagnostics import Unparsed
from celery_lint.engine.building import linked
from celery_lint.engine.verdict import Verdict, judge, search
from celery_lint.files.commands.pythons import since
from celery_lint.files.library import facts_of
from celery_lint.inventory.application.on_path import folders_on_path
from celery_lint.model.commands import NOWHERE, Texts
from celery_lint.options import Configuration
from celery_lint.project.imports import Imports

if TYPE_CHECKING:
    from celery_lint.engine.editing import Surroundings


def together(around: Surroundings, texts: Mapping[str, str]) -> Verdict:
    """What the rules say with several files replaced by texts, linked anew."""
    modules, unparsed = dict(around.modules), dict(around.unparsed)
    for path, text in texts.items():
        reading = facts_of(path, text, around.pythons)
        modules.pop(path, None)
        unparsed.pop(path, None)
        if isinstance(reading, Unparsed):
            unparsed[path] = reading
        else:
            modules[path] = reading
    names = [command.app for command in around.deployment.commands]
    imports = Imports([*around.files, *texts], names)
    imports.put_on_path(folders_on_path(modules.values(), imports, around.deployment))

    def held(path: str) -> bytes:
        return texts[path].encode("utf-8", "surrogatepass") if path in texts else around.text(path)

    held_by = Texts(imports.files.intersection(unparsed), held)
    known = linked(modules.values(), imports, around.options, around.deployment, held_by)
    said = judge(known, search(known), modules, unparsed.values())
    known.let_go()
    return said


def alone(path: str, data: bytes | str, configuration: Configuration) -> Verdict:
    """The verdict of a text that is a project of its own."""
    reading = facts_of(path, data, since(configuration.target_python))
    if isinstance(reading, Unparsed):
        return Verdict([], frozenset(), [reading], {}, {})
    known = linked([reading], Imports([path]), configuration, NOWHERE, {})
    said = judge(known, search(known), {path: reading}, ())
    known.let_go()
    return said
