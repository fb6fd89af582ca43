"""Where we differ from ClickHouse's JSONEachRow on purpose. Anything not listed here fails the test.

The law (docs/type-mapping.md): a cell is what ClickHouse stores, or an error row, never a
third value; beyond that we take some values whose meaning is plain. A rule has a name, the reason
that goes into docs/type-mapping.md, and a test of one outcome.
"""
import re

INTEGER = re.compile(r"U?Int(8|16|32|64)\b")
NUMBER = re.compile(r'-?(0|[1-9]\d*)(\.\d+)?([eE][-+]?\d+)?$')


class Outcome:
    """One value in both readers. ours/theirs: text of the stored cell, or None if refused."""

    def __init__(self, type_name, value, ours, message, theirs):
        self.type_name = type_name
        self.value = value
        self.ours = ours
        self.message = message
        self.theirs = theirs


def values_inside(value):
    """The JSON texts that the value is or holds, roughly: for wrapped cases."""
    return [value] + re.findall(r'"(?:[^"\\]|\\.)*"|[^\[\]{},:\s]+', value)


def holds(outcome, pattern):
    return any(re.fullmatch(pattern, text) for text in values_inside(outcome.value))


def reason(*parts):
    return lambda o: any(part in o.message for part in parts)


# (name, sentence, test): refused by us, taken by ClickHouse.
WE_REFUSE = [
    ("out of range", "ClickHouse wraps integers, saturates dates and date-times, and turns too large floats into infinity without a word; "
     "dates are kept to 1970-01-01 … 2149-06-06 (Date) and 1900-01-01 … 2299-12-31 (Date32, DateTime64), as documented for all versions. "
     "`penstock_overflow` `wrap` or `clamp` changes it for integers and floats.", reason("it is out of range")),
    ("digits lost", "ClickHouse cuts digits that a Decimal has no place for.", reason("more digits after the point")),
    ("empty text", "ClickHouse stores 0 for an empty text in an integer or Decimal.", reason("the text is empty")),
    ("no such day", "ClickHouse stores another day for dates that do not exist (02-30 becomes 03-01) or the type's first day.", reason("there is no such day")),
    ("no such time", "ClickHouse carries 24:00, :60 seconds and the like over into the next minute, hour or day, and shifts a time that the clocks of the column's zone skip.", reason("there is no such time of day", "there is no such zone offset")),
    ("date-time shape", "Of `best_effort` we take the unambiguous shapes listed below; month names, day first, AM/PM, blanks around, a missing day and unix times of other lengths are refused.",
     reason("it is no date or date-time")),
    ("time shape", "Of Time and Time64 we take `h:mm:ss`, `mm:ss` and `s` with an optional sign and fraction (Time: no fraction).", lambda o: "it is no time of day" in o.message or (re.search(r"\bTime", o.type_name) is not None and "it has a fraction" in o.message)),
    ("address shape", "The parts of an IPv4 address have at most three digits, and an IPv6 address is what RFC 4291 says: ClickHouse also takes more zeros in front, zeros in front of the parts of an IPv4 tail, and `::` for no group.",
     reason("not an IPv4 address", "not an IPv6 address")),
    ("words as numbers", 'ClickHouse takes the text "true" for 1 in integers, and reads true and false into dates.', lambda o: holds(o, r'"?(true|false)"?') and o.ours is None),
    ("lenient numbers", "ClickHouse reads `\"--1\"` into a Nullable float as -1.", reason("the text is not a number")),
    ("enum wraps", "ClickHouse wraps a number that is too large for an Enum's width and takes what comes out.", reason("the enum has no such value")),
    ("Variant by kind", "A Variant takes a value only into an alternative of its kind: numbers into the integer or the float, texts into the date-time, UUID, … if they parse and "
     "else into the text type, true and false into Bool; where none fits, ClickHouse takes what else can be read from the bytes, often the text type.", lambda o: "Variant" in o.type_name and "no alternative of the Variant" in o.message),
    ("missing element", "ClickHouse reads nothing as 0: `[]` into Tuple(Int64).", lambda o: "not as many elements" in o.message and re.search(r"\[\s*\]", o.value) is not None),
    ("strict JSON", "Documents are strict RFC 8259: ClickHouse overlooks trailing commas, numbers like 01 or 1., control characters in strings, and broken values under keys it does not know.", reason("malformed JSON")),
]

