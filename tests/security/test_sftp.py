"""Two agencies, an attacker and the collector at the real SFTP server: nobody reaches another's files, and no sent file changes."""

import io
import shutil
import socket
import stat
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import replace
from typing import Any

import paramiko
import pytest
from paramiko.sftp import CMD_EXTENDED, CMD_OPEN, CMD_READ, CMD_READLINK, CMD_WRITE

from core.contract import Contract, find_contract, read_contracts
from core.settings import Settings
from ingestion.collect.connectors.base import Arrival, Checkpoint
from ingestion.collect.connectors.files import COPIED, UNDER_WAY
from ingestion.collect.connectors.registry import find_connector
from stack.control import down, up
from stack.processes import log_path
from stack.sftp.accounts import Account, ensure_accounts, read_accounts, renew_password
from stack.sftp.files import OPEN_FILES
from stack.sftp.logins import WRONG
from stack.sftp.server import CHANNELS, CONNECTIONS

pytestmark = pytest.mark.stack

STATIONS = find_contract("environment.station_readings")
BUOYS = replace(
    STATIONS,
    feed="environment.buoys",
    owner="Chi cục Thủy sản",
    connector_options=(("folder", "buoys"), ("pattern", "*.txt")),
)
VICTIM, THIEF = "so-nong-nghiep-va-moi-truong", "chi-cuc-thuy-san"
SENT = b"PM2,5\t38.1\tug/m3\t20261120110000\t00\n"
KEPT = f"{VICTIM}/environment/46_KK01_20261120110000.txt"
"""What the first agency sent, as stored by the server."""

Session = paramiko.SFTPClient


@contextmanager
def served(settings: Settings) -> Iterator[Settings]:
    """Run only the SFTP server, with a second agency's account next to that of the contracts, and files of both."""
    try:
        up(settings, {"sftp"})
        ensure_accounts(settings, {**read_contracts(), BUOYS.feed: BUOYS})
        for name in (VICTIM, THIEF):
            with session_of(settings, name) as session:
                folder = session.listdir("/")[0]
                send(session, f"{folder}/46_KK01_20261120110000.txt", SENT)
                send(session, f"{folder}/being_sent.txt.part", b"PM2")
        yield settings
    finally:
        down(settings)


@pytest.fixture(scope="module")
def settings(new_settings: Callable[[], Settings]) -> Iterator[Settings]:
    """A server shared by the tests of this module; sessions of both agencies stay open."""
    with served(new_settings()) as settings:
        yield settings


@pytest.fixture
def unvisited(new_settings: Callable[[], Settings]) -> Iterator[Settings]:
    """A server for one test that counts or ends the sessions of an agency."""
    with served(new_settings()) as settings:
        yield settings


def account(settings: Settings, name: str) -> Account:
    return read_accounts(settings.home_folder)[name]


@contextmanager
def connected(settings: Settings, name: str, password: str | None = None, source: str = "127.0.0.1") -> Iterator[Any]:
    """Log in from an address of this machine; yield a paramiko.Transport."""
    known = settings.reveal("sftp_password") if name == settings.sftp_user else None
    chosen = password if password is not None else known or account(settings, name).password
    line = socket.create_connection((settings.sftp_host, settings.sftp_port), timeout=20, source_address=(source, 0))
    with paramiko.Transport(line) as transport:
        transport.auth_timeout = transport.banner_timeout = 20
        transport.connect(username=name, password=chosen)
        yield transport


@contextmanager
def session_of(settings: Settings, name: str) -> Iterator[Session]:
    with connected(settings, name) as transport, opened(transport) as session:
        yield session


def opened(transport: paramiko.Transport) -> Session:
    session = Session.from_transport(transport)
    assert session is not None
    channel = session.get_channel()
    assert channel is not None
    channel.settimeout(20)
    return session


def send(session: Session, path: str, content: bytes) -> None:
    with session.open(path, "wb") as file:
        file.write(content)


