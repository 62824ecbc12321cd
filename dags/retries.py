"""Which errors a retry helps: the only place that says so.

Our errors know it themselves (`is_retryable`: a source or a service that did not answer). Everything else (a contract that contradicts
itself, books that do not balance, an audit that failed) would fail the same way again, so Airflow is told to stop at once.
Errors that are not ours are bugs, and stop at once too.
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
"""For a task's arguments: three more tries, 20 s apart and growing."""


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
