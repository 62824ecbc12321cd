"""The time of an export, as it is in the name of its file.

`HocSinh_46-01_20261115.xlsx`, `HocSinh_20261115_1730.xlsx`: local time (UTC+7).
"""

import re
from datetime import datetime

from core.errors import DeliveryError
from core.table_forms import Form

EXPORTED = re.compile(r"(?<!\d)(20\d{6})(?:[T_-]?(\d{4})(?:\d\d)?)?(?!\d)")


def time_in_name(source_name: str) -> str | None:
    """Return the local time (UTC+7) in a file's name, ISO 8601; None if there is none."""
    for day, minute in EXPORTED.findall(source_name):
        try:
            return datetime.strptime(f"{day}{minute or '0000'}", "%Y%m%d%H%M").strftime("%Y-%m-%dT%H:%M:00+07:00")  # noqa: DTZ007
        except ValueError:
            continue
    return None


def find_file_time(source_name: str, form: Form, feed: str, delivery: int) -> str | None:
    """Return the time in a delivery's name; raise DeliveryError if there is none and the form needs it."""
    found = time_in_name(source_name)
    if found is None and form.needs_file_time:
        raise DeliveryError(
            f"{feed}: expected a file name with the day of the export, yyyymmdd, got one without; "
            "rename the file and send it again",
            reason="file_name_without_date",
            delivery=delivery,
        )
    return found
