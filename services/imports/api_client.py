"""The API of imports, as the command line uses it."""

import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Self

import httpx

API = "/api/imports/v1"
PATIENCE_SECONDS = 120.0


class Trouble(Exception):
    """Why it cannot be done, in one sentence for a person."""


class NotPermitted(Trouble):
    """This person may not do that."""


class Api:
    """The API of imports; every refusal becomes Trouble with its sentence."""

    def __init__(self, address: str, token: str) -> None:
        self.address = address
        self.http = httpx.Client(
            base_url=f"{address.rstrip('/')}{API}",
            headers={"Authorization": f"Bearer {token}", "Accept": "application/json"},
            timeout=httpx.Timeout(60, connect=5),
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.http.close()

    def upload(self, kind: str, path: Path) -> dict[str, Any]:
        """Send the file; memory stays flat."""
        headers = {"Content-Type": "text/csv", "Idempotency-Key": uuid.uuid4().hex}
        with path.open("rb") as file:
            query = {"kind": kind, "filename": path.name}
            return self._answer(
                self._send("POST", "/uploads", params=query, content=file, headers=headers, timeout=600)
            )

    def call(self, method: str, path: str, **what: Any) -> dict[str, Any]:
        """Return the answer; wait for a part that does not answer just now, as during a restart."""
        until = time.monotonic() + PATIENCE_SECONDS
        while True:
            try:
                response = self._send(method, path, **what)
            except Trouble:
                if method != "GET" or time.monotonic() > until:
                    raise
            else:
                if response.status_code not in (502, 503, 504) or time.monotonic() > until:
                    return self._answer(response)
            time.sleep(1)

    def download(self, path: str) -> Iterator[bytes]:
        """Give a file piece by piece."""
        try:
            with self.http.stream("GET", path, timeout=600) as response:
                if response.is_error:
                    response.read()
                    raise _trouble_of(response)
                yield from response.iter_bytes()
        except httpx.HTTPError as error:
            raise Trouble(f"the download broke off ({type(error).__name__}). Try again.") from error

    def _send(self, method: str, path: str, **what: Any) -> httpx.Response:
        try:
            return self.http.request(method, path, **what)
        except httpx.HTTPError as error:
            raise Trouble(f"{self.address} does not answer ({type(error).__name__}). Is Liaison running?") from error

    def _answer(self, response: httpx.Response) -> dict[str, Any]:
        if response.is_success and "json" in response.headers.get("Content-Type", ""):
            return dict(response.json())
        raise _trouble_of(response)


def _trouble_of(response: httpx.Response) -> Trouble:
    if response.status_code == 401:
        return Trouble("the access token is not valid. Make a new one with ./liaison token USER.")
    try:
        problem = response.json()
    except ValueError:
        problem = {}
    sentence = problem.get("detail") or f"the answer was {response.status_code}, which was not expected."
    words = [f"{where}: {word}" for where, all_words in problem.get("errors", {}).items() for word in all_words]
    kind = NotPermitted if response.status_code == 403 else Trouble
    return kind(" ".join([sentence, *(word for word in words if not word.endswith(sentence))]))
