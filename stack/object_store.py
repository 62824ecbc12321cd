"""SeaweedFS: the S3 object store, one process with master, volume server, filer and S3 gateway.

Four identities: the admin creates buckets and is used by `ioc up` alone, the pipeline reads and writes objects, the reader gets and lists
objects in `marts`, and `receipts` gets receipts, so that a URL signed with its key opens nothing else. Telemetry of the master is
switched off. All ports are derived from the S3 port, so that several stacks can run side by side. The parts listen on ports too,
among them the filer, whose files are the objects: `stack/store_security.py` secures those.
"""

import io
import json
import signal
import sys
from dataclasses import dataclass
from pathlib import Path

import urllib3
from minio import Minio
from minio.commonconfig import ENABLED
from minio.error import MinioException
from minio.versioningconfig import VersioningConfig

from core.settings import Settings
from stack.ownership import own
from stack.secrets import write_private
from stack.service import Command, Port
from stack.store_security import write_security

LANDING_BUCKET = "landing"
LAKE_BUCKET = "lake"
MARTS_BUCKET = "marts"
RECEIPTS_BUCKET = "receipts"
PROBE_BUCKET = "probe"
TABLE_BUCKET = "scale"
"""The bucket of the Iceberg catalog, which the store creates itself; see lake/copies.py."""

BUCKETS = (LANDING_BUCKET, LAKE_BUCKET, MARTS_BUCKET, RECEIPTS_BUCKET, PROBE_BUCKET)

PROBE_FOLDERS = 64
"""The filer keeps its index in eight files, by a hash of the folder; this many folders reach all eight."""

PORT_OFFSETS = {
    "s3.port": 0,
    "s3.port.grpc": 1,
    "master.port": 2,
    "master.port.grpc": 3,
    "volume.port": 4,
    "volume.port.grpc": 5,
    "filer.port": 6,
    "filer.port.grpc": 7,
    "admin.port": 8,
    "admin.port.grpc": 10_008,  # the built-in worker expects it at 10,000 above the admin port, whatever the flag says
}
"""Each flag's port, counted from the S3 port (which must stay below 55,528)."""


def weed_program() -> str:
    """Return the path of the `weed` program in this environment."""
    return str(Path(sys.executable).parent / "weed")


def filer_address(settings: Settings) -> str:
    """Return the filer's address as `weed` writes it: host, HTTP port, gRPC port."""
    http, grpc = (settings.s3_port + PORT_OFFSETS[flag] for flag in ("filer.port", "filer.port.grpc"))
    return f"{settings.s3_host}:{http}.{grpc}"


def _client(settings: Settings, access_key: str, secret: str) -> Minio:
    return Minio(
        f"{settings.s3_host}:{settings.s3_port}",
        access_key=access_key,
        secret_key=settings.reveal(secret),
        secure=settings.s3_is_secure,
        region=settings.s3_region,
        http_client=urllib3.PoolManager(timeout=urllib3.Timeout(total=10), retries=urllib3.Retry(0)),
    )


@dataclass(frozen=True)
class ObjectStore:
    """The object store, its data in `IOC_HOME/seaweedfs/data`."""

    settings: Settings
    name: str = "seaweedfs"
    needs: tuple[str, ...] = ()
    seconds_to_start: float = 60
    stop_signal: signal.Signals = signal.SIGTERM

    @property
    def address(self) -> str:
        scheme = "https" if self.settings.s3_is_secure else "http"
        return f"{scheme}://{self.settings.s3_host}:{self.settings.s3_port}"

    @property
    def ports(self) -> tuple[Port, ...]:
        host, first = self.settings.s3_host, self.settings.s3_port
        parts = tuple(Port(host, first + offset, "IOC_S3_PORT") for offset in PORT_OFFSETS.values())
        iceberg = self.settings.iceberg_port
        return (*parts, Port(host, iceberg, "IOC_ICEBERG_PORT")) if iceberg else parts

    @property
    def folder(self) -> Path:
        return self.settings.home_folder / "seaweedfs"

    def prepare(self) -> None:
        """Write the identities, and the keys by which the parts trust one another; the server reads both when it starts."""
        own(self.folder, None)
        (self.folder / "data").mkdir(mode=0o700, exist_ok=True)
        write_security(self.folder)
        write_private(self.folder / "identities.json", json.dumps(self._identities(), indent=2))

    def command(self) -> Command:
        """Return the command that runs all parts except the WebDAV gateway and the admin UI."""
        ports = [f"-{flag}={self.settings.s3_port + offset}" for flag, offset in PORT_OFFSETS.items()]
        arguments = (
            *(weed_program(), "mini", f"-dir={self.folder / 'data'}"),
            *(f"-ip={self.settings.s3_host}", f"-ip.bind={self.settings.s3_host}"),
            *(f"-s3.config={self.folder / 'identities.json'}", "-s3.autoCreateBucket=false"),
            f"-s3.port.iceberg={self.settings.iceberg_port}",
            *([f"-tableBucket={TABLE_BUCKET}"] if self.settings.iceberg_port else []),
            *("-s3.port.lance=0", "-admin.ui=false", "-webdav=false", "-master.telemetry=false"),
            *ports,
        )
        return Command(arguments, self.settings.service_environment(self.folder), self.folder)

    def fault(self, started_at: float) -> str:  # noqa: ARG002
        """Test by writing with the pipeline's key: after a full disk, the filer still reads but refuses writes until it is restarted."""
        client = _client(self.settings, self.settings.s3_access_key, "s3_secret_key")
        try:
            if client.bucket_exists(PROBE_BUCKET):  # `settle` creates it, once the store answers
                for number in range(PROBE_FOLDERS):
                    client.put_object(PROBE_BUCKET, f"{number}/probe", io.BytesIO(b"."), 1)
        except (MinioException, urllib3.exceptions.HTTPError) as error:
            return f"nothing can be written: {type(error).__name__}"
        return ""

    def settle(self) -> None:
        """Create the buckets; `landing` keeps every version and can lock an object for as long as the law requires."""
        client = _client(self.settings, self.settings.s3_admin_access_key, "s3_admin_secret_key")
        for bucket in BUCKETS:
            if not client.bucket_exists(bucket):
                client.make_bucket(bucket, object_lock=bucket == LANDING_BUCKET)
        client.set_bucket_versioning(LANDING_BUCKET, VersioningConfig(ENABLED))

    def _identities(self) -> dict[str, object]:
        settings = self.settings
        tables = (TABLE_BUCKET,) if settings.iceberg_port else ()
        keys = {
            "admin": (settings.s3_admin_access_key, "s3_admin_secret_key", ["Admin"]),
            "pipeline": (
                settings.s3_access_key,
                "s3_secret_key",
                [*_each(("Read", "Write", "List"), (*BUCKETS, *tables)), *(["s3tables:*"] if tables else [])],
            ),
            "reader": (settings.s3_reader_access_key, "s3_reader_secret_key", _each(("Read", "List"), (MARTS_BUCKET,))),
            "receipts": (
                settings.s3_receipts_access_key,
                "s3_receipts_secret_key",
                _each(("Read",), (RECEIPTS_BUCKET,)),
            ),
        }
        return {
            "identities": [
                {
                    "name": name,
                    "credentials": [{"accessKey": access_key, "secretKey": settings.reveal(secret)}],
                    "actions": actions,
                }
                for name, (access_key, secret, actions) in keys.items()
            ]
        }


def _each(verbs: tuple[str, ...], buckets: tuple[str, ...]) -> list[str]:
    return [f"{verb}:{bucket}" for bucket in buckets for verb in verbs]
