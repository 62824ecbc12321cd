"""What an account may do with the files in its folders.

A file stays as it was sent: nothing overwrites, renames or deletes it. An upload is written to a separate folder and appears under its
name once the client closes it; an incomplete one is discarded. If a name is sent again, both files are kept (`core/sent_names.py`), and
the agency sees the newer one. Agencies may write, continue, rename and delete files with unfinished names (`.part` and the like, hidden
ones), which no feed collects. The folders are those of the feeds; there are no links. Times and modes are the server's: a client that
sets them gets no error, but changes nothing.
"""

import errno
import io
import os
import stat
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from posixpath import join, normpath
from typing import Any, ClassVar, NoReturn
from uuid import uuid4

from asyncssh import (
    SFTPAttrs,
    SFTPFailure,
    SFTPFileAlreadyExists,
    SFTPName,
    SFTPNoSuchFile,
    SFTPPermissionDenied,
    SFTPServer,
    SSHServerChannel,
)
from asyncssh.constants import FXF_APPEND, FXF_CREAT, FXF_EXCL, FXF_READ, FXF_TRUNC, FXF_WRITE

from core.sent_names import kept_name, sent_name
from ingestion.collect.connectors.files import is_hostile, is_unfinished

READ_BYTES = 256 * 1024
"""The most bytes returned for one request, however many it asks for."""

OPEN_FILES = 128
"""How many files an account may have open."""

NAME_BYTES = 240
"""The longest file name: the file system's 255 bytes, less room for the number of a file sent again."""


@dataclass
class Storage:
    """The files of all accounts. `opened` counts open files by account, `being_written` open files with unfinished names by path."""

    folder: Path
    opened: Counter[str] = field(default_factory=Counter)
    being_written: Counter[Path] = field(default_factory=Counter)

    @property
    def agencies(self) -> Path:
        """The folder with one folder per account."""
        return self.folder / "agencies"

    @property
    def uploads(self) -> Path:
        """The folder of incomplete uploads."""
        return self.folder / "uploads"

    def begin(self) -> None:
        """Create the folders, and discard uploads left incomplete by the previous server."""
        self.agencies.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.uploads.mkdir(exist_ok=True, mode=0o700)
        for left in self.uploads.iterdir():
            left.unlink()

    def make_folders(self, account: str, folders: Iterable[str]) -> None:
        """Create the missing folders of an account."""
        for folder in folders:
            (self.agencies / account / folder).mkdir(parents=True, exist_ok=True, mode=0o700)


class Upload(io.FileIO):
    """A file being written by a client. `staged` is its path until it is complete; None if it is written in place."""

    def __init__(self, path: Path, flags: int, target: Path, *, staged: Path | None) -> None:
        super().__init__(path, "rb+", opener=lambda name, _: os.open(name, flags | os.O_NOFOLLOW, 0o600))
        self.target, self.staged = target, staged


