"""The file store behaves the same, be it a folder or a bucket that several machines reach."""

import subprocess
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from moto.server import ThreadedMotoServer

from ops.place import ROOT
from shared.settings import SettingsError
from shared.storage import Storage


@pytest.fixture(scope="module")
def bucket() -> Iterator[str]:
    """The address of a bucket on an S3 server of its own."""
    server = ThreadedMotoServer("127.0.0.1", 0)
    server.start()
    host, port = server.get_host_and_port()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_ENDPOINT_URL", f"http://{host}:{port}")
        patch.setenv("AWS_ACCESS_KEY_ID", "liaison")
        patch.setenv("AWS_SECRET_ACCESS_KEY", "liaison")
        patch.setenv("AWS_DEFAULT_REGION", "us-east-1")
        store = Storage("s3://liaison-files")
        store.fs.mkdir("liaison-files")
        yield "s3://liaison-files/one"
    server.stop()


@pytest.fixture(params=["folder", "bucket"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Storage:
    if request.param == "folder":
        return Storage(f"file://{tmp_path}/{uuid.uuid4().hex}")
    return Storage(f"{request.getfixturevalue('bucket')}/{uuid.uuid4().hex}")


def test_file_when_written_is_read_whole(store: Storage) -> None:
    store.write("a/b.csv", b"one")
    assert (store.read("a/b.csv"), store.size("a/b.csv"), store.exists("a/b.csv")) == (b"one", 3, True)
    store.write("a/b.csv", b"another")
    assert store.read("a/b.csv") == b"another"
    with store.open("a/b.csv") as file:
        file.seek(2)
        assert file.read(3) == b"oth"


def test_file_when_it_is_large_is_written_in_pieces(store: Storage) -> None:
    piece = bytes(range(256)) * 4096
    with store.writing("large") as file:
        for _ in range(12):
            file.write(piece)
    assert store.size("large") == 12 * len(piece)
    with store.open("large") as file:
        file.seek(11 * len(piece))
        assert file.read() == piece


def test_file_when_writing_breaks_off_is_not_there(store: Storage) -> None:
    def write() -> None:
        with store.writing("a/b.csv") as file:
            file.write(b"half")
            raise RuntimeError("cut")

    with pytest.raises(RuntimeError, match="cut"):
        write()
    assert not store.exists("a/b.csv")
    assert store.names("a") == []


def test_file_when_half_written_is_not_seen(store: Storage) -> None:
    store.write("a", b"old")
    with store.writing("a") as file:
        file.write(b"new")
        assert store.read("a") == b"old"
    assert store.read("a") == b"new"


def test_folder_when_listed_tells_the_names_in_it(store: Storage) -> None:
    assert store.names("work") == []
    for name in ("b", "a", "c/d"):
        store.write(f"work/{name}", b"")
    assert store.names("work") == ["a", "b", "c"]
    store.write("work/0", b"")
    assert store.names("work") == ["0", "a", "b", "c"]


def test_folder_when_deleted_is_gone_with_all_in_it(store: Storage) -> None:
    store.write("job/work/1", b"x")
    store.write("job/errors.csv", b"x")
    store.delete("job/work")
    assert store.names("job") == ["errors.csv"]
    store.delete("job")
    store.delete("job")
    assert not store.exists("job/errors.csv")
    with pytest.raises(FileNotFoundError):
        store.read("job/errors.csv")


FORKED = """
import os, sys
from shared.storage import Storage
store = Storage(sys.argv[1])
store.write("mine", b"1")
child = os.fork()
if not child:
    store.write("theirs", b"2")
    os._exit(0)
assert os.waitpid(child, 0)[1] == 0
assert store.read("theirs") == b"2"
"""


def test_store_when_used_before_a_fork_works_on_both_sides(store: Storage) -> None:
    subprocess.run([sys.executable, "-c", FORKED, store.url], check=True, timeout=60, cwd=ROOT)
    assert store.names("") == ["mine", "theirs"]


def test_store_of_a_kind_that_is_not_there_is_refused_at_the_start() -> None:
    with pytest.raises(SettingsError, match=r"FILES_URL \(ftpx://a\) cannot be used here"):
        Storage("ftpx://a")


@pytest.mark.parametrize("path", ["../x", "a/../../x", "/etc/passwd"])
def test_path_that_leaves_the_store_is_refused(store: Storage, path: str) -> None:
    with pytest.raises(ValueError, match="not a path inside"):
        store.read(path)
