"""Superset's configuration as a Python module: secrets of this stack, a hardened connection, Vietnamese, nothing loaded from outside.

All values come from the settings. Superset reads the module's upper-case names.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any  # Superset passes its own dictionaries through the mutator
from urllib.parse import quote

from arrival import leave_welcome, with_pages
from drilling import label_metrics
from drivers import DRIVER, allow_only_duckdb
from exports import escape_exports
from flask import (  # type: ignore[import-not-found, unused-ignore]
    Blueprint,
    Flask,
    Response,
    request,
    send_file,
    session,
)
from logins import SESSION_LIFETIME, Accounts, guard_logins, refuse_weak_password
from marts_dialect import MartsConnection, register_marts
from tracking import remove_tracking

from core.errors import ConfigurationError
from core.settings import PROJECT, Settings

_settings = Settings()

# The metadata of Superset itself
SECRET_KEY = _settings.reveal("superset_secret_key")
GUEST_TOKEN_JWT_SECRET = _settings.reveal("superset_guest_token_secret")
GLOBAL_ASYNC_QUERIES_JWT_SECRET = _settings.reveal("superset_async_queries_secret")
SQLALCHEMY_DATABASE_URI = (
    f"postgresql+psycopg2://{quote(_settings.postgres_superset_user)}:"
    f"{quote(_settings.reveal('postgres_superset_password'), safe='')}@{_settings.postgres_host}:{_settings.postgres_port}/superset"
)
SQLALCHEMY_ENGINE_OPTIONS = {"pool_size": 4, "max_overflow": 8, "pool_pre_ping": True}

# The marts: one hardened DuckDB instance per process, whatever the database URI in the metadata says
register_marts(_settings)


def DB_CONNECTION_MUTATOR(uri: Any, params: dict[str, Any], *_: object) -> tuple[Any, dict[str, Any]]:  # noqa: N802
    """Connect every DuckDB URI to the released marts, so that nobody opens another database in this process; refuse all others."""
    if uri.drivername != DRIVER:
        raise ConfigurationError(
            f"superset: expected a {DRIVER}:// URI, got {uri.drivername}://; use the database of the project"
        )
    return uri, {**params, "creator": MartsConnection}


PREVENT_UNSAFE_DB_CONNECTIONS = True


def FLASK_APP_MUTATOR(application: Flask) -> None:  # noqa: N802
    """Change what Superset has no settings for."""
    allow_only_duckdb()
    escape_exports(application)
    guard_logins(application)
    remove_tracking(application)
    label_metrics()


ROW_LIMIT = 10_000
SQL_MAX_ROW = DISPLAY_MAX_ROW = 50_000
DEFAULT_SQLLAB_LIMIT = 1_000
SQLLAB_TIMEOUT = SUPERSET_WEBSERVER_TIMEOUT = (
    _settings.sql_seconds + 10
)  # our own limit applies first; see lake/limits.py

# An answer is computed once per release (release_cache.py), and again where a period of days may have moved on; see also bundle.py.
# A page that refreshes itself takes answers from the cache, too
CACHE_SECONDS = 300
CACHE_CONFIG: dict[str, object] = {"CACHE_TYPE": "SimpleCache", "CACHE_DEFAULT_TIMEOUT": 300, "CACHE_THRESHOLD": 500}
DATA_CACHE_CONFIG: dict[str, object] = {
    **CACHE_CONFIG,
    "CACHE_TYPE": "release_cache.ReleaseCache",
    "CACHE_DEFAULT_TIMEOUT": CACHE_SECONDS,
}
DASHBOARD_AUTO_REFRESH_MODE = "fetch"

# Vietnamese. Superset ships no Vietnamese translation: the words that readers of dashboards see are in translations/vi.json
BABEL_DEFAULT_LOCALE = "vi"
LANGUAGES = {"vi": {"flag": "vn", "name": "Tiếng Việt"}, "en": {"flag": "us", "name": "English"}}
D3_FORMAT = {"decimal": ",", "thousands": ".", "grouping": [3], "currency": ["", " ₫"]}
D3_TIME_FORMAT = {
    "dateTime": "%H:%M:%S %d/%m/%Y",
    "date": "%d/%m/%Y",
    "time": "%H:%M:%S",
    "periods": ["SA", "CH"],
    "days": ["Chủ nhật", "Thứ hai", "Thứ ba", "Thứ tư", "Thứ năm", "Thứ sáu", "Thứ bảy"],
    "shortDays": ["CN", "T2", "T3", "T4", "T5", "T6", "T7"],
    "months": [f"Tháng {month}" for month in range(1, 13)],
    "shortMonths": [f"Th{month}" for month in range(1, 13)],
}
WORDS = PROJECT / "superset" / "translations" / "vi.json"
_words = Blueprint("vietnamese", __name__)


@_words.route("/superset/language_pack/vi/")  # type: ignore[untyped-decorator, unused-ignore]
def vietnamese() -> Response:
    """Serve the Vietnamese words, for which Superset would answer 404."""
    return send_file(WORDS, mimetype="application/json")


_reports = Blueprint("reports", __name__)


@_reports.before_app_request  # type: ignore[untyped-decorator, unused-ignore]
def leave_sessions_alone() -> Response | None:
    """Discard a page's usage reports sent before anybody has logged in.

    The log-in page's last report can arrive after the log-in. Superset would redirect it to the log-in page with a new session, and the
    browser would lose the session that had just begun.
    """
    if request.path == "/superset/log/" and "_user_id" not in session:
        return Response(status=204)
    return None


_looks = Blueprint("looks", __name__, static_folder="looks", static_url_path="/looks")
_arrival = Blueprint("arrival", __name__)
_arrival.before_app_request(leave_welcome)

BLUEPRINTS = [_words, _reports, _looks, _arrival]


def COMMON_BOOTSTRAP_OVERRIDES_FUNC(page: dict[str, Any]) -> dict[str, Any]:  # noqa: N802
    """List the pages in the menu, and translate it, since its labels come from the server."""
    menu = {**page["menu_data"], "menu": with_pages(page["menu_data"]["menu"], str(page["locale"]))}
    if page["locale"] == "vi":
        pack = json.loads(WORDS.read_text(encoding="utf-8"))["locale_data"]["superset"]
        _translate(menu["menu"], pack)
    return {"menu_data": menu}


def _translate(entries: list[Any], pack: Mapping[str, list[str]]) -> None:
    for entry in entries:
        if isinstance(entry, dict) and entry.get("label") in pack:
            entry["label"] = pack[entry["label"]][0]
        if isinstance(entry, dict):
            _translate(entry.get("childs", []), pack)


# Looks. One theme, since the colours of levels are chosen for a white ground
APP_NAME = "IOC"
APP_ICON = "/looks/mark.svg"
FAVICONS = [{"href": APP_ICON, "type": "image/svg+xml"}]
LOGO_RIGHT_TEXT = "Trung tâm điều hành"
LOGO_TOOLTIP = "Trung tâm Giám sát, điều hành thông minh (IOC)"
THEME_DEFAULT = {
    "token": {
        "brandAppName": APP_NAME,
        "brandLogoAlt": APP_NAME,
        "brandLogoUrl": APP_ICON,
        "brandLogoMargin": "18px 0",
        "brandLogoHref": "/",
        "brandLogoHeight": "28px",
        "colorPrimary": "#1f6fb2",
        "colorLink": "#1f6fb2",
        "fontUrls": [],
    },
    "algorithm": "default",
}
THEME_DARK = None
EXTRA_CATEGORICAL_COLOR_SCHEMES = [
    {
        "id": "ioc",
        "description": "Màu của IOC",
        "label": "IOC",
        "isDefault": True,
        "colors": ["#1f6fb2", "#f2a900", "#2a9d6f", "#c8443a", "#7a5ea8", "#4fb3bf", "#8c6d4f", "#5b6b7b"],
    }
]

# Nothing from outside: no tiles, fonts, tracking pixels or mail; the browser blocks whatever a page still requests
MAPBOX_API_KEY = ""
ENABLE_CORS = False
ENABLE_UI_THEME_ADMINISTRATION = False
THEME_FONT_URL_ALLOWED_DOMAINS: list[str] = []
TALISMAN_ENABLED = True
TALISMAN_CONFIG: Mapping[str, object] = {
    "content_security_policy": {
        "base-uri": ["'self'"],
        "default-src": ["'self'"],
        "img-src": ["'self'", "blob:", "data:"],
        "worker-src": ["'self'", "blob:"],
        "connect-src": ["'self'"],
        "object-src": "'none'",
        "style-src": ["'self'", "'unsafe-inline'"],
        "font-src": ["'self'"],
        "script-src": ["'self'", "'strict-dynamic'"],
    },
    "content_security_policy_nonce_in": ["script-src"],
    "force_https": False,  # TLS ends at the proxy in front of us
    "session_cookie_secure": _settings.tls_in_front,
}
SESSION_COOKIE_SECURE = REMEMBER_COOKIE_SECURE = GLOBAL_ASYNC_QUERIES_JWT_COOKIE_SECURE = _settings.tls_in_front
ENABLE_PROXY_FIX = _settings.tls_in_front  # the proxy forwards the scheme and the client's address
PERMANENT_SESSION_LIFETIME = JWT_REFRESH_TOKEN_EXPIRES = SESSION_LIFETIME
SESSION_COOKIE_SAMESITE = "Lax"
TALISMAN_DEV_CONFIG = TALISMAN_CONFIG
DATASET_IMPORT_ALLOWED_DATA_URLS: list[str] = []
FEATURE_FLAGS = {
    "ALERT_REPORTS": False,
    "DASHBOARD_RBAC": False,
    "DRILL_BY": True,
    "DRILL_TO_DETAIL": True,  # without it no chart has a menu to drill by; whoever may not see samples is not offered it
    "EMBEDDABLE_CHARTS": False,
    "ENABLE_TEMPLATE_PROCESSING": False,
    "FILTERBAR_CLOSED_BY_DEFAULT": True,
    "SQLLAB_BACKEND_PERSISTENCE": True,
}
CUSTOM_SECURITY_MANAGER = Accounts
FAB_PASSWORD_COMPLEXITY_ENABLED = True
FAB_PASSWORD_COMPLEXITY_VALIDATOR = refuse_weak_password
SQLLAB_CTAS_NO_LIMIT = False
ALLOWED_EXTENSIONS: set[str] = set()
UPLOAD_FOLDER = str(Path(_settings.home_folder) / "superset" / "uploads")