def kept(settings: Settings) -> dict[str, tuple[bytes, int]]:
    """Return the content and modification time of every file on the server."""
    folder = settings.home_folder / "sftp" / "agencies"
    paths = [path for path in sorted(folder.rglob("*")) if path.is_file()]
    return {path.relative_to(folder).as_posix(): (path.read_bytes(), path.stat().st_mtime_ns) for path in paths}


def request(session: Session, kind: int, *arguments: Any) -> Any:
    """Send a request that paramiko has no method for, and return the answer."""
    return session._request(kind, *arguments)  # type: ignore[attr-defined]


def extended(session: Session, name: str, *arguments: Any) -> None:
    request(session, CMD_EXTENDED, name, *arguments)


@pytest.fixture(scope="module")
def thief(settings: Settings) -> Iterator[Session]:
    with session_of(settings, THIEF) as session:
        yield session


@pytest.fixture(scope="module")
def collector(settings: Settings) -> Iterator[Session]:
    with session_of(settings, settings.sftp_user) as session:
        yield session


@pytest.fixture(scope="module")
def owner(settings: Settings) -> Iterator[Session]:
    with session_of(settings, VICTIM) as session:
        yield session


# ---- what another agency tries with paths ----

PATHS = (
    f"../{KEPT}",
    f"/../{KEPT}",
    f"/{KEPT}",
    f"//{KEPT}",
    f"buoys/../../{KEPT}",
    f"buoys/../../../agencies/{KEPT}",
    f"./buoys/./../.././{KEPT}",
    f"..\\{KEPT}".replace("/", "\\"),
    f"buoys\\..\\..\\{KEPT}",
    f"%2e%2e/{KEPT}",
    f"..%2f{KEPT}",
    f"\u2024\u2024/{KEPT}",
    f"~/../{KEPT}",
    f"{{home}}/sftp/agencies/{KEPT}",
    f"/proc/self/root{{home}}/sftp/agencies/{KEPT}",
    f"/proc/self/cwd/../sftp/agencies/{KEPT}",
    f"buoys/46_KK01_20261120110000.txt/../../../{KEPT}",
    f"buoys/\0/../../{KEPT}",
    "{home}/secrets.env",
    "{home}/sftp/accounts.json",
    "{home}/sftp/host_key",
    "../../accounts.json",
    "../../../secrets.env",
    "../../uploads",
    "/etc/passwd",
    "/environment/46_KK01_20261120110000.txt",
    f"../{VICTIM}",
    f"/{VICTIM}/environment",
    "/" * 5000 + "etc/passwd",
    "buoys/" + "x" * 5000,
)

READS: dict[str, Callable[[Session, str], Any]] = {
    "read": lambda session, path: session.open(path, "rb").read(),
    "list": lambda session, path: session.listdir(path),
    "stat": lambda session, path: session.stat(path),
    "lstat": lambda session, path: session.lstat(path),
    "read a link": lambda session, path: request(session, CMD_READLINK, path),
    "tell the room": lambda session, path: extended(session, "statvfs@openssh.com", path),
}

CHANGES: dict[str, Callable[[Session, str], Any]] = {
    "write": lambda session, path: session.open(path, "wb").close(),
    "write anew": lambda session, path: session.open(path, "xb").close(),
    "append": lambda session, path: session.open(path, "ab").close(),
    "change": lambda session, path: session.open(path, "rb+").close(),
    "delete": lambda session, path: session.remove(path),
    "rename from": lambda session, path: session.rename(path, "buoys/mine.txt"),
    "rename over": lambda session, path: session.posix_rename(path, "buoys/46_KK01_20261120110000.txt"),
    "rename to": lambda session, path: session.rename("buoys/being_sent.txt.part", path),
    "replace": lambda session, path: session.posix_rename("buoys/being_sent.txt.part", path),
    "make a folder": lambda session, path: session.mkdir(path),
    "delete a folder": lambda session, path: session.rmdir(path),
    "link to it": lambda session, path: session.symlink(path, "buoys/link.txt"),
    "link from it": lambda session, path: session.symlink("buoys/46_KK01_20261120110000.txt", path),
    "hard link to it": lambda session, path: extended(session, "hardlink@openssh.com", path, "buoys/hard.txt"),
    "hard link from it": lambda session, path: extended(
        session, "hardlink@openssh.com", "buoys/46_KK01_20261120110000.txt", path
    ),
    "cut": lambda session, path: session.truncate(path, 0),
}

