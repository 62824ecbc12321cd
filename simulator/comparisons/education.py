"""What the marts of education must show."""

from collections.abc import Iterable
from datetime import datetime

import polars as pl

from simulator.comparisons.base import Comparison, Query, Truth, compare_headlines, compare_map, compare_rows
from simulator.comparisons.small_cells import hidden, to_judge
from simulator.school_life import CAME, DROPPED_OUT, STUDYING

ALERT_PERCENT = 1.0
CLASS_LIMITS = {"02": 35, "03": 45, "04": 45}
"""Pupils that a class of a level should have at most."""

UNKNOWN = "Chưa rõ"
YEAR_LEVEL = ["school_year", "level_code"]

SCHOOL_SQL = """
    select school_year, is_latest, school_code, level_code, commune_code, is_reported, is_national_standard, accreditation_level,
        has_internet, has_clean_water, classes, reported_classes, classes_over_limit, has_unknown_class, is_pupil_count_hidden, pupils,
        is_small_cell, dropped_out_pupils, dropout_percent, newest_export_at
    from education.school_years
"""
LEVEL_SQL = """
    select school_year, is_latest, level_code, registered_schools, reported_schools, coverage_percent, judged_schools,
        internet_told_schools, internet_schools, internet_percent, clean_water_told_schools, clean_water_schools, clean_water_percent,
        classes, reported_classes, reported_classes_percent, limited_classes, classes_over_limit, classes_over_limit_percent, pupils,
        compared_schools, pupils_change_percent, pupils_at_start, is_small_cell, dropped_out_pupils, dropout_percent, is_dropout_alert
    from education.level_years
"""
COMMUNE_SQL = """
    select school_year, is_latest, commune_code, registered_schools, reported_schools, coverage_percent, judged_schools,
        internet_told_schools, internet_schools, internet_percent, clean_water_told_schools, clean_water_schools, clean_water_percent,
        classes, reported_classes, reported_classes_percent, limited_classes, classes_over_limit, classes_over_limit_percent,
        is_small_cell, pupils, compared_schools, pupils_change_percent
    from education.commune_school_years
"""
GROUP_SQL = "select school_year, level_code, group_kind, group_name, is_small_cell, pupils from education.pupil_groups"
DAY_SQL = """
    select school_code, level_code, commune_code, attendance_date, is_latest, is_reported, reported_classes, is_small_cell, enrolled_pupils,
        present_pupils, absent_pupils, attendance_percent
    from education.attendance_days
"""
LEVEL_DAY_SQL = """
    select level_code, attendance_date, registered_schools, reported_schools, is_small_cell, enrolled_pupils, present_pupils, absent_pupils,
        attendance_percent
    from education.attendance_level_days
"""


def comparisons(truth: Truth, query: Query, clock: datetime) -> list[Comparison]:  # noqa: ARG001  nothing depends on the clock
    """Compare the domain's marts; `clock` is the clock of the build."""
    schools = _schools(truth)
    levels = _levels(schools)
    shown = _with_hidden(schools, levels)
    level_days = _level_days(truth)
    return [
        compare_rows("education.school_years", shown, query(SCHOOL_SQL)),
        compare_rows("education.level_years", levels, query(LEVEL_SQL)),
        compare_rows("education.commune_school_years", _communes(schools), query(COMMUNE_SQL)),
        compare_map(
            "education.schools_on_map",
            _communes(schools)
            .filter("is_latest")
            .select("commune_code", "registered_schools", "reported_schools", "pupils"),
            query,
        ),
        compare_rows("education.pupil_groups", _groups(truth), query(GROUP_SQL)),
        compare_rows("education.attendance_days", _days(truth, level_days), query(DAY_SQL)),
        compare_rows("education.attendance_level_days", level_days, query(LEVEL_DAY_SQL)),
        compare_headlines("education", _headlines(levels), query),
    ]


