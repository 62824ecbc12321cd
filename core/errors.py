"""The tree of errors. Two questions give it: whose fault is it, and can a retry help?

    LakehouseError
    ├── ConfigurationError        ours: a setting, a contract or a command is wrong; fix it, then run again
    │   ├── ContractError             a contract contradicts itself or names something unknown
    │   └── UnknownNameError          a feed, domain, station … that nobody declared
    ├── SourceError               theirs: what an agency's system did
    │   ├── SourceUnavailableError    it did not answer, or lost the line: a retry can help
    │   ├── SourceChangedError        a file changed while it was read: it is taken when it is whole
    │   ├── SourceAnswerError         it answered something that breaks its own protocol: no retry
    │   └── EmptyAnswerError          200 OK and nothing inside, where something was expected
    ├── DeliveryError             theirs: bytes that cannot be read at all; becomes one quarantined delivery
    ├── ServiceError              ours: PostgreSQL, the object store, Airflow or Superset is not there: a retry can help
    │   ├── PortInUseError            somebody else listens where a service should
    │   └── DiskFullError             less room than a service needs
    ├── LedgerError               ours: the books do not balance; nothing was committed
    ├── CountError                ours: a table does not hold the rows that it should; maintenance stops
    └── AuditError                the marts of a domain did not pass; its last good release stays

Messages read `<feed or object>: <what was promised>, <what came>; <what to do>`. Values are attributes too, so that a
test reads numbers instead of prose. No secret, personal value or query string belongs in a message.
"""

from typing import ClassVar


class LakehouseError(Exception):
    """Base of every error this project raises on purpose."""

    is_retryable: ClassVar[bool] = False

    def __init__(self, message: str, **values: object) -> None:
        super().__init__(message)
        self.values = values


class ConfigurationError(LakehouseError):
    """Something of ours is set wrong."""


class ContractError(ConfigurationError):
    """A contract contradicts itself, or names something that does not exist."""


class UnknownNameError(ConfigurationError):
    """A name that nobody declared."""


class SourceError(LakehouseError):
    """An agency's system misbehaved."""


class SourceUnavailableError(SourceError):
    """The source did not answer, or the line broke."""

    is_retryable = True


class SourceChangedError(SourceError):
    """A file changed while it was read; `name` is which."""

    is_retryable = True


class SourceAnswerError(SourceError):
    """The source answered against its own protocol."""


class EmptyAnswerError(SourceError):
    """The source answered well, and sent nothing where something was due."""


class DeliveryError(LakehouseError):
    """The bytes of one delivery cannot be read at all."""


class ServiceError(LakehouseError):
    """A service of the stack is missing or ill."""

    is_retryable = True


class PortInUseError(ServiceError):
    """Another process listens on a port that a service needs."""

    is_retryable = False


class DiskFullError(ServiceError):
    """There is less room on the disk than a service needs."""

    is_retryable = False


class LedgerError(LakehouseError):
    """A ledger does not balance; the transaction was not committed."""


class CountError(LakehouseError):
    """The rows of a table, counted and read, are not those of its ledger, or not those of before maintenance."""


class AuditError(LakehouseError):
    """The marts of a domain did not pass their audit."""