REFUSED = (OSError, ValueError)


@pytest.mark.parametrize("path", PATHS, ids=lambda path: path[:40].encode("unicode_escape").decode())
def test_no_path_leads_out_of_an_agencys_folder(settings: Settings, thief: Session, path: str) -> None:
    before = kept(settings)
    told = path.replace("{home}", str(settings.home_folder))
    came_through = []
    for what, attempt in {**READS, **CHANGES}.items():
        with suppress(*REFUSED):
            came_through.append((what, attempt(thief, told)))
    assert came_through == []
    assert kept(settings) == before


def test_an_agency_sees_its_own_folders_and_nothing_of_others(settings: Settings, thief: Session) -> None:
    assert thief.listdir("/") == thief.listdir("../../..") == thief.listdir(".") == ["buoys"]
    assert thief.listdir("/buoys") == ["46_KK01_20261120110000.txt", "being_sent.txt.part"]
    assert thief.normalize("../../x/../buoys") == "/buoys"
    entry = next(iter(thief.listdir_iter("/buoys")))
    assert "root" not in entry.longname
    with thief.open("buoys/46_KK01_20261120110000.txt") as file:
        assert file.read() == SENT


def test_a_link_that_somebody_laid_into_a_folder_is_not_followed(settings: Settings, thief: Session) -> None:
    folder = settings.home_folder / "sftp" / "agencies" / THIEF / "buoys"
    laid = {"secrets.txt": settings.home_folder / "secrets.env", "secrets.part": settings.home_folder / "secrets.env"}
    before = (settings.home_folder / "secrets.env").read_bytes()
    try:
        for name, target in laid.items():
            (folder / name).symlink_to(target)
        (folder.parent / "out").symlink_to(settings.home_folder)
        for what in ("rb", "rb+", "ab"):
            for name in laid:
                with pytest.raises(OSError, match=r"."):
                    thief.open(f"buoys/{name}", what).read()
        with pytest.raises(OSError, match=r"."):
            thief.listdir("out")
        with pytest.raises(OSError, match=r"."):
            thief.open("out/secrets.env").read()
        assert (settings.home_folder / "secrets.env").read_bytes() == before
    finally:
        for name in laid:
            (folder / name).unlink()
        (folder.parent / "out").unlink()


# ---- what an agency tries with its own files ----

OWN = "environment/46_KK01_20261120110000.txt"


def while_reading(session: Session, attempt: Callable[[Any], Any]) -> None:
    with session.open(OWN, "rb") as file:
        attempt(file)


