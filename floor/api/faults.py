"""What is wrong with one field of a request, told in the reader's language."""

import re
from typing import Any

import msgspec

from floor.words import Words

# Whoever refuses a value says why in plain words: the queue, the machines, the floor, and the reader of JSON. Each of
# their reasons has one sentence in the catalogues, `problems.fault.<name>`, with the gaps that are named here.
REASONS = tuple(
    (re.compile(reason, re.DOTALL), name)
    for reason, name in (
        (r"it is missing|name the dispenser", "missing"),
        (r"it is empty", "empty"),
        (r"Expected `(?P<type>\w+)(?: \| \w+)*`, got .*", "type"),
        (r"Expected `str` of length >= (?P<n>\d+)", "too_short"),
        (r"(?:Expected `str` of length <=|at most) (?P<n>\d+)(?: characters)?", "too_long"),
        (r"Expected `array` of length >= (?P<n>\d+)", "too_few"),
        (r"name at least one service", "no_service"),
        (r"Expected `array` of length <= (?P<n>\d+)", "too_many"),
        (r"Expected `\w+` >= (?P<n>-?\d+)", "too_small"),
        (r"Expected `\w+` <= (?P<n>-?\d+)", "too_big"),
        (r"(?P<low>\d+) to (?P<high>\d+)", "between"),
        (r"Expected `str` matching regex .*", "form"),
        (r"Invalid RFC3339 encoded .*", "date"),
        (r"a time of day like 08:30", "time_of_day"),
        (r"a word, a space and how it is said", "lexicon_line"),
        (r"(?P<word>.+): a syllable with its tone for each character", "syllables"),
        (r"(?P<word>.+): nobody reads (?P<character>.) as (?P<syllable>.+)", "misread"),
        (r"one of (?P<allowed>.+)", "one_of"),
        (r"an age belongs to a category by age.*", "of_age"),
        (r"1 to 20 characters a-z and _", "small_letters"),
        (r"this is no ID number", "id_number"),
        (r"each once, of (?P<allowed>.+)", "each_once"),
        (r".*\b(?:once|twice|repeated)\b.*", "repeated"),
        (r"unknown category|there is no such .*", "unknown"),
        (r"no (?:clerk|agent) works here by that name", "nobody"),
        (r"name a service or a window, one of them", "one_target"),
        (r"name the paper that was shown", "paper"),
        (r"say why people are left waiting", "why"),
        (r"a period ends no earlier than it begins", "period"),
        (r"a text has characters that can't be kept", "unkeepable"),
        (r"1 to 200 visible ASCII characters", "key"),
        (r"a device of this kind stands at a window", "at_window"),
        (r"a phone number has 6 to 15 digits", "phone"),
        (r"nothing can be printed at this site", "no_printer"),
        (r"this site can't be reached like that", "no_way"),
        (r"a site stands below its parent", "below"),
        (r"this agent works for another station", "elsewhere"),
        (r"1 to 24 characters a-z, 0-9 and -", "site_code"),
        (r"a time with its offset", "offset"),
        (r"degrees of latitude and longitude", "degrees"),
        (r"from, to, kilometres and minutes between two areas", "ways"),
        (r"the hall goes to nobody's door for this", "nobodys_door"),
        (r"the hall does not go there", "not_there"),
        (r"it is not usable", "not_so"),
        (r"it is used by visits", "in_use"),
        (r"there is none", "none_such"),
        (r"without consent nothing can be kept", "consent"),
        (r"this is no photo", "photo"),
        (r"a tracking number has 4 to 40 letters and digits", "tracking"),
    )
)


class Fault(msgspec.Struct):
    """One field that can't be used, and why."""

    field: str
    message: str


def kind_of(reason: str) -> tuple[str, dict[str, str]]:
    """Which sentence tells a reason, and what fills its gaps; `unusable` for a reason that nobody foresaw."""
    for pattern, name in REASONS:
        if found := pattern.fullmatch(reason):
            return name, found.groupdict()
    return "unusable", {}


def told(reason: str, say: Words) -> str:
    """The sentence of a reason."""
    name, gaps = kind_of(reason)
    if "type" in gaps:
        gaps["type"] = str(say.get(f"problems.type.{gaps['type']}", say["problems.type.other"]))
    return say(f"problems.fault.{name}", **gaps)


def fault_of(wrong: msgspec.ValidationError, shape: Any) -> Fault:
    """Which field of a shape it was, and the reason."""
    text, _, path = str(wrong).partition(" - at `$")
    name = path.rstrip("`").lstrip(".")
    lacking = text.partition("missing required field `")[2].rstrip("`")
    if lacking:
        return Fault(".".join(part for part in (name, lacking) if part), "it is missing")
    allowed = choices(shape, name) if text.startswith("Invalid enum value") else []
    return Fault(name, f"one of {', '.join(allowed)}" if allowed else text)


def choices(shape: Any, name: str) -> list[str]:
    """The values a field of a shape may have; none for what lies deeper than its fields."""
    field = msgspec.json.schema(shape)["$defs"][shape.__name__]["properties"].get(name, {})
    return [value for part in (field, *field.get("anyOf", ())) for value in part.get("enum", ()) if value is not None]
