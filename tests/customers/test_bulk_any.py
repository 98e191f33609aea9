"""Any chunk, rightly made or not, is accounted for row by row and leaves nothing wrong."""

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import text
from sqlalchemy.orm import Session

from shared.bulk import COUNTS
from shared.importing.tables import copy_in, cursor_of
from tests.customers.bulk_chunks import (
    apply,
    check_derived,
    everything,
    frame,
    refused,
)

WORDS = st.sampled_from([None, "a", "B", "Ann", "x\0", "Doe"])
ROW = st.fixed_dictionaries(
    {
        "code": st.sampled_from([None, "K1", "k1", "K2", "K3", "x" * 65]),
        "name": WORDS,
        "email": st.sampled_from([None, "a@ex.example", "B@ex.example", "c@ex.example", "bad"]),
        "country": st.sampled_from([None, "DE", "France"]),
        "phone": st.sampled_from([None, "030 901820", "+49 30 901820"]),
        "tags": st.sampled_from([None, "a", "a;b"]),
        "_attributes": st.sampled_from([None, '{"a": "1"}', '{"a": "2", "b": "3"}']),
        "contact_first_name": WORDS,
        "contact_last_name": WORDS,
        "contact_email": st.sampled_from([None, "a@ex.example", "d@ex.example"]),
        "contact_phone": st.sampled_from([None, "030 901820", "12345678"]),
    },
    optional={
        "second_contact_first_name": WORDS,
        "second_contact_last_name": WORDS,
        "second_contact_email": st.sampled_from([None, "a@ex.example", "e@ex.example"]),
        "second_contact_phone": st.sampled_from([None, "030 901820"]),
    },
)


@settings(max_examples=60)
@given(
    chunks=st.lists(
        st.tuples(
            st.lists(ROW, min_size=1, max_size=6),
            st.sampled_from(["create", "update", "both"]),
            st.sampled_from(["code", "email"]),
            st.sampled_from(["keep", "clear"]),
        ),
        min_size=1,
        max_size=3,
    )
)
def test_any_chunks_when_applied_account_for_each_row_and_again_change_nothing(session: Session, chunks: Any) -> None:
    with session.begin_nested() as everything_here:
        for rows, mode, match, blank in chunks:
            answer = apply(session, *rows, mode=mode, match=match, blank=blank)
            assert sum(answer[name] for name in COUNTS) == len(rows)
            assert answer["failed"] == len(answer["refusals"])
            assert len({one[0] for one in refused(answer)}) == answer["failed"]
            check_derived(session)
        before = everything(session)
        again = apply(session, *rows, mode="update", match=match, blank=blank)
        if match == "code" and mode != "create":  # create leaves out what is there, so an update may change it
            assert again["updated"] == again["created"] == 0
            assert everything(session)[:2] == before[:2]
        everything_here.rollback()


def test_copy_when_a_column_has_no_value_at_all_takes_the_default(session: Session) -> None:
    session.execute(text("CREATE TEMP TABLE scratch (a text, b text DEFAULT 'x', c text)"))
    copy_in(cursor_of(session), "scratch", frame({"a": "1", "b": None, "c": ""}).drop("_row", "_line"))
    assert session.execute(text("SELECT a, b, c FROM scratch")).all() == [("1", "x", "")]
