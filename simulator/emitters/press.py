"""The newspapers' day: every hour each paper's feed, with the articles of that hour and the last ones of the hour before, again.

Papers write as they like: titles in NFD, in CDATA or with entities, times in GMT, in local time or without a zone, some without a guid, one
in Atom. One story in six is told again by another paper, in capitals; one title in twenty is corrected. All of this is no fault. Papers and
articles are invented; places are named by their names of today, by former ones, and by a name that means two places.
"""

import unicodedata
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from pathlib import Path
from random import Random
from xml.sax.saxutils import escape

from simulator.chance import chance
from simulator.faults import PRESS, FaultKind, FaultProfile, deal_faults
from simulator.local_time import FUTURE, LOCAL, in_utc, midnight
from simulator.truth import Books, Emission

PAPERS = ("baogialap.example", "tinthanhpho.example", "nhatbao.example")
ATOM_PAPER = PAPERS[2]
STORIES_BY_HOUR = (1, 0, 0, 0, 1, 3, 6, 9, 9, 8, 7, 6, 4, 5, 7, 7, 6, 5, 5, 4, 3, 2, 2, 1)
SUBJECTS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("Mưa lớn kéo dài", ("disaster",)),
    ("Cháy nhà xưởng", ("fire",)),
    ("Ùn tắc giờ cao điểm", ("traffic",)),
    ("Cháy xe gây ùn tắc", ("fire", "traffic")),
    ("Bệnh viện mở thêm phòng", ("health",)),
    ("Học sinh tham gia ngày hội", ("education",)),
    ("Xử lý rác thải", ("environment",)),
    ("Công an cảnh báo lừa đảo", ("security",)),
    ("Du khách tăng", ("tourism",)),
    ("Chuyển đổi số", ("administration",)),
    ("Chợ hoa họp phiên mới", ()),
)
PLACES: tuple[tuple[str, str | None, bool], ...] = (
    (" tại phường Phú Xuân", "19753", False),
    (" ở Đông Ba", "19753", False),
    (" ở Thuận Hoá, phường Thuận Hóa", "19789", False),
    (" ở Giả lập 07", "99007", False),
    (" ở Phú Xuân", None, True),
    ("", None, False),
)
"""How a place is named, the commune that is meant, and whether the name alone means several places."""

REPEATED_EVERY, CORRECTED_EVERY, LISTED_AGAIN = 6, 20, 2
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


@dataclass(frozen=True)
class Article:
    """One article as a paper lists it; `style` decides how it is written."""

    number: int
    paper: str
    title: str
    published_at: datetime
    topics: tuple[str, ...]
    commune_code: str | None
    is_ambiguous: bool
    style: int
    summary: str = "Phóng viên tìm hiểu thêm."

    @property
    def url(self) -> str:
        """The canonical address."""
        return f"https://{self.paper}/tin-{self.number}.html"

    @property
    def has_zone(self) -> bool:
        """Whether its time is written with a zone."""
        return self.paper == ATOM_PAPER or self.style % 11 != 0

    @property
    def file_name(self) -> str:
        """The feed that lists it first, at the end of its hour."""
        return self._feed(0)

    @property
    def next_file_name(self) -> str:
        """The feed of the hour after."""
        return self._feed(1)

    def _feed(self, later: int) -> str:
        end = self.published_at.replace(minute=0, second=0) + timedelta(hours=1 + later)
        return f"{self.paper.partition('.')[0]}_{end:%Y%m%d_%H%M%S}.xml"

    def entry(self, fault: FaultKind | None, mark: str = "") -> str:
        """Return its element in the paper's feed, its address with a mark of advertisements."""
        at = self.published_at + (FUTURE if fault == FaultKind.FUTURE_TIME else timedelta())
        title = "" if fault == FaultKind.MISSING_VALUE else self._written_title()
        link = escape(self.url.replace(self.paper, self.paper.title()) + mark)
        if self.paper == ATOM_PAPER:
            told = f"{at:%d/%m/%Y %H:%M}" if fault == FaultKind.MALFORMED else at.isoformat()
            return (
                f'<entry><title type="html">{title}</title><link rel="alternate" href="{link}"/><id>urn:{self.number}</id>'
                f"<updated>{told}</updated><summary>{escape(self.summary)}</summary></entry>"
            )
        guid = f'<guid isPermaLink="false">{self.number}</guid>' if self.style % 5 else ""
        told = f"{at:%d/%m/%Y %H:%M}" if fault == FaultKind.MALFORMED else self._written_time(at)
        return (
            f"<item><title>{title}</title><link>\n{link}\n</link>{guid}<pubDate>{told}</pubDate>"
            f'<description><![CDATA[<a href="{self.url}"><img src="{self.url}.jpg"></a></br>{self.summary}]]></description></item>'
        )

    def _written_title(self) -> str:
        match self.style % 4:
            case 0:
                return unicodedata.normalize("NFD", self.title)
            case 1:
                return f"<![CDATA[<b>{self.title}</b>]]>"
            case 2:
                return f"<![CDATA[{self.title.encode('ascii', 'xmlcharrefreplace').decode()}]]>"
            case _:
                return self.title

    def _written_time(self, at: datetime) -> str:
        if not self.has_zone:
            return f"{at.day} {MONTHS[at.month - 1]} {at:%Y %H:%M:%S}"
        moment, zone = (in_utc(at), "GMT") if self.style % 3 == 0 else (at, "+0700")
        return f"{moment.day:02} {MONTHS[moment.month - 1]} {moment:%Y %H:%M:%S} {zone}"


