"""What a source's answer says: its items, its error code, and whether there is more.

An item is identified by the digest of its content, so that two readings of a list can be compared. Free text of an answer is never
repeated in an error, since it may quote a record.
"""

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from xml.etree.ElementTree import Element, ParseError, tostring

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import fromstring

from core.errors import SourceAnswerError
from ingestion.collect.connectors.http_options import HttpOptions

NOT_A_LIST = (ValueError, TypeError, KeyError, AttributeError, RecursionError, ParseError, DefusedXmlException)
YES_OR_NO = {"true": True, "1": True, "false": False, "0": False}
SHOWN = 10
"""Longer codes are not shown, in characters."""


@dataclass(frozen=True)
class Answer:
    """The items of one page in their order; `total`, `more` and `next` are None if the answer does not say."""

    items: tuple[bytes, ...]
    total: int | None = None
    more: bool | None = None
    next: str | None = None


def read_answer(feed: str, options: HttpOptions, content: bytes) -> Answer:
    """Read a page; raise SourceAnswerError if the source refuses, one of NOT_A_LIST if there is no list."""
    if options.representation == "csv":
        return Answer(_lines(content))
    find: Callable[[str], Any]
    if options.representation == "json":
        document = json.loads(content)
        find = lambda path: _in_json(document, path)  # noqa: E731
    else:
        root = fromstring(content)
        find = lambda path: _in_xml(root, path)  # noqa: E731
    if options.error is not None:
        _require_fine(feed, find(options.error.at), options.error.fine)
    paging = options.paging
    total, more, following = (find(path) if path else None for path in (paging.total, paging.more, paging.next))
    return Answer(
        items=_objects(find(options.items)) if options.representation == "json" else _elements(root, options.items),
        total=None if total is None else int(str(total)),
        more=None if more is None else YES_OR_NO[str(more).strip().lower()],
        next=None if following in (None, "") else _text(following),
    )


def _require_fine(feed: str, found: object, fine: tuple[object, ...]) -> None:
    code = "none" if found is None else str(found)
    if code in map(str, fine):
        return
    shown = code if code.isalnum() and len(code) <= SHOWN else "another one"
    raise SourceAnswerError(
        f"{feed}: expected an answer with error code {' or '.join(map(str, fine))}, got {shown}; ask the agency why it refuses",
        feed=feed,
        error_code=shown,
    )


def _in_json(document: Any, path: str) -> Any:
    """Return the value at a path, or None if there is none."""
    for name in path.split(".")[1:]:
        document = document.get(name) if isinstance(document, dict) else None
    return document


def _objects(found: object) -> tuple[bytes, ...]:
    if not isinstance(found, list) or not all(isinstance(item, dict) for item in found):
        raise TypeError("no list of objects")
    return tuple(hashlib.sha256(json.dumps(item, sort_keys=True).encode()).digest() for item in found)


def _in_xml(root: Element, path: str) -> str | None:
    first, _, rest = path.partition("/")
    if _local(root) != first:
        return None
    found = root.find(_anywhere(rest)) if rest else root
    return None if found is None else (found.text or "").strip()


def _elements(root: Element, path: str) -> tuple[bytes, ...]:
    first, _, rest = path.partition("/")
    if _local(root) != first:
        raise TypeError("another root")
    digests = []
    for item in root.findall(_anywhere(rest)) if rest else [root]:
        item.tail = None
        digests.append(hashlib.sha256(tostring(item)).digest())
    return tuple(digests)


def _anywhere(path: str) -> str:
    """Let the elements of a path be in any namespace."""
    return "/".join(f"{{*}}{name}" for name in path.split("/"))


def _local(element: Element) -> str:
    return str(element.tag).rpartition("}")[2]


def _lines(content: bytes) -> tuple[bytes, ...]:
    """Split a table into its lines without the header, which must be there."""
    lines = [line for line in content.splitlines() if line.strip()]
    if not lines or lines[0].lstrip(b"\xef\xbb\xbf \t")[:1] in (b"<", b"{", b"["):
        raise ValueError("no table")
    return tuple(hashlib.sha256(line).digest() for line in lines[1:])


def _text(value: object) -> str:
    if not isinstance(value, str | int):
        raise TypeError("no text")
    return str(value)