class ReadOnlyFiles(SFTPServer):
    """Read-only files below `root`, in folders `depth` levels deep: the collector's view, which shows every file kept."""

    allowed: ClassVar[str] = "to list and to read only"

    def __init__(
        self, channel: SSHServerChannel[bytes], storage: Storage, account: str, root: Path, depth: int
    ) -> None:
        super().__init__(channel)
        self._storage, self._account, self._root, self._depth = storage, account, root, depth

    def open(self, path: bytes, pflags: int, attrs: SFTPAttrs) -> io.FileIO:  # noqa: ARG002  the signature is asyncssh's
        """Open a file for reading."""
        if pflags & (FXF_WRITE | FXF_APPEND | FXF_CREAT | FXF_TRUNC):
            self._refuse()
        return self._counted(lambda: _opened_to_read(self._kept(self._file(path))))

    def close(self, file_obj: object) -> None:
        """Close a file."""
        assert isinstance(file_obj, io.FileIO)  # noqa: S101  what `open` gave
        self._storage.opened[self._account] -= 1
        file_obj.close()

    def abandon(self, file_obj: object) -> None:
        """Close a file that its client left open when the connection broke or the session ended."""
        self.close(file_obj)

    def read(self, file_obj: object, offset: int, size: int) -> bytes:
        """Read some bytes."""
        return os.pread(_descriptor(file_obj), min(size, READ_BYTES), offset)

    def stat(self, path: bytes) -> os.stat_result:
        """Return the attributes of a file or folder."""
        parts = self._parts(path)
        if len(parts) <= self._depth:
            return self._folder(parts).lstat()
        return self._kept(self._file(path)).lstat()

    lstat = stat

    def fstat(self, file_obj: object) -> os.stat_result:
        """Return the attributes of an open file."""
        return os.fstat(_descriptor(file_obj))

    def fsync(self, file_obj: object) -> None:
        """Flush an open file to disk."""
        os.fsync(_descriptor(file_obj))

    def realpath(self, path: bytes) -> bytes:
        """Return a normalised path from the root, whether it exists or not."""
        return "/".join(["", *self._parts(path)]).encode() or b"/"

    def scandir(self, path: bytes) -> AsyncIterator[SFTPName]:
        """List a folder, sorted by name."""
        return _listing(self._seen(self._folder(self._parts(path))))

    def format_user(self, uid: int | None) -> str:  # noqa: ARG002
        """Return a constant, so that no user names of the system are shown."""
        return "agency"

    def format_group(self, gid: int | None) -> str:  # noqa: ARG002
        """Return a constant, so that no group names of the system are shown."""
        return "agency"

    def map_path(self, path: bytes) -> NoReturn:  # noqa: ARG002
        """Refuse every operation that asyncssh would do on a path by itself."""
        self._refuse()

    def _refuse(self, *_: Any, **__: Any) -> NoReturn:
        raise SFTPPermissionDenied(f"expected {self.allowed}")

    write: Any = _refuse
    setstat: Any = _refuse
    lsetstat: Any = _refuse
    fsetstat: Any = _refuse
    remove: Any = _refuse
    rename: Any = _refuse
    posix_rename: Any = _refuse
    mkdir: Any = _refuse
    rmdir: Any = _refuse
    readlink: Any = _refuse
    symlink: Any = _refuse
    link: Any = _refuse
    statvfs: Any = _refuse
    fstatvfs: Any = _refuse

    def _parts(self, path: bytes) -> tuple[str, ...]:
        """Split a path from the root into names; `..` cannot lead above the root."""
        try:
            text = path.decode()
        except UnicodeDecodeError as error:
            raise SFTPNoSuchFile("expected a name in UTF-8") from error
        if "\0" in text:
            raise SFTPNoSuchFile("expected a name without a null character")
        return tuple(part for part in normpath(join("/", text)).split("/") if part)

    def _folder(self, parts: tuple[str, ...]) -> Path:
        """Return an existing folder that is not a link."""
        place = self._root
        for part in parts:
            place /= part
            if not place.is_dir() or place.is_symlink():
                raise SFTPNoSuchFile(f"expected a folder, got {'/'.join(parts)}")
        return place

    def _file(self, path: bytes) -> Path:
        """Return the path of a file, existing or not, in an existing folder."""
        parts = self._parts(path)
        if len(parts) != self._depth + 1:
            raise SFTPNoSuchFile(f"expected a file in a folder, got /{'/'.join(parts)}")
        return self._folder(parts[:-1]) / parts[-1]

    def _kept(self, place: Path) -> Path:
        """Return the path of the stored file that an account sees at `place`."""
        return place

    def _seen(self, folder: Path) -> list[tuple[str, Path]]:
        """Return the names that an account sees in a folder, with the path of each stored file."""
        return sorted((entry.name, Path(entry.path)) for entry in os.scandir(folder))

    def _counted(self, opened: Callable[[], io.FileIO]) -> io.FileIO:
        if self._storage.opened[self._account] >= OPEN_FILES:
            raise SFTPFailure(f"expected at most {OPEN_FILES} open files per account; close some")
        file = opened()
        self._storage.opened[self._account] += 1
        return file


