"""Which errors Airflow retries; decided here and nowhere else.

Our own errors say so themselves (`is_retryable`: a source or a service did not answer). All others (a contract that contradicts itself, a
ledger that does not balance, a failed audit) would fail the same way again, so Airflow stops at once. Errors that are not ours are bugs,
and also stop at once.
"""

from collections.abc import Callable
from datetime import timedelta
from functools import wraps
from typing import Any, TypeVar

Function = TypeVar("Function", bound=Callable[..., Any])

RETRIES: dict[str, Any] = {
    "retries": 3,
    "retry_delay": timedelta(seconds=20),
    "retry_exponential_backoff": True,
    "max_retry_delay": timedelta(minutes=10),
}
"""Task arguments: three retries, the first after 20 s, with growing delays."""


def stops_unless_retryable(task: Function) -> Function:
    """Let only retryable errors reach Airflow's retries."""

    @wraps(task)
    def guarded(*args: Any, **options: Any) -> Any:
        from airflow.sdk.exceptions import AirflowFailException, AirflowSkipException  # noqa: PLC0415  heavy

        from core.errors import LakehouseError  # noqa: PLC0415

        try:
            return task(*args, **options)
        except (AirflowFailException, AirflowSkipException):
            raise
        except Exception as error:
            if isinstance(error, LakehouseError) and error.is_retryable:
                raise
            raise AirflowFailException(f"{type(error).__name__}: {error}") from error

    return guarded  # type: ignore[return-value]
