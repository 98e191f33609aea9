"""What the tests of `./liaison import` and its sisters share: the service behind an address, and files."""

import threading
import time

import pytest
from werkzeug.serving import make_server

from services.imports import cli, tasks
from shared.identity import HEADER, Identity, sign_identity
from tests.imports.conftest import ADA

TOKEN = "secret-token"
WORK = {
    "imports.read_file": tasks.read_file,
    "imports.send_chunks": tasks.send_chunks,
    "imports.end_job": tasks.end_job,
    "imports.write_export": tasks.write_export,
}


@pytest.fixture
def permissions():
    """What the person behind the token may do."""
    return {"import", "export", "undo", "customers.view"}


@pytest.fixture
def served(app, monkeypatch, permissions):
    """The service as the gateway would show it: a token in, a signed identity on; and one worker."""
    keys = app.extensions["liaison.settings"].keys_dir

    def gateway(environ, start_response):
        if environ.get("HTTP_AUTHORIZATION") != f"Bearer {TOKEN}":
            start_response("401 Unauthorized", [("Content-Type", "application/problem+json")])
            return [b"{}"]
        identity = Identity(ADA.user_id, ADA.name, "employee", frozenset(permissions))
        environ[f"HTTP_{HEADER.upper().replace('-', '_')}"] = sign_identity(keys, identity)
        return app.wsgi_app(environ, start_response)

    server = make_server("127.0.0.1", 0, gateway, threaded=True)
    ended = threading.Event()

    def work():
        with app.app_context():
            while not ended.is_set():
                sent = app.extensions["liaison.celery"].sent
                if not sent:
                    time.sleep(0.01)
                    continue
                name, args = sent.pop(0)
                WORK[name].run(*args)

    threads = [threading.Thread(target=server.serve_forever), threading.Thread(target=work)]
    for thread in threads:
        thread.start()
    monkeypatch.setenv("LIAISON_URL", f"http://127.0.0.1:{server.server_port}")
    monkeypatch.setenv("LIAISON_TOKEN", TOKEN)
    monkeypatch.setattr(cli, "POLL_SECONDS", 0.02)
    yield
    ended.set()
    server.shutdown()
    for thread in threads:
        thread.join()
    server.server_close()


@pytest.fixture
def file(tmp_path):
    def write(text, name="things.csv"):
        path = tmp_path / name
        path.write_text(text)
        return str(path)

    return write


@pytest.fixture
def imported(served, file, capsys):
    """Two things are there already."""
    cli.main(["import", "customers", file("id,title\n1,A\n2,B\n")])
    capsys.readouterr()
