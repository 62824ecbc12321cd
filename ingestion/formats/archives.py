"""Zip archives from outside, unpacked within limits: the members' bytes are returned, or a DeliveryError says what is wrong.

What an archive says about itself is not trusted: every member is unpacked here, its checksum compared, and together they may not
grow beyond UNPACKED_BYTES_LIMIT. Nothing is ever written to disk; a name that tries to leave the archive is refused all the same, since
an archive with such a name was made to do harm.
"""

import io
import struct
import zipfile
import zlib
from lzma import LZMAError

from core.errors import DeliveryError

UNPACKED_BYTES_LIMIT = 128 * 1024 * 1024
"""All members of an archive together, in bytes."""

MEMBERS_LIMIT = 1000
NAME_LIMIT = 200
STEP_BYTES = 1024 * 1024
ZIP_MARK = b"PK"
BROKEN_ZIP = (
    zipfile.BadZipFile,
    zlib.error,
    LZMAError,
    struct.error,
    EOFError,
    OSError,
    NotImplementedError,
    RuntimeError,
    ValueError,
    OverflowError,
)


def unpack(archive: bytes) -> dict[str, bytes]:
    """Return the members of a zip archive by name, in their order, without folders.

    Raises DeliveryError, with the reason `broken_archive`, `encrypted_archive`, `archive_too_large` or `hostile_member_name`.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(archive)) as opened:
            members = [member for member in opened.infolist() if not member.is_dir()]
            _require_harmless(members)
            unpacked: dict[str, bytes] = {}
            size = 0
            for member in members:
                unpacked[member.filename] = _read(opened, member, UNPACKED_BYTES_LIMIT - size)
                size += len(unpacked[member.filename])
    except BROKEN_ZIP as error:
        raise DeliveryError(
            f"delivery: expected a whole zip archive, got {type(error).__name__} while reading it; send the file again",
            reason="broken_archive",
        ) from error
    return unpacked


def pack(members: dict[str, bytes]) -> bytes:
    """Pack members into an uncompressed archive, for a reader that takes an archive whole."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_STORED) as archive:
        for name, content in members.items():
            archive.writestr(zipfile.ZipInfo(name), content)
    return packed.getvalue()


def _require_harmless(members: list[zipfile.ZipInfo]) -> None:
    if len(members) > MEMBERS_LIMIT:
        raise _too_large(f"up to {MEMBERS_LIMIT} members", f"{len(members)}")
    if any(member.flag_bits & 1 for member in members):
        raise DeliveryError(
            "delivery: expected an archive without a password, got an encrypted one; send it without",
            reason="encrypted_archive",
        )
    names = [member.filename for member in members]
    if any(_is_hostile(name) for name in names) or len(set(names)) != len(names):
        raise DeliveryError(
            "delivery: expected an archive with plain names, each once, got one with a path out of it or a repeated name; pack it again",
            reason="hostile_member_name",
        )


def _is_hostile(name: str) -> bool:
    parts = name.replace("\\", "/").split("/")
    return ".." in parts or name.startswith(("/", "\\")) or ":" in parts[0] or len(name) > NAME_LIMIT


def _read(archive: zipfile.ZipFile, member: zipfile.ZipInfo, left: int) -> bytes:
    """Unpack one member step by step; its checksum is compared at the end."""
    parts: list[bytes] = []
    with archive.open(member) as content:
        while part := content.read(STEP_BYTES):
            left -= len(part)
            if left < 0:
                raise _too_large(f"up to {UNPACKED_BYTES_LIMIT} bytes unpacked", "more")
            parts.append(part)
    return b"".join(parts)


def _too_large(expected: str, got: str) -> DeliveryError:
    return DeliveryError(
        f"delivery: expected an archive of {expected}, got {got}; split it into several files",
        reason="archive_too_large",
    )
