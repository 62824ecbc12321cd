"""AIS as NMEA 0183 sentences: `!AIVDM,<total>,<number>,<sequence>,<channel>,<payload>,<fill bits>*<checksum>`.

A message itself says at most the second in which it was sent; the receiver adds when it was heard, in one of three ways, of which the
first found counts: `c:` in a tag block before the sentence, an epoch after its checksum, or a line before it (a GateHouse
sentence `$PGHP`, or a tag block alone), which holds for the next sentence only. A long message comes in fragments, in
order, between which others may stand; a fragment whose siblings never came is unreadable, not lost. So that fragments
stay together, a delivery is one block. Sentences of other kinds are skipped, whatever the talker: talkers are two letters, digits
(`04` of some compasses) or hyphens. Some plotters number single sentences, leave the channel out and add fields of their own
after the fill bits; the checksum covers them, and they are ignored.
"""

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import BinaryIO, NamedTuple

import polars as pl

from core.contract import Contract
from ingestion.formats.ais import decode_messages
from ingestion.formats.base import SKIPPED_SCHEMA, Envelope, Pieces, Reading
from ingestion.formats.lines import IS_BLANK, as_unreadable, gather, set_aside, split_lines
from ingestion.formats.receivers import (
    Heard,
    checksum,
    is_sound_tag_block,
    read_gatehouse,
    read_tag_block,
    read_trailer,
)

SENTENCE = re.compile(
    r"!(([A-Z0-9-]{2})VD[MO],([1-9]),([1-9]),(\d?),([^,*]{0,2}),([^,*]*),([0-5])(?:,[^*]*)?)\*([0-9A-Fa-f]{2})(?:,(.*))?",
    re.ASCII,
)
"""Groups: what the checksum covers, talker, total, number, sequence, channel, payload, fill bits, checksum, trailer."""

VDM = re.compile(r"![A-Z0-9-]{2}VD[MO]")
OTHER_SENTENCE = re.compile(r"[!$]([A-Z0-9-]{2}[A-Z0-9]*,[^*]*)(?:\*([0-9A-Fa-f]{2}).*)?")
TAG_BLOCK = re.compile(r"\\([^\\*]*)\*([0-9A-Fa-f]{2})\\(.*)")


class Message(NamedTuple):
    """The payload of one message, and the pieces it came in, by their index."""

    indices: list[int]
    payload: str
    fill_bits: int
    heard: Heard


@dataclass
class Fragments:
    """The beginning of a message that is not yet complete."""

    heard: Heard
    indices: list[int] = field(default_factory=list)
    payloads: list[str] = field(default_factory=list)


class Nmea:
    """Lines of AIS sentences."""

    def split(self, content: BinaryIO, envelope: Envelope) -> Iterator[Pieces]:  # noqa: ARG002
        """Cut a file into lines, all of them one block up to DOCUMENT_BYTES_LIMIT."""
        yield from gather(split_lines(content))

    def read(self, pieces: pl.DataFrame, contract: Contract, envelopes: Mapping[int, Envelope]) -> Reading:  # noqa: ARG002
        """Read sentences into messages; the columns are already of the contract's types."""
        is_comment = pl.col("_raw").str.starts_with("#")
        lines, ill, blanks = set_aside(pieces, {"blank_line": IS_BLANK, "comment": is_comment}, {})
        receiver = Receiver()
        raws = lines["_raw"].to_list()
        for index, (delivery, raw) in enumerate(zip(lines["_delivery"].to_list(), raws, strict=True)):
            receiver.meet(index, delivery, raw.strip())
        receiver.close()
        decoded = decode_messages([(message.payload, message.fill_bits) for message in receiver.messages])
        is_decoded = set(decoded["index"].to_list())
        for number, message in enumerate(receiver.messages):
            if number not in is_decoded:
                receiver.unreadable |= dict.fromkeys(message.indices, "undecodable_payload")
        unreadable = lines[list(receiver.unreadable)].with_columns(
            pl.Series("reason", list(receiver.unreadable.values()), dtype=pl.String)
        )
        skipped = pl.DataFrame(
            [(delivery, reason, count) for (delivery, reason), count in receiver.skipped.items()],
            schema=SKIPPED_SCHEMA,
            orient="row",
        )
        return Reading(
            _records(lines, raws, [receiver.messages[number] for number in decoded["index"]], decoded.drop("index")),
            pl.concat([ill, as_unreadable(unreadable)]),
            pl.concat([blanks, skipped]),
        )


