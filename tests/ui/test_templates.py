"""Macros and layout: what they escape, what they show to whom, and that the page policy can hold."""

import re
from pathlib import Path
from types import SimpleNamespace

import pytest
from flask import Flask, render_template_string

from shared.ui import TEMPLATES, init_ui
from shared.ui.form import messages
from shared.ui.layout import MENU, STATIC, menu_for, static_url
from tests.ui.gallery import create_gallery

PROJECT = Path(__file__).resolve().parents[2]
HTML = "<b>&\"'</b>"
FORBIDDEN = {
    "a style attribute": r"<[^>{]*\sstyle\s*=",
    "an inline script": r"<script(?![^>]*\bsrc=)",
    "an inline style": r"<style\b",
    "an inline handler": r"<[^>{]*\son[a-z]+\s*=",
    "hx-on, which needs eval": r"hx-on",
    "js:, which needs eval": r"""["'\s]js:""",
    "a trigger filter, which needs eval": r'hx-trigger="[^"]*\[',
    "a script of Bootstrap": r"data-bs-(?!theme)",
    "the menu class of Bootstrap": r'class="[^"]*dropdown-menu',
}


@pytest.fixture
def app() -> Flask:
    app = Flask("ui")
    init_ui(app)
    return app


def _draw(app: Flask, source: str, **values: object) -> str:
    with app.test_request_context("/customers/1"):
        return render_template_string('{% import "ui.html" as ui %}' + source, html=HTML, **values)


def _macros() -> list[str]:
    return re.findall(r"{% set (\w+) =", (TEMPLATES / "ui.html").read_text())


@pytest.mark.parametrize(
    "source",
    [
        '{{ ui.field(html, "name", html, {"name": [html]}, hint=html, placeholder=html, list=[html]) }}',
        '{{ ui.textarea(html, "name", html, {"name": [html]}, hint=html) }}',
        '{{ ui.select(html, "name", [(html, html)], html, {"name": [html]}, blank=html) }}',
        '{{ ui.radios(html, "name", [(html, html, html)], html) }}',
        '{{ ui.checkbox(html, "name", hint=html) }}',
        "{{ ui.password_field(html, hint=html) }}",
        '{{ ui.form_errors({"name": [html]}, {"name": html}) }}',
        '{{ ui.button(html, attrs={"data-x": html}) }}{{ ui.copy_button(html, html) }}',
        '{{ ui.confirm_dialog("d", html, html, html, fields={"name": html}) }}',
        '{{ ui.search_box("/x", "#y", html, html) }}',
        '{{ ui.pager("/x?q=" ~ html, "/y?q=" ~ html, html, "#l") }}',
        '{{ ui.found_pager({"count": 3, "capped": true}, html, html, true, "/x", none, "#l") }}',
        '{{ ui.person(html, "/x", html) }}{{ ui.empty(icon="users", title=html, text=html) }}',
        "{{ ui.menu_title(html) }}{{ ui.menu_item(html, copy=html) }}{{ ui.row_menu_button(html) }}",
        '{{ ui.page_header(html, html, avatar_name=html) }}{{ ui.breadcrumb([(html, "/"), (html, "")]) }}',
        "{{ ui.alert(html, html) }}{{ ui.status_badge(html) }}{{ ui.badge(html) }}{{ ui.tags([html]) }}",
        '{{ ui.datagrid([(html, html)]) }}{{ ui.progress(1, 2, html) }}{{ ui.stat(html, html, icon="users", note=html) }}',
        '{{ ui.timeline([{"who": html, "text": html, "changes": [(html, html, html)]}]) }}',
        '{{ ui.upload("/x", html, hint=html) }}',
    ],
)
def test_macro_when_given_html_shows_it_as_text(app: Flask, source: str) -> None:
    drawn = _draw(app, source)
    assert "<b>" not in drawn
    assert "&lt;b&gt;" in drawn
    assert "\"'" not in drawn


def test_field_when_wrong_is_tied_to_its_message(app: Flask) -> None:
    drawn = _draw(
        app, '{{ ui.field("City", "address.city", "x", {"address": {"city": ["No digits."]}}, hint="Where.") }}'
    )
    assert 'aria-invalid="true" aria-describedby="f-address-city-error f-address-city-hint"' in drawn
    assert '<div class="invalid-feedback" id="f-address-city-error">No digits.</div>' in drawn


def test_field_when_its_value_is_none_is_empty(app: Flask) -> None:
    assert 'value=""' in _draw(app, '{{ ui.field("Name", "name", none) }}')


