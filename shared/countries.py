"""Countries as people write them, and their ISO 3166-1 alpha-2 codes."""

import re
import unicodedata
from functools import cache, lru_cache

from babel import Locale
from babel.core import get_global

LANGUAGES = ("en", "de", "fr", "es", "it", "nl", "pl", "pt", "sv", "da", "nb", "fi", "cs", "tr", "hu", "ro", "el")

# Codes of CLDR that are no country, or a part of one that has a code of its own.
NOT_COUNTRIES = {"AC", "CP", "CQ", "DG", "EA", "EU", "EZ", "IC", "QO", "TA", "UN", "XA", "XB", "ZZ"}

# Names in use that CLDR does not have, in the form of `_folded`.
OTHER_NAMES = {
    "america": "US",
    "antarctica territory south of 60 deg s": "AQ",
    "bolivia plurinational state of": "BO",
    "bosnia": "BA",
    "brunei darussalam": "BN",
    "burma": "MM",
    "cabo verde": "CV",
    "congo": "CG",
    "cote d ivoire": "CI",
    "czech republic": "CZ",
    "democratic republic of congo": "CD",
    "england": "GB",
    "great britain": "GB",
    "grossbritannien": "GB",
    "grande bretagne": "GB",
    "guyane francaise": "GF",
    "holland": "NL",
    "holy see": "VA",
    "hong kong": "HK",
    "iran islamic republic of": "IR",
    "ivory coast": "CI",
    "korea": "KR",
    "korea republic of": "KR",
    "korea democratic people s republic of": "KP",
    "kyrgyz republic": "KG",
    "lao people s democratic republic": "LA",
    "libyan arab jamahiriya": "LY",
    "macao": "MO",
    "macau": "MO",
    "macedonia": "MK",
    "micronesia federated states of": "FM",
    "moldova republic of": "MD",
    "north korea": "KP",
    "northern ireland": "GB",
    "palestine": "PS",
    "palestine state of": "PS",
    "palestinian territory": "PS",
    "people s republic of china": "CN",
    "pitcairn": "PN",
    "republic of ireland": "IE",
    "republic of korea": "KR",
    "reunion": "RE",
    "russian federation": "RU",
    "saint helena": "SH",
    "scotland": "GB",
    "slovak republic": "SK",
    "south korea": "KR",
    "heard island mcdonald islands": "HM",
    "svalbard jan mayen islands": "SJ",
    "swaziland": "SZ",
    "syrian arab republic": "SY",
    "taiwan province of china": "TW",
    "tanzania united republic of": "TZ",
    "turkey": "TR",
    "u k": "GB",
    "u s": "US",
    "u s a": "US",
    "united states of america": "US",
    "united states virgin islands": "VI",
    "us minor outlying islands": "UM",
    "united states minor outlying islands": "UM",
    "venezuela bolivarian republic of": "VE",
    "viet nam": "VN",
    "virgin islands british": "VG",
    "virgin islands u s": "VI",
    "wales": "GB",
}


@lru_cache(65_536)
def country_code(text: str) -> str:
    """Return the alpha-2 code of a country given as code (two or three letters) or name; else `text` as it is."""
    upper = text.strip().upper()
    if upper in country_names():
        return upper
    if found := _alpha3().get(upper):
        return found
    names = _codes_by_name()
    return next((names[folded] for folded in map(_folded, _readings(text)) if folded in names), text)


def _readings(text: str) -> list[str]:
    """Return `text`; "Korea (Republic of)" and "Korea, Republic of" also as "Republic of Korea", then as "Korea"."""
    if found := re.fullmatch(r"([^(\[]+)[(\[](.+)[)\]]\s*", text):
        return [text, f"{found[2]} {found[1]}", found[1]]
    first, comma, rest = text.partition(",")
    return [text, f"{rest} {first}"] if comma else [text]


def phone_region(country: str | None) -> str | None:
    """Return the code by whose rules national phone numbers of `country` are read, None for one that is not known."""
    code = country_code(country) if country else None
    return code if code in country_names() else None


def country_name(code: str | None) -> str:
    """Return the English name of a country's code; anything else as it is."""
    return country_names().get(code or "", code or "")


@cache
def country_choices() -> list[tuple[str, str]]:
    """Return (code, English name) of all countries in the order of their names, for forms."""
    return sorted(country_names().items(), key=lambda pair: _folded(pair[1]))


@cache
def country_names() -> dict[str, str]:
    """Return {alpha-2 code: English name} of all countries."""
    territories = Locale("en").territories
    return {
        code: str(name)
        for code, name in sorted(territories.items())
        if re.fullmatch("[A-Z]{2}", code) and code not in NOT_COUNTRIES
    }


@cache
def _alpha3() -> dict[str, str]:
    aliases = get_global("territory_aliases")
    codes = {old: new[0] for old, new in aliases.items() if re.fullmatch("[A-Z]{2,3}", old) and len(new) == 1}
    return {old: new for old, new in codes.items() if new in country_names()}


@cache
def _codes_by_name() -> dict[str, str]:
    names: dict[str, str] = {}
    for language in LANGUAGES:
        territories = Locale(language).territories
        for code in country_names():
            if name := territories.get(code):
                names.setdefault(_folded(name), code)
                names.setdefault(_folded(re.sub(r"[(\[].*?[)\]]", " ", name)), code)
    return {**names, **OTHER_NAMES}


def _folded(text: str) -> str:
    plain = unicodedata.normalize("NFKD", text).replace("&", " ").casefold()
    plain = "".join(sign for sign in plain if not unicodedata.combining(sign))
    words = re.sub(r"[\W_]+", " ", plain).split()
    words = ["saint" if word == "st" else word for word in words if word not in ("and", "und", "et", "the")]
    return " ".join(words)
