"""The tree of errors, by two questions: whose fault is it, and can a retry help?

    LakehouseError
    ├── ConfigurationError        ours: a setting, a contract or a command is wrong; fix it, then run again
    │   ├── ContractError             a contract contradicts itself or names something unknown
    │   └── UnknownNameError          a feed, domain, station … that was never declared
    ├── SourceError               theirs: what an agency's system did
    │   ├── SourceUnavailableError    it did not answer, or the connection broke: a retry can help
    │   ├── SourceChangedError        a file changed while it was read: it is collected once it is complete
    │   ├── SourceAnswerError         its answer breaks its own protocol: no retry
    │   └── EmptyAnswerError          200 OK with an empty body where data was expected
    ├── DeliveryError             theirs: bytes that cannot be read at all; quarantined as one delivery
    ├── ServiceError              ours: PostgreSQL, the object store, Airflow or Superset is down: a retry can help
    │   ├── PortInUseError            another process listens on a service's port
    │   └── DiskFullError             less disk space than a service needs
    ├── LedgerError               ours: a ledger does not balance; nothing was committed
    ├── CountError                ours: a table does not hold the rows it should; maintenance stops
    └── AuditError                the marts of a domain failed their audit; the last good release stays

Messages read `<feed or object>: expected <this>, got <that>; <what to do>`. Values are attributes too, so that tests compare
numbers rather than prose. A message never holds a secret, a personal value or a query string.
"""

from typing import ClassVar


class LakehouseError(Exception):
    """Base of every error this project raises on purpose."""

    is_retryable: ClassVar[bool] = False

    def __init__(self, message: str, **values: object) -> None:
        super().__init__(message)
        self.values = values


class ConfigurationError(LakehouseError):
    """Our own configuration is wrong."""


class ContractError(ConfigurationError):
    """A contract contradicts itself, or names something that does not exist."""


class UnknownNameError(ConfigurationError):
    """A name that was never declared."""


class SourceError(LakehouseError):
    """An agency's system misbehaved."""


class SourceUnavailableError(SourceError):
    """The source did not answer, or the connection broke."""

    is_retryable = True


class SourceChangedError(SourceError):
    """A file changed while it was read; `name` says which."""

    is_retryable = True


class SourceAnswerError(SourceError):
    """The source's answer breaks its own protocol."""


class EmptyAnswerError(SourceError):
    """The source reported success but sent nothing where data was due."""


class DeliveryError(LakehouseError):
    """The bytes of one delivery cannot be read at all."""


class ServiceError(LakehouseError):
    """A service of the stack is down or unhealthy."""

    is_retryable = True


class PortInUseError(ServiceError):
    """Another process listens on a port that a service needs."""

    is_retryable = False


class DiskFullError(ServiceError):
    """There is less free disk space than a service needs."""

    is_retryable = False


class LedgerError(LakehouseError):
    """A ledger does not balance; the transaction was not committed."""


class CountError(LakehouseError):
    """A table's row counts disagree with each other, with the ledger, or with those before maintenance."""


class AuditError(LakehouseError):
    """The marts of a domain failed their audit."""
