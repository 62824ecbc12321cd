"""The client of the object store; its errors are turned into ours."""

import urllib3
from minio import Minio
from minio.error import MinioException, S3Error

from core.errors import ServiceError
from core.settings import Settings

THREADS = 16
"""How many connections a client keeps open at once."""


def object_client(settings: Settings) -> Minio:
    """Return a client of the object store with the pipeline's identity."""
    return _client(settings, settings.s3_access_key, settings.reveal("s3_secret_key"))


def receipts_client(settings: Settings) -> Minio:
    """Return a client that can get receipts and nothing else, so that what it signs can do no more."""
    return _client(settings, settings.s3_receipts_access_key, settings.reveal("s3_receipts_secret_key"))


def _client(settings: Settings, access_key: str, secret_key: str) -> Minio:
    return Minio(
        f"{settings.s3_host}:{settings.s3_port}",
        access_key=access_key,
        secret_key=secret_key,
        secure=settings.s3_is_secure,
        region=settings.s3_region,
        http_client=urllib3.PoolManager(
            maxsize=THREADS,
            timeout=urllib3.Timeout(connect=5, read=60),
            retries=urllib3.Retry(3, backoff_factor=0.2),
        ),
    )


class translated:  # noqa: N801  # used like a function
    """Turn the client's errors into ours; `key` is what was requested."""

    def __init__(self, key: str) -> None:
        self._key = key

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, urllib3.exceptions.HTTPError):
            raise ServiceError(
                f"{self._key}: expected an answer of the object store, got none; see `ioc status`"
            ) from error
        if isinstance(error, S3Error) and error.code == "NoSuchBucket":
            raise ServiceError(
                f"{self._key}: expected its bucket in the object store, got none; run `ioc up`"
            ) from error
        if isinstance(error, MinioException):
            what = error.code if isinstance(error, S3Error) else type(error).__name__
            raise ServiceError(
                f"{self._key}: expected the object store to accept the request, got {what}; see `ioc status`"
            ) from error
