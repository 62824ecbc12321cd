"""What transfer, disks, encodings and people do to a delivery, whatever its format.

A mutation hits the bytes as they are, or what is wrapped in them: a member of an archive, a base64 file of a wrapper, put back into
a container that is whole. Without that second way hardly any mutation would get behind an archive's checksum.
"""

import base64
import html
import io
import re
import zipfile
from dataclasses import dataclass

from hypothesis import strategies as st

from core.contract import Contract
from ingestion.formats.archives import BROKEN_ZIP

KINDS = (
    "drop",
    "double",
    "reorder",
    "corrupt",
    "truncate",
    "reencode",
    "byte order mark",
    "zeros",
    "rename a column",
    "change a unit",
    "swap fields",
    "insert",
)
NOISE = [
    b"\n",
    b"\r",
    b"\\",
    b'"',
    b"//SR//",
    b"<",
    b"]",
    b"\0",
    b"\xff",
    b"\xc3",
    b"\\ud800",
    b"\\u0000",
    b",,",
    b"\t",
]
ENCODINGS = ("utf-16", "utf-16-le", "cp1258", "utf-32", "utf-7", "latin-1")
SEPARATORS = re.compile(rb"[\t,;/|]|</|\":")
NUMBER = re.compile(rb"(?<![\w.])\d{1,6}(?:\.\d+)?(?![\w.:-])")
CELL = re.compile(rb"(?<=<t>)[^<]+(?=</t>)|(?<=<v>)[^<]+(?=</v>)")
WRAPPED = re.compile(rb"(?<=<NOIDUNGFILE>)[A-Za-z0-9+/=\s]+(?=</NOIDUNGFILE>)")


@dataclass(frozen=True)
class Mutation:
    """One mutation: where (a share of the length), how far, with what, and whether to what is wrapped inside."""

    kind: str
    place: float
    share: float
    noise: bytes
    is_inside: bool


MUTATIONS = st.lists(
    st.builds(
        Mutation,
        kind=st.sampled_from(KINDS),
        place=st.floats(0, 1),
        share=st.floats(0, 0.3),
        noise=st.sampled_from(NOISE) | st.binary(min_size=1, max_size=6),
        is_inside=st.booleans(),
    ),
    min_size=1,
    max_size=3,
)


def mutate(content: bytes, mutations: list[Mutation], contract: Contract) -> bytes:
    """Apply all mutations, in order."""
    for mutation in mutations:
        content = _inside(content, mutation, contract) if mutation.is_inside else _apply(content, mutation, contract)
    return content


def _inside(content: bytes, mutation: Mutation, contract: Contract) -> bytes:
    if zipfile.is_zipfile(io.BytesIO(content)):
        return _in_archive(content, mutation, contract)
    wrapped = list(WRAPPED.finditer(content))
    if not wrapped:
        return _apply(content, mutation, contract)
    chosen = wrapped[int(mutation.place * (len(wrapped) - 1))]
    try:
        inner = base64.b64decode(chosen[0])
    except ValueError:
        return _apply(content, mutation, contract)
    changed = base64.b64encode(_apply(inner, mutation, contract))
    return content[: chosen.start()] + changed + content[chosen.end() :]


def _in_archive(content: bytes, mutation: Mutation, contract: Contract) -> bytes:
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            members = [(name, archive.read(name)) for name in archive.namelist()]
    except BROKEN_ZIP:
        return _apply(content, mutation, contract)
    texts = [
        index for index, (name, _) in enumerate(members) if name.endswith((".csv", "sheet1.xml", "sharedStrings.xml"))
    ]
    if not texts:
        return _apply(content, mutation, contract)
    chosen = texts[int(mutation.place * (len(texts) - 1))]
    name, text = members[chosen]
    members[chosen] = (name, (_in_cell if name.endswith(".xml") else _apply)(text, mutation, contract))
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in members:
            archive.writestr(name, text)
    return packed.getvalue()


def _in_cell(sheet: bytes, mutation: Mutation, contract: Contract) -> bytes:
    """Change the text of one cell, and leave the XML around it whole."""
    cells = list(CELL.finditer(sheet))
    if not cells:
        return sheet
    chosen = cells[int(mutation.share / 0.3 * (len(cells) - 1))]
    text = _apply(html.unescape(chosen[0].decode()).encode(), mutation, contract).decode("utf-8", errors="replace")
    printable = "".join(letter for letter in text if letter.isprintable() or letter in "\t\n")
    return sheet[: chosen.start()] + html.escape(printable).encode() + sheet[chosen.end() :]


def _apply(content: bytes, mutation: Mutation, contract: Contract) -> bytes:
    start = int(mutation.place * len(content))
    length = int(mutation.share * len(content)) + 1
    end = start + length
    before, part, after = content[:start], content[start:end], content[end:]
    match mutation.kind:
        case "drop":
            return before + after
        case "double":
            return before + part + part + after
        case "reorder":
            return before + after[:length] + part + after[length:]
        case "corrupt":
            return before + mutation.noise + content[start + len(mutation.noise) :]
        case "truncate":
            return before
        case "reencode":
            text = content.decode("utf-8", errors="replace")
            return text.encode(ENCODINGS[start % len(ENCODINGS)], errors="replace")
        case "byte order mark":
            return b"\xef\xbb\xbf" + content
        case "zeros":
            return before + b"\0" * min(length, 50) + after
        case "rename a column":
            return _renamed(content, mutation, contract)
        case "change a unit":
            return _with_another_unit(content, start)
        case "swap fields":
            return _swapped(content, start)
        case _:
            return before + mutation.noise + part + after


def _renamed(content: bytes, mutation: Mutation, contract: Contract) -> bytes:
    names = [column.wire_name.encode() for column in contract.columns if column.wire_name.encode() in content]
    if not names:
        return content
    name = names[int(mutation.place * (len(names) - 1))]
    return content.replace(name, name + b"_moi" if mutation.share < 0.15 else names[0])


def _with_another_unit(content: bytes, start: int) -> bytes:
    """Multiply the first plain number after a place by a thousand."""
    found = NUMBER.search(content, start)
    if found is None:
        return content.replace(b"ug/m3", b"mg/m3")
    return content[: found.start()] + f"{float(found[0]) * 1000:g}".encode() + content[found.end() :]


def _swapped(content: bytes, start: int) -> bytes:
    """Swap two adjacent fields, whatever separates them."""
    marks = [match.span() for _, match in zip(range(3), SEPARATORS.finditer(content, start), strict=False)]
    if len(marks) < 3:
        return content
    (_, one), (end_one, two), (end_two, _) = marks
    return content[:one] + content[two:end_two] + content[end_one:two] + content[one:end_one] + content[end_two:]
