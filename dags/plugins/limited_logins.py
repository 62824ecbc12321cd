"""Limit wrong passwords at Airflow, whose simple log-in allows unlimited attempts.

Airflow has one account, so one counter is enough. Attempts in flight count as wrong until they are answered, or many at once would get
past the limit; logged-in sessions are not affected. The API server is one process, which keeps the counter in memory.
"""

import time
from collections import deque
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any  # ASGI's own messages

from airflow.plugins_manager import AirflowPlugin

WRONG_PASSWORDS = 10
WAIT_SECONDS = 900.0
LOGIN = "/auth/token"
UNAUTHORIZED = 401
REFUSAL = b'{"detail": "Too many wrong passwords; try again in 15 minutes."}'

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Message, Receive, Send], Awaitable[None]]


class LimitedLogins:
    """ASGI middleware that refuses log-ins for a while after too many wrong passwords."""

    def __init__(self, app: Application) -> None:
        self._app = app
        self._wrong_at: deque[float] = deque()
        self._under_way = 0

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Pass every request on, except log-ins while they are refused."""
        if scope["type"] != "http" or scope["method"] != "POST" or LOGIN not in scope["path"]:
            await self._app(scope, receive, send)
            return
        while self._wrong_at and self._wrong_at[0] < time.monotonic() - WAIT_SECONDS:
            self._wrong_at.popleft()
        if len(self._wrong_at) + self._under_way >= WRONG_PASSWORDS:
            headers = [(b"content-type", b"application/json"), (b"retry-after", str(int(WAIT_SECONDS)).encode())]
            await send({"type": "http.response.start", "status": 429, "headers": headers})
            await send({"type": "http.response.body", "body": REFUSAL})
            return

        async def count(message: Message) -> None:
            if message["type"] == "http.response.start" and message["status"] == UNAUTHORIZED:
                self._wrong_at.append(time.monotonic())
            await send(message)

        self._under_way += 1
        try:
            await self._app(scope, receive, count)
        finally:
            self._under_way -= 1


class LimitedLoginsPlugin(AirflowPlugin):  # type: ignore[misc, unused-ignore]
    """Registers the middleware with Airflow."""

    name = "limited_logins"
    fastapi_root_middlewares = [{"name": "limited log-ins", "middleware": LimitedLogins}]  # noqa: RUF012  Airflow's form
