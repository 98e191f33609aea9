"""The kinds of values of accounts and contacts: each cleans what came, and refuses with a sentence for a person.

Blank text is the same as none. A screen's form, the API and an import all load through these.
"""

import re
from collections import Counter
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

import marshmallow as ma
from email_validator import EmailNotValidError, validate_email

from shared.countries import country_code
from shared.keys import INVISIBLE, clean, code_key, phone_key

NUL = "\x00"
_BROKEN = re.compile("[\ud800-\udfff]")
_CONTROL = re.compile("[\x01-\x08\x0b\x0c\x0e-\x1f\x7f]")
_LINE_BREAKS = re.compile(r"[\t\r\n\x85\u2028\u2029]+")
# Unicode's embeddings, overrides and isolates: with them a text can be made to read as another one.
_TURNS = dict.fromkeys([*range(0x202A, 0x202F), *range(0x2066, 0x206A)])
_NOT_IN_ADDRESS = re.compile(r"""[\s"<>\\^`{|}]""")  # RFC 3986 leaves them out
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:(?!\d)")
_HOST = re.compile(r"[\w-]+(\.[\w-]+)+", re.UNICODE)
_INVISIBLE = str.maketrans("", "", INVISIBLE)
PHONE_DIGITS = range(3, 26)
MAX_TAGS = 50
MAX_ATTRIBUTES = 300


class Text(ma.fields.String):
    """Text on one line; around it no white space, in it no character that a database or a screen could not hold.

    What turns the direction of text is dropped; letters have their own.
    """

    default_error_messages = {  # noqa: RUF012
        "required": "Needed.",
        "null": "Needed.",
        "invalid": "Must be text.",
        "nul": "Holds a NUL character.",
        "broken": "Holds half of a character (a lone surrogate).",
        "control": "Holds a control character.",
    }

    def __init__(self, max_length: int, *, lines: bool = False, **more: Any) -> None:
        required = bool(more.get("required"))
        more.setdefault("allow_none", not required)
        limit = ma.validate.Length(max=max_length, error="Too long: at most {max} characters.")
        more.setdefault("validate", limit)
        super().__init__(**more)
        self.lines = lines

    def deserialize(
        self, value: Any, attr: str | None = None, data: Mapping[str, Any] | None = None, **kwargs: Any
    ) -> Any:
        """Return the cleaned text, None for blank."""
        if isinstance(value, str):
            value = self.tidy(value) or None
        return super().deserialize(value, attr, data, **kwargs)

    def tidy(self, text: str) -> str:
        """Return `text` cleaned, or refuse it."""
        if NUL in text:
            raise self.make_error("nul")
        if not text.isascii() and _BROKEN.search(text):
            raise self.make_error("broken")
        if _CONTROL.search(text):
            raise self.make_error("control")
        if not text.isascii():
            text = text.translate(_TURNS)
        return clean(text.replace("\r\n", "\n").replace("\r", "\n") if self.lines else _LINE_BREAKS.sub(" ", text))


class Code(Text):
    """A business code: zeros kept, invisible characters and no-break spaces dropped, as its key has it."""

    def tidy(self, text: str) -> str:
        """Return the code as it is shown."""
        text = super().tidy(text.translate(_INVISIBLE))
        return text if code_key(text) else ""


class Name(Text):
    """A name: something of it must be visible."""

    def tidy(self, text: str) -> str:
        """Return the name; one of invisible characters only is none."""
        text = super().tidy(text)
        return text if text.translate(_INVISIBLE).strip() else ""


class Email(Text):
    """An e-mail address by the rules of RFC 5321 and 5322; whether it is reached is not asked."""

    def tidy(self, text: str) -> str:
        """Return the address as typed."""
        text = super().tidy(text)
        if text:
            try:
                validate_email(text, check_deliverability=False, test_environment=True, globally_deliverable=False)
            except EmailNotValidError as error:
                raise ma.ValidationError(f"Not an e-mail address: {error}") from error
            if "." not in text.rpartition("@")[2]:
                raise ma.ValidationError("Not an e-mail address: the part after @ needs a dot, as in example.com.")
        return text


