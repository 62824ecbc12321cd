"""Log-ins and sessions: wrong passwords are limited, passwords have a minimum length, a log-out ends every session.

The form and the API share one check of the password, where wrong passwords are limited per account and per address. Superset's sessions
are signed cookies and tokens that are valid until they expire, so each carries a seal: the time of its log-in, and a hash of the password
it was made with. A log-out stores its time for the account; a seal from before, or of an earlier password, is no longer valid, wherever
it was copied to. The times are kept in Superset's own store on the metadata database.
"""

import time
from collections.abc import Mapping
from datetime import timedelta
from hashlib import sha256
from http import HTTPStatus
from typing import Any  # users and tokens are Flask-AppBuilder's own
from uuid import UUID

from flask import Flask, Response, g, request, session  # type: ignore[import-not-found, unused-ignore]
from flask_appbuilder.exceptions import (  # type: ignore[import-not-found, import-untyped, unused-ignore]
    PasswordComplexityValidationError,
)
from flask_jwt_extended import (  # type: ignore[import-not-found, import-untyped, unused-ignore]
    JWTManager,
    verify_jwt_in_request,
)
from flask_login import user_logged_in  # type: ignore[import-not-found, import-untyped, unused-ignore]
from limits import (  # type: ignore[import-not-found, import-untyped, unused-ignore]
    RateLimitItem,
    RateLimitItemPerMinute,
)
from limits.storage import MemoryStorage  # type: ignore[import-not-found, import-untyped, unused-ignore]
from limits.strategies import MovingWindowRateLimiter  # type: ignore[import-not-found, import-untyped, unused-ignore]
from superset.extensions.metastore_cache import (  # type: ignore[import-not-found, unused-ignore]
    SupersetMetastoreCache,
)
from superset.key_value.types import JsonKeyValueCodec  # type: ignore[import-not-found, unused-ignore]
from superset.security import SupersetSecurityManager  # type: ignore[import-not-found, unused-ignore]

WAIT_MINUTES = 15
PER_ACCOUNT = RateLimitItemPerMinute(10, WAIT_MINUTES, "wrong passwords of an account")
PER_ADDRESS = RateLimitItemPerMinute(50, WAIT_MINUTES, "wrong passwords from an address")
"""Passwords of one account cannot be guessed, nor those of many accounts from one address, which a whole office may share."""

LEAST_CHARACTERS = 12
LEAST_DIFFERENT_CHARACTERS = 5
SESSION_LIFETIME = timedelta(hours=12)
SEAL = "ioc_seal"
WORDS_TO_WAIT = (
    f"Sai mật khẩu quá nhiều lần; xin thử lại sau {WAIT_MINUTES} phút.\n"
    f"Too many wrong passwords; try again in {WAIT_MINUTES} minutes.\n"
)

_wrong = MovingWindowRateLimiter(MemoryStorage())  # in memory: only this process checks passwords
_log_outs = SupersetMetastoreCache(
    UUID("9d4cf7a8-3f0e-5d52-8a55-0c7b3b0d6a11"), JsonKeyValueCodec(), int(SESSION_LIFETIME.total_seconds()) + 60
)
"""When each account last logged out; kept until every earlier session has expired."""


class Accounts(SupersetSecurityManager):  # type: ignore[misc, unused-ignore]
    """Superset's accounts, with limits on wrong passwords and sessions that can be ended."""

    def auth_user_db(self, username: str, password: str) -> Any:
        """Check a password; after too many wrong ones from the account or address, refuse even the right one."""
        if (
            "\0" in username + password
        ):  # never in a name, and a password would be accepted with or without it at the end
            return None
        limits = self._limits_of(username)
        if not all(_wrong.test(limit, key) for limit, key in limits):
            g.has_to_wait = True
            return None
        user = super().auth_user_db(username, password)
        if user is None:
            for limit, key in limits:
                _wrong.hit(limit, key)
        return user

    def load_user(self, pk: int) -> Any:
        """Return the account of a cookie with a valid seal."""
        user = super().load_user(pk)
        return user if user and _is_in_force(session.get(SEAL), user) else None

    def load_user_jwt(self, _header: object, claims: Mapping[str, Any]) -> Any:
        """Return the account of a token with a valid seal."""
        user = self.get_user_by_id(int(claims["sub"]))
        if not user or not user.is_active or not _is_in_force(claims.get(SEAL), user):
            return None
        g.user = user
        return user

    def create_jwt_manager(self, app: Flask) -> JWTManager:
        """Add the seal to every token."""
        manager = super().create_jwt_manager(app)
        manager.additional_claims_loader(lambda identity: {SEAL: _seal(self.get_user_by_id(int(identity)))})
        return manager

    def on_user_logout(self, user: Any) -> None:
        """End every session of the account, on all machines."""
        _log_outs.set(str(user.id), time.time())

    def _limits_of(self, username: str) -> list[tuple[RateLimitItem, str]]:
        """Return the limits that apply; an account counts as one whether given by name in any case, or by e-mail address."""
        account = username and (self.find_user(username=username) or self.find_user(email=username))
        of_account = [(PER_ACCOUNT, str(account.id))] if account else []
        return [(PER_ADDRESS, request.remote_addr or "unknown"), *of_account]


def refuse_weak_password(password: str) -> None:
    """Raise an error for a password that is too short, or repeats a few characters."""
    if len(password) < LEAST_CHARACTERS or len(set(password)) < LEAST_DIFFERENT_CHARACTERS:
        raise PasswordComplexityValidationError(
            f"password: expected at least {LEAST_CHARACTERS} characters, {LEAST_DIFFERENT_CHARACTERS} of them different, "
            f"got {len(password)}, {len(set(password))} of them different"
        )


def guard_logins(application: Flask) -> None:
    """Seal sessions, allow log-out by token, and answer 429 when somebody has to wait."""
    user_logged_in.connect(_seal_session, application)
    application.before_request(_log_out_by_token)
    application.after_request(_say_wait)


def _seal(user: Any) -> dict[str, str | float]:
    return {"at": time.time(), "password": _print_of(user)}


def _print_of(user: Any) -> str:
    return sha256(str(user.password).encode()).hexdigest()[:32]


def _is_in_force(seal: Any, user: Any) -> bool:
    if not isinstance(seal, dict) or seal.get("password") != _print_of(user):
        return False
    logged_in_at, logged_out_at = float(seal["at"]), float(_log_outs.get(str(user.id)) or 0)
    return logged_out_at < logged_in_at and time.time() < logged_in_at + SESSION_LIFETIME.total_seconds()


def _seal_session(_application: Flask, user: Any) -> None:
    session.pop("csrf_token", None)  # an attacker could have planted the cookie that held it
    session[SEAL] = _seal(user)


def _log_out_by_token() -> None:
    if request.path == "/logout/" and "Authorization" in request.headers:
        verify_jwt_in_request()


def _say_wait(response: Response) -> Response:
    if not g.get("has_to_wait"):
        return response
    headers = {"Retry-After": str(WAIT_MINUTES * 60)}
    return Response(WORDS_TO_WAIT, HTTPStatus.TOO_MANY_REQUESTS, headers, mimetype="text/plain")
