"""The first row of every dashboard: the time of its newest event, its age, and the trust score of its feeds.

A page shows one domain, or those `feeds` of it that its file lists. The newest event is taken from the page's own marts
(`meta.newest_events` of a mart), not from the scores, which are released separately and may include events that this page does not show
yet. Ages are judged by the freshness in the contracts; for a mart of several feeds, by the strictest of them.
"""

from dataclasses import dataclass

from asset_files import Checkout, Feed, NewestEvent, Tree, as_list

from core.domains import QUALITY, Domain

SCORES = "feed_scores"
LOCAL_TIME_ZONE = "Asia/Ho_Chi_Minh"
UNITS = (("days", "ngày", 1440), ("hours", "giờ", 60), ("minutes", "phút", 1))
NEWEST, AGE, TRUST = "newest_event", "event_age_", "score_lowest"


@dataclass(frozen=True)
class Age:
    """The source of a page's newest event, the unit of its age, and the limits of green and red in that unit."""

    event: NewestEvent
    where: Tree
    unit: str
    unit_vi: str
    minutes_per_unit: int
    green: str
    red: str

    @property
    def metric(self) -> str:
        return f"{AGE}{self.unit}"

    def metrics(self) -> list[Tree]:
        """Return the two metrics of the mart: the newest event in local time, and its age."""
        newest = f"max({self.event.column})"
        age = f"date_diff('minute', {newest}, clock_now())"
        if self.minutes_per_unit > 1:
            age = f"round(date_diff('second', {newest}, clock_now()) / {self.minutes_per_unit * 60}.0, 1)"
        return [
            {
                "name": NEWEST,
                "label": "Dữ liệu mới nhất lúc",
                "expression": f"timezone('{LOCAL_TIME_ZONE}', {newest})",
            },
            {
                "name": self.metric,
                "label": f"Tuổi dữ liệu ({self.unit_vi})",
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
    unit, unit_vi, minutes = next(
        unit for unit in UNITS if green >= unit[2] and (unit[0] != "days" or green >= 2 * unit[2])
    )
    return Age(events[0], where, unit, unit_vi, minutes, format(green / minutes, "g"), format(red / minutes, "g"))


def badges(slug: str, page: Tree, checkout: Checkout) -> list[Tree]:
    """Return the three charts of a page's first row, in the form of a dashboard file."""
    age = age_of(slug, page, checkout)
    told = page.get("newest_by")
    newest: Tree = {
        "title": "Dữ liệu mới nhất lúc",
        "kind": "big_number",
        "mart": age.event.mart,
        "metric": NEWEST,
        "where": age.where,
        "is_time": True,
        "note": f"giờ địa phương, theo {told}" if told else "giờ địa phương",
        "slug": "du-lieu-luc",
    }
    in_words = [limit.replace(".", ",") for limit in (age.green, age.red)]
    how_old: Tree = {
        "title": f"Tuổi dữ liệu ({age.unit_vi})",
        "kind": "big_number",
        "mart": age.event.mart,
        "metric": age.metric,
        "where": age.where,
        "note": f"cho phép {in_words[0]} {age.unit_vi}; đỏ từ {in_words[1]} {age.unit_vi}",
        "levels": {"green": f"≤ {age.green}", "yellow": f"{age.green} < x < {age.red}", "red": f"≥ {age.red}"},
        "slug": "tuoi-du-lieu",
    }
    trust: Tree = {
        "title": "Điểm tin cậy",
        "kind": "big_number",
        "mart": SCORES,
        "metric": TRUST,
        "where": _scores(slug, page, checkout),
        "note": "nguồn thấp nhất, trên 100; mức Đỏ không quá 74",
        "levels": "score",
    }
    return [newest, how_old, trust]


def _scores(slug: str, page: Tree, checkout: Checkout) -> Tree:
    domain, named = domain_of(slug, checkout).id, as_list(page.get("feeds", []))
    if named:
        return {"feed": named[0] if len(named) == 1 else {"IN": named}}
    return {} if domain == QUALITY else {"domain": domain}
