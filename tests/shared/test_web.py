"""Access rules, errors, cross-site checks, idempotency and versions of the base app."""

import threading
import uuid
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from shared.db import unit_of_work
from shared.errors import Invalid
from shared.identity import HEADER
from shared.testing import client_as, client_of_service
from shared.web import decode_cursor, encode_cursor, unmarked_routes
from shared.web.concurrency import SWEPT

NOTES = "/api/portal/v1/notes"


def test_unmarked_route_when_called_is_refused_and_reported(floor: Flask) -> None:
    assert unmarked_routes(floor) == ["/unmarked"]
    assert client_as(floor, "notes.write").get("/unmarked").status_code == 403


def test_route_when_not_signed_in_answers_401(floor: Flask) -> None:
    answer = floor.test_client().post(NOTES, json={"words": "a"})
    assert answer.status_code == 401
    assert answer.json["code"] == "not_signed_in"


def test_route_when_permission_is_missing_answers_403(floor: Flask) -> None:
    answer = client_as(floor, "notes.read").post(NOTES, json={"words": "a"})
    assert (answer.status_code, answer.json["code"]) == (403, "forbidden")


def test_identity_when_tampered_with_is_not_believed(floor: Flask) -> None:
    client = client_as(floor, "notes.write")
    assert client.get("/mine").text == "mine"
    assert client.get("/mine", headers={HEADER: "e30.e30.e30"}).status_code == 401


def test_internal_route_when_called_by_a_person_does_not_exist(floor: Flask) -> None:
    assert client_as(floor, "notes.write").get("/internal/thing").status_code == 404
    assert client_of_service(floor, "imports").get("/internal/thing").text == "inside"


def test_service_token_when_meant_for_another_service_is_refused(floor: Flask) -> None:
    client = client_of_service(floor, "imports")
    from shared.identity import sign_service

    keys = floor.extensions["liaison.settings"].keys_dir
    client.service_token = sign_service(keys, "imports", "customers")
    assert client.get("/internal/thing").status_code == 401


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Sec-Fetch-Site": "same-origin", "Cookie": "liaison=x"}, 200),
        ({"Sec-Fetch-Site": "cross-site", "Cookie": "liaison=x"}, 403),
        ({"Sec-Fetch-Site": "same-site", "Cookie": "liaison=x"}, 403),
        ({"Origin": "http://localhost", "Cookie": "liaison=x"}, 200),
        ({"Origin": "http://evil.example", "Cookie": "liaison=x"}, 403),
        ({"Cookie": "liaison=x"}, 403),
        ({}, 200),
    ],
)
def test_change_when_sent_by_another_site_is_refused(floor: Flask, headers: dict[str, str], status: int) -> None:
    assert client_as(floor).post("/mine", headers=headers).status_code == status
    assert floor.test_client(use_cookies=False).post("/open", headers=headers).status_code == status


def test_problem_when_domain_refuses_has_code_detail_and_extra(floor: Flask) -> None:
    answer = client_as(floor, "notes.write").post(NOTES, json={"words": "taken"}, headers={"X-Request-Id": "r1"})
    assert answer.content_type == "application/problem+json"
    assert answer.json == {
        "type": "about:blank",
        "title": "Conflict",
        "status": 409,
        "code": "note_taken",
        "detail": "There is such a note already.",
        "instance": NOTES,
        "request_id": "r1",
        "existing": "n1",
    }


def test_problem_when_fields_are_wrong_names_each(floor: Flask) -> None:
    answer = client_as(floor, "notes.write").post(NOTES, json={"words": "", "other": 1})
    assert answer.status_code == 422
    assert set(answer.json["errors"]) == {"words", "other"}


def test_body_when_not_json_is_a_clear_problem(floor: Flask) -> None:
    answer = client_as(floor, "notes.write").post(NOTES, data=b"{", headers={"Content-Type": "application/json"})
    assert answer.status_code in (400, 422)
    assert answer.content_type == "application/problem+json"


def test_body_when_larger_than_is_held_in_memory_is_refused(floor: Flask) -> None:
    answer = client_as(floor, "notes.write").post(NOTES, json={"words": "x" * 8_000_000})
    assert (answer.status_code, answer.json["code"]) == (413, "too_large")


def test_unexpected_error_when_raised_tells_no_detail(floor: Flask) -> None:
    answer = floor.test_client().get("/broken")
    assert answer.status_code == 500
    assert "secret" not in answer.text


def test_idempotency_key_when_repeated_replays_the_answer(floor: Flask, count_notes: Callable[[], int]) -> None:
    client = client_as(floor, "notes.write")
    before = count_notes()
    first = client.post(NOTES, json={"words": "once"}, headers={"Idempotency-Key": "k1"})
    again = client.post(NOTES, json={"words": "once"}, headers={"Idempotency-Key": "k1"})
    assert first.status_code == again.status_code == 201
    assert first.json == again.json
    assert again.headers["Idempotency-Replayed"] == "true"
    assert count_notes() == before + 1