class Phone(Text):
    """A phone number as people write it; letters and signs may stand around the digits."""

    def tidy(self, text: str) -> str:
        """Return the number as typed."""
        text = super().tidy(text)
        if text and len(phone_key(text)[0].lstrip("+")) not in PHONE_DIGITS:
            raise ma.ValidationError("Not a phone number: it needs 3 to 25 digits.")
        return text


class Website(Text):
    """An address on the web; without a scheme https is meant."""

    def tidy(self, text: str) -> str:
        """Return the address with its scheme."""
        text = super().tidy(text)
        if not text:
            return text
        address = text if _SCHEME.match(text) else f"https://{text}"
        try:
            parts = urlsplit(address)
            host = parts.hostname or ""
        except ValueError:
            host = ""
        if not _HOST.fullmatch(host) or parts.scheme not in ("http", "https") or _NOT_IN_ADDRESS.search(address):
            raise ma.ValidationError("Not a web address. It should read like https://www.example.com.")
        return address


class Country(Text):
    """A country, as ISO code or by name; one that is not recognised stays as it was typed."""

    def tidy(self, text: str) -> str:
        """Return the ISO 3166 alpha-2 code where the country is known."""
        return country_code(super().tidy(text))


class Choice(Text):
    """One of a few words, in any case."""

    def __init__(self, choices: tuple[str, ...], **more: Any) -> None:
        choice = ma.validate.OneOf(choices, error="Must be one of: {choices}.")
        super().__init__(0, **{"allow_none": False, "validate": choice, **more})

    def tidy(self, text: str) -> str:
        """Return the word in lower case."""
        return super().tidy(text).lower()


class Tags(ma.fields.List):  # type: ignore[type-arg]
    """Tags: a list, or one text with commas or semicolons between them; the same tag counts once, in any case."""

    def __init__(self, **more: Any) -> None:
        super().__init__(Text(64), **more)

    def deserialize(
        self, value: Any, attr: str | None = None, data: Mapping[str, Any] | None = None, **kwargs: Any
    ) -> Any:
        """Return the tags in the order given; none is an empty list."""
        if value is None or isinstance(value, str):
            value = [value]
        loaded = super().deserialize(value, attr, data, **kwargs)
        if loaded is ma.missing:
            return loaded
        single = [tag.strip() for text in loaded if text for tag in re.split("[,;]", text)]
        tags = list({tag.casefold(): tag for tag in reversed(single) if tag}.values())[::-1]
        if len(tags) > MAX_TAGS:
            raise ma.ValidationError(f"Too many tags: at most {MAX_TAGS}.")
        return tags


class Attributes(ma.fields.Dict):
    """Fields of the company's own, each a name, which stands there once, and a text; a blank one is none."""

    def __init__(self, **more: Any) -> None:
        self.of_names = Text(100, required=True)
        super().__init__(keys=self.of_names, values=Text(5000), **more)

    def deserialize(
        self, value: Any, attr: str | None = None, data: Mapping[str, Any] | None = None, **kwargs: Any
    ) -> Any:
        """Return the attributes that hold something."""
        loaded: Any = super().deserialize({} if value is None else value, attr, data, **kwargs)
        if loaded is ma.missing:
            return loaded
        if len(loaded) < len(value or ()):
            names = Counter(self.of_names.deserialize(name) for name in value)
            raise ma.ValidationError([f"“{name}” stands here twice." for name, times in names.items() if times > 1])
        filled = {name: text for name, text in loaded.items() if text}
        if len(filled) > MAX_ATTRIBUTES:
            raise ma.ValidationError(f"{len(filled)} of them are filled, {MAX_ATTRIBUTES} at most can be kept.")
        return filled
