"""The file store: an fsspec URL, a folder by default, `s3://...` where there are several machines."""

import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, BinaryIO, cast

import fsspec

from shared.settings import SettingsError


class Storage:
    """Files by path below one URL. Paths are made by our code only, never from a user's text."""

    def __init__(self, url: str) -> None:
        self.url = url
        try:
            fsspec.get_filesystem_class(fsspec.core.split_protocol(url)[0] or "file")
        except (ImportError, ValueError) as error:
            raise SettingsError(f"FILES_URL ({url}) cannot be used here: {error}") from error
        self._opened: tuple[int, Any, str] | None = None

    @property
    def fs(self) -> Any:
        """The file system behind it, opened by each process for itself: connections do not outlive a fork."""
        return self._open()[0]

    @property
    def root(self) -> str:
        """The path in it that holds our files."""
        return self._open()[1]

    def _open(self) -> tuple[Any, str]:
        if self._opened is None or self._opened[0] != os.getpid():
            # Others write too, so that nothing may be listed from memory.
            options = {"auto_mkdir": True} if self.url.startswith("file:") else {"use_listings_cache": False}
            fs, root = fsspec.core.url_to_fs(self.url, skip_instance_cache=True, **options)
            self._opened = os.getpid(), fs, root
        return self._opened[1:]

    def _full(self, path: str) -> str:
        if ".." in path.split("/") or path.startswith("/"):
            raise ValueError(f"not a path inside the store: {path}")
        return f"{self.root}/{path}"

    def open(self, path: str, mode: str = "rb") -> BinaryIO:
        """Open for reading; FileNotFoundError when absent."""
        return cast("BinaryIO", self.fs.open(self._full(path), mode))

    @contextmanager
    def writing(self, path: str) -> Iterator[BinaryIO]:
        """Yield a file that gets its name only when the block ends well, so no reader sees half of it."""
        full = self._full(path)
        partial = f"{full}.{uuid.uuid4().hex}.partial"  # two writers of one file never share it
        try:
            with self.fs.open(partial, "wb") as file:
                yield cast("BinaryIO", file)
        except BaseException:
            if self.fs.exists(partial):
                self.fs.rm_file(partial)
            raise
        self.fs.mv(partial, full)

    def write(self, path: str, data: bytes) -> None:
        """Write `data` whole."""
        with self.writing(path) as file:
            file.write(data)

    def read(self, path: str) -> bytes:
        """Return the whole file."""
        return cast("bytes", self.fs.cat_file(self._full(path)))

    def exists(self, path: str) -> bool:
        """Tell whether there is such a file."""
        return bool(self.fs.exists(self._full(path)))

    def names(self, path: str) -> list[str]:
        """Return the names of what is directly in a folder; none when it is absent."""
        if not self.fs.isdir(self._full(path)):
            return []
        return sorted(entry.rstrip("/").rpartition("/")[2] for entry in self.fs.ls(self._full(path), detail=False))

    def size(self, path: str) -> int:
        """Return the size in bytes."""
        return int(self.fs.size(self._full(path)))

    def delete(self, path: str) -> None:
        """Remove a file or a folder with all in it; absent is fine."""
        if self.fs.exists(self._full(path)):
            self.fs.rm(self._full(path), recursive=True)
