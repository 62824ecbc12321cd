"""Personal values: a keyed hash for what names a person, a mask in free text, everything else as sent."""

import hmac
from dataclasses import replace

import polars as pl
import pytest

from core.contract import Contract, find_contract
from ingestion.load.privacy import MASK, protect

KEY = "a key of this test"


@pytest.fixture
def contract() -> Contract:
    """Return the feedback contract with its agency's name as a personal column."""
    found = find_contract("feedback.requests")
    columns = (
        replace(column, classification="personal") if column.name == "agency_responsible" else column
        for column in found.columns
    )
    return replace(found, columns=tuple(columns))


def rows(**values: str | None) -> pl.DataFrame:
    names = ("status_notes", "description", "address", "agency_responsible", "service_name")
    return pl.DataFrame({name: [values.get(name)] for name in names}, schema=dict.fromkeys(names, pl.String))


@pytest.mark.parametrize("key", [KEY, "k" * 64, "longer than a block of SHA-256: " * 3, "khoá có dấu"])
def test_a_personal_value_becomes_its_hmac_and_a_missing_one_stays_missing(contract: Contract, key: str) -> None:
    values = ["Nguyễn Thị Bích", None, "", "rất dài " * 100]
    hashed = protect(pl.concat([rows(agency_responsible=value) for value in values]), contract, key)
    assert hashed["agency_responsible"].to_list() == [
        None if value is None else hmac.digest(key.encode(), value.encode(), "sha256").hex() for value in values
    ]


def test_a_delivery_whose_persons_are_all_missing_has_no_hashes(contract: Contract) -> None:
    hashed = protect(rows(), contract, KEY)
    assert hashed.schema["agency_responsible"] == pl.String
    assert hashed["agency_responsible"].to_list() == [None]
    assert protect(rows().clear(), contract, KEY).is_empty()


@pytest.mark.parametrize(
    "personal", ["0912345678", "0912 345 678", "+84 912.345.678", "046090001234", "a.b-c@example.vn", "0234 3-822-822"]
)
def test_restricted_text_loses_numbers_and_addresses_of_persons(contract: Contract, personal: str) -> None:
    text = protect(rows(description=f"Gọi {personal}, hẻm 12 đường số 3"), contract, KEY)["description"].item()
    assert text == f"Gọi {MASK}, hẻm 12 đường số 3"


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("Đơn của Nguyễn Thị Ái Ân, hẻm 12", f"Đơn của {MASK}, hẻm 12"),
        ("ĐƠN CỦA NGUYỄN THỊ ÁI ÂN", f"ĐƠN CỦA {MASK}"),
        ("don cua Nguyen Thi Ai An va nguyen thi ai an.", f"don cua {MASK} va {MASK}."),
        ("İ nguyen thi ai an", f"İ {MASK}"),
        ("Nguyễn Thị Ái Ânh, Bùi Nguyễn Thị Ái Ân", f"Nguyễn Thị Ái Ânh, Bùi {MASK}"),
        ("Gọi cho bà Bích", "Gọi cho bà Bích"),
        ("", ""),
        (None, None),
    ],
)
def test_restricted_text_loses_the_persons_that_its_own_record_names(
    contract: Contract, text: str | None, masked: str | None
) -> None:
    """It may also name people whom nobody can find in it: that is why it stays in bronze."""
    frames = [
        rows(description=text, agency_responsible="Nguyễn Thị Ái Ân"),
        rows(description=text, agency_responsible="N"),
        rows(description="Nguyễn Thị Ái Ân", agency_responsible=None),
    ]
    protected = protect(pl.concat(frames), contract, KEY)
    assert protected["description"].to_list() == [masked, text, "Nguyễn Thị Ái Ân"]
    assert protected["address"].to_list() == [None, None, None]


def test_what_is_open_stays_as_sent(contract: Contract) -> None:
    assert protect(rows(service_name="Đường dây 0912345678"), contract, KEY)["service_name"].item() == (
        "Đường dây 0912345678"
    )
