"""What a contract declares of a list fetched over HTTP (docs/http.md): the options of `connector: http`, parsed and checked.

A path into an answer is `$`, `$.data` or `$.page.next` for JSON, and the names of elements joined by `/`, the root first, for XML.
"""

import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from core.contract import DATE_PARTS, ISO, Contract, c_pattern
from core.errors import ContractError
from core.table_forms import Container

NAME = re.compile(r"[^\s?&#=]+")
HEADER = re.compile(r"[A-Za-z0-9-]+")
JSON_PATH = re.compile(r"\$(\.[^.\s\[\]]+)*")
XML_PATH = re.compile(r"[\w.-]+(/[\w.-]+)*")
EPOCH = {"epoch": 1, "epoch_ms": 1000}
"""Numeric forms of a moment, and how many units make a second."""


class _Declared(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)


class ErrorCode(_Declared):
    """Where an answer holds its error code, and which values mean that all went well."""

    at: str
    fine: tuple[str | int | bool, ...] = Field(min_length=1)

    @field_validator("fine", mode="before")
    @classmethod
    def _as_list(cls, value: object) -> object:
        return value if isinstance(value, list | tuple) else (value,)


class WindowQuery(_Declared):
    """The source's filter parameters: from a moment on, up to another that is excluded, and the format of both.

    `form` is iso8601 (UTC), epoch, epoch_ms, or a pattern of yyyy, MM, dd, HH, mm and ss in the local time of `zone`.
    """

    start: str = Field(alias="from")
    end: str = Field(alias="to")
    form: str = ISO
    zone: str = "Asia/Ho_Chi_Minh"

    @model_validator(mode="after")
    def _can_be_written(self) -> "WindowQuery":
        parts = re.findall("|".join(DATE_PARTS), self.form)
        rest = re.sub("|".join(DATE_PARTS), "", self.form)
        is_pattern = {"yyyy", "MM", "dd"} <= set(parts) and not re.search("[A-SU-Za-z%]", rest)
        if self.form not in (ISO, *EPOCH) and not is_pattern:
            raise ValueError(f"a form of {ISO}, {', '.join(EPOCH)} or a pattern of {', '.join(DATE_PARTS)}")
        try:
            ZoneInfo(self.zone)
        except (ZoneInfoNotFoundError, ValueError) as error:
            raise ValueError(f"a time zone of the IANA list, got {self.zone}") from error
        return self

    def query(self, start: datetime, end: datetime) -> dict[str, str]:
        """Format a window; if the form is coarse, the end is rounded up to the next moment it can express, so that nothing is left out."""
        return {self.start: self._written(start), self.end: self._written(self._rounded_up(end))}

    def _rounded_up(self, moment: datetime) -> datetime:
        if self.form in (ISO, *EPOCH):
            return moment
        local = moment.astimezone(ZoneInfo(self.zone))
        whole = local.replace(microsecond=0)
        step = timedelta(seconds=1)
        for part, replaced, next_step in (("ss", "second", 60), ("mm", "minute", 3600), ("HH", "hour", 86400)):
            if part not in self.form:
                whole, step = whole.replace(**{replaced: 0}), timedelta(seconds=next_step)  # type: ignore[arg-type]
        return whole if whole == local else whole + step

    def _written(self, moment: datetime) -> str:
        if self.form in EPOCH:
            return str(int(moment.timestamp() * EPOCH[self.form]))
        if self.form == ISO:
            return moment.isoformat()
        return moment.astimezone(ZoneInfo(self.zone)).strftime(c_pattern(self.form))


class PagingBy(StrEnum):
    """How the next page is asked for."""

    NONE = "none"
    PAGE = "page"
    OFFSET = "offset"
    TOKEN = "token"  # noqa: S105  a way of paging
    LINK = "link"