# (name, sentence, test): taken by us, refused by ClickHouse.
WE_TAKE = [
    ("exact whole numbers", "`1.0`, `1e2`, `\"1.0\"` into integers, day numbers, DateTime and Time when nothing is lost.",
     lambda o: re.search(r"Int|Date|Enum|Time", o.type_name) is not None and holds(o, r'"?[-+]?(\d*\.\d*|\d+)([eE][-+]?\d+)?"?')),
    ("fraction of zero", "`12:34:56.0` into Time.", lambda o: re.search(r"\bTime\b", o.type_name) is not None and holds(o, r'"-?[\d:]+\.0*"')),
    ("zero", "Zero with any exponent (`0e100`) into Decimal.", lambda o: "Decimal" in o.type_name and holds(o, r'"?-?0(\.0*)?([eE][-+]?\d+)"?')),
    ("digits and exponent", "More digits than P before an exponent takes them away (`1000…e-18`), into Decimal.",
     lambda o: "Decimal" in o.type_name and holds(o, r"-?\d{10,}(\.\d+)?[eE]-\d+")),
    ("minus zero", "`-0` into unsigned integers and days.", lambda o: holds(o, r'"?-0(\.0*)?"?')),
    ("escapes", "Escape sequences (`\\\\u0031`) inside texts that are not for a String: ClickHouse compares the bytes as they stand.",
     lambda o: "\\" in o.value and re.search(r"Int|Float|Decimal|Date|Time|Bool|Enum|UUID|IPv", o.type_name) is not None),
    ("text booleans", '`"true"`, `"false"`, `"0"`, `"1"` into Bool.', lambda o: "Bool" in o.type_name and holds(o, r'"(true|false|0|1)"')),
    ("date of a date-time", "A date-time text into Date or Date32: the date as written.", lambda o: re.search(r"Date(32)?\b", o.type_name) is not None and holds(o, r'".*\d[T ]\d.*"|"\d{9,14}(\.\d+)?"')),
    ("fractional unix time", "A number with a fraction or exponent into date-times.", lambda o: "DateTime" in o.type_name and holds(o, r'"?-?\d+\.?\d*([eE][-+]?\d+)?"?')),
    ("null into Enum", "null (or a missing field) gives the member of the lowest value; ClickHouse fails where 0 is no member.", lambda o: "Enum" in o.type_name and (holds(o, "null") or "Tuple" in o.type_name)),
]

# (name, sentence, test): taken by both, with another value.
WE_DIFFER = [
    ("Variant by kind", "By its kind a text stays a text (`\"1\"`, `\"true\"`, `\"\"`), and 0 and 1 stay numbers: ClickHouse tries Bool and the number types first, also for texts, "
     "and keeps `1.0` and `1e3` as texts where there is no float.", lambda o: "Variant" in o.type_name),
    ("minus zero", "`-0` into LowCardinality of a float is 0: ClickHouse's dictionary holds one of the two, by the order of arrival.",
     lambda o: "LowCardinality" in o.type_name and "Float" in o.type_name and o.ours == re.sub(r"(?<![\w.])-0(?![\w.])", "0", o.theirs)),
    ("unit of bare numbers", "Bare numbers into date-times follow `penstock_timestamp_unit` (seconds, ms, µs or ns by their digits); ClickHouse takes ticks of the column, or seconds saturated.",
     lambda o: "DateTime" in o.type_name and holds(o, r"-?\d+")),
    ("null into Enum", "as above.", lambda o: "Enum" in o.type_name and (holds(o, "null") or "Tuple" in o.type_name)),
]


def find(outcome):
    """The rule that allows this difference, or None."""
    if outcome.ours is None:
        rules = WE_REFUSE
    elif outcome.theirs is None:
        rules = WE_TAKE
    else:
        rules = WE_DIFFER
    for name, _, is_met in rules:
        if is_met(outcome):
            return name
    return None
