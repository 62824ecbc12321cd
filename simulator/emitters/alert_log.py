"""The day of information security: a log each quarter of an hour with events of Suricata and messages in CEF, as a collector mixes them.

One sensor has no collector: every hour it puts a JSON array into a file of its own, and only the file's name says whose it is. A day begins
with what two days before brought. Most alerts are handled within hours, some critical ones stay open; one server falls silent in the
evening, and one sensor is not in the list. All of this is no fault. Machines, attackers and rules are invented.
"""

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from random import Random

from simulator.chance import chance
from simulator.faults import ALERTS, FaultKind, FaultProfile, deal_faults
from simulator.local_time import FUTURE, LOCAL, in_utc, midnight
from simulator.truth import Books, Emission

QUARTER, HOUR = timedelta(minutes=15), timedelta(hours=1)
DAYS, ALERTS_A_DAY = 3, 90
EVE_SOURCES, ARRAY_SOURCE = ("ids-ttdl", "ids-yte", "ids-giaoduc", "ids-moi"), "ids-giaoduc"
CEF_SOURCES = ("fw-bien", "waf-dvc", "av-taichinh")
SILENT_SOURCE, SILENT_FROM = "av-taichinh", timedelta(hours=20)
SEVERITIES: Mapping[str, Mapping[str, str]] = {
    "eve": {"1": "critical", "2": "high", "3": "medium"},
    "cef": {"10": "critical", "9": "critical", "Very-High": "critical", "8": "high", "5": "medium", "0": "low"},
}
WEIGHTS = {"critical": 1, "high": 4, "medium": 6, "low": 6}
ACTIONS: Mapping[str, Mapping[str, bool | None]] = {
    "eve": {"allowed": False, "blocked": True},
    "cef": {"Deny": True, "quarantine": True, "alert": False, "tarpit": None},
}
RULES = (
    "Quét cổng SSH",
    "Đăng nhập sai nhiều lần | VPN",
    "Tải tệp mã độc",
    "Kết nối máy chủ điều khiển",
    "Chèn lệnh SQL a=b",
)
ACKNOWLEDGED_SHARE, CLOSED_SHARE, FALSE_SHARE = 0.8, 0.9, 0.2
MEAN_MINUTES_TO_ACKNOWLEDGE, MEAN_HOURS_TO_CLOSE = 25, 5
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


