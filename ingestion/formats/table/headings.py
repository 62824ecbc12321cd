"""The header row that a form declares: its names, other spellings of them, and those without which a file is of no use."""

from collections.abc import Sequence

from core.contract import Contract
from core.table_forms import Form
from ingestion.formats.headers import Matched, key_of, match_header


def match_form(cells: Sequence[str], form: Form) -> Matched:
    """Find the headers of a form, by their own text as name, in the cells of a row."""
    return match_header(usual_names(cells, form), {path: path for path in form.paths}, form.known)


def usual_names(cells: Sequence[str], form: Form) -> list[str]:
    """Replace the other spellings that a form names by its headers."""
    return [_usual(cell, form) for cell in cells]


def required_headers(form: Form, contract: Contract) -> tuple[str, ...]:
    """Return the headers that a file must have: those that the form names, else those of the required columns."""
    if form.requires is not None:
        return form.requires
    places = {**{name: (path,) for name, path in form.columns.items()}, **form.joined}
    needed = [path for one in contract.columns if one.is_required for path in places.get(one.name, ())]
    return tuple(dict.fromkeys(needed))


def absent_headers(matched: Matched, form: Form) -> tuple[str, ...]:
    """Return the headers of columns that a row lacks."""
    return tuple(path for path in form.headers if path not in matched.places)


def _usual(cell: str, form: Form) -> str:
    for path, others in form.aliases.items():
        if key_of(cell) in {key_of(other) for other in others}:
            return path
    return cell
