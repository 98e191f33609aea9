"""Long drills of mass changes and of the feeds between services (A8, A4). `./liaison test --drills`."""

import random
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.drills.linking import Linking, Links, Writers
from tests.drills.stack import Stack

pytestmark = [pytest.mark.drills, pytest.mark.timeout(1_200)]
CUSTOMERS = 3_000
PEOPLE, TIMES = 10, 20


@pytest.fixture(scope="module")
def story(linking: Stack) -> Linking:
    return Linking(linking, CUSTOMERS)


@pytest.fixture(scope="module")
def expected(story: Linking) -> Links:
    links = story.story()
    added, replaced, removed, undone = links.counts
    assert added["created"] == CUSTOMERS
    assert replaced["updated"] == removed["updated"] == CUSTOMERS // 2
    assert undone["restored"] == CUSTOMERS // 2
    return links


def kill_workers(stack: Stack) -> None:
    stack.kill("imports-short")


def kill_associates(stack: Stack) -> None:
    stack.kill("associates")


def keep_associates_away(stack: Stack) -> None:
    with stack.kept_down("associates"):
        stack.kill("associates")
        time.sleep(4)


def kill_customers(stack: Stack) -> None:
    stack.kill("customers")
    stack.kill("customers-bulk")


def kill_readers(stack: Stack) -> None:
    stack.kill("customers-events")
    stack.kill("associates-events")


FAULTS: dict[str, Callable[[Stack], None]] = {
    "workers": kill_workers,
    "associates": kill_associates,
    "associates away": keep_associates_away,
    "customers": kill_customers,
    "readers of the feeds": kill_readers,
    "redis and its data": Stack.lose_redis,
    "postgres": Stack.restart_postgres,
}


@pytest.mark.parametrize("fault", FAULTS.values(), ids=list(FAULTS))
def test_a_fault_in_the_middle_of_mass_changes_and_their_events_changes_nothing(
    story: Linking, expected: Links, fault: Callable[[Stack], None]
) -> None:
    assert story.story(fault) == expected


@pytest.fixture(scope="module")
def expected_of_rows(story: Linking) -> Links:
    links = story.story_of_rows()
    added, replaced, undone = links.counts
    assert (added["updated"], replaced["updated"], undone["restored"]) == (CUSTOMERS, CUSTOMERS // 2, CUSTOMERS // 2)
    return links


@pytest.mark.parametrize("fault", FAULTS.values(), ids=list(FAULTS))
def test_a_fault_while_rows_of_customers_give_them_associates_changes_nothing(
    story: Linking, expected_of_rows: Links, fault: Callable[[Stack], None]
) -> None:
    """A10: the links of an import are there once, however often its parts die."""
    assert story.story_of_rows(fault) == expected_of_rows


@pytest.mark.parametrize("seed", range(3))
def test_faults_at_random_change_nothing_about_links(story: Linking, expected: Links, seed: int) -> None:
    random_of = random.Random(seed)

    def during(stack: Stack) -> None:
        for _ in range(4):
            time.sleep(random_of.uniform(0.0, 0.8))
            random_of.choice(list(FAULTS.values()))(stack)

    assert story.story(during=during) == expected


def test_events_of_ten_writers_while_nobody_reads_are_applied_once_in_order(story: Linking) -> None:
    """The reader is away and Redis is wiped, again and again; each name still comes once, after the one before."""
    writers = Writers(story, PEOPLE)
    stack = story.stack
    with ThreadPoolExecutor(1) as pool, stack.kept_down("customers-events"):
        stack.kill("customers-events")
        writing = pool.submit(writers.write, TIMES)
        while not writing.done():
            stack.lose_redis()
            time.sleep(1)
        writing.result()
    stack.kill("customers-events")  # in the middle of what it catches up with
    story.catch_up()
    assert writers.told() == writers.written
