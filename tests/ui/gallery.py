"""Every macro with kind and unkind content, on pages of their own: `python -m tests.ui.gallery`."""

import datetime as dt
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from flask import Flask, Response, jsonify, make_response, render_template, request, send_from_directory
from werkzeug.serving import WSGIRequestHandler, make_server

from shared.ui import TEMPLATES, init_ui
from shared.ui.layout import MENU, STATIC
from shared.web import go_to, is_htmx, toast

PROJECT = Path(__file__).resolve().parents[2]
ASSETS = PROJECT / "node_modules"
POLICY = (
    "default-src 'self'; img-src 'self' data:; object-src 'none'; base-uri 'self'; form-action 'self'; "
    "frame-ancestors 'none'"
)
PAGE = 12
NOW = dt.datetime.now(dt.UTC)


@dataclass(frozen=True)
class Customer:
    """One row of the sample list."""

    id: int
    name: str
    email: str
    city: str
    status: str
    tone: str
    seen: dt.datetime


UNKIND = (
    "<script>alert('x')</script><b>Bold & Co.</b>",
    "شركة النور للتجارة المحدودة",
    "🦊🚀 Fox & Rocket 👩‍👩‍👧",
    "Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamtengesellschaft" * 6,
    'Ünïcödé Östgöta Åkeri O\'Brien "Quotes" GmbH & Co. KG, Zweigniederlassung Süd-West am Hauptbahnhof',
    "株式会社山田商店",
)
FIRST = ("Aisha", "Ines", "Noah", "Zara", "Felix", "Mei", "Omar", "Chloe", "Liam", "Nora")
LAST = ("Almeida", "Becker", "Castellanos", "Eriksson", "Fischer", "Okafor", "Petrov", "Quinn", "Rossi", "Zhang")
CITIES = (
    "Lyon",
    "Rotterdam",
    "Uppsala",
    "Ghent",
    "Seville",
    "Bergamo",
    "Llanfairpwllgwyngyllgogerychwyrndrobwllllantysiliogogogoch",
)
STATUSES = (
    ("Active", "success"),
    ("Lead", "info"),
    ("On hold", "warning"),
    ("Closed", "neutral"),
    ("Blocked", "danger"),
)


def _customers() -> list[Customer]:
    names = [*UNKIND, *(f"{first} {last}" for last in LAST for first in FIRST)]
    return [
        Customer(
            number,
            name,
            f"{'.'.join(name.lower().split())[:40]}@example.test",
            CITIES[number % len(CITIES)],
            *STATUSES[number % len(STATUSES)],
            NOW - dt.timedelta(minutes=7 * number**2),
        )
        for number, name in enumerate(names, 1)
    ]


CUSTOMERS = _customers()
READER = SimpleNamespace(
    name="Ines Moreau",
    kind="employee",
    permissions=frozenset().union(*(entry.permissions for entry in MENU)),
    features=frozenset(),
)


def create_gallery() -> Flask:
    """Return the app; it serves its own assets, under the policy that the gateway sets."""
    app = Flask("gallery", template_folder=str(Path(__file__).parent / "templates"), static_folder=None)
    init_ui(app)
    app.context_processor(lambda: {"identity": READER})
    app.extensions["uploads"] = []
    _files(app)
    _list(app)
    _forms(app)
    _others(app)

    @app.after_request
    def policy(response: Response) -> Response:
        response.headers["Content-Security-Policy"] = POLICY
        return response

    return app


def _files(app: Flask) -> None:
    @app.get("/assets/<path:name>")
    def assets(name: str) -> Response:
        return send_from_directory(ASSETS, name, max_age=600)

    @app.get("/static/<path:name>")
    def static(name: str) -> Response:
        return send_from_directory(STATIC, name)

    @app.get("/favicon.ico")
    def favicon() -> Response:
        return send_from_directory(STATIC, "liaison.svg")


def _list(app: Flask) -> None:
    @app.get("/customers")
    def customers() -> str:
        q, status = request.args.get("q", "").strip(), request.args.get("status", "")
        found = [c for c in CUSTOMERS if q.lower() in f"{c.name} {c.email}".lower() and status in ("", c.status)]
        after = request.args.get("after", 0, int)
        last = len(found) > after + PAGE
        values: dict[str, Any] = {
            "q": q,
            "status": status,
            "rows": found[after : after + PAGE],
            "total": len(found),
            "statuses": [name for name, _ in STATUSES],
            "next_url": f"/customers?q={q}&status={status}&after={after + PAGE}" if last else None,
            "prev_url": f"/customers?q={q}&status={status}&after={max(0, after - PAGE)}" if after else None,
        }
        part = is_htmx() and request.headers.get("HX-Target") == "div#customer-list"
        return render_template("gallery/rows.html" if part else "gallery/list.html", **values)

    @app.get("/customers/<int:number>")
    def customer(number: int) -> str:
        return render_template("gallery/customer.html", c=CUSTOMERS[number - 1], now=NOW, ago=dt.timedelta)

    @app.get("/customers/<int:number>/menu")
    def menu(number: int) -> str:
        return render_template("gallery/menu.html", c=CUSTOMERS[number - 1])

    @app.get("/customers/<int:number>/late")
    def late(number: int) -> str:
        return render_template("gallery/late.html", c=CUSTOMERS[number - 1])

    @app.get("/customers/<int:number>/delete")
    def ask(number: int) -> str:
        return render_template("gallery/delete.html", c=CUSTOMERS[number - 1])

    @app.post("/customers/<int:number>/delete")
    def delete(number: int) -> Response:
        return go_to("/customers", f"{CUSTOMERS[number - 1].name} was deleted.")

    @app.post("/customers/<int:number>/hold")
    def hold(number: int) -> Response:
        return toast(
            make_response("", 204), f"{CUSTOMERS[number - 1].name} is on hold.", undo_url=f"/customers/{number}/unhold"
        )

    @app.post("/customers/<int:number>/unhold")
    def unhold(number: int) -> Response:
        return toast(make_response("", 204), "Undone.")


