"""Settings, identifiers, storage and the key ring."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared import keyring
from shared.db import uuid7s
from shared.settings import Settings, SettingsError
from shared.storage import Storage


def test_settings_when_variables_are_missing_names_them_all() -> None:
    with pytest.raises(SettingsError, match="DATABASE_URL, REDIS_URL, KEYS_DIR, FILES_URL, PUBLIC_URL"):
        Settings.from_environment("portal", {})


def test_settings_when_key_is_missing_says_how_to_make_it(tmp_path: Path) -> None:
    env = {
        "DATABASE_URL": "postgresql+psycopg://x/y",
        "REDIS_URL": "redis://x",
        "KEYS_DIR": str(tmp_path),
        "FILES_URL": tmp_path.as_uri(),
        "PUBLIC_URL": "http://localhost/",
    }
    with pytest.raises(SettingsError, match=r"portal\.pem"):
        Settings.from_environment("portal", env)
    keyring.make_missing(tmp_path)
    settings = Settings.from_environment("portal", {**env, "CUSTOMERS_BULK_URL": "http://c/"})
    assert settings.public_url == "http://localhost"
    assert settings.urls == {"customers_bulk": "http://c"}


def test_keyring_when_run_again_keeps_the_keys(tmp_path: Path) -> None:
    assert keyring.make_missing(tmp_path) == list(keyring.ISSUERS)
    before = (tmp_path / "portal.pem").read_bytes()
    assert keyring.make_missing(tmp_path) == []
    assert (tmp_path / "portal.pem").read_bytes() == before
    assert (tmp_path / "portal.pem").stat().st_mode & 0o077 == 0


@given(st.lists(st.integers(0, 100), max_size=20))
def test_uuid7s_when_made_are_ascending_distinct_and_version_7(counts: list[int]) -> None:
    made = [one for count in counts for one in uuid7s(count)]
    assert made == sorted(set(made))
    assert len(made) == sum(counts)
    assert all(one.version == 7 and one.variant == "specified in RFC 4122" for one in made)


def test_storage_when_writing_fails_leaves_nothing(tmp_path: Path) -> None:
    storage = Storage(tmp_path.as_uri())

    def fail_half_way() -> None:
        with storage.writing("a/b.csv") as file:
            file.write(b"half")
            raise OSError("gone")

    with pytest.raises(OSError, match="gone"):
        fail_half_way()
    assert not storage.exists("a/b.csv")
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []
    storage.write("a/b.csv", b"whole")
    assert (storage.read("a/b.csv"), storage.size("a/b.csv")) == (b"whole", 5)
    storage.delete("a")
    storage.delete("a")
    assert not storage.exists("a/b.csv")


@pytest.mark.parametrize("path", ["../x", "/etc/passwd", "a/../../x"])
def test_storage_when_path_leads_outside_refuses(tmp_path: Path, path: str) -> None:
    with pytest.raises(ValueError, match="not a path inside"):
        Storage(tmp_path.as_uri()).read(path)
