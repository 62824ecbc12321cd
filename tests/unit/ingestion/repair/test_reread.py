"""Which part of a delivery that is read again belongs to a repair."""

from datetime import UTC, datetime

import polars as pl
import pytest
from pydantic import ValidationError

from core.contract import find_contract
from core.errors import LedgerError
from core.reference import Reference
from ingestion.formats.base import Envelope, Pieces, Reading, join_pieces
from ingestion.formats.nmea import Nmea
from ingestion.load.holding_area import Refused
from ingestion.repair.repair_document import RepairDocument
from ingestion.repair.reread import mend_pieces, mend_records, select_repaired

FIRST = "!AIVDM,2,1,4,A,55O0W7`00001L@gCWGA2uItLth@DqtL5@F22220j1h742t0Ht0000000,0*08"
SECOND = "!AIVDM,2,2,4,A,000000000000000,2*20"
ALONE = "!AIVDM,1,1,,A,18SJsfGP117gup09>M>4lSpuP000,0*4B"


def read(*lines: str) -> Reading:
    """Read sentences as one delivery."""
    pieces = join_pieces([(0, Pieces(1, list(lines)))])
    return Nmea().read(pieces, find_contract("fisheries.ais_messages"), {0: Envelope("a.nmea")})


def document(repair: str, positions: tuple[int, ...], **more: object) -> RepairDocument:
    """Make a repair document."""
    common = {"feed": "f.x", "delivery_id": "d", "object_key": "k", "sha256": "s", "size_bytes": 1, "repaired_by": "an"}
    return RepairDocument.model_validate(
        common | {"repair": repair, "positions": positions, "repaired_at": datetime.now(UTC), "why": "so"} | more
    )


def test_only_repaired_positions_are_selected_and_the_others_are_context() -> None:
    reading = read(ALONE, "#", FIRST, SECOND, ALONE + "x")
    texts = {3: FIRST, 5: ALONE + "x"}
    selected = select_repaired(reading, 5, texts, {3: 2, 5: 1})
    assert selected.reading.records.select("_position", "_record_count").rows() == [(3, 2)]
    assert selected.refused == [Refused(5, ALONE + "x", 1, "broken_sentence", 4)]
    assert selected.doors == {3: 3, 5: 5}
    assert (selected.reading.unreadable.height, selected.reading.skipped.height) == (0, 0)


def test_a_piece_leaves_with_the_record_that_takes_it_in() -> None:
    selected = select_repaired(read(FIRST, ALONE, SECOND), 3, {1: FIRST, 3: SECOND}, {1: 1, 3: 1})
    assert selected.reading.records["_position"].to_list() == [1]
    assert (selected.doors, selected.refused) == ({1: 1, 3: 1}, [])


def test_a_record_that_takes_in_a_piece_the_repair_does_not_name_stays() -> None:
    selected = select_repaired(read(FIRST, SECOND), 2, {1: FIRST}, {1: 1})
    assert selected.reading.records.height == 0
    assert selected.refused == [Refused(1, FIRST, 1, "needs_other_pieces", 4)]
    assert selected.doors == {1: 1}


def test_nothing_that_was_sent_can_be_repaired_away() -> None:
    selected = select_repaired(read(ALONE, ""), 2, {2: ""}, {2: 1})
    assert (selected.refused, selected.doors) == ([Refused(2, "", 1, "no_record", 4)], {2: 2})


def test_a_reading_that_loses_a_piece_is_no_reading() -> None:
    with pytest.raises(LedgerError, match="expected 3 pieces to be read again, got 2"):
        select_repaired(read(ALONE, "#"), 3, {1: ALONE}, {1: 1})


def test_text_is_mended_by_one_repair_after_the_other_in_its_block_alone() -> None:
    pieces = Pieces(11, ["a\\xb5", "b\\xb5", "c"], {0: "not_utf8", 1: "not_utf8"})
    chain = [document("decode_tcvn3", (11, 12, 99)), document("edit", (12,), edits={12: "x\0"})]
    assert mend_pieces(pieces, chain) == Pieces(11, ["aà", "x\\x00", "c"], {1: "nul_byte"})


def test_an_edited_text_replaces_every_repair_before_it() -> None:
    pad = document("pad_code", (1,), arguments={"column": "code", "width": 3})
    wider = document("pad_code", (1,), arguments={"column": "other", "width": 2})
    edit = document("edit", (1,), edits={1: "x"})
    records = pl.DataFrame({"code": ["1"]})
    assert mend_records(records, [pad, wider], Reference()).rows() == [("001", None)]
    assert mend_records(records, [pad, edit, wider], Reference()).rows() == [("1", None)]


@pytest.mark.parametrize(
    ("repair", "positions", "more"),
    [
        ("pad_code", (0,), {}),
        ("as_is", (0, 1), {}),
        ("as_is", (1, 1), {}),
        ("as_is", (), {}),
        ("as_is", (1,), {"why": ""}),
        ("as_is", (1,), {"edits": {1: "x"}}),
        ("edit", (1,), {}),
        ("edit", (1, 2), {"edits": {1: "x"}}),
        ("edit", (1,), {"edits": {1: "\ud800"}}),
    ],
)
def test_a_document_that_contradicts_itself_is_refused(
    repair: str, positions: tuple[int, ...], more: dict[str, object]
) -> None:
    with pytest.raises(ValidationError):
        document(repair, positions, **more)