def _schools(truth: Truth) -> pl.DataFrame:
    """Return every registered school with its counts, nothing hidden; one school year."""
    pupils = truth["pupils"].join(truth["registered_schools"], on="school_code")
    by_class = pupils.group_by("school_year", "school_code", "class_code").agg(
        pl.len().alias("on_roll"),
        pl.col("status_name").is_in([STUDYING, CAME]).sum().alias("pupils"),
        (pl.col("status_name") == DROPPED_OUT).sum().alias("dropped_out_pupils"),
    )
    classes = truth["school_classes"].with_columns(pl.lit(value=True).alias("is_known"))
    whole = classes.join(by_class, on=["school_year", "school_code", "class_code"], how="full", coalesce=True).join(
        truth["registered_schools"], on="school_code"
    )
    limit = pl.col("level_code").replace_strict(CLASS_LIMITS, default=None, return_dtype=pl.Int64)
    is_reported = pl.col("on_roll").is_not_null()
    by_school = whole.group_by("school_year", "school_code").agg(
        pl.len().alias("classes"),
        is_reported.sum().alias("reported_classes"),
        pl.when(limit.first().is_not_null()).then((pl.col("pupils") > limit).sum()).alias("classes_over_limit"),
        pl.col("is_known").is_null().any().alias("has_unknown_class"),
        pl.coalesce("pupils_at_start", "on_roll").filter(is_reported).sum().cast(pl.Int64).alias("pupils_at_start"),
        pl.col("dropped_out_pupils").sum(),
    )
    reported = pupils.group_by("school_year", "school_code").agg(
        pl.col("status_name").is_in([STUDYING, CAME]).sum().cast(pl.Int64).alias("pupils"),
        pl.col("exported_at").max().alias("newest_export_at"),
    )
    years = pupils.select("school_year").unique()
    return (
        truth["registered_schools"]
        .join(years, how="cross")
        .join(by_school, on=["school_year", "school_code"], how="left")
        .join(reported, on=["school_year", "school_code"], how="left")
        .join(truth["schools_told"], on=["school_year", "school_code"], how="left")
        .with_columns(
            pl.col("pupils").is_not_null().alias("is_reported"),
            pl.lit(value=True).alias("is_latest"),
            pl.lit(value=False).alias("is_pupil_count_hidden"),
        )
    )


def _levels(schools: pl.DataFrame) -> pl.DataFrame:
    levels = schools.group_by(*YEAR_LEVEL, "is_latest").agg(
        *_counts(),
        pl.col("pupils").sum(),
        pl.col("pupils_at_start").sum(),
        pl.col("dropped_out_pupils").sum().alias("count"),
    )
    cells = schools.group_by("level_code").agg(pl.col("dropped_out_pupils").drop_nulls())
    names = hidden({level: to_judge(counts) for level, counts in cells.iter_rows()})
    is_hidden = pl.col("level_code").is_in(names)
    percent = 100 * pl.col("count") / pl.col("pupils_at_start")
    return levels.select(
        pl.exclude("count"),
        *_percents(),
        is_hidden.alias("is_small_cell"),
        pl.when(~is_hidden).then("count").alias("dropped_out_pupils"),
        pl.when(~is_hidden).then(percent.round(2)).alias("dropout_percent"),
        pl.when(~is_hidden).then(percent > ALERT_PERCENT).alias("is_dropout_alert"),
    )


def _headlines(levels: pl.DataFrame) -> dict[str, float | None]:
    """One school year, so every level counts."""
    sums = levels.select(pl.col("registered_schools", "reported_schools", "pupils").sum()).row(0, named=True)
    return {
        "schools_reported": 100 * sums["reported_schools"] / sums["registered_schools"],
        "pupils": float(sums["pupils"]),
    }


def _communes(schools: pl.DataFrame) -> pl.DataFrame:
    """Schools of each commune; no school is so small that its pupils would be hidden."""
    communes = schools.group_by("school_year", "is_latest", "commune_code").agg(*_counts(), _sum("pupils"))
    return communes.with_columns(*_percents(), pl.lit(value=False).alias("is_small_cell"))


def _counts() -> list[pl.Expr]:
    """Count a group of schools; there is no year before to compare with."""
    is_limited = pl.col("classes_over_limit").is_not_null()
    return [
        pl.len().alias("registered_schools"),
        pl.col("is_reported").sum().alias("reported_schools"),
        pl.col("is_national_standard").count().alias("judged_schools"),
        *(
            expression
            for name in ("internet", "clean_water")
            for expression in (
                pl.col(f"has_{name}").count().alias(f"{name}_told_schools"),
                _sum(f"has_{name}").alias(f"{name}_schools"),
            )
        ),
        _sum("classes"),
        pl.col("reported_classes").sum(),
        pl.when(is_limited.any()).then(pl.col("reported_classes").filter(is_limited).sum()).alias("limited_classes"),
        _sum("classes_over_limit"),
        pl.lit(0).alias("compared_schools"),
        pl.lit(None, dtype=pl.Float64).alias("pupils_change_percent"),
    ]


def _sum(name: str) -> pl.Expr:
    """Add up what is known; nothing where nothing is."""
    return pl.when(pl.col(name).count() > 0).then(pl.col(name).sum()).alias(name)


def _percents() -> list[pl.Expr]:
    shares = {
        "coverage": ("reported_schools", "registered_schools"),
        "internet": ("internet_schools", "internet_told_schools"),
        "clean_water": ("clean_water_schools", "clean_water_told_schools"),
        "reported_classes": ("reported_classes", "classes"),
        "classes_over_limit": ("classes_over_limit", "limited_classes"),
    }
    return [
        (100 * pl.col(part) / pl.col(whole)).round(2).alias(f"{name}_percent") for name, (part, whole) in shares.items()
    ]


