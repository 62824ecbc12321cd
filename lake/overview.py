"""The views over the released headline figures of all domains: `overview.headlines` and `overview.attention`.

Every domain publishes its own `<domain>_headlines`. The views are made anew by each publication in which such a mart came or went, so a
reader always sees the figures of the releases in force, with the trust scores in force, and adding a domain adds its line.
"""

import hashlib
from collections.abc import Sequence

import duckdb

from core.domains import OVERVIEW, QUALITY, read_domains
from lake.gate import tables_in

ENDING = "_headlines"
SCORES = "feed_scores"
VIEWS = ("headlines", "attention")


def write_views(connection: duckdb.DuckDBPyConnection) -> None:
    """Make the views over every released headline mart, if they differ from those in force; the caller holds the transaction.

    Without a released headline mart, or without released scores, there are none.
    """
    released = tables_in(connection)
    domains = [domain.id for domain in read_domains() if (domain.id, f"{domain.id}{ENDING}") in released]
    if not domains or (QUALITY, SCORES) not in released:
        for name in VIEWS:
            if (OVERVIEW, name) in released:
                connection.execute(f"drop view marts.{OVERVIEW}.{name}")
        return
    connection.execute(f"create schema if not exists marts.{OVERVIEW}")
    for name, query in zip(VIEWS, (_headlines(domains), _attention()), strict=True):
        digest = hashlib.sha256(query.encode()).hexdigest()
        if _digest_in_force(connection, name) != digest:
            connection.execute(f"create or replace view marts.{OVERVIEW}.{name} as {query}")
            connection.execute(f"comment on view marts.{OVERVIEW}.{name} is '{digest}'")


def _digest_in_force(connection: duckdb.DuckDBPyConnection, name: str) -> str | None:
    """Return the digest of a view's query, which its comment holds; DuckDB itself keeps the query in words of its own."""
    row = connection.execute(
        "select comment from duckdb_views() where database_name = 'marts' and schema_name = ? and view_name = ?",
        [OVERVIEW, name],
    ).fetchone()
    return row[0] if row else None


def _headlines(domains: Sequence[str]) -> str:
    told = " union all by name ".join(f'select * from "{domain}"."{domain}{ENDING}"' for domain in domains)
    return f"""
        with told as ({told}),
        domains as ({_domains()}),
        feeds as (
            select *, case when level = 'red' then least(score, 74) else score end as trusted from "{QUALITY}"."{SCORES}"
        ),
        trust as (
            select
                domain,
                min(trusted) as trust_score,
                arg_min(level, trusted) as trust_level,
                arg_min(concat_ws(': ', label_vi, level_reason), trusted) as trust_reason
            from (from feeds union all by name select * replace ('{QUALITY}' as domain) from feeds) as of_domains
            group by domain
        )
        select
            told.*, domains.domain_label_vi, domains.domain_label_en, domains.domain_place,
            trust.trust_score, trust.trust_level, trust.trust_reason
        from told
        inner join domains using (domain)
        left join trust using (domain)
    """


def _attention() -> str:
    page = next(domain.dashboards[0] for domain in read_domains() if domain.id == QUALITY)
    return f"""
        with domains as ({_domains()})
        select
            case level when 'red' then 1 else 3 end as severity, domain, domain_label_vi, domain_label_en, headline_id as subject_id,
            label_vi as subject_vi, label_en as subject_en, level, shown_vi || ' (' || limits_vi || ')' as why_vi,
            shown_en || ' (' || limits_en || ')' as why_en, newest_event_at, current_until_at, dashboard
        from "{OVERVIEW}".headlines
        where level in ('red', 'yellow')
        union all
        select
            2, feeds.domain, domains.domain_label_vi, domains.domain_label_en, feeds.feed, feeds.label_vi, feeds.feed, feeds.level,
            feeds.level_reason, feeds.level_reason, feeds.last_event_at, null, {_literal(page)}
        from "{QUALITY}"."{SCORES}" as feeds
        inner join domains using (domain)
        where feeds.level = 'red'
    """


def _domains() -> str:
    """Return a query of the domains, their labels and their places in the order in which leaders read them."""
    rows = ", ".join(
        f"({', '.join(_literal(text) for text in (domain.id, domain.label_vi, domain.label_en))}, {place})"
        for place, domain in enumerate(read_domains(), start=1)
    )
    return f"from (values {rows}) as listed (domain, domain_label_vi, domain_label_en, domain_place)"


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