def _forms(app: Flask) -> None:
    @app.get("/forms")
    def forms() -> str:
        return render_template("gallery/forms.html", values={}, errors={})

    @app.post("/forms")
    def refuse() -> tuple[str, int] | Response:
        values = request.form
        if values.get("name"):
            return go_to("/forms", "Saved.")
        errors = {
            "name": ["Say who this is."],
            "email": ["“not an address” is no e-mail address.", "It needs an @."],
            "kind": ["Choose one."],
            "address.city": ["A city has no digits."],
            "mode": ["Choose one."],
            "notes": ["Too long."],
        }
        return render_template("gallery/forms.html", values=values, errors=errors), 422

    @app.post("/strength")
    def strength() -> str:
        return "Good: it would take centuries to guess." if len(request.form.get("password", "")) > 12 else "Too short."

    @app.get("/reason")
    def reason() -> str:
        return render_template("gallery/reason_dialog.html", errors={})

    @app.post("/dialog-form")
    def dialog_form() -> tuple[str, int] | Response:
        if not request.form.get("reason"):
            return render_template("gallery/reason.html", errors={"reason": ["Say why."]}), 422
        return toast(make_response("Noted: it is on the page.", 200), "Noted.")


def _others(app: Flask) -> None:
    @app.get("/")
    def values() -> str:
        return render_template("gallery/values.html", unkind=UNKIND, now=NOW, ago=dt.timedelta)

    @app.get("/imports")
    def imports() -> str:
        return render_template("gallery/imports.html")

    @app.post("/imports/files")
    def upload() -> Response:
        body = request.get_data()
        app.extensions["uploads"].append((dict(request.headers), request.args.to_dict(), body))
        if body.startswith(b"PK"):
            response = jsonify(status=422, detail="This is a zip archive. Unpack it, then upload the CSV file inside.")
            response.status_code, response.content_type = 422, "application/problem+json"
            return response
        response = jsonify(id="1", location="/customers/1")
        response.status_code = 201
        return response

    @app.get("/dialogs")
    def dialogs() -> str:
        return render_template("gallery/dialogs.html")

    @app.route("/answers/<int:status>", methods=["GET", "POST"])
    def answers(status: int) -> Response:
        return make_response(render_template("error.html", status=status, sentence=f"The answer was {status}."), status)

    @app.get("/live")
    def live() -> str:
        return render_template("gallery/live.html")

    @app.get("/live/events")
    def events() -> Response:
        return Response("data: Done.\n\nevent: end\nid: end\ndata: done\n\n", content_type="text/event-stream")

    @app.get("/sign-in")
    def sign_in() -> str:
        return render_template("gallery/sign_in.html")

    @app.get("/api/gallery/v1/openapi.json")
    def description() -> dict[str, Any]:
        answer = {"200": {"description": "Fine", "content": {"application/json": {"schema": {"type": "object"}}}}}
        operation = {"summary": "List customers", "tags": ["Customers"], "responses": answer}
        info = {"title": "Liaison Gallery", "version": "v1"}
        return {"openapi": "3.1.0", "info": info, "paths": {"/customers": {"get": operation, "post": operation}}}

    @app.get("/api/gallery/v1/docs")
    def docs() -> str:
        return render_template("api_docs.html", title="Liaison Gallery", spec_url="/api/gallery/v1/openapi.json")


class QuietHandler(WSGIRequestHandler):
    """Prints nothing for each request, and keeps connections open as the gateway does."""

    protocol_version = "HTTP/1.1"

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Say nothing."""


@contextmanager
def served(app: Flask, port: int = 0) -> Iterator[str]:
    """Serve the app on loopback from a thread; yield its address."""
    server = make_server("127.0.0.1", port, app, threaded=True, request_handler=QuietHandler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


if __name__ == "__main__":
    assert TEMPLATES.is_dir()
    with served(create_gallery()) as address:
        print(f"{address}  (Ctrl-C ends it)")
        threading.Event().wait()
