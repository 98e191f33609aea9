"""Ed25519 keys: each service signs with its own private key; everybody may read the public ones.

`python -m shared.keyring` makes what is missing in KEYS_DIR: `<service>.pem` (0600) and `<service>.pub.pem`.
"""

import os
import sys
from functools import lru_cache
from pathlib import Path

from joserfc.jwk import OKPKey

ISSUERS = ("portal", "customers", "associates", "imports")


def make_missing(folder: Path) -> list[str]:
    """Make the key pairs that `folder` lacks; return their names. Safe to run twice at once."""
    folder.mkdir(parents=True, exist_ok=True)
    made = []
    for name in ISSUERS:
        private = folder / f"{name}.pem"
        public = folder / f"{name}.pub.pem"
        if not private.exists():
            fresh = folder / f".{name}.{os.getpid()}"
            fresh.touch(0o600)
            fresh.write_bytes(OKPKey.generate_key("Ed25519").as_pem(private=True))
            try:
                os.link(fresh, private)  # refuses to replace a key that another process made first
                made.append(name)
            except FileExistsError:
                pass
            finally:
                fresh.unlink()
        if not public.exists():
            fresh = folder / f".{name}.{os.getpid()}.pub"
            fresh.write_bytes(OKPKey.import_key(private.read_bytes()).as_pem(private=False))
            fresh.rename(public)
    return made


@lru_cache
def private_key(folder: Path, name: str) -> OKPKey:
    """Return the key that `name` signs with."""
    return OKPKey.import_key((folder / f"{name}.pem").read_bytes())


@lru_cache
def public_key(folder: Path, name: str) -> OKPKey:
    """Return the key that proves a signature of `name`."""
    return OKPKey.import_key((folder / f"{name}.pub.pem").read_bytes())


if __name__ == "__main__":
    target = os.environ.get("KEYS_DIR")
    if not target:
        sys.exit("keyring: set KEYS_DIR in the environment.")
    print("keyring: made", ", ".join(make_missing(Path(target))) or "nothing new")
