"""Events of Suricata and messages in CEF in one log; the grammar of CEF; what real devices wrote."""

import json
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.contract import find_contract
from ingestion.formats.cef import read_cef, read_extension, read_instant
from ingestion.formats.syslog import Header, read_header

Read = Callable[..., Any]
FEED = "cyber.alerts"
KEYS = st.from_regex(r"[A-Za-z0-9_.\[\]-]{1,20}", fullmatch=True)
VALUES = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=40).map(str.strip).filter(bool)


def escaped(text: str, signs: str) -> str:
    """Escape a text as the format demands it, by another way than the reader undoes it."""
    text = "".join(f"\\{sign}" if sign in signs else sign for sign in text)
    return text.replace("\n", "\\n").replace("\r", "\\r")


@given(
    fields=st.lists(VALUES.filter(lambda text: "\n" not in text and "\r" not in text), min_size=6, max_size=6),
    pairs=st.dictionaries(KEYS, VALUES),
)
def test_whatever_is_written_in_cef_is_read_again(fields: list[str], pairs: dict[str, str]) -> None:
    told = "|".join(escaped(field, "|\\") for field in fields)
    line = f"CEF:0|{told}|" + " ".join(f"{key}={escaped(value, '=' + chr(92))}" for key, value in pairs.items())
    message = read_cef(line)
    assert message is not None
    assert (message.signature_id, message.name, message.severity) == tuple(fields[3:])
    assert message.extension == pairs


@given(st.text(max_size=200))
def test_no_text_behind_the_mark_breaks_the_reader(text: str) -> None:
    message = read_cef(f"CEF:0|{text}")
    assert message is None or text.count("|") >= 6


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", {}),
        ("act=a", {"act": "a"}),
        ("act= src=1.2.3.4  msg=hai từ  ", {"src": "1.2.3.4", "msg": "hai từ"}),
        ("request=http://x/?a=b&c=d act=alert", {"request": "http://x/?a=b&c=d", "act": "alert"}),
        (r"msg=a\=b c\\d\nx request=\"y\"", {"msg": "a=b c\\d\nx", "request": '\\"y\\"'}),
        (r"msg=not a\=pair", {"msg": "not a=pair"}),
        ("act=first act=second", {"act": "first"}),
        ("ad.x[0]=1 cs1Label=Tên", {"ad.x[0]": "1", "cs1Label": "Tên"}),
        ("no pair", None),
        ("text first act=a", None),
    ],
)
def test_pairs_of_an_extension(text: str, expected: dict[str, str] | None) -> None:
    assert read_extension(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1459517280810", "2016-04-01T13:28:00.810000+00:00"),
        ("Apr 07 2017 00:10:10 GMT", "2017-04-07T00:10:10+00:00"),
        ("Nov 20 2026 08:00:04.250 +0730", "2026-11-20T08:00:04.250000+07:30"),
        ("Nov 20 2026 08:00:04 GMT-05:30", "2026-11-20T08:00:04-05:30"),
        ("31 March 2016 13:04:55", None),
        ("Apr 07 2017 00:10:10", None),
        ("Apr 31 2017 00:10:10 GMT", None),
        ("Abc 07 2017 00:10:10 GMT", None),
        ("145951728081", None),
    ],
)
def test_only_a_time_with_year_and_zone_is_an_instant(text: str, expected: str | None) -> None:
    assert read_instant(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", Header()),
        ("<14>", Header()),
        ("<192>", None),
        ("Mar 21 14:05:02 HOST ", Header("Mar 21 14:05:02", "HOST")),
        ("<14>Apr  7 10:10:10 fe80::1 app[4]: ", Header("Apr  7 10:10:10", "fe80::1")),
        ("<14>Apr  7 10:10:10 app: ", Header("Apr  7 10:10:10", None)),
        ("2016-04-01T09:29:11.356-0400 ", Header("2016-04-01T09:29:11.356-0400", None)),
        ("<14>1 - host app - ID1 - ", Header(None, "host")),
        (
            r'<14>1 2014-06-20T09:14:08+00:00 log app 1 ID [a@1 b="\"]"][c@2 d="e"] ',
            Header("2014-06-20T09:14:08+00:00", "log"),
        ),
        ("<14>1 2014-06-20T09:14:08+00:00 log app 1 ID [a@1 b= ", None),
        ("two words before ", None),
        ("x" * 5000 + " ", None),
    ],
)
def test_the_header_before_a_message(text: str, expected: Header | None) -> None:
    assert read_header(text) == expected


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ('{"event_type":"alert","alert":', "not_json"),
        ('{"timestamp":"2026-11-20T08:00:00+07:00"}', "json_of_another_form"),
        ('{"event_type":"alert","alert":{"severity":"high"}}', "json_of_another_form"),
        ("CEF:0|a|b|c|d|e", "broken_cef"),
        ("CEF:0|a|b|c|d|e|5|text without a key", "broken_cef"),
        ("two words before CEF:0|a|b|c|d|e|5|act=x", "broken_cef"),
        ("LEEF:2.0|a|b|c|d|", "leef_message"),
        ("[**] [1:2001219:20] ET SCAN [**]", "snort_alert"),
        ("<14>1 2014-06-20T09:14:07+00:00 log x DEA - - Removing instance", "syslog_of_another_form"),
        ("Nov 20 08:00:00 host sshd[1]: Accepted", "syslog_of_another_form"),
        ("1461576382.642 161 127.0.0.1 TCP_MISS/200", "unknown_form"),
    ],
)
def test_a_line_of_another_form_says_what_it_looks_like(read: Read, line: str, reason: str) -> None:
    good = "CEF:0|a|b|c|d|e|5|externalId=1 rt=1459517280810"
    delivered = read("alert_log", FEED, f"{good}\n{line}\n{good}".encode())
    assert delivered.reasons == [(2, reason, 4)]
    assert len(delivered.rows) == 2


