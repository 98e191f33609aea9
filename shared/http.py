"""Calls from one service to another: signed, with short timeouts and the request id."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx
from flask import current_app

from shared.errors import DomainError, NotFound, Unavailable
from shared.identity import sign_service
from shared.observe import REQUEST_ID, request_id
from shared.settings import Settings

CONNECT_SECONDS = 3.0


class ServiceUnavailable(Unavailable):
    """Another service did not answer, or not sensibly; the same call may go through later.

    `away` is what people call the one that is away, which may be one `behind` that peer.
    """

    code = "service_unavailable"

    def __init__(self, peer: str, reason: str, behind: str = "") -> None:
        self.away = behind or peer.removesuffix("_bulk")
        super().__init__(f"The {self.away} service does not answer just now ({reason}).", extra={"away": self.away})
        self.peer = peer
        self.reason = reason


class CallRefused(DomainError):
    """Another service refused the call for good; `status` and `code` are its own."""

    def __init__(self, peer: str, status: int, problem: dict[str, Any]) -> None:
        super().__init__(
            problem.get("detail") or f"The {peer.removesuffix('_bulk')} service refused this ({status}).", extra={}
        )
        self.status = status  # type: ignore[misc]
        self.code = problem.get("code", "refused")  # type: ignore[misc]
        self.problem = problem


class ServiceClient:
    """A client for one peer. Keep one per process: it pools its connections."""

    def __init__(self, settings: Settings, peer: str, *, seconds: float = 10.0) -> None:
        self.settings = settings
        self.peer = peer
        self.audience = peer.removesuffix("_bulk")
        self.http = httpx.Client(
            base_url=settings.urls[peer], timeout=httpx.Timeout(seconds, connect=CONNECT_SECONDS), trust_env=False
        )

    def get(self, path: str, *, seconds: float | None = None, **params: Any) -> Any:
        """Return the JSON answer of a GET; `seconds` and errors as those of `post`."""
        return self._call("GET", path, params=params, timeout=self._limit(seconds))

    def post(
        self,
        path: str,
        *,
        json: Any = None,
        content: bytes | None = None,
        headers: dict[str, str] | None = None,
        seconds: float | None = None,
    ) -> Any:
        """Return the JSON answer of a POST; raise ServiceUnavailable (try later), NotFound or CallRefused.

        `seconds` is how long to wait for it, where that is not as long as usual.
        """
        about = {"json": json, "content": content, "headers": headers or {}}
        return self._call("POST", path, **about, timeout=self._limit(seconds))

    @contextmanager
    def stream(self, path: str, *, json: Any) -> Iterator[Iterator[bytes]]:
        """Give the answer of a POST as it comes; what breaks in the middle is ServiceUnavailable too."""
        try:
            with self.http.stream("POST", path, json=json, headers=self._headers()) as response:
                if response.is_error:
                    response.read()
                    self._raise_for(response)
                yield response.iter_bytes()
        except httpx.HTTPError as error:
            raise ServiceUnavailable(self.peer, type(error).__name__) from error

    def _limit(self, seconds: float | None) -> httpx.Timeout:
        if seconds is None:
            return self.http.timeout
        return httpx.Timeout(seconds, connect=min(seconds, CONNECT_SECONDS))

    def _headers(self) -> dict[str, str]:
        token = sign_service(self.settings.keys_dir, self.settings.service, self.audience)
        return {"Authorization": f"Bearer {token}", REQUEST_ID: request_id()}

    def _call(self, method: str, path: str, *, headers: dict[str, str] | None = None, **kwargs: Any) -> Any:
        try:
            response = self.http.request(method, path, headers=self._headers() | (headers or {}), **kwargs)
        except httpx.HTTPError as error:
            raise ServiceUnavailable(self.peer, type(error).__name__) from error
        self._raise_for(response)
        return response.json() if response.content else None

    def _raise_for(self, response: httpx.Response) -> None:
        if response.status_code >= 500 or response.status_code == 429:
            raise ServiceUnavailable(self.peer, str(response.status_code), self._behind(response))
        if response.status_code >= 400:
            problem = response.json() if "json" in response.headers.get("Content-Type", "") else {}
            if response.status_code == 404:
                raise NotFound(problem.get("detail") or "There is no such thing.")
            raise CallRefused(self.peer, response.status_code, problem)

    def _behind(self, response: httpx.Response) -> str:
        """Return which service is away where the peer says that it is another one."""
        try:
            problem = response.json() if "json" in response.headers.get("Content-Type", "") else {}
        except ValueError:
            return ""
        return str(problem.get("away", "")) if isinstance(problem, dict) else ""


def client_of(peer: str, *, seconds: float) -> ServiceClient:
    """Return the one client of this app for a peer, which waits so long for an answer."""
    settings: Settings = current_app.extensions["liaison.settings"]
    name = f"{settings.service}.{peer}"
    if name not in current_app.extensions:
        current_app.extensions[name] = ServiceClient(settings, peer, seconds=seconds)
    client: ServiceClient = current_app.extensions[name]
    return client