OWN_CHANGES: dict[str, Callable[[Session], Any]] = {
    "delete": lambda session: session.remove(OWN),
    "rename": lambda session: session.rename(OWN, "environment/46_KK01_20261120110500.txt"),
    "rename to unfinished": lambda session: session.rename(OWN, f"{OWN}.part"),
    "rename by posix": lambda session: session.posix_rename(OWN, "environment/46_KK01_20261120110500.txt"),
    "rename to itself": lambda session: session.posix_rename(OWN, OWN),
    "rename the folder": lambda session: session.rename("environment", "old"),
    "delete the folder": lambda session: session.rmdir("environment"),
    "append": lambda session: session.open(OWN, "ab").close(),
    "change in place": lambda session: session.open(OWN, "rb+").close(),
    "write if new": lambda session: session.open(OWN, "xb").close(),
    "write if new, or cut": lambda session: request(session, CMD_OPEN, OWN, 0x3A, 0),
    "cut": lambda session: session.truncate(OWN, 0),
    "cut while reading": lambda session: while_reading(session, lambda file: file.truncate(0)),
    "write while reading": lambda session: while_reading(
        session, lambda file: request(session, CMD_WRITE, file.handle, paramiko.sftp.int64(0), b"x")
    ),
    "link": lambda session: session.symlink(OWN, "environment/link.txt"),
    "hard link": lambda session: extended(session, "hardlink@openssh.com", OWN, "environment/hard.txt"),
    "send beside the folders": lambda session: send(session, "lost.txt", b"x"),
    "send below the folder": lambda session: send(session, "environment/deep/lost.txt", b"x"),
    "send into no folder": lambda session: send(session, "nobodys/lost.txt", b"x"),
    "make a folder": lambda session: session.mkdir("nobodys"),
    "make a folder in the folder": lambda session: session.mkdir("environment/deep"),
    "send under a number": lambda session: send(session, f"{OWN};2", b"x"),
    "rename to a number": lambda session: session.rename("environment/being_sent.txt.part", f"{OWN};2"),
    "send under a control character": lambda session: send(session, "environment/a\n2026-11-29 ok.txt", b"x"),
    "send under an escape": lambda session: send(session, "environment/\x1b[2J.txt", b"x"),
    "send under a backslash": lambda session: send(session, "environment/..\\a.txt", b"x"),
    "send under a long name": lambda session: send(session, f"environment/{'x' * 241}", b"x"),
    "send under no UTF-8": lambda session: request(session, CMD_OPEN, b"environment/\xff.txt", 0x1A, 0),
}


@pytest.mark.parametrize("what", OWN_CHANGES)
def test_what_an_agency_sent_stays_as_it_was(settings: Settings, owner: Session, what: str) -> None:
    before = kept(settings)
    with pytest.raises(OSError, match=r"."):
        OWN_CHANGES[what](owner)
    assert kept(settings) == before


def test_the_folder_of_a_former_feed_can_be_read_and_takes_nothing_more(settings: Settings, owner: Session) -> None:
    former = settings.home_folder / "sftp" / "agencies" / VICTIM / "former"
    former.mkdir(mode=0o700)
    (former / "a.txt").write_bytes(SENT)
    try:
        assert owner.listdir("former") == ["a.txt"]
        for name in ("b.txt", "a.txt", "a.txt.part"):
            with pytest.raises(OSError, match="expected a file in a folder of a feed, /environment"):
                send(owner, f"former/{name}", b"x")
        assert [path.name for path in former.iterdir()] == ["a.txt"]
    finally:
        shutil.rmtree(former)


def test_setting_times_and_modes_is_not_refused_and_changes_nothing(settings: Settings, owner: Session) -> None:
    before = kept(settings)
    owner.utime(OWN, (0, 0))
    owner.chmod(OWN, 0o777)
    assert kept(settings) == before
    folder = settings.home_folder / "sftp"
    assert {stat.S_IMODE(path.lstat().st_mode) & 0o077 for path in (folder, *folder.rglob("*"))} == {0}


# ---- an upload ----


def collected(settings: Settings, contract: Contract, name: str) -> list[bytes | Any]:
    """Collect a feed, and return what arrived under a name, in order."""
    connector, checkpoint = find_connector(contract, settings), Checkpoint()
    arrivals: list[Arrival] = list(connector.collect(contract, checkpoint, None, settings.clock))
    return [arrival.content for arrival in arrivals if arrival.source_name == name]