class Paging(_Declared):
    """How a list is paged, and where an answer says that it has ended.

    `next` is the path of the token or of the next page's address; without it the link is that of the header `Link` (RFC 8288).
    """

    by: PagingBy = PagingBy.NONE
    parameter: str | None = None
    first: int | None = Field(default=None, ge=0)
    size: int | None = Field(default=None, ge=1)
    size_parameter: str | None = None
    total: str | None = None
    more: str | None = None
    next: str | None = None

    @model_validator(mode="after")
    def _is_complete(self) -> "Paging":
        by_parameter = self.by in (PagingBy.PAGE, PagingBy.OFFSET, PagingBy.TOKEN)
        if by_parameter != (self.parameter is not None):
            raise ValueError(f"by {self.by} {'needs' if by_parameter else 'has no'} parameter")
        if self.first is not None and self.by is not PagingBy.PAGE:
            raise ValueError(f"by {self.by} has no first page")
        if (self.size is None) != (self.size_parameter is None):
            raise ValueError("size and size_parameter belong together")
        if (self.by is PagingBy.TOKEN and self.next is None) or (
            self.by not in (PagingBy.TOKEN, PagingBy.LINK) and self.next is not None
        ):
            raise ValueError("next is where a token or a link stands")
        return self


class HttpOptions(_Declared):
    """One list of a source; `items` is its path in an answer."""

    path: str = ""
    representation: Literal["json", "xml", "csv"] = "json"
    items: str = "$"
    error: ErrorCode | None = None
    query: dict[str, str | int] = {}
    window: WindowQuery | None = None
    window_days: int = Field(default=1, ge=1)
    history_days: int = Field(default=10, ge=1)
    overlap_minutes: int = Field(default=60, ge=0)
    paging: Paging = Paging()
    secret: str | None = Field(default=None, pattern=r"[a-z][a-z0-9_]*")
    secret_header: str | None = None

    @model_validator(mode="after")
    def _agrees_with_itself(self) -> "HttpOptions":
        if re.search(r"[?#\s\\]|^/|://|(^|/)\.\.(/|$)", self.path):
            raise ValueError("a path below the source's address, without a query")
        names = [*self._parameters(), *self.query]
        if len(set(names)) != len(names) or not all(map(NAME.fullmatch, names)):
            raise ValueError(f"each parameter once, got {', '.join(names)}")
        if self.secret_header is not None and (self.secret is None or not HEADER.fullmatch(self.secret_header)):
            raise ValueError("secret_header is the name of the header that a secret is sent in")
        form = {"json": JSON_PATH, "xml": XML_PATH, "csv": re.compile(r"\$")}[self.representation]
        places = (
            self.items,
            self.paging.total,
            self.paging.more,
            self.paging.next,
            self.error.at if self.error else None,
        )
        for place in filter(None, places):
            if not form.fullmatch(place):
                raise ValueError(f"a path as {self.representation} has it, got {place}")
        return self

    def _parameters(self) -> Iterator[str]:
        yield from filter(None, (self.paging.parameter, self.paging.size_parameter))
        if self.window is not None:
            yield from (self.window.start, self.window.end)

    @property
    def list_name(self) -> str | None:
        """The last part of the list's path, without the ending; None if the path is empty."""
        return self.path.rpartition("/")[2].partition(".")[0] or None

    @property
    def size_that_goes_on(self) -> int | None:
        """How many items make a page full, so that another must follow; None if an answer says itself whether one does."""
        paging = self.paging
        by_count = paging.by in (PagingBy.PAGE, PagingBy.OFFSET) and paging.total is None and paging.more is None
        return paging.size if by_count else None


def _told_by_the_form(contract: Contract) -> dict[str, Any]:
    """Return what the form of the records already says about an answer: where the list is, and the error code."""
    container = dict(contract.connector_options).get("representation", "json")
    form = next((form for form in contract.forms if form.container == container), None)
    if form is None or form.container is Container.CSV:
        return {}
    is_json = form.container is Container.JSON
    told: dict[str, Any] = {"items": ".".join(("$", *form.records)) if is_json else "/".join(form.records)}
    if form.error_path:
        told["error"] = {"at": ".".join(("$", *form.error_path)), "fine": form.error_fine}
    return told


def read_options(contract: Contract) -> HttpOptions:
    """Read the options of a contract's connector, completed by the form of its records; raise ContractError for what is wrong."""
    options = {**_told_by_the_form(contract), **dict(contract.connector_options)}
    try:
        return HttpOptions.model_validate(options)
    except ValidationError as error:
        wrong = "; ".join(f"{'.'.join(map(str, one['loc'])) or 'options'}: {one['msg']}" for one in error.errors())
        raise ContractError(
            f"{contract.feed}: expected options of connector http, got {wrong}; see docs/http.md"
        ) from error