class AgencyFiles(ReadOnlyFiles):
    """An agency's own folders. `folders` are those from which feeds are collected; `report` gets lines for the operator."""

    allowed: ClassVar[str] = "to send, list and read files; what was sent stays as it is"

    def __init__(
        self,
        channel: SSHServerChannel[bytes],
        storage: Storage,
        account: str,
        folders: tuple[str, ...],
        report: Callable[[str], None],
    ) -> None:
        super().__init__(channel, storage, account, storage.agencies / account, depth=1)
        self._folders, self._report = folders, report

    def open(self, path: bytes, pflags: int, attrs: SFTPAttrs) -> io.FileIO:
        """Open a file for reading, or for sending."""
        if not pflags & (FXF_WRITE | FXF_APPEND | FXF_CREAT | FXF_TRUNC):
            return super().open(path, pflags, attrs)
        place = self._place_to_send(path)
        return self._counted(
            lambda: self._write_in_place(place, pflags) if is_unfinished(place.name) else self._upload(place, pflags)
        )

    def close(self, file_obj: object) -> None:
        """Close a file; an upload then appears under its name."""
        self._end(file_obj)
        if isinstance(file_obj, Upload) and file_obj.staged is not None:
            self._keep(file_obj.staged, file_obj.target)

    def abandon(self, file_obj: object) -> None:
        """Discard an incomplete upload; a file with an unfinished name stays as far as it got, to be continued."""
        self._end(file_obj)
        if isinstance(file_obj, Upload) and file_obj.staged is not None:
            file_obj.staged.unlink()
            self._report(
                f"{self._account}: {self._told(file_obj.target)} was incomplete when the connection ended; it is discarded"
            )

    def write(self, file_obj: object, offset: int, data: bytes) -> int:
        """Write all of the data; a full disk is an error, not a shorter file."""
        if not isinstance(file_obj, Upload):
            self._refuse()
        written = 0
        while written < len(data):
            written += os.pwrite(file_obj.fileno(), data[written:], offset + written)
        return written

    def setstat(self, path: bytes, attrs: SFTPAttrs) -> None:
        """Change nothing, but refuse a new size."""
        self.stat(path)
        if attrs.size is not None:
            self._refuse()

    lsetstat = setstat

    def fsetstat(self, file_obj: object, attrs: SFTPAttrs) -> None:
        """Truncate a file being sent, if a size is given."""
        if attrs.size is not None:
            if not isinstance(file_obj, Upload):
                self._refuse()
            os.ftruncate(file_obj.fileno(), attrs.size)

    def remove(self, path: bytes) -> None:
        """Delete an unfinished file."""
        self._unfinished(path).unlink()

    def rename(self, oldpath: bytes, newpath: bytes) -> None:
        """Rename an unfinished file to its final name, or to another unfinished name that is free."""
        self._rename(oldpath, newpath, may_replace=False)

    def posix_rename(self, oldpath: bytes, newpath: bytes) -> None:
        """Rename an unfinished file to its final name, or to another unfinished name, which may be taken."""
        self._rename(oldpath, newpath, may_replace=True)

    def mkdir(self, path: bytes, attrs: SFTPAttrs) -> None:  # noqa: ARG002
        """Refuse, because the folders are fixed by the feeds."""
        if self._parts(path) in {(folder,) for folder in self._folders}:
            raise SFTPFileAlreadyExists("the folder is there")
        raise SFTPPermissionDenied(f"expected the folders of the feeds, {self._told_folders()}")

    def _end(self, file_obj: object) -> None:
        super().close(file_obj)
        if isinstance(file_obj, Upload) and file_obj.staged is None:
            self._storage.being_written[file_obj.target] -= 1

    def _place_to_send(self, path: bytes) -> Path:
        parts = self._parts(path)
        if len(parts) != 2 or parts[0] not in self._folders:
            raise SFTPPermissionDenied(f"expected a file in a folder of a feed, {self._told_folders()}")
        name = parts[1]
        if is_hostile(name) or "\\" in name or len(name.encode()) > NAME_BYTES or sent_name(name)[0] != name:
            raise SFTPPermissionDenied(
                f"expected a name of at most {NAME_BYTES} bytes, without \\ or control characters, not ending in ; and a number"
            )
        return self._folder(parts[:1]) / name

    def _upload(self, target: Path, pflags: int) -> Upload:
        """Begin an upload under a final name, in the uploads folder."""
        if os.path.lexists(target):
            if not pflags & FXF_TRUNC or pflags & (FXF_APPEND | FXF_EXCL):
                raise SFTPFileAlreadyExists(f"{target.name} was sent before; expected it to be sent again as a whole")
        elif not pflags & FXF_CREAT:
            raise SFTPNoSuchFile(f"{target.name} is not there")
        staged = self._storage.uploads / uuid4().hex
        return Upload(staged, os.O_RDWR | os.O_CREAT | os.O_EXCL, target, staged=staged)

    def _write_in_place(self, target: Path, pflags: int) -> Upload:
        flags = os.O_RDWR if pflags & FXF_READ else os.O_WRONLY
        for asked, meant in ((FXF_CREAT, os.O_CREAT), (FXF_TRUNC, os.O_TRUNC), (FXF_EXCL, os.O_EXCL)):
            flags |= meant if pflags & asked else 0
        upload = Upload(target, flags, target, staged=None)
        self._storage.being_written[target] += 1
        return upload

    def _unfinished(self, path: bytes) -> Path:
        """Return the path of an unfinished file that nobody is writing."""
        place = self._file(path)
        if not is_unfinished(place.name):
            self.stat(path)
            raise SFTPPermissionDenied(f"{place.name} was sent: it stays as it is; send another under any name")
        if not place.is_file() or place.is_symlink():
            raise SFTPNoSuchFile(f"{place.name} is not there")
        if self._storage.being_written[place] > 0:
            raise SFTPFailure(f"{place.name} is being written; close it first")
        return place

    def _rename(self, oldpath: bytes, newpath: bytes, *, may_replace: bool) -> None:
        source, target = self._unfinished(oldpath), self._place_to_send(newpath)
        if not is_unfinished(target.name):
            self._keep(source, target)
        elif self._storage.being_written[target] > 0 or (os.path.lexists(target) and not may_replace):
            raise SFTPFileAlreadyExists(f"{target.name} is there")
        else:
            source.replace(target)

    def _keep(self, source: Path, target: Path) -> None:
        """Move a complete file to its name, or to the next free number of that name."""
        number = 1
        while True:
            kept = target.with_name(kept_name(target.name, number))
            try:
                os.link(source, kept, follow_symlinks=False)
                break
            except FileExistsError:
                number += 1
        source.unlink()
        if number > 1:
            self._report(
                f"{self._account}: {self._told(target)} was sent before; the new one is kept too, as number {number}"
            )

    def _kept(self, place: Path) -> Path:
        """Return the newest file sent under a name."""
        newest = place
        while os.path.lexists(later := place.with_name(kept_name(place.name, sent_name(newest.name)[1] + 1))):
            newest = later
        return newest

    def _seen(self, folder: Path) -> list[tuple[str, Path]]:
        newest: dict[str, tuple[int, Path]] = {}
        for entry in os.scandir(folder):
            name, number = sent_name(entry.name)
            newest[name] = max(newest.get(name, (0, folder)), (number, Path(entry.path)))
        return [(name, path) for name, (_, path) in sorted(newest.items())]

    def _told(self, target: Path) -> str:
        return "/".join(target.parts[-2:])

    def _told_folders(self) -> str:
        return ", ".join(f"/{folder}" for folder in self._folders)


async def _listing(seen: list[tuple[str, Path]]) -> AsyncIterator[SFTPName]:
    for name, path in seen:
        try:
            yield SFTPName(name.encode(), attrs=SFTPAttrs.from_local(path.lstat()))
        except FileNotFoundError:
            continue


def _opened_to_read(path: Path) -> io.FileIO:
    file = io.FileIO(path, opener=lambda name, _: os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK))
    if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
        file.close()
        raise OSError(errno.ENOENT, "expected a plain file")
    return file


def _descriptor(file_obj: object) -> int:
    assert isinstance(file_obj, io.FileIO)  # noqa: S101  what `open` gave
    return file_obj.fileno()