@dataclass(frozen=True)
class LoggedEvent:
    """One true event: an alert, a step of its handling, or a sign of life."""

    source_id: str
    kind: str
    observed_at: datetime
    number: int
    first_day: date
    severity: str = ""
    action: str = ""
    rule: str = ""
    machine: str = ""
    attacker: str = ""
    host: str = ""
    status: str = ""
    about: str = ""

    @property
    def form(self) -> str:
        """In which form its source writes."""
        return "eve" if self.source_id in EVE_SOURCES else "cef"

    @property
    def alert_id(self) -> str:
        """The alert that it is, or is about."""
        if self.kind != "alert":
            return self.about
        return (
            f"{self.number}/1/{2_000_000 + len(self.rule)}/{_eve_time(self.observed_at)}"
            if self.form == "eve"
            else f"A{self.number}"
        )

    @property
    def file_name(self) -> str:
        """The file that has it, named by the end of its time; what came before the day is in its first one."""
        is_alone = self.source_id == ARRAY_SOURCE and self.kind != "status"
        step = HOUR if is_alone else QUARTER
        start = midnight(self.first_day)
        end = start + (max((self.observed_at - start) // step, 0) + 1) * step
        return f"{ARRAY_SOURCE if is_alone else 'log'}_{end:%Y%m%d_%H%M}.log"

    def line(self, fault: FaultKind | None, action: str | None = None) -> str:
        """Return its line in the log; `action` is told instead of its own."""
        at = self.observed_at + (FUTURE if fault == FaultKind.FUTURE_TIME else timedelta())
        severity = (
            {FaultKind.MISSING_VALUE: "", FaultKind.UNKNOWN_CODE: "42"}.get(fault, self.severity)
            if fault
            else self.severity
        )
        if self.kind == "status":
            pairs = f"dvchost={self.source_id} externalId={self.about} outcome={self.status} rt={_milliseconds(at)}"
            return f"<134>{_bsd_time(at)} soc CEF:0|IOC|SOC|1|alert_status|Xử lý cảnh báo|0|{pairs}"
        line = self._eve(at, severity, action) if self.form == "eve" else self._cef(at, severity, action)
        return line[: len(line) // 3] if fault == FaultKind.MALFORMED else line

    def _eve(self, at: datetime, severity: str, action: str | None) -> str:
        event: dict[str, object] = {"timestamp": _eve_time(at)}
        event |= {} if self.source_id == ARRAY_SOURCE else {"host": self.source_id}
        if self.kind == "heartbeat":
            return json.dumps(event | {"event_type": "stats", "stats": {"uptime": self.number}})
        alert: dict[str, object] = {
            "action": action or self.action,
            "gid": 1,
            "signature_id": 2_000_000 + len(self.rule),
            "signature": self.rule,
        }
        alert |= {"severity": int(severity)} if severity else {}
        event |= {
            "flow_id": self.number,
            "event_type": "alert",
            "src_ip": self.attacker,
            "dest_ip": self.machine,
            "alert": alert,
        }
        return json.dumps(event | {"http": {"hostname": self.host}}, ensure_ascii=False)

    def _cef(self, at: datetime, severity: str, action: str | None) -> str:
        header = (
            f"<134>1 {at.isoformat()} {self.source_id} cef - - - "
            if self.number % 2
            else f"{_bsd_time(at)} {self.source_id} "
        )
        if self.kind == "heartbeat":
            return f"{header}CEF:0|Hãng|Thiết bị|2|heartbeat|Tín hiệu sống|0|rt={_milliseconds(at)}"
        rule = self.rule.replace("|", "\\|")
        pairs = f"act={action or self.action} src={self.machine} dst={self.attacker} dhost={self.host} externalId={self.alert_id}"
        return f"{header}CEF:0|Hãng|Thiết bị|2|r{len(self.rule)}|{rule}|{severity}|{pairs} msg=hai\\ndòng, a\\=b rt={_milliseconds(at)}"

    def row(self) -> tuple[object, ...]:
        """Return the row of the truth."""
        is_alert = self.kind == "alert"
        return (
            self.source_id,
            self.kind,
            in_utc(self.observed_at),
            self.alert_id or None,
            self.status or None,
            SEVERITIES[self.form][self.severity] if is_alert else None,
            ACTIONS[self.form][self.action] if is_alert else None,
            self.rule or None,
            self.machine or None,
            self.attacker or None,
            self.host or None,
        )


def emit_alerts(day: date, seed: int, profile: FaultProfile, folder: Path) -> Emission:
    """Write the day's files into a folder that the caller has made."""
    events = _events(day, chance(seed, ALERTS))
    dealt = deal_faults(profile, ALERTS, events, _can_have, chance(seed, f"{ALERTS}/faults"))
    books, rows = Books(ALERTS), []
    files: dict[str, list[str]] = defaultdict(list)
    for index, event in enumerate(events):
        fault = dealt.get(index)
        lines = files[event.file_name]
        is_repeated = fault in (FaultKind.DUPLICATE, FaultKind.CONFLICT)
        lines.append(event.line(None if is_repeated else fault))
        if fault is None or is_repeated:
            rows.append(event.row())
            books.accept()
        if is_repeated:
            lines.append(event.line(None, None if fault == FaultKind.DUPLICATE else "alert-2"))
        if fault == FaultKind.DUPLICATE:
            books.repeat()
        elif fault is not None:
            books.quarantine(fault)
        if fault is not None:
            outcome = "duplicate" if fault == FaultKind.DUPLICATE else "quarantined"
            books.note(fault, event.source_id, in_utc(event.observed_at), event.file_name, outcome=outcome)
        if event.kind == "heartbeat" and event.form == "eve":
            lines.append(event.line(None).replace('"stats", "stats"', '"flow", "flow"'))  # traffic, which is no alert
    for name, lines in files.items():
        listed = ",\n".join(lines)
        text = f"[\n{listed}\n]\n" if name.startswith(ARRAY_SOURCE) else "".join(f"{line}\n" for line in lines)
        (folder / name).write_text(text, encoding="utf-8", newline="")
        books.deliver()
    return Emission(books, {"cyber_events": rows})


def _can_have(event: LoggedEvent, fault: FaultKind) -> bool:
    """Whether an event can have a fault: alerts alone have any, and half an object would cost a whole array."""
    return event.kind == "alert" and (fault != FaultKind.MALFORMED or event.source_id != ARRAY_SOURCE)


def _events(day: date, stream: Random) -> list[LoggedEvent]:
    """Return what was logged until the end of the day, in order."""
    start, end = midnight(day), midnight(day) + timedelta(days=1)
    alerts = list(_alerts(day, stream))
    steps = [step for alert in alerts for step in _steps(alert, stream)]
    beats = [
        LoggedEvent(source, "heartbeat", start + number * QUARTER + timedelta(seconds=30 + place), number, day)
        for place, source in enumerate((*EVE_SOURCES, *CEF_SOURCES))
        for number in range(96)
    ]
    logged = [event for event in (*alerts, *steps, *beats) if event.observed_at < end and not _is_silent(event, start)]
    return sorted(logged, key=lambda event: (event.observed_at, event.source_id, event.kind, event.alert_id))


def _is_silent(event: LoggedEvent, start: datetime) -> bool:
    return event.source_id == SILENT_SOURCE and event.kind != "status" and event.observed_at >= start + SILENT_FROM


def _alerts(day: date, stream: Random) -> Iterator[LoggedEvent]:
    for number in range(DAYS * ALERTS_A_DAY):
        source = stream.choice((*EVE_SOURCES, *CEF_SOURCES))
        form = "eve" if source in EVE_SOURCES else "cef"
        severities = SEVERITIES[form]
        before = timedelta(days=DAYS - 1 - number // ALERTS_A_DAY)
        yield LoggedEvent(
            source_id=source,
            kind="alert",
            observed_at=(midnight(day) - before + timedelta(seconds=stream.randrange(86_400))).astimezone(LOCAL),
            number=1_000_000 + number,
            first_day=day,
            severity=stream.choices([*severities], [WEIGHTS[level] for level in severities.values()])[0],
            action=stream.choice([*ACTIONS[form]]),
            rule=stream.choice(RULES),
            machine=f"10.20.{stream.randrange(4)}.{stream.randrange(1, 30)}",
            attacker=f"203.0.113.{stream.randrange(1, 60)}",
            host=f"xau-{stream.randrange(40)}.example",
        )


def _steps(alert: LoggedEvent, stream: Random) -> Iterator[LoggedEvent]:
    """Yield what the desk does about an alert."""
    if stream.random() >= ACKNOWLEDGED_SHARE:
        return
    at = alert.observed_at + timedelta(minutes=1 + int(min(stream.expovariate(1 / MEAN_MINUTES_TO_ACKNOWLEDGE), 300)))
    yield LoggedEvent(
        alert.source_id, "status", at, alert.number, alert.first_day, status="acknowledged", about=alert.alert_id
    )
    if stream.random() < CLOSED_SHARE:
        later = at + timedelta(minutes=5 + int(60 * min(stream.expovariate(1 / MEAN_HOURS_TO_CLOSE), 40)))
        status = "false_positive" if stream.random() < FALSE_SHARE else "resolved"
        yield LoggedEvent(
            alert.source_id, "status", later, alert.number, alert.first_day, status=status, about=alert.alert_id
        )


def _eve_time(moment: datetime) -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%S.%f%z}"


def _bsd_time(moment: datetime) -> str:
    return f"{MONTHS[moment.month - 1]} {moment.day:2} {moment:%H:%M:%S}"


def _milliseconds(moment: datetime) -> int:
    return int(moment.timestamp() * 1000)