def alert(**members: object) -> bytes:
    event = {
        "event_type": "alert",
        "timestamp": "2026-11-20T08:00:00+07:00",
        "alert": {"signature": "x", "severity": 1},
    }
    return json.dumps(event | members).encode()


@pytest.mark.parametrize(
    ("source", "destination", "machine"),
    [
        ("8.8.8.8", "10.0.0.1", "10.0.0.1"),
        ("10.0.0.1", "8.8.8.8", "10.0.0.1"),
        ("10.0.0.1", "10.0.0.2", "10.0.0.2"),
        ("8.8.8.8", "1.1.1.1", "1.1.1.1"),
        ("172.31.0.1", "203.0.113.7", "172.31.0.1"),
        ("8.8.8.8", None, None),
        ("10.0.0.1", None, "10.0.0.1"),
        ("2001:4860:4860:0:0:0:0:8888", "FD00::1", "fd00::1"),
        ("${Alert.username}", "10.0.0.1", "10.0.0.1"),
    ],
)
def test_the_machine_is_the_one_with_a_private_address(
    read: Read, source: str | None, destination: str | None, machine: str | None
) -> None:
    (row,) = read("alert_log", FEED, alert(src_ip=source, dest_ip=destination)).rows
    assert row.get("machine_address") == machine


@pytest.mark.parametrize(
    ("members", "host"),
    [
        ({"http": {"hostname": "Xau.Example:8080"}}, "xau.example"),
        ({"tls": {"sni": "xau.example."}}, "xau.example"),
        ({"http": {"hostname": ""}, "tls": {"sni": "a.example"}}, "a.example"),
        ({"http": {}}, None),
    ],
)
def test_the_host_that_was_asked_for(read: Read, members: dict[str, object], host: str | None) -> None:
    (row,) = read("alert_log", FEED, alert(**members)).rows
    assert row.get("destination_host") == host


def test_an_alert_without_a_flow_is_known_by_its_text(read: Read) -> None:
    one, other, again = read("alert_log", FEED, b"\n".join([alert(), alert(src_ip="10.0.0.1"), alert()])).rows
    assert one["event_id"] == again["event_id"] != other["event_id"]
    assert {row["source_id"] for row in (one, other)} == {"46"}, "the beginning of the file's name"


SURICATA = {
    "security/suricata_first-org-conf-2015_alerts.json": (136, {"eve:1": 71, "eve:2": 42, "eve:3": 23}),
    "security/suricata_honeypot-2018_alerts.json": (44, {"eve:2": 43, "eve:3": 1}),
    "security/suricata_wrccdc-2017_alerts.json": (161, {"eve:1": 56, "eve:2": 50, "eve:3": 55}),
}


@pytest.mark.parametrize("name", SURICATA)
def test_every_real_alert_of_suricata_is_read_as_array_and_as_lines(
    read: Read, samples: Callable[[str], list[bytes]], name: str
) -> None:
    (content,) = samples(name)
    events = json.loads(content)
    delivered = read("alert_log", FEED, content)
    assert (delivered.reasons, delivered.skipped) == ([], {})
    count, severities = SURICATA[name]
    assert len(delivered.rows) == len(events) == count
    assert Counter(row["severity_code"] for row in delivered.rows) == severities
    assert len({row["event_id"] for row in delivered.rows}) == count
    for row, event in zip(delivered.rows, events, strict=True):
        told = event["alert"]
        assert row["signature"] == told["signature"]
        assert row["signature_id"] == str(told["signature_id"])
        assert row["action_code"] == told["action"]
        assert str(row["observed_at"]).replace("-06:00", "-0600") == event["timestamp"]
        assert (row["source_address"], row["destination_address"]) == (event["src_ip"], event["dest_ip"])
        asked = event.get("http", {}).get("hostname") or event.get("tls", {}).get("sni")
        assert row.get("destination_host") == (asked.lower().partition(":")[0].rstrip(".") if asked else None)
    lines = "\n".join(json.dumps(event, ensure_ascii=False) for event in events).encode()
    as_lines = read("alert_log", FEED, lines)
    assert as_lines.rows == delivered.rows


