"""What the API promises a client of its own, through the gateway."""

from collections.abc import Iterator

import httpx
import pytest

from tests.journeys.driving import Copy


@pytest.fixture
def api(copy: Copy) -> Iterator[httpx.Client]:
    token = copy.run("token", "admin").stdout.split()[-1]
    headers = {"Authorization": f"Bearer {token}"}
    with httpx.Client(base_url=f"{copy.url}/api/customers/v1", headers=headers, trust_env=False, timeout=60) as client:
        yield client


@pytest.mark.parametrize("packed", ["gzip", "zstd", "identity"])
def test_etag_of_an_answer_however_packed_is_the_version_to_change(api: httpx.Client, packed: str):
    place = api.post("/accounts", json={"name": "Cobalt", "notes": "Long. " * 500}).headers["Location"]
    place = place.removeprefix("/api/customers/v1")
    asked = api.get(place, headers={"Accept-Encoding": packed})
    assert asked.headers.get("Content-Encoding", "identity") == packed
    tag = asked.headers["ETag"]
    assert api.get(place, headers={"Accept-Encoding": packed, "If-None-Match": tag}).status_code == 304
    assert api.patch(place, json={"city": "Lyon"}, headers={"If-Match": tag}).json()["city"] == "Lyon"
    assert api.patch(place, json={"city": "Nice"}, headers={"If-Match": tag}).status_code == 412