def _with_hidden(schools: pl.DataFrame, levels: pl.DataFrame) -> pl.DataFrame:
    names: set[str] = set(
        schools.join(levels.filter("is_small_cell"), on=YEAR_LEVEL, how="semi").drop_nulls("dropped_out_pupils")[
            "school_code"
        ]
    )
    counted = schools.drop_nulls("dropped_out_pupils")
    for _, group in counted.group_by(YEAR_LEVEL):
        names |= hidden(dict(group.select("school_code", "dropped_out_pupils").iter_rows()))
    is_hidden = pl.col("school_code").is_in(names)
    percent = (100 * pl.col("dropped_out_pupils") / pl.col("pupils_at_start")).round(2)
    return schools.with_columns(
        is_hidden.alias("is_small_cell"),
        pl.when(~is_hidden).then(percent).alias("dropout_percent"),
        pl.when(~is_hidden).then("dropped_out_pupils").alias("dropped_out_pupils"),
    ).drop("pupils_at_start")


def _groups(truth: Truth) -> pl.DataFrame:
    pupils = (
        truth["pupils"]
        .filter(pl.col("status_name").is_in([STUDYING, CAME]))
        .join(truth["registered_schools"], on="school_code")
    )
    return pl.concat(_kinds(pupils))


def _kinds(pupils: pl.DataFrame) -> Iterable[pl.DataFrame]:
    for kind in ("sex", "ethnic_group", "disability"):
        counted = pupils.group_by(*YEAR_LEVEL, pl.col(kind).fill_null(UNKNOWN).alias("group_name")).agg(
            pl.len().cast(pl.Int64).alias("pupils")
        )
        for _, group in counted.group_by(YEAR_LEVEL):
            is_hidden = pl.col("group_name").is_in(hidden(dict(group.select("group_name", "pupils").iter_rows())))
            yield group.select(
                *YEAR_LEVEL,
                pl.lit(kind).alias("group_kind"),
                "group_name",
                is_hidden.alias("is_small_cell"),
                pl.when(~is_hidden).then("pupils").alias("pupils"),
            )


def _counted(truth: Truth) -> pl.DataFrame:
    """Return the pupils of each school that reported a day, none of them hidden."""
    return (
        truth["class_days"]
        .group_by("school_code", "attendance_date")
        .agg(
            pl.len().alias("reported_classes"),
            pl.col("enrolled_pupils").sum(),
            pl.col("present_pupils").sum(),
            (pl.col("enrolled_pupils") - pl.col("present_pupils")).sum().alias("absent_pupils"),
        )
        .join(truth["registered_schools"], on="school_code")
    )


def _level_days(truth: Truth) -> pl.DataFrame:
    figures = ("enrolled_pupils", "present_pupils", "absent_pupils")
    counted = _counted(truth)
    levels = counted.group_by("level_code", "attendance_date").agg(
        pl.len().alias("reported_schools"), pl.col(figures).sum()
    )
    names = _hidden_of(counted, ["attendance_date"], "level_code")
    registered = truth["registered_schools"].group_by("level_code").agg(pl.len().alias("registered_schools"))
    every = registered.join(counted.select("attendance_date").unique(), how="cross")
    days = every.join(levels, on=["level_code", "attendance_date"], how="left")
    return _shown(days.with_columns(pl.col("reported_schools").fill_null(0)), names)


def _days(truth: Truth, level_days: pl.DataFrame) -> pl.DataFrame:
    counted = _counted(truth)
    of_hidden = counted.join(level_days.filter("is_small_cell"), on=["level_code", "attendance_date"], how="semi")
    names = _hidden_of(counted, ["attendance_date", "level_code"], "school_code")
    names |= set(of_hidden.select("attendance_date", "school_code").iter_rows())
    every = truth["registered_schools"].join(counted.select("attendance_date").unique(), how="cross")
    days = every.join(
        counted.drop("level_code", "commune_code"), on=["school_code", "attendance_date"], how="left"
    ).with_columns(
        pl.lit(value=True).alias("is_latest"),
        pl.col("enrolled_pupils").is_not_null().alias("is_reported"),
        pl.col("reported_classes").fill_null(0),
    )
    return _shown(days, names)


def _hidden_of(counted: pl.DataFrame, within: list[str], cell: str) -> set[tuple[object, object]]:
    """Return the day and the cell of absences that must be hidden."""
    return {
        (group["attendance_date"][0], name)
        for _, group in counted.group_by(within)
        for name in hidden(
            {name: to_judge(absent) for name, absent in group.group_by(cell).agg("absent_pupils").iter_rows()}
        )
    }


def _shown(days: pl.DataFrame, names: set[tuple[object, object]]) -> pl.DataFrame:
    cell = "school_code" if "school_code" in days.columns else "level_code"
    flags = [(day, name) in names for day, name in days.select("attendance_date", cell).iter_rows()]
    is_shown = ~pl.col("is_small_cell")
    percent = (100 * pl.col("present_pupils") / pl.col("enrolled_pupils")).round(2)
    return days.with_columns(pl.Series("is_small_cell", flags)).with_columns(
        pl.when(is_shown).then(percent).alias("attendance_percent"),
        pl.when(is_shown).then("present_pupils").alias("present_pupils"),
        pl.when(is_shown).then("absent_pupils").alias("absent_pupils"),
    )
