"""I13: what staff choose for an export that comes back late reaches its owner, with the versions that its rows show."""

from shared.bulk import SEEN
from tests.imports.screens import imported, uploaded, words_on
from tests.imports.test_check_screens import check_at, job_at, work

API = "/api/imports/v1"
FILE = "code,name,_liaison\n1,A,v3c2\n2,'=B,\n"


def test_an_export_that_comes_back_tells_its_versions_and_is_refused_unless_ticked(client, run, owner):
    frames = []
    owner.before = frames.append
    job = imported(client, run, uploaded(client, FILE))
    assert frames[0].select("name", SEEN).rows() == [("A", "v3c2"), ("=B", None)]
    assert job.newer == "refuse"
    place = uploaded(client, FILE)
    assert "Overwrite newer changes" in words_on(client.get(place))
    assert imported(client, run, place, overwrite_newer="true").newer == "overwrite"
    page = words_on(client.get(place))
    assert "What others changed since is overwritten" in page
    assert "Overwrite newer changes" not in words_on(client.get(uploaded(client, "code,name\n1,A\n")))


def test_a_file_without_versions_gives_none_to_its_owner(client, run, owner):
    frames = []
    owner.before = frames.append
    imported(client, run, uploaded(client, "code,name\n1,A\n"))
    assert SEEN not in frames[0].columns


def test_the_check_of_an_export_tells_what_others_changed_since(client, owner):
    owner.newer = 2
    for ticked, words in (({}, "and would be refused"), ({"overwrite_newer": "true"}, "would be overwritten")):
        place = uploaded(client, FILE)
        check_at(client, place, **ticked)
        work(job_at(place))
        page = words_on(client.get(place))
        assert "2 rows were changed by others since this export" in page
        assert words in page
        told = client.get(f"{API}/jobs/{job_at(place).id}").json
        assert (told["newer"], told["check"]["newer"]) == ("overwrite" if ticked else "refuse", 2)


def test_refused_rows_of_an_export_keep_their_versions_when_corrected(client, run, owner):
    """So that what others changed since is seen then, too; and apostrophes come off once."""
    frames = []
    job = imported(client, run, uploaded(client, "code,name,_liaison\n1,bad A,v3c2\n''=2,bad B,v1\n"))
    assert job.failed == 2
    owner.before = frames.append
    response = client.post(f"/imports/{job.id}/correct", data={"cell.1.1": "A", "cell.2.1": "'=B"})
    run(job_at(response.headers["Location"]))
    assert frames[0].sort("_row").select("code", "name", SEEN).rows() == [("1", "A", "v3c2"), ("'=2", "'=B", "v1")]
