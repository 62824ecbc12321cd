"""What the marts of the press must show, worked out from the articles that came out."""

import unicodedata
from datetime import datetime, timedelta

import polars as pl

from core.reference import Reference
from simulator.comparisons.base import LOCAL, Comparison, Query, Truth, compare_headlines, compare_map, compare_rows

SAME_STORY = timedelta(hours=72)
TOPIC_SQL = """
    select topic_code, local_date, articles, stories, sources, burst_limit, is_burst
    from press.press_topic_days
    where articles > 0
"""


def comparisons(truth: Truth, query: Query, clock: datetime) -> list[Comparison]:  # noqa: ARG001
    """Compare the articles, the days, topics and communes, the map, and the headlines of the newest day."""
    articles = _articles(truth["press_articles"])
    days = _counted(articles, "local_date")
    newest = days.sort("local_date").row(-1, named=True)
    topics = _counted(articles.explode("topics").rename({"topics": "topic_code"}), "topic_code", "local_date")
    no_limit = topics.filter(pl.col("topic_code").is_not_null()).with_columns(
        pl.lit(None, dtype=pl.Float64).alias("burst_limit"), pl.lit(None, dtype=pl.Boolean).alias("is_burst")
    )
    communes = _counted(articles, "commune_code", "local_date").filter(pl.col("commune_code").is_not_null())
    named = communes.filter(pl.col("local_date") == newest["local_date"])
    listed = Reference().list_of("communes").select("commune_code")
    shown = listed.join(named, on="commune_code", how="left").select(
        "commune_code", pl.col("articles").fill_null(0), pl.col("stories").fill_null(0)
    )
    figures = {"press_articles": float(newest["articles"]), "press_stories": float(newest["stories"])}
    return [
        compare_rows("press.press_articles", articles.drop("topics", "commune_code"), query("select * from press.press_articles")),
        compare_rows("press.press_days", days, query("select * from press.press_days")),
        compare_rows("press.press_topic_days", no_limit, query(TOPIC_SQL)),
        compare_rows("press.press_commune_days", communes, query("select * from press.press_commune_days")),
        compare_map("press.press_on_map", shown, query),
        compare_headlines("press", figures | {"press_bursts": None}, query),
    ]  # fmt: skip


def _articles(versions: pl.DataFrame) -> pl.DataFrame:
    """Return one row per address: its newest title, its first time, and whether the story was told within 72 hours before."""
    ordered = versions.sort("published_at")
    articles = ordered.group_by("article_url", maintain_order=True).agg(
        pl.col("published_at").first().alias("first_published_at"),
        pl.col("published_at").last().alias("changed_at"),
        pl.col("title", "source", "is_zone_assumed", "topics", "commune_code", "is_place_ambiguous").last(),
    )
    told: dict[str, datetime] = {}
    repeats: list[bool] = []
    articles = articles.sort("first_published_at", "article_url")
    for title, at in articles.select("title", "first_published_at").rows():
        key = _key(title)
        repeats.append(key in told and at - told[key] <= SAME_STORY)
        told[key] = at
    local_date = pl.col("first_published_at").dt.convert_time_zone(LOCAL).dt.date()
    return articles.with_columns(pl.Series("is_repetition", repeats, dtype=pl.Boolean), local_date.alias("local_date"))


def _key(title: str) -> str:
    plain = unicodedata.normalize("NFD", title.lower().replace("đ", "d"))
    return "".join(sign for sign in plain if sign.isascii() and sign.isalnum())


def _counted(articles: pl.DataFrame, *by: str) -> pl.DataFrame:
    return articles.group_by(by).agg(
        pl.len().cast(pl.Int64).alias("articles"),
        (~pl.col("is_repetition")).sum().cast(pl.Int64).alias("stories"),
        pl.col("source").n_unique().cast(pl.Int64).alias("sources"),
    )
