"""Serve Superset's scripts without the address of their maker's tracking pixel.

Every page with a menu asks a server of the maker for an image whose address says which version runs. The choice not to is made when the
scripts are built (SCARF_ANALYTICS), and the released ones are built with it. The content security policy blocks the image, but a page that
shows nothing from outside should not ask for it either.
"""

import re
from functools import cache
from pathlib import Path
from typing import Any  # views are Flask's own

from flask import Flask, Response  # type: ignore[import-not-found, unused-ignore]

PIXEL = re.compile(rb"https://[\w.-]+\.scarf\.sh/pixel/[^`\"']*")
NOTHING = b"data:image/gif;base64,R0lGODlhAQABAAAAACw="
"""An image of one transparent dot, in place of the address."""


def without_pixel(script: bytes) -> bytes:
    """Return a script with the empty image wherever it names the pixel."""
    return PIXEL.sub(NOTHING, script)


def remove_tracking(application: Flask) -> None:
    """Serve every script that names the pixel without it, and all other files as they are."""
    serve, folder = application.view_functions["static"], Path(str(application.static_folder))

    @cache
    def has_pixel(name: str) -> bool:
        path = folder / name
        return path.suffix == ".js" and path.is_file() and PIXEL.search(path.read_bytes()) is not None

    def static(filename: str, **others: Any) -> Response:
        response = serve(filename=filename, **others)
        if response.status_code == 200 and has_pixel(filename):
            response.direct_passthrough = False
            response.set_data(without_pixel(response.get_data()))
        return response

    application.view_functions["static"] = static