def test_a_name_sent_again_is_kept_beside_and_each_is_collected_under_that_name(
    settings: Settings, owner: Session
) -> None:
    name = "46_KK02_20261120110000.txt"
    owner.putfo(io.BytesIO(b"first"), f"environment/{name}")
    owner.putfo(io.BytesIO(b"second, longer"), f"environment/{name}")  # putfo compares the size it sees afterwards
    send(owner, f"environment/{name}.part", b"third")
    owner.rename(f"environment/{name}.part", f"environment/{name}")
    send(owner, f"environment/{name}.part", b"fourth")
    owner.posix_rename(f"environment/{name}.part", f"environment/{name}")
    assert collected(settings, STATIONS, name) == [b"first", b"second, longer", b"third", b"fourth"]
    assert owner.listdir("environment").count(name) == 1
    with owner.open(f"environment/{name}") as file:
        assert file.read() == b"fourth"
    assert f"environment/{name} was sent before; the new one is kept too, as number 4" in log(settings)


def test_two_sessions_that_send_one_name_at_once_both_keep_their_bytes(settings: Settings, owner: Session) -> None:
    name = "46_KK03_20261120110000.txt"
    with session_of(settings, VICTIM) as other:
        one, two = (session.open(f"environment/{name}", "wb") for session in (owner, other))
        one.write(b"one ")
        two.write(b"two ")
        one.write(b"and only one")
        two.write(b"and only two")
        two.close()
        one.close()
    assert collected(settings, STATIONS, name) == [b"two and only two", b"one and only one"]


def test_an_upload_is_seen_by_nobody_until_it_is_whole(settings: Settings, owner: Session) -> None:
    name = "46_KK04_20261120110000.txt"
    with owner.open(f"environment/{name}", "wb") as file:
        file.write(b"PM2,5\t")
        file.flush()
        assert name not in owner.listdir("environment")
        assert collected(settings, STATIONS, name) == []
        file.write(b"38.1")
    assert collected(settings, STATIONS, name) == [b"PM2,5\t38.1"]


@pytest.mark.parametrize("how", ["the line breaks", "the channel closes", "the client ends"])
def test_an_upload_that_breaks_off_is_dropped_and_told(settings: Settings, how: str) -> None:
    name = f"46_KK05_{how.replace(' ', '_')}.txt"
    with connected(settings, VICTIM) as transport:
        session = opened(transport)
        file = session.open(f"environment/{name}", "wb")
        file.write(b"half")
        assert file.stat().st_size == 4
        channel = session.get_channel()
        assert channel is not None
        match how:
            case "the line breaks":
                transport.sock.close()
            case "the channel closes":
                channel.close()
            case "the client ends":
                channel.shutdown_write()
        until(lambda: f"environment/{name} was incomplete when the connection ended" in log(settings))
    assert collected(settings, STATIONS, name) == []
    assert list((settings.home_folder / "sftp" / "uploads").iterdir()) == []


def test_an_unfinished_file_is_its_senders_to_continue_and_to_delete(settings: Settings, owner: Session) -> None:
    part, name = "environment/46_KK06_20261120110000.txt.filepart", "46_KK06_20261120110000.txt"
    with connected(settings, VICTIM) as transport:
        file = opened(transport).open(part, "wb")
        file.write(b"PM2,5\t")
        assert file.stat().st_size == 6
    until(lambda: renames(owner, part, f"{part}.part"))  # the server has noticed the broken connection
    owner.rename(f"{part}.part", part)
    with owner.open(part, "ab") as file:
        file.write(b"38.1")
        with pytest.raises(OSError, match="is being written"):
            owner.rename(part, f"environment/{name}")
    owner.rename(part, f"environment/{name}")
    assert collected(settings, STATIONS, name) == [b"PM2,5\t38.1"]
    send(owner, part, b"again")
    owner.remove(part)
    assert collected(settings, STATIONS, name) == [b"PM2,5\t38.1"]


