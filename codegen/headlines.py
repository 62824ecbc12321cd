"""The entries of the headline marts: every domain tells its headline figures in the same columns, so that one view can show all of them.

A domain that has headline figures has a model `<domain>_headlines.sql`, which calls the macro `headlines`, and rows in the seed of that
name. What is generated: the entry of that mart, and the entry of the two views over all domains (lake/overview.py).
"""

from pathlib import Path

import yaml

from core.domains import Domain

DOMAIN = ("domain", "varchar", "Mã lĩnh vực / Domain.")
DOMAIN_LABELS = (
    ("domain_label_vi", "varchar", "Lĩnh vực / Name of the domain, in Vietnamese."),
    ("domain_label_en", "varchar", "Lĩnh vực (tiếng Anh) / Name of the domain, in English."),
)

COLUMNS = (
    ("headline_id", "varchar", "Mã chỉ số / Figure of the seed headlines."),
    DOMAIN,
    ("place", "integer", "Thứ tự / Place among the figures of its domain, from 1."),
    ("label_vi", "varchar", "Chỉ số / Name of the figure, in Vietnamese."),
    ("label_en", "varchar", "Chỉ số (tiếng Anh) / Name of the figure, in English."),
    ("value", "double", "Giá trị / The figure in the unit of the seed; NULL where it is not known."),
    (
        "value_before",
        "double",
        "Giá trị kỳ so sánh / What it was in the period compared with; NULL where nothing is compared or the history is too short.",
    ),
    (
        "level",
        "varchar",
        "Mức / green, yellow or red by the limits of the seed; NULL where the figure is not known or is not judged.",
    ),
    ("shown_vi", "varchar", "Giá trị hiển thị / The figure with its unit, in Vietnamese; NULL where it is not known."),
    ("trend_vi", "varchar", "Xu thế / How far it moved, against what, in Vietnamese; NULL where nothing is compared."),
    ("limits_vi", "varchar", "Ngưỡng / Where green ends and red begins, in Vietnamese; NULL where it is not judged."),
    (
        "shown_en",
        "varchar",
        "Giá trị hiển thị (tiếng Anh) / The figure with its unit, in English; NULL where it is not known.",
    ),
    (
        "trend_en",
        "varchar",
        "Xu thế (tiếng Anh) / How far it moved, against what, in English; NULL where nothing is compared.",
    ),
    (
        "limits_en",
        "varchar",
        "Ngưỡng (tiếng Anh) / Where green ends and red begins, in English; NULL where it is not judged.",
    ),
    (
        "newest_event_at",
        "timestamp with time zone",
        "Số liệu đến lúc / Newest event that the figure shows; NULL where that is not known.",
    ),
    (
        "current_until_at",
        "timestamp with time zone",
        "Còn là hiện tại đến / Until when the figure may be called the present one; NULL until the next release.",
    ),
    ("dashboard", "varchar", "Trang / Page that explains the figure."),
)
"""Name, type and description, `Vietnamese / English`, in the order of the mart's columns."""

TRUST = (
    *DOMAIN_LABELS,
    ("domain_place", "integer", "Thứ tự lĩnh vực / Place of the domain, in the order in which leaders read them."),
    (
        "trust_score",
        "double",
        "Điểm tin cậy / Lowest score of the domain's feeds; a red feed counts 74 at most; NULL where none has a score.",
    ),
    ("trust_level", "varchar", "Mức tin cậy / Level of that feed."),
    ("trust_reason", "varchar", "Vì sao / That feed, and why it has this level, in Vietnamese."),
)

ATTENTION = (
    ("severity", "integer", "Độ nghiêm trọng / 1 a red figure, 2 a red feed, 3 a yellow figure."),
    DOMAIN,
    *DOMAIN_LABELS,
    ("subject_id", "varchar", "Mã đối tượng / Figure or feed."),
    ("subject_vi", "varchar", "Việc cần chú ý / Name of the figure or feed, in Vietnamese."),
    ("subject_en", "varchar", "Việc cần chú ý (tiếng Anh) / Name of the figure, in English; of a feed, its name."),
    ("level", "varchar", "Mức / yellow or red."),
    ("why_vi", "varchar", "Vì sao / The figure and its limits, or why the feed is red, in Vietnamese."),
    ("why_en", "varchar", "Vì sao (tiếng Anh) / The figure and its limits in English, or why the feed is red."),
    (
        "newest_event_at",
        "timestamp with time zone",
        "Số liệu đến lúc / Newest event that it shows; NULL where that is not known.",
    ),
    (
        "current_until_at",
        "timestamp with time zone",
        "Còn là hiện tại đến / Until when it may be called the present state; NULL until the next release.",
    ),
    ("dashboard", "varchar", "Trang / Page that explains it."),
)


HEADLINES = "Chỉ số chính của mọi lĩnh vực. / Headline figures of all domains, with the trust of their feeds. One row per figure."
NEEDS_ATTENTION = (
    "Việc cần chú ý, nghiêm trọng nhất trước. / Figures that are not green, and red feeds. One row per figure or feed."
)


def headline_files(models: Path, domains: tuple[Domain, ...], header: str) -> dict[Path, str]:
    """Write the entry of each domain's headline mart, and those of the views over all of them."""
    files = {}
    for domain in domains:
        name = f"{domain.id}_headlines"
        if (models / "marts" / domain.id / f"{name}.sql").exists():
            files[models / "marts" / domain.id / "_headlines__models.yml"] = _text(
                header, {"models": [_mart(name, domain)]}
            )
    views = [
        _view(
            "headlines",
            "Chỉ số chính của mọi lĩnh vực. / Headline figures of all domains, with the trust of their feeds. One row per figure.",
            (*COLUMNS, *TRUST),
        ),
        _view(
            "attention",
            "Việc cần chú ý, nghiêm trọng nhất trước. / Figures that are not green and feeds that are red. One row per figure or feed.",
            ATTENTION,
        ),
    ]
    source = {"name": "overview", "database": "marts", "schema": "overview", "tables": views}
    files[models / "overview" / "_overview__sources.yml"] = _text(header, {"sources": [source]})
    return files


def _mart(name: str, domain: Domain) -> dict[str, object]:
    columns = [_column(*column) for column in COLUMNS]
    columns[0] |= {"constraints": [{"type": "not_null"}], "data_tests": ["not_null", "unique"]}
    return {
        "name": name,
        "description": f"Chỉ số chính: {domain.label_vi}. / Headline figures of {domain.label_en.lower()}. One row per figure.",
        "config": {"contract": {"enforced": True}},
        "columns": columns,
    }


def _view(name: str, description: str, columns: tuple[tuple[str, str, str], ...]) -> dict[str, object]:
    return {"name": name, "description": description, "columns": [_column(*column) for column in columns]}


def _column(name: str, data_type: str, description: str) -> dict[str, object]:
    return {"name": name, "data_type": data_type, "description": description}


def _text(header: str, content: dict[str, object]) -> str:
    return f"# {header}\n{yaml.safe_dump(content, sort_keys=False, allow_unicode=True, width=1000)}"
