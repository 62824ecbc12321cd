"""Articles of the press: RSS and Atom of one contract, the forms of their times and addresses, and what a browser saves with them."""

from collections.abc import Callable
from typing import Any

import pytest

from core.errors import DeliveryError
from ingestion.formats.first_look import Kind, kind_of
from ingestion.formats.html_text import plain_text

FEED = "press.articles"
AT = "<pubDate>Fri, 20 Nov 2026 08:05:00 +0700</pubDate>"
ATOM = """<feed xmlns="http://www.w3.org/2005/Atom"><title>Tin</title><id>urn:tin</id><updated>2026-11-20T02:00:00Z</updated>
<entry><title type="html">B&amp;atilde;o số 9</title><link rel="self" href="https://a.vn/x.atom"/><link href="https://a.vn/x"/><id>urn:x</id>
<published>2026-11-20T00:00:00Z</published><updated>2026-11-20T01:00:00Z</updated>
<content type="html">&lt;p&gt;Nội dung&lt;/p&gt;</content></entry></feed>"""


def rss(*items: str, before: str = "") -> bytes:
    return f'<rss version="2.0"><channel>{before}{"".join(f"<item>{item}</item>" for item in items)}</channel></rss>'.encode()


def read_one(read: Callable[..., Any], item: str) -> dict[str, object]:
    delivered = read("table", FEED, rss(item))
    assert delivered.reasons == []
    return dict(delivered.rows[0])


def test_rss_and_atom_are_told_apart_by_their_root_and_read_together(read: Callable[..., Any]) -> None:
    link = '<link xmlns="http://www.w3.org/2005/Atom" rel="self" href="https://b.vn/rss"/>'
    item = f"<title>Tin B</title><link>https://b.vn/1</link>{AT}"
    delivered = read("table", FEED, rss(item, before=link), ATOM.encode(), b"<rss><channel/></rss>", ATOM.encode())
    assert [(row["article_url"], row["title"], row["published_at"]) for row in delivered.rows] == [
        ("https://b.vn/1", "Tin B", "2026-11-20T08:05:00+07:00"),
        *[("https://a.vn/x", "Bão số 9", "2026-11-20T01:00:00Z")] * 2,
    ]
    assert [row.get("summary") for row in delivered.rows] == [None, "Nội dung", "Nội dung"]
    assert delivered.skipped == {"beside_the_records": 7}
    assert {shape.unknown for shape in delivered.reading.shapes.values()} == {()}


@pytest.mark.parametrize(
    ("told", "meant", "is_assumed"),
    [
        ("Fri, 20 Nov 2026 08:05:00 +0700", "2026-11-20T08:05:00+07:00", False),
        ("Fri, 20 Nov 2026 01:05:00 GMT", "2026-11-20T01:05:00+00:00", False),
        ("Wed, 11 Jun 2003 22:39:00 PDT", "2003-06-11T22:39:00-07:00", False),
        ("Friday, 20 November 2026 8:05", "2026-11-20T08:05:00+07:00", True),
        ("2026-11-20T08:05:00", "2026-11-20T08:05:00+07:00", True),
        ("2026-11-20T08:05:00.5-03:00", "2026-11-20T08:05:00.5-03:00", False),
        ("20 Nov 26 08:05:00 +0700", "20 Nov 26 08:05:00 +0700", False),
        ("Fri, 20 Thg 2026 08:05:00 +0700", "2026-00-20T08:05:00+07:00", False),
        ("hôm qua", "hôm qua", False),
    ],
)
def test_a_time_keeps_its_zone_or_says_that_one_was_assumed(
    told: str, meant: str, is_assumed: bool, read: Callable[..., Any]
) -> None:
    row = read_one(read, f"<title>T</title><link>https://a.vn/1</link><pubDate>\n{told}\n</pubDate>")
    assert (row["published_at"], row["is_zone_assumed"]) == (meant, str(is_assumed).lower())