def test_idempotency_key_when_body_differs_is_refused(floor: Flask) -> None:
    client = client_as(floor, "notes.write")
    client.post(NOTES, json={"words": "one"}, headers={"Idempotency-Key": "k2"})
    answer = client.post(NOTES, json={"words": "two"}, headers={"Idempotency-Key": "k2"})
    assert (answer.status_code, answer.json["code"]) == (422, "idempotency_key_reused")


def test_idempotency_key_when_request_failed_may_be_used_again(floor: Flask) -> None:
    client = client_as(floor, "notes.write")
    headers = {"Idempotency-Key": "k3"}
    assert client.post(NOTES, json={"words": "taken"}, headers=headers).status_code == 409
    assert client.post(NOTES, json={"words": "free"}, headers=headers).status_code == 201


def test_idempotency_key_when_ten_come_at_once_creates_one(floor: Flask, count_notes: Callable[[], int]) -> None:
    before = count_notes()
    answers: list[Any] = []

    def send() -> None:
        client = client_as(floor, "notes.write")
        answers.append(client.post(NOTES, json={"words": "race"}, headers={"Idempotency-Key": "k4"}))

    threads = [threading.Thread(target=send) for _ in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.json["id"] for answer in answers}) == 1
    assert count_notes() == before + 1


def test_idempotency_keys_when_older_than_a_day_go_a_few_at_a_time(floor: Flask) -> None:
    keys = floor.extensions["liaison.idempotency"]
    client = client_as(floor, "notes.write")

    def kept() -> set[str]:
        with floor.app_context(), unit_of_work() as session:
            return set(session.scalars(select(keys.key).where(keys.key.startswith("old"))))

    def send(key: str) -> None:
        assert client.post(NOTES, json={"words": key}, headers={"Idempotency-Key": key}).status_code == 201

    begin = datetime.now(UTC) - timedelta(days=3)
    with floor.app_context(), unit_of_work() as session:
        for number in range(SWEPT + 5):
            at = begin + timedelta(minutes=number)
            session.add(keys(user_id=uuid.uuid4(), key=f"old{number}", digest=b"", created_at=at))
        session.add(keys(user_id=uuid.uuid4(), key="old enough to stay", digest=b""))
    with floor.app_context(), unit_of_work() as other:
        other.scalars(select(keys).where(keys.key == "old0").with_for_update()).one()
        send("k5")
    rest = {f"old{number}" for number in (0, *range(SWEPT + 1, SWEPT + 5))}
    assert kept() == {"old enough to stay", *rest}
    send("k6")
    assert kept() == {"old enough to stay"}


def test_change_when_version_is_missing_or_old_is_refused(floor: Flask) -> None:
    client = client_as(floor, "notes.write")
    made = client.post(NOTES, json={"words": "v1"}).json
    address = f"{NOTES}/{made['id']}"
    assert client.put(address, json={"words": "v2"}).status_code == 428
    assert client.put(address, json={"words": "v2"}, headers={"If-Match": "x"}).status_code == 422
    good = client.put(address, json={"words": "v2"}, headers={"If-Match": '"1"'})
    assert (good.status_code, good.headers["ETag"]) == (200, '"2"')
    stale = client.put(address, json={"words": "v3"}, headers={"If-Match": '"1"'})
    assert (stale.status_code, stale.json["code"]) == (412, "stale")


def test_openapi_when_read_is_3_1_and_lists_the_routes(floor: Flask) -> None:
    client = client_as(floor)
    spec = client.get("/api/portal/v1/openapi.json").json
    assert spec["openapi"].startswith("3.1")
    assert set(spec["paths"][NOTES]) == {"post"}


def test_cursor_when_given_back_returns_the_values_and_garbage_is_invalid() -> None:
    assert decode_cursor(encode_cursor(["ann", 3]), 2) == ["ann", 3]
    for garbage in ("", "%%%", "e30", encode_cursor([1])):
        with pytest.raises(Invalid):
            decode_cursor(garbage, 2)


def test_operations_when_asked_tell_health_readiness_and_metrics(floor: Flask) -> None:
    """X4: an operator's probes need no sign-in, and one request id goes through."""
    client = floor.test_client(use_cookies=False)
    assert client.get("/healthz").json == {"status": "ok"}
    assert client.get("/readyz").json == {"status": "ready"}
    assert client.get("/open", headers={"X-Request-Id": "r9"}).headers["X-Request-Id"] == "r9"
    assert "http_request_seconds_count{" in client.get("/internal/metrics").text
