"""Using the screens of imports without a browser."""

import re
import uuid
from html import unescape

from sqlalchemy import func, select

from services.imports.domain.jobs import Viewer
from services.imports.models import Job
from shared.db import read_only
from shared.testing import SignedClient

GRACE = Viewer(uuid.UUID(int=99), "Grace Other")
THREE = "code,name,email\n001,Acme,a@acme.example\n002,bad Bolt,\n003,Cog,c@cog.example\n"


def words_on(response) -> str:
    """What a person reads: without tags, single spaces."""
    body = re.sub(r"<(script|style|template|svg).*?</\1>", " ", response.get_data(as_text=True), flags=re.DOTALL)
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", body)).split())


def upload(client: SignedClient, data: str | bytes, name: str = "list.csv"):
    return client.post(
        "/imports/files?kind=customers",
        data=data.encode() if isinstance(data, str) else data,
        headers={"Content-Disposition": f"attachment; filename*=UTF-8''{name}", "Content-Type": "text/csv"},
    )


def uploaded(client: SignedClient, data: str | bytes, name: str = "list.csv") -> str:
    """Upload and return where the screen of the new job is."""
    response = upload(client, data, name)
    assert response.status_code == 201, response.get_data(as_text=True)
    return response.json["location"]


def form_on(page: str) -> dict[str, str]:
    """Return what the form of the matching screen would send as it stands."""
    values = dict(re.findall(r'<input type="hidden" name="(version)" value="(\d+)"', page))
    for name, options in re.findall(r'<select[^>]* name="([^"]+)"[^>]*>(.*?)</select>', page, re.DOTALL):
        if name == "constant_field":
            continue
        chosen = re.search(r'<option value="([^"]*)" selected>', options)
        values[name] = unescape(chosen.group(1)) if chosen else ""
    values.update((name, unescape(text)) for name, text in re.findall(r'name="(text\.[^"]+)" value="([^"]*)"', page))
    values.update(re.findall(r'type="radio"[^>]* name="([^"]+)" value="([^"]+)" checked', page))
    if re.search(r'name="keep_unmapped" value="true" checked', page):
        values["keep_unmapped"] = "true"
    return values


def imported(client: SignedClient, run, place: str, **changes: str) -> Job:
    """Press Import on the matching screen and let the workers work."""
    values = {**form_on(client.get(place).get_data(as_text=True)), **changes}
    response = client.post(f"{place}/mapping", data=values)
    assert (response.status_code, response.headers.get("Location")) == (303, place), words_on(response)
    return run(job_at(place))


def job_at(place: str) -> Job:
    with read_only() as session:
        return session.get_one(Job, uuid.UUID(place.rpartition("/")[2]))


def count_of(model: type) -> int:
    with read_only() as session:
        return session.execute(select(func.count()).select_from(model)).scalar_one()