def emit_press(day: date, seed: int, profile: FaultProfile, folder: Path) -> Emission:
    """Write the day's files into a folder that the caller has made."""
    articles = list(_articles(day, chance(seed, PRESS)))
    dealt = deal_faults(profile, PRESS, articles, lambda _, __: True, chance(seed, f"{PRESS}/faults"))
    books, accepted = Books(PRESS), []
    files: dict[str, list[str]] = defaultdict(list)
    broken: dict[str, bytes] = {}
    again: dict[str, list[Article]] = defaultdict(list)
    for index, article in enumerate(articles):
        fault, name = dealt.get(index), article.file_name
        if fault in (FaultKind.BROKEN_DOCUMENT, FaultKind.ENTITY_ATTACK):
            name = f"{fault}_{article.number}_{name}"
            broken[name] = _broken(article, fault)
        else:
            files[name] += _listed(article, fault)
        if fault in (None, FaultKind.DUPLICATE, FaultKind.CONFLICT):
            accepted.append(article)
            books.accept()
        if fault is None:
            again[article.next_file_name].append(article)
        elif fault == FaultKind.DUPLICATE:
            books.repeat()
            books.note(fault, article.url, in_utc(article.published_at), name, outcome="duplicate")
        else:
            books.quarantine(fault)
            books.note(fault, article.url, in_utc(article.published_at), name, outcome="quarantined")
    for name, repeats in again.items():
        if name in files:
            files[name] += [article.entry(None) for article in repeats[-LISTED_AGAIN:]]
            books.repeat(len(repeats[-LISTED_AGAIN:]))
    whole = {name: _feed(name, entries).encode() for name, entries in files.items()}
    for name, content in (whole | broken).items():
        (folder / name).write_bytes(content)
        books.deliver()
    return Emission(books, {"press_articles": [_true_row(article) for article in accepted]})


def _articles(day: date, stream: Random) -> Iterator[Article]:
    """Yield the articles of a day; a story told again and a corrected title come within it."""
    number = 0
    hours = [hour for hour, count in enumerate(STORIES_BY_HOUR) for _ in range(count)]
    for place, hour in enumerate(hours):
        at = midnight(day) + timedelta(hours=hour, seconds=stream.randrange(3_500))
        subject, topics = stream.choice(SUBJECTS)
        where, commune, is_ambiguous = stream.choice(PLACES)
        paper = stream.choice(PAPERS)
        title = f"{subject}{where}: tin số {place + 1}"
        number += 1
        first = Article(number, paper, title, at.astimezone(LOCAL), topics, commune, is_ambiguous, place)
        yield first
        if place % REPEATED_EVERY == 0 and hour < 22:
            number += 1
            other = stream.choice([name for name in PAPERS if name != paper])
            later = first.published_at + timedelta(minutes=stream.randrange(20, 80))
            yield replace(first, number=number, paper=other, title=title.upper(), published_at=later, style=place + 1)
        elif place % CORRECTED_EVERY == 1:
            later = first.published_at + timedelta(minutes=10)
            yield replace(first, title=f"{title} (đã sửa)", published_at=later)


def _listed(article: Article, fault: FaultKind | None) -> list[str]:
    match fault:
        case FaultKind.DUPLICATE:
            return [article.entry(None), article.entry(None, "?utm_source=rss&utm_medium=feed")]
        case FaultKind.CONFLICT:
            return [article.entry(None), replace(article, summary="Nội dung khác.").entry(None)]
        case _:
            return [article.entry(fault)]


def _broken(article: Article, fault: FaultKind) -> bytes:
    """Return a feed of one article that cannot be read: it ends in the middle, or brings an entity that would read a file."""
    whole = _feed(article.file_name, [article.entry(None)])
    if fault == FaultKind.BROKEN_DOCUMENT:
        return whole[: len(whole) // 2].encode()
    return whole.replace("?>\n", '?>\n<!DOCTYPE x [<!ENTITY x SYSTEM "file:///etc/hostname">]>\n', 1).encode()


def _feed(name: str, entries: list[str]) -> str:
    listed = "\n".join(entries)
    if name.startswith(ATOM_PAPER.partition(".")[0]):
        beside = "<title>Nhật báo</title><id>urn:nhatbao</id>"
        return f'<?xml version="1.0" encoding="utf-8"?>\n<feed xmlns="http://www.w3.org/2005/Atom">{beside}\n{listed}\n</feed>\n'
    beside = "<title>Tin mới</title><description>Tin mới</description><language>vi</language>"
    return f'<?xml version="1.0" encoding="utf-8"?>\n<rss version="2.0"><channel>{beside}\n{listed}\n</channel></rss>\n'


def _true_row(article: Article) -> tuple[object, ...]:
    return (
        article.url,
        article.title,
        article.paper,
        in_utc(article.published_at),
        not article.has_zone,
        list(article.topics),
        article.commune_code,
        article.is_ambiguous,
    )
