"""How numbers, times and names read on every screen."""

import datetime as dt
import unicodedata

from markupsafe import Markup

NOTHING = Markup('<span class="text-secondary" aria-label="not given">–</span>')
HUES = (
    "blue", "azure", "indigo", "purple", "pink", "orange", "lime", "green", "teal", "cyan",
)  # fmt: skip
STEPS = ((60, "minute"), (3600, "hour"), (86400, "day"), (604800, "week"))


def number(value: float | None) -> str | Markup:
    """12345 as "12,345"."""
    return NOTHING if value is None else f"{value:,}"


def plural(count: int, one: str, many: str | None = None) -> str:
    """Return "1 row" or "12,345 rows"; `many` is for words that take more than an s."""
    return f"{count:,} {one if count == 1 else many or one + 's'}"


def filesize(size: int | None) -> str | Markup:
    """Bytes as "812 bytes", "14 KB", "3.4 MB" (powers of 1000, as file managers show them)."""
    if size is None:
        return NOTHING
    if size < 1000:
        return plural(size, "byte")
    scaled, unit = size / 1000, "KB"
    for larger in ("MB", "GB", "TB"):
        if scaled < 999.5:
            break
        scaled, unit = scaled / 1000, larger
    return f"{scaled:.0f} {unit}" if scaled >= 10 or unit == "KB" else f"{scaled:.1f} {unit}"


def ago(moment: dt.datetime | None, now: dt.datetime | None = None) -> Markup:
    """`<time>` reading "3 minutes ago"; after a month, the day. `time.js` keeps it current."""
    if moment is None:
        return NOTHING
    moment = _aware(moment)
    seconds = ((now or dt.datetime.now(dt.UTC)) - moment).total_seconds()
    return Markup('<time datetime="{}" title="{}" data-ago>{}</time>').format(
        moment.isoformat(timespec="seconds"),
        f"{moment.astimezone(dt.UTC):%-d %b %Y, %H:%M} UTC",
        _distance(seconds) if abs(seconds) < 2592000 else _day(moment),
    )


def date(moment: dt.date | dt.datetime | None, clock: bool = False) -> Markup:
    """`<time>` reading "4 Mar 2026", with `clock` "4 Mar 2026, 17:05" (in the reader's zone)."""
    if moment is None:
        return NOTHING
    if not isinstance(moment, dt.datetime):
        return Markup('<time datetime="{}">{}</time>').format(moment.isoformat(), _day(moment))
    moment = _aware(moment)
    return Markup('<time datetime="{}" data-local="{}">{}</time>').format(
        moment.isoformat(timespec="seconds"),
        "clock" if clock else "day",
        _day(moment) + (f", {moment:%H:%M} UTC" if clock else ""),
    )


def duration(seconds: float) -> str:
    """Seconds as "less than a second", "12 seconds", "3 minutes 4 seconds", "2 hours 5 minutes"."""
    whole = max(round(seconds), 0)
    if whole < 1:
        return "less than a second"
    if whole < 60:
        return plural(whole, "second")
    minutes, whole = divmod(whole, 60)
    if minutes < 60:
        return plural(minutes, "minute") + (f" {plural(whole, 'second')}" if whole else "")
    hours, minutes = divmod(minutes, 60)
    return plural(hours, "hour") + (f" {plural(minutes, 'minute')}" if minutes else "")


def hue(text: str) -> str:
    """The colour that stands for this name, always the same one."""
    return HUES[sum(map(ord, text)) % len(HUES)]


def initials(name: str) -> str:
    """First letters of the first and last word: "Aisha van der Berg" is AB; "?" for nothing."""
    words = [letters for word in name.split() if (letters := _letters(word))]
    chosen = [words[0], words[-1]] if len(words) > 1 else words
    return "".join(word[0] for word in chosen).upper() or name.strip()[:1] or "?"


def _letters(word: str) -> str:
    return "".join(c for c in unicodedata.normalize("NFC", word) if c.isalnum())


def _aware(moment: dt.datetime) -> dt.datetime:
    return moment if moment.tzinfo else moment.replace(tzinfo=dt.UTC)


def _day(moment: dt.date) -> str:
    return f"{moment.day} {moment:%b} {moment.year}"


def _distance(seconds: float) -> str:
    if abs(seconds) < 60:
        return "just now" if seconds > -30 else "in a moment"
    length, unit = next(step for step in reversed(STEPS) if step[0] <= abs(seconds))
    text = plural(int(abs(seconds) // length), unit)
    return f"{text} ago" if seconds > 0 else f"in {text}"