class Receiver:
    """Processes the sentences of deliveries in their order, and joins fragments."""

    def __init__(self) -> None:
        self.messages: list[Message] = []
        self.unreadable: dict[int, str] = {}
        self.skipped: Counter[tuple[int, str]] = Counter()
        self._announced = Heard()
        self._open: dict[tuple[str, ...], Fragments] = {}
        self._delivery: int | None = None

    def meet(self, index: int, delivery: int, line: str) -> None:
        """Take in one line: a sentence with or without a tag block, or a tag block alone."""
        if delivery != self._delivery:
            self.close()
            self._delivery = delivery
        heard, group = Heard(), ""
        if line.startswith("\\"):
            block = TAG_BLOCK.fullmatch(line)
            if block is None or not is_sound_tag_block(block[1], int(block[2], 16)):
                self._refuse(index, "broken_tag_block" if block is None else "bad_checksum")
                return
            heard, group = read_tag_block(block[1])
            line = block[3].strip()
            if not line:
                self._announced = heard
                self.skipped[delivery, "tag_block"] += 1
                return
        sentence = SENTENCE.fullmatch(line)
        if sentence is None:
            self._meet_other(index, delivery, line)
        elif checksum(sentence[1]) != int(sentence[9], 16):
            self._refuse(index, "bad_checksum")
        else:
            if sentence[10]:
                heard = heard.or_else(read_trailer(sentence[10]))
            heard, self._announced = heard.or_else(self._announced), Heard()
            self._meet_sentence(index, sentence, heard, group)

    def close(self) -> None:
        """End a delivery: fragments still open will never be complete."""
        for fragments in self._open.values():
            self._orphan(fragments)
        self._open.clear()
        self._announced = Heard()

    def _meet_sentence(self, index: int, sentence: re.Match[str], heard: Heard, group: str) -> None:
        _, talker, total, number, sequence, channel, payload, fill, *_ = sentence.groups()
        if total == number == "1":
            self.messages.append(Message([index], payload, int(fill), heard))
            return
        key = (talker, total, sequence, channel, group)
        if number == "1":
            if key in self._open:
                self._orphan(self._open[key])
            self._open[key] = Fragments(heard)
        fragments = self._open.get(key)
        if fragments is None or int(number) != len(fragments.indices) + 1:
            self.unreadable[index] = "orphan_fragment"
            return
        fragments.indices.append(index)
        fragments.payloads.append(payload)
        fragments.heard = fragments.heard.or_else(heard)
        if number == total:
            del self._open[key]
            self.messages.append(Message(fragments.indices, "".join(fragments.payloads), int(fill), fragments.heard))

    def _meet_other(self, index: int, delivery: int, line: str) -> None:
        other = None if VDM.match(line) else OTHER_SENTENCE.fullmatch(line)
        if other is None:
            self._refuse(index, "broken_sentence")
        elif other[2] is not None and checksum(other[1]) != int(other[2], 16):
            self._refuse(index, "bad_checksum")
        elif not line.startswith("$PGHP,"):
            self.skipped[delivery, "other_sentence"] += 1
        elif other[2] is None or (announced := read_gatehouse(other[1].split(","))) is None:
            self._refuse(index, "broken_sentence")
        else:
            self._announced = announced
            self.skipped[delivery, "receiver_time"] += 1

    def _refuse(self, index: int, reason: str) -> None:
        """Set a line aside, and drop the time announced for it, which must not be applied to the next line."""
        self.unreadable[index] = reason
        self._announced = Heard()

    def _orphan(self, fragments: Fragments) -> None:
        self.unreadable |= dict.fromkeys(fragments.indices, "orphan_fragment")


def _records(lines: pl.DataFrame, raws: list[str], messages: list[Message], decoded: pl.DataFrame) -> pl.DataFrame:
    firsts = lines.select("_delivery", "_position")[[message.indices[0] for message in messages]]
    own = [
        pl.Series(
            "_raw", ["\n".join([raws[index] for index in message.indices]) for message in messages], dtype=pl.String
        ),
        pl.Series("_record_count", [len(message.indices) for message in messages], dtype=pl.Int64),
        pl.Series("payload", [f"{message.payload}*{message.fill_bits}" for message in messages], dtype=pl.String),
        pl.Series("heard_at", [message.heard.at for message in messages], dtype=pl.Int64).cast(
            pl.Datetime("us", "UTC")
        ),
        pl.Series("receiver_id", [message.heard.receiver for message in messages], dtype=pl.String),
    ]
    return firsts.with_columns(own).hstack(decoded).sort("_delivery", "_position")
