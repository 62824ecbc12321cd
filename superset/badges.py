"""The first row of every dashboard: the time of its newest event, its age, and the trust score of its feeds.

A page shows one domain, or those `feeds` of it that its file lists. The newest event is taken from the page's own marts
(`meta.newest_events` of a mart), not from the scores, which are released separately and may include events that this page does not show
yet. Ages are judged by the freshness in the contracts; for a mart of several feeds, by the strictest of them.
"""

from dataclasses import dataclass

from asset_files import Checkout, Feed, NewestEvent, Tree, as_list

from core.domains import OVERVIEW, QUALITY, Domain
from core.local_time import ZONE
from core.text import half

SCORES = "feed_scores"
UNITS = (("days", "ngày / days", 1440), ("hours", "giờ / hours", 60), ("minutes", "phút / minutes", 1))
NEWEST_TITLE = "Dữ liệu mới nhất lúc / Newest data at"
NEWEST, AGE, TRUST = "newest_event", "event_age_", "score_lowest"


@dataclass(frozen=True)
class Age:
    """The source of a page's newest event, the unit of its age, and the limits of green and red in that unit."""

    event: NewestEvent
    where: Tree
    unit: str
    unit_label: str
    minutes_per_unit: int
    green: str
    red: str

    @property
    def metric(self) -> str:
        return f"{AGE}{self.unit}"

    @property
    def title(self) -> str:
        return f"Tuổi dữ liệu ({half(self.unit_label, 'vi')}) / Age of the data ({half(self.unit_label, 'en')})"

    @property
    def note(self) -> str:
        unit_vi, unit_en = half(self.unit_label, "vi"), half(self.unit_label, "en")
        green_vi, red_vi = self.green.replace(".", ","), self.red.replace(".", ",")
        return (
            f"cho phép {green_vi} {unit_vi}; đỏ từ {red_vi} {unit_vi}"
            f" / up to {self.green} {unit_en} allowed; red from {self.red}"
        )

    def metrics(self) -> list[Tree]:
        """Return the two metrics of the mart: the newest event in local time, and its age."""
        newest = f"max({self.event.column})"
        age = f"date_diff('minute', {newest}, clock_now())"
        if self.minutes_per_unit > 1:
            age = f"round(date_diff('second', {newest}, clock_now()) / {self.minutes_per_unit * 60}.0, 1)"
        return [
            {
                "name": NEWEST,
                "label": NEWEST_TITLE,
                "expression": f"timezone('{ZONE}', {newest})",
            },
            {
                "name": self.metric,
                "label": self.title,
                "expression": age,
                "format": ",.1f" if self.minutes_per_unit > 1 else ",d",
            },
        ]


def domain_of(slug: str, checkout: Checkout) -> Domain:
    """Return the domain that a dashboard shows; raise ValueError if no domain lists the dashboard."""
    for domain in checkout.domains:
        if slug in domain.dashboards:
            return domain
    raise ValueError(f"expected a domain of contracts/domains.yaml that names dashboard {slug}, got none; add it there")


def age_of(slug: str, page: Tree, checkout: Checkout) -> Age:
    """Return the source of a page's age; raise ValueError if no mart of its domain has one."""
    domain, feeds = domain_of(slug, checkout), _feeds(slug, page, checkout)
    names = {feed.feed for feed in feeds}
    for mart in checkout.marts.values():
        if mart.domain == domain.id:
            events = [event for event in mart.newest_events if event.feed is None or event.feed in names]
            if events:
                return _age([event for event in events if event.column == events[0].column], feeds)
    raise ValueError(
        f"expected `meta.newest_events` of a mart of {domain.id} for {', '.join(sorted(names))}, got none; "
        "name the column there"
    )


def owners_of(slug: str, page: Tree, checkout: Checkout) -> list[str]:
    """Return the agencies that a page's figures come from, each once; for the page of all feeds, words that say so."""
    if domain_of(slug, checkout).id == QUALITY:
        return ["sổ cái và kết quả kiểm tra của mọi nguồn dữ liệu / ledger and checks of every feed"]
    return [*dict.fromkeys(feed.owner for feed in _feeds(slug, page, checkout))]


def _feeds(slug: str, page: Tree, checkout: Checkout) -> list[Feed]:
    domain = domain_of(slug, checkout).id
    named = {str(feed) for feed in as_list(page.get("feeds", []))}
    feeds = [feed for feed in checkout.feeds if domain in (feed.domain, QUALITY)]
    if unknown := sorted(named - {feed.feed for feed in feeds}):
        raise ValueError(f"expected feeds of {domain}, got {', '.join(unknown)}; correct `feeds`")
    return [feed for feed in feeds if not named or feed.feed in named]


def _age(events: list[NewestEvent], feeds: list[Feed]) -> Age:
    """Judge a column by the feeds whose newest event it holds; rows are filtered only if it is the column of a single feed."""
    told = {event.feed for event in events}
    judged = [feed for feed in feeds if None in told or feed.feed in told]
    green = min(feed.freshness_minutes for feed in judged)
    red = min(feed.freshness_limit_minutes for feed in judged)
    where = events[0].where if len(events) == 1 else {}
    unit, unit_label, minutes = next(
        unit for unit in UNITS if green >= unit[2] and (unit[0] != "days" or green >= 2 * unit[2])
    )
    return Age(events[0], where, unit, unit_label, minutes, format(green / minutes, "g"), format(red / minutes, "g"))


def badges(slug: str, page: Tree, checkout: Checkout) -> list[Tree]:
    """Return the three charts of a page's first row, in the form of a dashboard file.

    A page of the overview has none: each of its lines has its own age and trust.
    """
    if domain_of(slug, checkout).id == OVERVIEW:
        return []
    age = age_of(slug, page, checkout)
    told = str(page.get("newest_by", ""))
    by_vi, by_en = (f", theo {half(told, 'vi')}", f", by {half(told, 'en')}") if told else ("", "")
    newest: Tree = {
        "title": NEWEST_TITLE,
        "kind": "big_number",
        "mart": age.event.mart,
        "metric": NEWEST,
        "where": age.where,
        "is_time": True,
        "note": f"giờ địa phương{by_vi} / local time{by_en}",
        "slug": "du-lieu-luc",
    }
    how_old: Tree = {
        "title": age.title,
        "kind": "big_number",
        "mart": age.event.mart,
        "metric": age.metric,
        "where": age.where,
        "note": age.note,
        "levels": {"green": f"≤ {age.green}", "yellow": f"{age.green} < x < {age.red}", "red": f"≥ {age.red}"},
        "slug": "tuoi-du-lieu",
    }
    trust: Tree = {
        "title": "Điểm tin cậy / Trust score",
        "kind": "big_number",
        "mart": SCORES,
        "metric": TRUST,
        "where": _scores(slug, page, checkout),
        "note": "nguồn thấp nhất, trên 100; mức Đỏ không quá 74 / lowest feed, of 100; red is at most 74",
        "levels": "score",
    }
    return [newest, how_old, trust]


def _scores(slug: str, page: Tree, checkout: Checkout) -> Tree:
    domain, named = domain_of(slug, checkout).id, as_list(page.get("feeds", []))
    if named:
        return {"feed": named[0] if len(named) == 1 else {"IN": named}}
    return {} if domain == QUALITY else {"domain": domain}