def test_what_its_sender_calls_unfinished_is_not_taken_and_the_rest_is(settings: Settings, owner: Session) -> None:
    whole = {"46_KK08_20261120110000.txt", "46_KK08_20261120111500.TXT"}
    copy = "46_KK08_20261120110000 (1).txt"
    endings = (".part", ".partial", ".filepart", ".crdownload", ".tmp", ".swp", ".PART", "~")
    unfinished = {f"46_KK08_20261120110500.txt{ending}" for ending in endings} | {".46_KK08_20261120110500.txt"}
    for name in whole | unfinished | {copy}:
        send(owner, f"environment/{name}", b"PM10\t")
    checkpoint = Checkpoint()
    arrivals = find_connector(STATIONS, settings).collect(STATIONS, checkpoint, None, settings.clock)
    assert {arrival.source_name for arrival in arrivals if "KK08" in arrival.source_name} == whole
    left = {(one.name, one.reason) for one in checkpoint.refused if "KK08" in one.name}
    assert left == {(copy, COPIED)} | {(name, UNDER_WAY) for name in unfinished}
    for name in unfinished:
        owner.remove(f"environment/{name}")


def test_a_file_of_another_agencys_feed_is_taken_from_its_owner_only_and_told(
    settings: Settings, thief: Session
) -> None:
    send(thief, "buoys/46_KK07_20261120110000.txt", b"forged")
    send(thief, "buoys/environment.csv", b"lost its way")
    assert collected(settings, STATIONS, "46_KK07_20261120110000.txt") == []
    assert collected(settings, BUOYS, "46_KK07_20261120110000.txt") == [b"forged"]
    checkpoint = Checkpoint()
    list(find_connector(BUOYS, settings).collect(BUOYS, checkpoint, None, settings.clock))
    assert ("environment.csv", "expected a name of this feed, *.txt") in {
        (one.name, one.reason) for one in checkpoint.refused
    }


# ---- the collector ----


@pytest.mark.parametrize("what", CHANGES)
def test_the_collector_reads_all_and_changes_nothing(settings: Settings, collector: Session, what: str) -> None:
    before = kept(settings)
    for path in (KEPT, f"{VICTIM}/environment/new.txt", f"{VICTIM}/environment/being_sent.txt.part", f"{VICTIM}/new"):
        with pytest.raises(OSError, match=r"."):
            CHANGES[what](collector, path)
    assert kept(settings) == before
    assert sorted(collector.listdir("/")) == [THIEF, VICTIM]
    with collector.open(KEPT) as file:
        assert file.read() == SENT


@pytest.mark.parametrize("path", ["../accounts.json", "../../secrets.env", "/etc/passwd", "../host_key", "../uploads"])
def test_the_collector_reads_nothing_but_files_that_were_sent(collector: Session, path: str) -> None:
    for attempt in READS.values():
        with pytest.raises(OSError, match=r"."):
            attempt(collector, path)


# ---- log-in ----


@pytest.mark.parametrize(
    ("name", "password"),
    [
        (VICTIM, ""),
        (VICTIM, "guess"),
        (VICTIM, "{thief}"),
        (VICTIM, "{victim}\0"),
        (VICTIM, "{victim} "),
        (VICTIM, "x" * 100_000),
        (VICTIM.upper(), "{victim}"),
        (f" {VICTIM}", "{victim}"),
        (f"{VICTIM}\0", "{victim}"),
        ("root", "root"),
        ("", ""),
        ("ioc-sftp", "ioc-sftp"),
        ("../" + VICTIM, "{victim}"),
    ],
)
def test_nobody_comes_in_without_the_password_of_the_account(settings: Settings, name: str, password: str) -> None:
    known = {"{thief}": account(settings, THIEF).password, "{victim}": account(settings, VICTIM).password}
    for mark, value in known.items():
        password = password.replace(mark, value)
    source = f"127.0.1.{1 + abs(hash((name, password))) % 250}"
    with pytest.raises(paramiko.SSHException), connected(settings, name, password, source):
        pass


