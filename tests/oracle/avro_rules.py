"""Where our Avro differs from ClickHouse's on purpose. Anything not listed here fails the test.

The law is that of rules.py: a cell is what ClickHouse stores, or an error row; beyond that we take
values whose meaning is plain. Where ClickHouse stores another meaning (a timestamp's number as ticks of
whatever scale the column has), the expected cell is worked out here, by Python's own calendar.
"""
import datetime
import re

from .avro_readers import HEADER

EPOCH = datetime.datetime(1970, 1, 1)
PER_SECOND = {"millis": 10**3, "micros": 10**6, "nanos": 10**9}


class Outcome:
    """One value in both readers. ours/theirs: text of the stored cell, or None if refused."""

    def __init__(self, name, schema, type_name, value, ours, message, theirs, refusal):
        self.name = name
        self.schema = schema
        self.type_name = type_name
        self.value = value
        self.ours = ours
        self.message = message
        self.theirs = theirs
        self.refusal = refusal
        if name in ("null-int", "int-null"):
            self.name, self.value = "int", value[1]

    def text(self):
        return (f"{self.name} {str(self.value)[:60]} into {self.type_name}: ours {str(self.ours)[:80]!r} ({self.message}), "
                f"theirs {str(self.theirs)[:80]!r} ({self.refusal[:160]!r})")


def reason(*parts):
    return lambda o: any(part in o.message for part in parts)


def instant_text(outcome):
    """What the column must show for a date or timestamp, None where Python cannot tell."""
    logical = outcome.schema["logicalType"]
    per_second = 1 if logical == "date" else PER_SECOND[logical.rsplit("-", 1)[1]]
    ticks = outcome.value * 86400 if logical == "date" else outcome.value
    seconds, part = divmod(ticks, per_second)
    try:
        moment = EPOCH + datetime.timedelta(seconds=seconds)
    except OverflowError:
        return None
    if outcome.type_name in ("Date", "Date32"):
        return f"{moment:%Y-%m-%d}"
    scale = re.match(r"DateTime64\((\d)", outcome.type_name)
    digits = int(scale.group(1)) if scale else 0
    fraction = str(part * 10**9 // per_second).rjust(9, "0")[:digits]
    return f"{moment:%Y-%m-%d %H:%M:%S}" + (f".{fraction}" if digits else "")


def is_instant(outcome):
    return outcome.name == "date" or "timestamp" in outcome.name


def is_text(outcome):
    return "String" in outcome.type_name and "Map" not in outcome.type_name and "Tuple" not in outcome.type_name


def is_null(outcome):
    return outcome.value is None or (isinstance(outcome.value, tuple) and outcome.value[1] is None)


def is_number(outcome):
    return outcome.name in ("int", "long", "float", "double")


# (name, sentence, test): refused by us, taken by ClickHouse.
WE_REFUSE = [
    ("out of range", "ClickHouse wraps integers and decimals and saturates dates and date-times without a word; `penstock_overflow` `wrap` or `clamp` changes it for integers and floats.",
     reason("it is out of range", "it is not a finite number")),
    ("digits lost", "ClickHouse cuts fractions on the way into integers, and digits that a Decimal has no place for.", reason("it has a fraction", "it has more digits after the point")),
    ("Bool", "Bool takes 0 and 1; ClickHouse makes true of every other number.", reason("it is neither true, false, 0 nor 1")),
    ("times of day", "A time of day is no date: ClickHouse stores its number as days, seconds or ticks.", lambda o: o.name.startswith("time-") and "it is no date" in o.message),
    ("truth is no day", "ClickHouse stores true as day, second or tick 1, and as the smallest step of a Decimal.", lambda o: o.name == "boolean" and "cannot be converted" in o.message),
    ("bytes as numbers", "bytes and fixed (also of decimals) go into String, FixedString and what is as wide; ClickHouse also takes fixed of 2, 4 and 8 bytes for the memory of an integer, and bytes for a UUID's text.",
     lambda o: ("bytes go into" in o.message or "cannot be converted" in o.message) and re.match("bytes|fixed|decimal", o.name) is not None),
]

# (name, sentence, test): taken by us, refused by ClickHouse.
WE_TAKE = [
    ("more pairs", "ClickHouse refuses the schema for pairs of types it has no conversion for: any value into String, texts into numbers, dates and Enums as from JSON, numbers into Enums, "
     "decimals into numbers, other scales and precisions, unions into one type.", lambda o: HEADER in o.refusal or "scale" in o.refusal or "precision" in o.refusal),
    ("unit of bare numbers", "as below, where the number is past ClickHouse's ticks.", lambda o: is_number(o) and "DateTime64" in o.type_name),
    ("null", "null into what cannot hold it gives the type's zero value (`penstock_null`).", is_null),
    ("symbols", "A symbol goes by its name; ClickHouse wants every symbol of the schema among the members.", lambda o: o.name == "enum"),
    ("UUID", "A UUID's text without dashes, and 16 bytes as RFC 4122 has them.", lambda o: o.type_name == "UUID" and ("uuid" in o.name or o.name == "fixed-16")),
]

# (name, sentence, test): taken by both, with another value.
WE_DIFFER = [
    ("dates by their meaning", "Dates and timestamps are instants, whatever the column's scale; ClickHouse stores the number as it stands (milliseconds as microseconds, days as seconds) unless type and scale are its own.",
     lambda o: is_instant(o) and "Date" in o.type_name and o.ours == instant_text(o)),
    ("unit of bare numbers", "Bare numbers into date-times follow `penstock_timestamp_unit`; ClickHouse takes ticks of the column, or seconds.",
     lambda o: is_number(o) and "DateTime" in o.type_name),
    ("numbers into Decimal", "A number into a Decimal is that number; ClickHouse takes its whole part for the unscaled one.",
     lambda o: (is_number(o) or is_instant(o) or o.name.startswith("time-")) and "Decimal" in o.type_name
     and float(o.ours) == float(o.value)),
    ("texts of logical types", "Into String go their texts: decimals as digits, uuid with dashes, duration as `{\"months\":…,\"days\":…,\"millis\":…}`; ClickHouse stores the bytes.",
     lambda o: is_text(o) and re.match("decimal|uuid-fixed|duration", o.name) is not None),
]


def find(outcome):
    """The rule that allows this difference, or None."""
    rules = WE_REFUSE if outcome.ours is None else WE_TAKE if outcome.theirs is None else WE_DIFFER
    for name, _, is_met in rules:
        if is_met(outcome):
            return name
    return None
