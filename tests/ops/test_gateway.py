"""gateway/Caddyfile in the real Caddy, before servers that answer with what reached them."""

import http.client
import json
import os
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from ops.place import BIN, ROOT
from tests.ops.copies import eventually, free_base
from tests.ops.upstreams import Upstream, serving

NAMES = ("portal", "customers", "associates", "imports", "imports_stream")
FILE = ROOT / "gateway/Caddyfile"
SIGNED_IN = {"Cookie": "session=ok"}


@dataclass
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class Gateway:
    port: int
    behind: dict[str, Upstream]

    def ask(self, path: str, method: str = "GET", body: Any = None, **headers: str) -> Answer:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        try:
            connection.request(method, path, body, {name.replace("_", "-"): value for name, value in headers.items()})
            answer = connection.getresponse()
            return Answer(answer.status, {k.lower(): v for k, v in answer.getheaders()}, answer.read())
        finally:
            connection.close()

    def begin_upload(self, path: str, length: str) -> Answer:
        """Announce a body of that length, send its beginning, and return what is answered to that."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        try:
            connection.putrequest("POST", path)
            connection.putheader("Content-Length", length)
            connection.endheaders(b"x" * 500_000)
            answer = connection.getresponse()
            return Answer(answer.status, {k.lower(): v for k, v in answer.getheaders()}, answer.read())
        finally:
            connection.close()

    def signed_in(self, path: str, method: str = "GET", body: Any = None, **headers: str) -> Answer:
        return self.ask(path, method, body, **SIGNED_IN, **headers)


def environment(base: int) -> dict[str, str]:
    ports = {name.upper(): f"127.0.0.1:{base + 2 + number}" for number, name in enumerate(NAMES)}
    return {
        **os.environ,
        "GATEWAY_SITE": f"http://:{base}",
        "GATEWAY_BIND": "127.0.0.1",
        "GATEWAY_PROBE_PORT": str(base + 1),
        "GATEWAY_PATIENCE": "300ms",
        "GATEWAY_ASSETS": str(ROOT / "node_modules"),
        "GATEWAY_STATIC": str(ROOT / "shared/ui/static"),
        "GATEWAY_ERRORS": str(ROOT / "gateway/errors"),
        **ports,
    }


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    base = free_base()
    folder = tmp_path_factory.mktemp("caddy")
    with ExitStack() as stack:
        behind = {name: stack.enter_context(serving(name, base + 2 + n)) for n, name in enumerate(NAMES)}
        log = stack.enter_context((folder / "log").open("w"))
        process = subprocess.Popen(
            [BIN / "caddy", "run", "--config", FILE, "--adapter", "caddyfile"],
            env=environment(base) | {"XDG_DATA_HOME": str(folder), "XDG_CONFIG_HOME": str(folder)},
            stdout=log,
            stderr=log,
        )
        stack.callback(process.wait)
        stack.callback(process.terminate)
        made = Gateway(base, behind)
        eventually(lambda: listens(made))
        yield made


def listens(gateway: Gateway) -> bool:
    try:
        return gateway.ask("/healthz").status == 200
    except OSError:
        return False


@pytest.mark.parametrize(
    ("path", "by"),
    [
        ("/", "portal"),
        ("/settings/users", "portal"),
        ("/account/password", "portal"),
        ("/api/portal/v1/users", "portal"),
        ("/customersx", "portal"),
        ("/customers", "customers"),
        ("/customers/17?tab=notes", "customers"),
        ("/api/customers/v1/accounts", "customers"),
        ("/associates/fragments/x", "associates"),
        ("/api/associates/v1", "associates"),
        ("/imports", "imports"),
        ("/imports/17", "imports"),
        ("/api/imports/v1/jobs/17", "imports"),
    ],
)
def test_request_when_signed_in_goes_to_its_service(gateway: Gateway, path: str, by: str) -> None:
    answer = gateway.signed_in(path, Liaison_Identity="forged", X_Request_Id="mine")
    assert (answer.status, answer.json["by"], answer.json["path"]) == (200, by, path)
    headers = answer.json["headers"]
    assert headers["liaison-identity"] == "signed"
    assert headers["x-request-id"] != "mine"
    assert headers["x-request-id"] == answer.headers["x-request-id"]


@pytest.mark.parametrize("name", ["Liaison-Identity", "liaison-identity", "Liaison_Identity", "LIAISON-KIND"])
def test_identity_when_the_client_sends_its_own_is_dropped(gateway: Gateway, name: str) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", gateway.port, timeout=10)
    for path in ("/customers", "/sign-in", "/api/portal/v1/sign-in"):
        connection.request("GET", path, headers={name: "forged", **SIGNED_IN})
        answer = connection.getresponse().read()
        assert b"forged" not in answer, path
    connection.close()


def test_page_when_not_signed_in_is_sent_to_sign_in(gateway: Gateway) -> None:
    answer = gateway.ask("/customers?q=a", Liaison_Identity="forged")
    assert (answer.status, answer.headers["location"]) == (303, "/sign-in?next=/customers?q=a")
    assert not [one for one in gateway.behind["customers"].requests if "?q=a" in one]


def test_api_when_not_signed_in_gets_portals_problem(gateway: Gateway) -> None:
    answer = gateway.ask("/api/customers/v1/accounts")
    assert (answer.status, answer.json["code"]) == (401, "unauthorized")


@pytest.mark.parametrize("path", ["/sign-in", "/api/portal/v1/sign-in"])
def test_sign_in_when_nobody_is_signed_in_is_open(gateway: Gateway, path: str) -> None:
    answer = gateway.ask(path, "POST", "name=a")
    assert (answer.status, answer.json["by"], answer.json["length"]) == (200, "portal", 6)


@pytest.mark.parametrize(
    "path",
    ["/internal", "/internal/identity", "/internal/events?after=1", "//internal/identity", "/x/../internal/identity"],
)
def test_internal_address_when_asked_from_outside_is_not_there(gateway: Gateway, path: str) -> None:
    before = len(gateway.behind["portal"].requests)
    answer = gateway.signed_in(path)
    assert answer.status == 404
    assert b"There is nothing here" in answer.body
    assert [one for one in gateway.behind["portal"].requests[before:] if "/healthz" not in one] == []


def test_answer_when_sent_carries_the_rules_for_browsers(gateway: Gateway) -> None:
    for path in ("/customers", "/healthz", "/internal", "/static/liaison.css"):
        headers = gateway.signed_in(path).headers
        assert headers["content-security-policy"].startswith("default-src 'self'; img-src 'self' data:"), path
        assert "unsafe" not in headers["content-security-policy"]
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "same-origin"
        assert "server" not in headers
        assert "via" not in headers
        assert headers["x-request-id"]


@pytest.mark.parametrize(
    "path",
    [
        "/assets/@tabler/core/dist/css/tabler.min.css",
        "/assets/htmx.org/dist/htmx.min.js",
        "/assets/@fontsource-variable/inter/wght.css",
        "/assets/swagger-ui-dist/swagger-ui.css",
        "/static/liaison.css",
    ],
)
def test_file_when_public_is_served_and_cached(gateway: Gateway, path: str) -> None:
    answer = gateway.ask(path)
    assert answer.status == 200
    assert "max-age" in answer.headers["cache-control"]


@pytest.mark.parametrize("path", ["/assets/axe-core/axe.min.js", "/assets/.package-lock.json", "/assets/", "/static/"])
def test_file_when_it_is_no_asset_of_a_page_is_not_served(gateway: Gateway, path: str) -> None:
    assert gateway.ask(path).status == 404


def test_text_when_the_client_can_unpack_is_packed(gateway: Gateway) -> None:
    answer = gateway.ask("/assets/htmx.org/dist/htmx.min.js", Accept_Encoding="gzip")
    assert answer.headers["content-encoding"] == "gzip"


@pytest.mark.parametrize(
    "path",
    [
        "/imports/0197-a/events",
        "/api/imports/v1/jobs/0197-a/events",
        "/imports/exports/0197-a/events",
        "/api/imports/v1/exports/0197-a/events",
    ],
)
def test_progress_when_watched_comes_at_once_from_the_stream_process(gateway: Gateway, path: str) -> None:
    upstream = gateway.behind["imports_stream"]
    upstream.release.clear()
    connection = http.client.HTTPConnection("127.0.0.1", gateway.port, timeout=10)
    connection.request("GET", path, headers=SIGNED_IN)
    answer = connection.getresponse()
    assert answer.readline() == b"data: first\n"  # while the upstream still holds the stream open
    upstream.release.set()
    assert b"data: from imports_stream" in answer.read()
    connection.close()


@pytest.mark.parametrize(
    ("path", "size"),
    [("/imports/files", 20_000_000), ("/api/imports/v1/uploads", 20_000_000), ("/customers/select", 7_999_999)],
)
def test_body_when_large_is_passed_on(gateway: Gateway, path: str, size: int) -> None:
    answer = gateway.signed_in(path, "POST", b"x" * size)
    assert (answer.status, answer.json["length"]) == (200, size)


@pytest.mark.parametrize("path", ["/sign-in", "/api/portal/v1/sign-in"])
def test_sign_in_when_its_body_is_no_sign_in_is_refused(gateway: Gateway, path: str) -> None:
    assert gateway.ask(path, "POST", b"x" * 60_000).status == 200
    assert gateway.ask(path, "POST", b"x" * 70_000).status == 413


def test_body_when_announced_too_large_is_refused_at_once(gateway: Gateway) -> None:
    answer = gateway.begin_upload("/api/imports/v1/jobs", "8000000")
    assert (answer.status, answer.json["code"], answer.json["status"]) == (413, "too_large", 413)
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json["request_id"] == answer.headers["x-request-id"]
    page = gateway.begin_upload("/imports", "1000000000")
    assert page.status == 413
    assert b"more than is taken" in page.body


def test_body_when_it_turns_out_too_large_is_refused(gateway: Gateway) -> None:
    block = b"x" * 1_000_000
    connection = http.client.HTTPConnection("127.0.0.1", gateway.port, timeout=30)
    try:
        connection.request("POST", "/api/imports/v1/jobs", (block for _ in range(10)), SIGNED_IN, encode_chunked=True)
    except (BrokenPipeError, ConnectionResetError):
        pass  # it was cut off while it was sent
    else:
        assert connection.getresponse().status == 413
    finally:
        connection.close()


def test_service_when_away_is_told_calmly(gateway: Gateway) -> None:
    gateway.behind["associates"].away = True
    page, part, api = (
        gateway.signed_in("/associates"),
        gateway.signed_in("/associates/fragments/a", HX_Request="true"),
        gateway.signed_in("/api/associates/v1/a"),
    )
    assert {page.status, part.status, api.status} <= {502, 503}
    assert b"This part is not answering" in page.body
    assert b"<style" not in page.body
    assert part.body.startswith(b"<p data-error>This part is not answering.")
    assert api.json["code"] == "unavailable"
    assert gateway.signed_in("/customers").status == 200


def test_caddyfile_when_formatted_does_not_change(tmp_path: Path) -> None:
    formatted = subprocess.run([BIN / "caddy", "fmt", FILE], capture_output=True, text=True, check=False).stdout
    assert formatted == FILE.read_text()