@pytest.mark.parametrize("how", ["none", "public key", "keyboard"])
def test_there_is_no_other_log_in(settings: Settings, how: str) -> None:
    with paramiko.Transport((settings.sftp_host, settings.sftp_port)) as transport:
        transport.start_client(timeout=20)
        password = account(settings, VICTIM).password
        attempts: dict[str, Callable[[], Any]] = {
            "none": lambda: transport.auth_none(VICTIM),
            "public key": lambda: transport.auth_publickey(VICTIM, paramiko.ECDSAKey.generate()),
            "keyboard": lambda: transport.auth_interactive(VICTIM, lambda *_: [password]),
        }
        with pytest.raises(paramiko.BadAuthenticationType) as caught:
            attempts[how]()
        assert caught.value.allowed_types == ["password"]


def test_wrong_passwords_close_the_door_for_that_account_and_address_only(settings: Settings) -> None:
    for number in range(WRONG):
        with (
            pytest.raises(paramiko.AuthenticationException),
            connected(settings, VICTIM, f"wrong-{number}", "127.0.0.9"),
        ):
            pass
    with pytest.raises(paramiko.AuthenticationException), connected(settings, VICTIM, source="127.0.0.9"):
        pass
    for name, source in ((VICTIM, "127.0.0.8"), (THIEF, "127.0.0.9")):
        with connected(settings, name, source=source) as transport:
            assert opened(transport).listdir("/") != []
    told = log(settings)
    assert f"{VICTIM}: 5 wrong passwords within 60 s from 127.0.0.9; refused from there for 300 s" in told
    assert "wrong-" not in told


def test_guesses_at_unknown_accounts_are_limited_and_their_names_not_written_down(settings: Settings) -> None:
    for number in range(WRONG + 1):
        with pytest.raises(paramiko.AuthenticationException):
            connected(settings, f"typed-password-{number}", "x", "127.0.0.10").__enter__()
    told = log(settings)
    assert "an unknown account: 5 wrong passwords within 60 s from 127.0.0.10" in told
    assert "typed-password" not in told


def test_a_renewed_password_opens_and_the_old_one_and_its_sessions_end(unvisited: Settings) -> None:
    old = account(unvisited, THIEF).password
    with connected(unvisited, THIEF, source="127.0.0.11") as transport:
        new = renew_password(unvisited, THIEF).password
        until(lambda: not transport.is_active())
    with pytest.raises(paramiko.AuthenticationException), connected(unvisited, THIEF, old, "127.0.0.11"):
        pass
    with connected(unvisited, THIEF, new, "127.0.0.11") as transport:
        assert opened(transport).listdir("/") == ["buoys"]


def test_no_secret_stands_in_the_log(settings: Settings) -> None:
    secrets = {
        settings.reveal("sftp_password"),
        *(one.password for one in read_accounts(settings.home_folder).values()),
    }
    assert [secret for secret in secrets if secret in log(settings)] == []


# ---- more than SFTP, and more of it than an agency needs ----


@pytest.mark.parametrize("what", ["shell", "exec", "scp", "other subsystem", "terminal", "tunnel", "listener"])
def test_there_is_sftp_and_nothing_else(settings: Settings, what: str) -> None:
    with connected(settings, VICTIM) as transport:
        channel = transport.open_session(timeout=20)
        nowhere = ("127.0.0.1", settings.postgres_port)
        attempts: dict[str, Callable[[], Any]] = {
            "shell": channel.invoke_shell,
            "exec": lambda: channel.exec_command("id"),
            "scp": lambda: channel.exec_command("scp -t /"),
            "other subsystem": lambda: channel.invoke_subsystem("netconf"),
            "terminal": channel.get_pty,
            "tunnel": lambda: transport.open_channel("direct-tcpip", nowhere, ("127.0.0.1", 1), timeout=20),
            "listener": lambda: transport.request_port_forward("127.0.0.1", 0),
        }
        with pytest.raises(paramiko.SSHException):
            attempts[what]()