def test_real_messages_in_cef(read: Read, samples: Callable[[str], list[bytes]]) -> None:
    adallom, cyberark, palo, waf = (
        read("alert_log", FEED, content).rows[0] for content in samples("security/metron_cef_*.cef")
    )
    assert adallom["observed_at"] == "2016-04-01T13:28:00.810000+00:00"
    assert adallom["severity_code"] == "cef:0"
    assert adallom["signature_id"] == "56fe779ee4b0459f4e9a484a"
    assert (cyberark["source_id"], cyberark["observed_at"]) == ("HHHPVATN1", "Mar 21 14:05:02")
    assert (cyberark["signature"], cyberark["action_code"]) == ("Retrieve password", "retrieve password")
    assert palo == {
        "source_id": "hostname",
        "event_id": "123456789",
        "event_kind_code": "alert",
        "observed_at": "2017-04-07T00:10:10+00:00",
        "alert_id": "123456789",
        "severity_code": "cef:1",
        "action_code": "alert",
        "signature_id": "url",
        "signature": "THREAT",
        "machine_address": "10.10.10.10",
        "source_address": "10.10.10.10",
        "destination_address": "20.20.20.20",
    }
    assert waf["signature"] == "ABC - Secure Login.vm Page Rate Limit UK - Source IP"
    assert (waf["severity_code"], waf["observed_at"]) == ("cef:high", "31 March 2016 13:04:55")
    assert waf["signature_id"] == waf["signature"], "its name is empty"
    texts = json.dumps([adallom, cyberark, palo, waf])
    assert not any(name in texts for name in ("person@example.com", "auser", "spilgrim")), "user names are not read"


def test_real_messages_behind_syslog_headers_without_a_host(read: Read, samples: Callable[[str], list[bytes]]) -> None:
    (content,) = samples("security/metron_FireeyeExampleOutput")
    lines = content.decode().splitlines()
    delivered = read("alert_log", FEED, content)
    told = [line for line in lines if "CEF:" in line]
    assert (len(lines), len(told), len(delivered.rows)) == (90, 77, 77)
    assert Counter(reason for _, reason, _ in delivered.reasons) == {"syslog_of_another_form": 13}, "parts of messages"
    for row, line in zip(delivered.rows, told, strict=True):
        fields = line.partition("CEF:")[2].split("|")
        assert (row["signature_id"], row["signature"]) == (fields[4], fields[5])
        assert row["severity_code"] == f"cef:{fields[6]}"
        words = dict(word.partition("=")[::2] for word in fields[7].split(" ") if "=" in word)
        assert row["source_id"] == words["dvchost"]
        assert row.get("source_address") == words.get("src")
        assert row.get("destination_address") == words.get("dst")
        month, day, year, time = fields[7].partition("rt=")[2].split(" ")[:4]
        assert row["observed_at"] == f"{year}-{['Jan', 'Feb', 'Mar'].index(month) + 1:02}-{day}T{time}+00:00"


OTHERS = {
    "security/metron_SnortOutput": {"unknown_form": 3},
    "security/metron_SquidExampleOutput": {"unknown_form": 2},
    "security/metron_Syslog3164Output": {"syslog_of_another_form": 100},
    "security/metron_Syslog5424Output": {"syslog_of_another_form": 3},
    "security/metron_asa_raw": {"syslog_of_another_form": 128},
    "security/metron_BroExampleOutput": {"json_of_another_form": 31},
    "security/metron_multi_elb_log.txt": {"syslog_of_another_form": 10},
    "security/metron_multi_elb_with_errors_log.txt": {"syslog_of_another_form": 10, "unknown_form": 3},
}


@pytest.mark.parametrize("name", OTHERS)
def test_every_line_of_other_real_logs_is_accounted_for(
    read: Read, samples: Callable[[str], list[bytes]], name: str
) -> None:
    (content,) = samples(name)
    delivered = read("alert_log", FEED, content)
    assert delivered.rows == []
    assert Counter(reason for _, reason, _ in delivered.reasons) == OTHERS[name]


def test_every_reason_that_the_severities_can_have_is_in_their_list() -> None:
    assert find_contract(FEED).column("severity_code").reference == "alert_severities.severity_code"