def test_textarea_when_the_text_starts_with_a_line_break_keeps_it(app: Flask) -> None:
    # HTML drops the first line break of a textarea, so there is always one more.
    assert ">\n\nsecond line</textarea>" in _draw(
        app, '{{ ui.textarea("Notes", "notes", text) }}', text="\nsecond line"
    )


def test_select_when_the_value_is_a_number_selects_it(app: Flask) -> None:
    assert '<option value="2" selected>' in _draw(app, '{{ ui.select("N", "n", [(1, "one"), (2, "two")], "2") }}')


def test_confirm_when_deleting_by_htmx_says_so(app: Flask) -> None:
    drawn = _draw(app, '{{ ui.confirm_panel("Sure?", "Gone.", "/x/1", method="delete", target="#list") }}')
    assert 'hx-delete="/x/1" hx-target="#list" hx-swap="innerHTML"' in drawn


@pytest.mark.parametrize(
    ("errors", "found"),
    [
        (None, []),
        ({}, []),
        ({"a.b": ["x"]}, ["x"]),
        ({"a": {"b": ["x", "y"]}}, ["x", "y"]),
        ({"a": ["z"]}, []),
        ({"a.b": "x"}, ["x"]),
        ({"a.b": {0: ["x"], 1: ["y"]}}, ["x", "y"]),
        (["x"], ["x"]),
    ],
)
def test_messages_when_nested_are_found(errors: object, found: list[str]) -> None:
    assert messages(errors, "a.b") == found


def test_menu_when_somebody_may_little_is_short() -> None:
    viewer = SimpleNamespace(permissions=frozenset({"customers.view"}))
    assert [entry.label for entry in menu_for(viewer)] == ["Overview", "Customers"]
    assert menu_for(None) == []
    follows = SimpleNamespace(permissions=frozenset({"jobs.all"}))
    assert [entry.label for entry in menu_for(follows)] == ["Overview", "Imports"]


@pytest.mark.parametrize(
    ("path", "label"),
    [("/", "Overview"), ("/customers/1/edit", "Customers"), ("/settings/roles", "Settings"), ("/customersx", None)],
)
def test_menu_when_on_a_page_lights_its_entry(path: str, label: str | None) -> None:
    assert [entry.label for entry in MENU if entry.is_active(path)] == ([label] if label else [])


def test_layout_when_nobody_is_signed_in_shows_no_account(app: Flask) -> None:
    drawn = _draw(app, '{% include "layout.html" %}')
    assert "Sign out" not in drawn
    assert "Customers" not in drawn


def test_static_address_when_the_file_changes_changes() -> None:
    assert re.fullmatch(r"/static/liaison\.css\?v=[0-9a-f]{10}", static_url("liaison.css"))


def test_scripts_when_written_say_their_rule_first() -> None:
    for script in STATIC.glob("*.js"):
        first = script.read_text().splitlines()[0]
        assert first.startswith("// "), script.name
        assert first.endswith((".", ").")), script.name


@pytest.mark.parametrize("what", FORBIDDEN)
def test_template_when_written_keeps_to_the_policy(what: str) -> None:
    templates = [*TEMPLATES.rglob("*.html"), *PROJECT.glob("services/*/templates/**/*.html")]
    found = [str(path.relative_to(PROJECT)) for path in templates if re.search(FORBIDDEN[what], path.read_text())]
    assert found == []


def test_every_macro_when_published_is_in_the_readme_and_the_gallery() -> None:
    readme = (TEMPLATES.parent / "README.md").read_text()
    gallery = "".join(path.read_text() for path in (Path(__file__).parent / "templates").rglob("*.html"))
    layout = "".join(path.read_text() for path in TEMPLATES.rglob("*.html"))
    assert [name for name in _macros() if f"`{name}(" not in readme] == []
    assert [name for name in _macros() if f"ui.{name}(" not in gallery + layout] == []


@pytest.mark.parametrize("path", ["/", "/customers", "/customers/1", "/forms", "/imports", "/dialogs", "/sign-in"])
def test_page_when_drawn_has_each_id_once(path: str) -> None:
    answer = create_gallery().test_client().get(path)
    assert answer.status_code == 200
    ids = re.findall(r'\sid="([^"]+)"', answer.text)
    assert sorted(ids) == sorted(set(ids))


@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 418, 500, 503])
def test_error_page_when_shown_says_what_to_do(status: int) -> None:
    answer = create_gallery().test_client().get(f"/answers/{status}")
    assert answer.status_code == status
    assert f"The answer was {status}." in answer.text
    assert f"Error {status}" in answer.text
