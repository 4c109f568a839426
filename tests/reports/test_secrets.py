"""What is a secret in a line of source, and what is none."""

from __future__ import annotations

import re

import pytest

from celery_lint.reports.secrets import MASK, masked

SECRETS = [
    ("redis://:hunter2@host/0", "redis://:***@host/0"),
    ("REDIS = 'rediss://user:hunter2@host:6379/0'", "REDIS = 'rediss://user:***@host:6379/0'"),
    ("amqp://guest@host//", "amqp://***@host//"),
    ("https://ghp_0123@github.com/o/r", "https://***@github.com/o/r"),
    ("db+postgresql+psycopg://u:p%40ss@h/d", "db+postgresql+psycopg://u:***@h/d"),
    ("x://u:p:w@h", "x://u:***@h"),
    ("x://u:p@w@h", "x://u:***@h"),
    ("a://u:1@h;b://u:2@h", "a://u:***@h;b://u:***@h"),
    ("sentinel://:pw@h:26379;sentinel://:pw@i:26379", "sentinel://:***@h:26379;sentinel://:***@i:26379"),
    ("h/0?password=hunter2", "h/0?password=***"),
    ("h/0?x=1&ssl_keyfile_password=a&y=2#z", "h/0?x=1&ssl_keyfile_password=***&y=2#z"),
    (
        "?Token=t&API_KEY=k&api-key=k&sig=s&client_secret=s",
        "?Token=***&API_KEY=***&api-key=***&sig=***&client_secret=***",
    ),
    ("f'redis://:ab{x}@h'", "f'redis://:***@h'"),
    ("sqs://AKIA:se/cret@", "sqs://AKIA:se/cret@"),  # no URL: a slash ends the authority
]

NO_SECRETS = [
    "redis://host:6379/0",
    "https://medium.com/@user/x",
    "https://h/a?b=1&c=2",
    "mail = 'user@example.com'",
    "f'redis://:{password}@host?password={settings.password}'",
    "'redis://:%s@host' % password",
    "'redis://:%(password)s@host'",
    "redis://:$PASSWORD@host redis://:${PASSWORD}@host redis://:$(PASSWORD)@host",
    "connect(password=password, token=token)",
    "x = y == z",
    "redis://:@host",
    "",
]


def shown(line: str) -> str:
    return re.sub(f"{MASK}+", "***", masked(line))


@pytest.mark.parametrize("line, expected", SECRETS)
def test_secrets(line: str, expected: str) -> None:
    assert shown(line) == expected
    assert len(masked(line)) == len(line)


@pytest.mark.parametrize("line", NO_SECRETS)
def test_no_secrets(line: str) -> None:
    assert masked(line) == line
