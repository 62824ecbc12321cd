"""A repair in writing: which records of which delivery, what is done to them, by whom, when and why.

A repair document is JSON, landed like a delivery and never changed, so that its bytes document the repair for as long as the agency's
bytes document what was sent. It holds either a named repair with its arguments, or the edited raw text by position. Its object key lies
below `repairs/`; its delivery id is the id of the repair.
"""

from collections.abc import Mapping
from functools import cached_property
from typing import Annotated, BinaryIO

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError, model_validator

from core.errors import ConfigurationError
from ingestion.collect.landing import Content, Delivery, Landing, delivery_of
from ingestion.formats.lines import cut_piece
from ingestion.repair.repair import REPAIRS, NamedRepair, make_repair

EDIT = "edit"
"""The repair's name if raw text was edited by hand."""

WHOLE_DELIVERY = 0
"""The position of a delivery that could not be read."""

Position = Annotated[int, Field(ge=0)]
Argument = str | int


class RepairDocument(BaseModel):
    """One repair of records of one delivery; `delivery_id` is where they are in quarantine, which may itself be a repair document."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    feed: str
    delivery_id: str
    object_key: str
    sha256: str
    size_bytes: int
    repair: str
    arguments: Mapping[str, Argument] = {}
    edits: Mapping[Position, str] = {}
    positions: tuple[Position, ...] = Field(min_length=1)
    repaired_by: str = Field(min_length=1)
    repaired_at: AwareDatetime
    why: str = Field(min_length=1)

    @model_validator(mode="after")
    def _says_one_thing(self) -> "RepairDocument":
        if (self.repair == EDIT) != bool(self.edits) or (self.edits and set(self.edits) != set(self.positions)):
            raise ValueError("expected either a named repair or an edited text for each position")
        if len(set(self.positions)) != len(self.positions):
            raise ValueError("expected each position once")
        takes_whole = self.repair in REPAIRS and REPAIRS[self.repair].takes_whole
        if WHOLE_DELIVERY in self.positions and (not takes_whole or len(self.positions) > 1):
            raise ValueError("a delivery that could not be read is repaired alone, as_is or resent")
        if any("\ud800" <= sign <= "\udfff" for text in self.edits.values() for sign in text):
            raise ValueError("expected text of Unicode characters, got half of a surrogate pair")
        return self

    @property
    def is_whole_delivery(self) -> bool:
        """Whether it repairs a delivery that could not be read."""
        return self.positions == (WHOLE_DELIVERY,)

    @cached_property
    def named(self) -> NamedRepair | None:
        """The named repair, or None if text was edited."""
        return None if self.edits else make_repair(self.repair, self.arguments)

    def mend_text(self, position: int, raw: str) -> tuple[str, str | None] | None:
        """Return the text to read at a position, with the problem it has as a piece; None if the text stays as it came."""
        if position not in self.positions:
            return None
        text = self.edits[position] if self.named is None else self.named.mend_text(raw)
        return None if text is None else cut_piece(text.encode())

    def to_bytes(self) -> bytes:
        """Return the bytes to land."""
        return self.model_dump_json(indent=1).encode()

    @property
    def target(self) -> Delivery:
        """The delivery whose records are repaired."""
        return delivery_of(self.object_key, self.size_bytes)


def read_document(content: Content) -> RepairDocument:
    """Read a landed repair document; raise ConfigurationError if it is something else."""
    with content.stream as stream:
        return _parse(stream, content.delivery.object_key)


def read_chain(landing: Landing, document: RepairDocument) -> tuple[list[RepairDocument], Content]:
    """Return the repairs that led to this one, oldest first and itself last, and the agency's delivery that all of them repair.

    A record that a replay refused is in quarantine under the repair document, so that its next repair begins where that one
    ended. Raises LedgerError if a delivery of the chain is not what was landed; the caller closes the stream.
    """
    chain = [document]
    while True:
        content = landing.read(chain[0].target)
        if content.sha256 != chain[0].sha256:
            content.stream.close()
            raise ConfigurationError(
                f"{chain[0].delivery_id}: expected the delivery with digest {chain[0].sha256[:16]}, which was repaired, got "
                f"{content.sha256[:16]}; ask for the repair again"
            )
        if not content.delivery.is_repair:
            return chain, content
        chain.insert(0, read_document(content))


def _parse(stream: BinaryIO, key: str) -> RepairDocument:
    try:
        return RepairDocument.model_validate_json(stream.read())
    except ValidationError as error:
        wrong = ", ".join(sorted({".".join(map(str, one["loc"])) or one["type"] for one in error.errors()}))
        raise ConfigurationError(
            f"{key}: expected a repair document, got one that is wrong in {wrong[:200]}; remove it and ask for the repair again"
        ) from error
