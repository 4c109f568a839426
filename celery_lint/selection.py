"""Which rules a configuration turns on, and in which files."""

from __future__ import annotations

from collections.abc import Iterable

from celery_lint.options import PRESETS, Configuration
from celery_lint.patterns import Patterns
from celery_lint.rules import all_rules, names_by_file

INTERNAL_ERROR = "CEL999"


def normal_form(word: str) -> str | None:
    """A code, a prefix (``CEL1``), ``ALL`` or a name as it is compared; None if no rule answers to it."""
    upper = word.upper()
    if upper == "ALL":
        return "CEL"
    normal = upper if upper.startswith("CEL") and "-" not in word else word.lower()
    # The names of files spare a warm run with `--select` the import of every rule; `all_rules` has the last
    # word where a selector is not found there.
    if _answers(normal, names_by_file()) or _answers(normal, _rules()):
        return normal
    return None


def valid_selectors() -> list[str]:
    """Every code and every name."""
    return [word for rule in _rules() for word in rule]


def _rules() -> list[tuple[str, str]]:
    return [(rule.code, rule.name) for rule in all_rules()]


def _answers(selector: str, rules: Iterable[tuple[str, str]]) -> bool:
    return any(code.startswith(selector) or name == selector for code, name in rules)


def _specificity(selectors: Iterable[str], code: str, name: str) -> int:
    """How precisely the best of the selectors means this rule: the length of its code; 0 if none does."""
    best = 0
    for selector in selectors:
        if selector == name:
            return len(code)
        if code.startswith(selector):
            best = max(best, len(selector))
    return best


def enabled(configuration: Configuration, code: str, name: str, preset: str) -> bool:
    """Whether a rule is on.

    The preset's rules (or, with ``select``, only the selected ones) and ``extend-select``, without
    ``ignore``. Where a rule is both selected and ignored the longer selector wins, and ``ignore`` in a tie.
    An internal error of the linter can not be turned off.
    """
    if code == INTERNAL_ERROR:
        return True
    wanted = max(
        _specificity(configuration.select, code, name), _specificity(configuration.extend_select, code, name)
    )
    unwanted = _specificity(configuration.ignore, code, name)
    if not wanted and not configuration.select:
        return not unwanted and PRESETS.index(preset) <= PRESETS.index(configuration.preset)
    return wanted > unwanted


class Selection:
    """The filters of a configuration in a form that is quick to ask for many diagnostics.

    Paths are relative to the workspace's root, with ``/`` between folders.
    """

    def __init__(self, configuration: Configuration, root: str) -> None:
        self._configuration = configuration
        self._enabled: dict[str, bool] = {}
        self._exclude = Patterns(root, configuration.exclude)
        self._ignored: dict[str, set[str]] = {}  # what is ignored in a file
        self._per_file = [
            (Patterns(root, (pattern,)), selectors) for pattern, selectors in configuration.per_file_ignores
        ]

    def enabled(self, code: str, name: str, preset: str) -> bool:
        """Whether a rule is on."""
        answer = self._enabled.get(code)
        if answer is None:
            answer = self._enabled[code] = enabled(self._configuration, code, name, preset)
        return answer

    def excluded(self, path: str) -> bool:
        """Whether nothing at all is reported in this file."""
        return bool(self._exclude) and self._exclude.match(path)

    def ignored(self, path: str, code: str, name: str) -> bool:
        """Whether ``per-file-ignores`` silences the rule in this file."""
        if code == INTERNAL_ERROR or not self._per_file:
            return False
        selectors = self._ignored.get(path)
        if selectors is None:
            covering = [words for patterns, words in self._per_file if patterns.match(path)]
            selectors = self._ignored[path] = {word for words in covering for word in words}
        return _specificity(selectors, code, name) > 0
