"""Indicators in bundles of STIX 2.1: which patterns are compared with alerts, and every indicator of real bundles."""

import json
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

Read = Callable[..., Any]
FEED = "cyber.indicators"


def bundle(*indicators: dict[str, object]) -> bytes:
    return json.dumps(
        {"type": "bundle", "objects": [{"type": "indicator", "pattern_type": "stix"} | one for one in indicators]}
    ).encode()


@pytest.mark.parametrize(
    ("pattern", "kind", "observable"),
    [
        ("[ipv4-addr:value = '203.0.113.7']", "ipv4-addr", "203.0.113.7"),
        ("[ipv6-addr:value='2001:DB8::1']", "ipv6-addr", "2001:db8::1"),
        ("  [ domain-name:value  =  'Xau.Example.' ]  ", "domain-name", "xau.example"),
        ("[ipv4-addr:value = '203.0.113.0/24']", None, None),
        ("[ipv4-addr:value != '203.0.113.7']", None, None),
        ("[domain-name:value LIKE 'xau%']", None, None),
        ("[domain-name:value = 'a.example' OR ipv4-addr:value = '203.0.113.7']", None, None),
        ("[ipv4-addr:value = '203.0.113.7'] AND [domain-name:value = 'a.example']", None, None),
        ("[ipv4-addr:value = '203.0.113.7'] WITHIN 5 SECONDS", None, None),
        ("NOT [ipv4-addr:value = '203.0.113.7']", None, None),
        (r"[domain-name:value = 'a\'b.example']", None, None),
        ("[url:value = 'http://xau.example/']", None, None),
        ("[file:name = 'x.exe']", None, None),
    ],
)
def test_only_one_comparison_by_equality_is_compared(
    read: Read, pattern: str, kind: str | None, observable: str | None
) -> None:
    (row,) = read("table", FEED, bundle({"pattern": pattern})).rows
    assert (row.get("observable_kind_code"), row.get("observable")) == (kind, observable)


def test_a_pattern_in_another_language_is_kept_and_not_compared(read: Read) -> None:
    (row,) = read("table", FEED, bundle({"pattern": "[ipv4-addr:value = '203.0.113.7']", "pattern_type": "snort"})).rows
    assert row == {"pattern": "[ipv4-addr:value = '203.0.113.7']", "pattern_type": "snort"}


REAL = {
    "security/stix2_apt1.json": 12,
    "security/stix2_indicators-for-C2-with-COA.json": 2,
    "security/stix2_infrastructure.json": 0,
    "security/stix2_malicious-email-indicator-with-attachment.json": 2,
    "security/stix2_poisonivy.json": 25,
}


@pytest.mark.parametrize("name", REAL)
def test_every_object_of_a_real_bundle_is_an_indicator_or_skipped(
    read: Read, samples: Callable[[str], list[bytes]], name: str
) -> None:
    (content,) = samples(name)
    objects = json.loads(content)["objects"]
    indicators = [found for found in objects if found["type"] == "indicator"]
    delivered = read("table", FEED, content)
    assert delivered.reasons == []
    assert len(delivered.rows) == len(indicators) == REAL[name]
    assert delivered.skipped == {"other_object": len(objects) - len(indicators)}
    for row, indicator in zip(delivered.rows, indicators, strict=True):
        for column, member in {"indicator_id": "id", "modified_at": "modified", "pattern": "pattern"}.items():
            assert row[column] == indicator[member]
        assert row.get("valid_until") == indicator.get("valid_until")
        assert (row["indicator_name"], row["pattern_type"]) == (indicator["name"], "stix")
        words = indicator["pattern"].strip("[]").split(" ")
        is_compared = (
            len(words) == 3 and words[0].endswith(("-addr:value", "domain-name:value")) and "/" not in words[2]
        )
        assert row.get("observable") == (words[2].strip("'") if is_compared else None)


def test_how_many_patterns_of_real_bundles_are_compared(read: Read, samples: Callable[[str], list[bytes]]) -> None:
    delivered = [read("table", FEED, content) for content in samples("security/stix2_*.json")]
    kinds = Counter(row.get("observable_kind_code") for each in delivered for row in each.rows)
    assert kinds.total() == sum(REAL.values())
    assert kinds == {None: 33, "domain-name": 6, "ipv4-addr": 2}, (
        "most of the others are several comparisons, networks or files"
    )