def test_one_agencys_many_sessions_shut_out_itself_and_nobody_else(unvisited: Settings) -> None:
    with many(lambda: connected(unvisited, THIEF, source="127.0.0.12"), CONNECTIONS + 5) as came_in:
        assert came_in == CONNECTIONS
        with connected(unvisited, VICTIM, source="127.0.0.12") as transport:
            assert opened(transport).listdir("/") == ["environment"]


def test_connections_that_never_log_in_are_limited_by_address(settings: Settings) -> None:
    lines = []
    for _ in range(CONNECTIONS + 5):
        line = socket.create_connection(
            (settings.sftp_host, settings.sftp_port), timeout=20, source_address=("127.0.0.13", 0)
        )
        lines.append(line)
    greeted = 0
    for line in lines:
        with suppress(ConnectionError):
            greeted += line.recv(4) == b"SSH-"
    assert greeted <= CONNECTIONS
    with connected(settings, VICTIM, source="127.0.0.14") as transport:
        assert opened(transport).listdir("/") == ["environment"]
    for line in lines:
        line.close()
    until(lambda: greets(settings, "127.0.0.13"))


def test_channels_and_open_files_are_limited(settings: Settings) -> None:
    with connected(settings, VICTIM) as transport, many(lambda: opened(transport), CHANNELS + 5) as came_in:
        assert came_in == CHANNELS
    with session_of(settings, VICTIM) as one, session_of(settings, VICTIM) as other:
        with many(lambda: one.open(OWN), OPEN_FILES // 2) as some, many(lambda: other.open(OWN), OPEN_FILES) as more:
            assert (some, more) == (OPEN_FILES // 2, OPEN_FILES // 2)
            with session_of(settings, THIEF) as session, session.open("buoys/46_KK01_20261120110000.txt") as file:
                assert file.read() == SENT
        with many(lambda: one.open(OWN), OPEN_FILES + 5) as again:
            assert again == OPEN_FILES


def test_a_request_for_four_gigabytes_is_answered_with_a_block(settings: Settings, owner: Session) -> None:
    send(owner, "environment/large.txt.part", b"x" * 1_000_000)
    with owner.open("environment/large.txt.part") as file:
        _, answer = request(owner, CMD_READ, file.handle, paramiko.sftp.int64(0), 0xFFFF_FFFF)
    assert len(answer.get_string()) == 256 * 1024
    owner.remove("environment/large.txt.part")


def test_the_server_copies_nothing_by_itself(owner: Session) -> None:
    part, start = "environment/copy.txt.part", paramiko.sftp.int64(0)
    send(owner, part, b"")
    with owner.open(OWN) as source, owner.open(part, "rb+") as target:
        with pytest.raises(OSError, match="Unsupported request type"):
            extended(owner, "copy-data", source.handle, start, start, target.handle, start)
        assert target.stat().st_size == 0
    owner.remove(part)


# ---- helpers ----


@contextmanager
def many(opening: Callable[[], Any], wanted: int) -> Iterator[int]:
    """Open something until it is refused, and yield how often it succeeded."""
    with ExitStack() as stack:
        came_in = 0
        for _ in range(wanted):
            try:
                stack.enter_context(opening())
            except (paramiko.SSHException, OSError, EOFError):
                break
            came_in += 1
        yield came_in


def renames(session: Session, source: str, target: str) -> bool:
    """Rename a file; return whether the server did so."""
    with suppress(OSError):
        session.rename(source, target)
        return True
    return False


def greets(settings: Settings, source: str) -> bool:
    address = (settings.sftp_host, settings.sftp_port)
    with suppress(OSError), socket.create_connection(address, timeout=20, source_address=(source, 0)) as line:
        return line.recv(4) == b"SSH-"
    return False


def log(settings: Settings) -> str:
    return log_path(settings.home_folder, "sftp").read_text(encoding="utf-8")


def until(is_so: Callable[[], bool], seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.02)
