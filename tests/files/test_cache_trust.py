"""A cache is believed if the user has made it: whatever another one says, nothing changes."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from celery_lint.configuration import load
from celery_lint.files import installation, secret, stamps
from celery_lint.files.cache import NO_FACTS, Cache, Manifest
from celery_lint.options import semantic_key
from scripts import cache_attacks
from tests import samples
from tests.files.cached_project import EDITS, Said, agree, check, settle


@pytest.fixture(autouse=True)
def kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The user's own folder, where the cache lies."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "user"))
    return tmp_path / "user" / "celery-lint"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = samples.write(tmp_path / "project")
    settle(folder)
    return folder


@pytest.fixture
def said(project: Path) -> Said:
    return check(project, cache=False)


@pytest.fixture
def trusting(monkeypatch: pytest.MonkeyPatch) -> None:
    """A cache that trusts the times of files at once: scripts wait for the tick of the clock instead."""
    monkeypatch.setattr(stamps, "RACY_NANOSECONDS", 0)


def the_only(folder: Path, pattern: str) -> Path:
    (path,) = folder.glob(pattern)
    return path


def loaded(project: Path) -> Manifest | None:
    return Cache(str(project), "", semantic_key(load(str(project)))).load()


DAMAGE = {
    "empty": b"",
    "half": None,
    "no json": b"\xff\xfe{",
    "other shape": b"{}",
    "a list": b"[1, 2, 3]",
    "deep": b"[" * 200_000,
    "null": b"null",
}


@pytest.mark.parametrize("kind", ["*.manifest", "*.facts"])
@pytest.mark.parametrize("damage", DAMAGE)
def test_a_damaged_cache_is_an_empty_one(
    project: Path, kept: Path, said: Said, kind: str, damage: str
) -> None:
    path = the_only(kept, kind)
    data = DAMAGE[damage]
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2] if data is None else data)
    assert check(project) == said
    EDITS["shift"](project)
    agree(project)


@pytest.mark.usefixtures("trusting")
def test_attacks(tmp_path: Path) -> None:
    """The short form of ``scripts/cache_attacks.py``."""
    outcomes = list(cache_attacks.attacks(120, 7, tmp_path))
    assert [outcome for outcome in outcomes if outcome[1]] == []
    assert len({kind for kind, _ in outcomes}) == 11


@pytest.mark.usefixtures("trusting")
def test_the_attacks_would_succeed_without_the_secret(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def known_to_everybody(self: object, purpose: str, data: bytes) -> str:
        return purpose

    monkeypatch.setattr(secret.Secret, "digest", known_to_everybody)
    monkeypatch.setattr(cache_attacks.Attacker, "_digest", known_to_everybody)
    left = {"forged verdict", "forged facts", "planted"}
    tries = 0  # which of them succeeds first depends on what the files of the cache are called
    for kind, wrong in cache_attacks.attacks(1000, 7, tmp_path):
        tries += 1
        left -= {kind} if wrong else set()
        if not left:
            break
    assert not left, (tries, left)


def test_facts_of_another_run_do_not_count(project: Path, kept: Path) -> None:
    facts = the_only(kept, "*.facts")
    before = facts.read_bytes()
    EDITS["mended"](project)
    settle(project)
    assert facts.read_bytes() != before
    facts.write_bytes(before)
    EDITS["helper shifted"](project)
    assert "CEL111" not in str(agree(project))


@pytest.mark.parametrize("edit", ["shift", "helper shifted"])
def test_lost_facts_do_not_hide_a_change(project: Path, kept: Path, said: Said, edit: str) -> None:
    the_only(kept, "*.facts").unlink()
    EDITS[edit](project)
    assert agree(project) != said


def test_the_cache_is_found_again(project: Path) -> None:
    manifest = loaded(project)
    assert manifest is not None
    assert "app/mail.py" in manifest.listing.python
    assert (
        Cache(str(project), "", semantic_key(load(str(project)))).facts(manifest) == NO_FACTS
    )  # nobody has loaded it


def test_a_manifest_of_another_workspace_does_not_count(project: Path, kept: Path, tmp_path: Path) -> None:
    """Somebody has copied it under our name: it is the user's, but of other files."""
    path = the_only(kept, "*.manifest")
    other = samples.write(tmp_path / "other")
    check(other)
    (foreign,) = [one for one in kept.glob("*.manifest") if one != path]
    path.write_bytes(foreign.read_bytes())
    assert loaded(project) is None


def test_a_manifest_of_other_options_does_not_count(project: Path, kept: Path) -> None:
    path = the_only(kept, "*.manifest")
    check(project, pool="prefork")
    (foreign,) = [one for one in kept.glob("*.manifest") if one != path]
    path.write_bytes(foreign.read_bytes())
    assert loaded(project) is None


def test_a_manifest_of_another_installation_does_not_count(
    project: Path, kept: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = the_only(kept, "*.manifest")
    known = installation._known
    monkeypatch.setattr(installation, "_known", "0" * 16)
    assert loaded(project) is None
    path.rename(path.with_name(path.name.replace(known, "0" * 16)))
    assert loaded(project) is None


@pytest.mark.parametrize("part", range(3), ids=["workspace", "installation", "options"])
def test_a_manifest_says_what_it_is_of(project: Path, kept: Path, part: int) -> None:
    path = the_only(kept, "*.manifest")
    text, _, numbers = path.read_bytes().partition(b"\n")[2].partition(b"\n")
    document = json.loads(text)
    document[0][part] += "x"
    text = json.dumps(document).encode() + b"\n" + numbers
    own = secret.found(str(kept))
    assert own is not None
    path.write_bytes(own.digest("manifest", text).encode() + b"\n" + text)
    assert loaded(project) is None


@pytest.mark.skipif(sys.platform == "win32", reason="links need a permission")
@pytest.mark.parametrize("kind", ["*.manifest", "*.facts"])
def test_no_link_is_followed(project: Path, kept: Path, tmp_path: Path, kind: str) -> None:
    """Not even to what would be believed in its place."""
    manifest = loaded(project)
    assert manifest is not None
    path = the_only(kept, kind)
    path.rename(tmp_path / "elsewhere")
    path.symlink_to(tmp_path / "elsewhere")
    cache = Cache(str(project), "", semantic_key(load(str(project))))
    again = cache.load()
    assert again == (None if kind == "*.manifest" else manifest)
    assert cache.facts(manifest) == NO_FACTS or kind == "*.manifest"


def test_another_secret_is_another_cache(project: Path, kept: Path, said: Said) -> None:
    (kept / "celery-lint-secret").unlink()
    assert loaded(project) is None
    assert check(project) == said
    assert loaded(project) is not None


def test_a_cache_without_the_users_folder(project: Path, tmp_path: Path, said: Said) -> None:
    """Where no secret can be kept, a folder of the project's own is of no use either."""
    (tmp_path / "user").rename(tmp_path / "away")
    (tmp_path / "user").write_text("")
    assert check(project, cache_dir="own") == said
    assert not (project / "own").exists()