@pytest.mark.parametrize(
    ("sent", "canonical", "source"),
    [
        ("https://BAO.vn/A/b.html", "https://bao.vn/A/b.html", "bao.vn"),
        ("HTTPS://www.bao.vn/a/?utm_source=x&amp;utm_id=2#c", "https://www.bao.vn/a", "bao.vn"),
        ("http://bao.vn/?fbclid=1&amp;p=2&amp;gclid=3", "http://bao.vn?p=2", "bao.vn"),
        ("https://bao.vn/a?utm=1&amp;x_utm_y=2", "https://bao.vn/a?utm=1&x_utm_y=2", "bao.vn"),
        ("/a.html", None, None),
    ],
)
def test_an_address_loses_what_does_not_name_the_article(
    sent: str, canonical: str | None, source: str | None, read: Callable[..., Any]
) -> None:
    row = read_one(read, f"<title>T</title><link>{sent}</link>{AT}")
    assert (row.get("article_url"), row.get("source")) == (canonical, source)


def test_an_article_without_a_link_has_the_address_that_it_is_called_by(read: Callable[..., Any]) -> None:
    assert read_one(read, f"<title>T</title><guid>https://a.vn/7</guid>{AT}")["article_url"] == "https://a.vn/7"


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"<rss><channel><item></channel></rss>", "not_xml"),
        (b'<!DOCTYPE rss [<!ENTITY x SYSTEM "file:///etc/passwd">]><rss><channel><item>&x;</item></channel></rss>', "not_xml"),
        (b"<rdf><item/></rdf>", "another_root"),
    ],
)  # fmt: skip
def test_what_is_no_feed_is_refused_whole(content: bytes, reason: str, read: Callable[..., Any]) -> None:
    with pytest.raises(DeliveryError) as caught:
        read("table", FEED, content)
    assert caught.value.values["reason"] == reason


def test_the_sentence_that_a_browser_saves_is_skipped_and_other_text_is_refused(read: Callable[..., Any]) -> None:
    sentence = (
        "This XML file does not appear to have any style information associated with it. "
        "The document tree is shown below.\n"
    )
    saved = sentence.encode() + rss(f"<title>T</title><link>https://a.vn/1</link>{AT}")
    delivered = read("table", FEED, saved)
    assert kind_of(saved) is Kind.XML
    assert (len(delivered.rows), delivered.skipped) == (1, {"browsers_sentence": 1})
    assert kind_of(b"Trang tin\n" + rss()) is Kind.TEXT
    assert kind_of(sentence.encode() * 2 + rss()) is Kind.TEXT


def test_real_feeds_are_read(read: Callable[..., Any], samples: Callable[[str], list[bytes]]) -> None:
    vnexpress = read("table", FEED, *samples("news/vnexpress_rss_*_dirty.xml"))
    assert (len(vnexpress.rows), vnexpress.reasons) == (25, [])
    assert vnexpress.skipped == {"browsers_sentence": 1, "beside_the_records": 6}
    assert vnexpress.rows[0]["summary"].startswith("Mang nét cổ kính")
    others = read("table", FEED, *samples("alerts/amber.rss"), *samples("alerts/earthquake.atom"))
    assert [row["published_at"] for row in others.rows] == ["2003-06-11T22:39:00-07:00", "2003-06-11T20:56:00-07:00"]
    assert [row.get("article_url") is None for row in others.rows] == [False, True], "its only link is related to it"


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("a<br/>b", "a b"),
        ("<style>p {}</style>x<script>if (a < b) </i></script>y", "xy"),
        ("1 < 2 &amp;&nbsp;3 > 2", "1 < 2 & 3 > 2"),
        ("&lt;b&gt; e\u0301", "<b> é"),
        ("<script>never closed", ""),
        ("< " * 3, "< < <"),
    ],
)
def test_html_is_read_as_what_it_shows(html: str, text: str) -> None:
    assert plain_text(html) == text
