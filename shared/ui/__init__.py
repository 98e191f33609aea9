"""The one look of Liaison: layout, macros, menu, icons. `shared/ui/README.md` lists the macros."""

from pathlib import Path

from flask import Flask
from jinja2 import ChoiceLoader, FileSystemLoader

from shared.countries import country_name
from shared.ui.form import messages
from shared.ui.icon import icon
from shared.ui.layout import menu_for, static_url
from shared.ui.marking import marked
from shared.ui.records import label, shown_as
from shared.ui.wording import ago, date, duration, filesize, hue, initials, number, plural

__all__ = ["init_ui"]

TEMPLATES = Path(__file__).parent / "templates"


def init_ui(app: Flask) -> None:
    """Let the app's templates extend `layout.html` and import `ui.html`."""
    own = app.jinja_loader
    ours = FileSystemLoader(TEMPLATES)
    app.jinja_loader = ours if own is None else ChoiceLoader([own, ours])
    app.jinja_options = {**app.jinja_options, "trim_blocks": True, "lstrip_blocks": True}
    for given in (icon, hue, initials, messages, menu_for, static_url):
        app.add_template_global(given)
    for wording in (number, ago, date, duration, filesize, plural, country_name, marked, shown_as):
        app.add_template_filter(wording)
    app.add_template_filter(label, "field_label")
