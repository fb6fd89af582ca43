"""Random tables for the JSON oracle: column types of any nesting, documents from a seed.

A document has one wild column, whose value holds a wild spot: an edge or hostile text from cases.py, something of another
kind, or a broken one. The other columns are tame: good values (or none) that both readers must take. So a
refusal has one suspect, and every row that is not refused compares all cells."""
import json
import random
import re

from . import cases

DEPTH = 3
DIGITS = {"Int": lambda bits: (-(1 << bits - 1), (1 << bits - 1) - 1), "UInt": lambda bits: (0, (1 << bits) - 1)}
ALPHABET = "abcXYZ019 _-.:/'\"\\{}[],\t\n\u00e9\u6c34\u20ac\U0001f600\u0001\u007f"
HOSTILE = ["[[[[1]]]]", '{"a":{"a":{"a":{}}}}', '"' + "\\u0000" * 5 + '"', "1" * 400, '"' + "9" * 400 + '"', "-" + "0." + "0" * 300 + "1", "[" * 50 + "]" * 50,
           '{"a":1,"a":2,"":3}', '"\\ud83d\\ude00\\ud83d"', "1e99999999999", "-1e-99999999999", "{", "]", '"', "nul", "+1", "01", "1.", "[1,]", '{"k":1,}',
           '"\x01"', '{"k" 1}', "\u00a01", '"' + "é" * 1000 + '"', "[1 2]", "{1:2}", "\\", '"\\u12G4"', "tru", "-", "--1", "0x10", "Infinity", "NaN"]
SCALARS = [name for names, _, _ in cases.BASE for name in names if not name.startswith("LowCardinality")]
WILD = {name: list(dict.fromkeys(cases.COMMON + values)) for names, values, _ in cases.BASE for name in names}
MAP_KEYS = ["String", "LowCardinality(String)", "Int32", "UInt64", "Date", "UUID", "FixedString(3)"]


def text_of(rnd, longest=24):
    text = "".join(rnd.choice(ALPHABET) for _ in range(rnd.randint(0, longest)))
    return json.dumps(text, ensure_ascii=rnd.random() < 0.3)


def ascii_of(rnd, longest):
    return json.dumps("".join(rnd.choice("abcxyz019") for _ in range(rnd.randint(0, longest))))


def integer(rnd, low, high):
    value = rnd.choice((low, high, 0, 1, rnd.randint(low, high), rnd.randint(max(low, -1000), min(high, 1000))))
    return rnd.choice(("%d", "%d", '"%d"')) % value


def decimal(rnd, name):
    numbers = [int(part) for part in re.findall(r"\d+", name.split("(", 1)[1])]
    if len(numbers) == 1:
        numbers.insert(0, {"32": 9, "64": 18, "128": 38, "256": 76}[re.search(r"Decimal(\d+)", name).group(1)])
    precision, scale = numbers
    whole = rnd.randint(0, precision - scale)
    part = rnd.randint(0, scale)
    text = "".join(rnd.choice("123456789") if i == 0 else rnd.choice("0123456789") for i in range(whole)) or "0"
    text += "." + "".join(rnd.choice("0123456789") for _ in range(part)) if part else ""
    return rnd.choice(("%s", '"%s"')) % (rnd.choice(("", "-")) + text if text.strip("0.") else text)


def day(rnd, first, last):
    return "%04d-%02d-%02d" % (rnd.randint(first, last), rnd.randint(1, 12), rnd.randint(1, 28))


def clock(rnd):
    return "%02d:%02d:%02d" % (rnd.randint(0, 23), rnd.randint(0, 59), rnd.randint(0, 59))


def instant(rnd, name):
    last = 2105 if name.startswith("DateTime(") or name == "DateTime" else 2261
    first = 1970 if last == 2105 else 1900
    text = day(rnd, first + 1, last - 1) + rnd.choice("T ") + clock(rnd)
    if "64" in name and rnd.random() < 0.5:
        text += "." + "".join(rnd.choice("0123456789") for _ in range(rnd.randint(1, 9)))
    return '"%s%s"' % (text, rnd.choice(("Z", "+02:00", "-05:30")))


def address6(rnd):
    return ":".join("%x" % rnd.getrandbits(16) for _ in range(8))


def tame_scalar(rnd, name):
    """A good value of a plain type, the same cell in both readers."""
    if name.startswith(("Int", "UInt")):
        kind, bits = re.match(r"(U?Int)(\d+)", name).groups()
        return integer(rnd, *DIGITS[kind](int(bits)))
    if name.startswith("Decimal"):
        return decimal(rnd, name)
    if name.startswith("DateTime"):
        return instant(rnd, name)
    if name.startswith("Time"):
        return '"%s"' % clock(rnd)
    if name.startswith("FixedString"):
        return ascii_of(rnd, int(name[12:-1]))
    if name.startswith("Enum"):
        return json.dumps(rnd.choice(re.findall(r"'([^']*)'", name)))
    if name.startswith("LowCardinality(Nullable("):
        return "null" if rnd.random() < 0.2 else tame_scalar(rnd, name[24:-2])
    if name.startswith("LowCardinality("):
        return tame_scalar(rnd, name[15:-1])
    return {
        "Float32": lambda: repr(rnd.randint(-1 << 20, 1 << 20) / 8), "Float64": lambda: repr(rnd.uniform(-1e12, 1e12)),
        "BFloat16": lambda: str(rnd.randint(-128, 128)), "Bool": lambda: rnd.choice(("true", "false")),
        "String": lambda: rnd.choice((text_of(rnd), text_of(rnd, 200), str(rnd.randint(0, 1 << 40)), "true")),
        "UUID": lambda: '"%s"' % re.sub(r"(.{8})(.{4})(.{4})(.{4})", r"\1-\2-\3-\4-", "%032x" % rnd.getrandbits(128)),
        "Date": lambda: '"%s"' % day(rnd, 1971, 2148), "Date32": lambda: '"%s"' % day(rnd, 1901, 2298),
        "IPv4": lambda: '"%d.%d.%d.%d"' % tuple(rnd.randint(0, 255) for _ in range(4)), "IPv6": lambda: '"%s"' % address6(rnd),
    }[name]()


class Type:
    """A column type: name, and how to make values of it. A path of the type is wild or none is."""

    def __init__(self, name, kind="scalar", children=(), names=()):
        self.name = name
        self.kind = kind
        self.children = children
        self.names = names

    def tame(self, rnd):
        return self.value(rnd, False)

    def wild(self, rnd):
        return self.value(rnd, True)

    def value(self, rnd, is_wild):
        if is_wild and (self.kind == "scalar" or rnd.random() < 0.15):
            return self.wild_spot(rnd)
        return getattr(self, "make_" + self.kind)(rnd, is_wild)

    def wild_spot(self, rnd):
        known = WILD.get(self.name) or WILD["String"]
        roll = rnd.random()
        if roll < 0.6:
            return rnd.choice(known)
        if roll < 0.75:
            return mutated(rnd, self.tame(rnd))
        return rnd.choice(HOSTILE) if roll < 0.9 else rnd.choice(WILD[rnd.choice(SCALARS)])

    def make_scalar(self, rnd, _):
        return tame_scalar(rnd, self.name)

    def make_nullable(self, rnd, is_wild):
        return "null" if not is_wild and rnd.random() < 0.3 else self.children[0].value(rnd, is_wild)

    def make_array(self, rnd, is_wild):
        count = rnd.choice((0, 1, 2, 3, 3, 8))
        wild = rnd.randrange(count) if is_wild and count else -1
        return "[%s]" % ",".join(self.children[0].value(rnd, i == wild) for i in range(count))

    def make_map(self, rnd, is_wild):
        key, value = self.children
        count = rnd.choice((0, 1, 2, 4))
        wild = rnd.randrange(count) if is_wild and count else -1
        pairs = {}
        for i in range(count):
            name = tame_scalar(rnd, key.name)
            pairs[name if name.startswith('"') else '"%s"' % name] = value.value(rnd, i == wild)
        return "{%s}" % ",".join(f"{name}:{text}" for name, text in pairs.items())

    def make_tuple(self, rnd, is_wild):
        count = len(self.children)
        wild = rnd.randrange(count) if is_wild else -1
        texts = [child.value(rnd, i == wild) for i, child in enumerate(self.children)]
        if not self.names:
            return "[%s]" % ",".join(texts)
        members = [f'"{name}":{text}' for i, (name, text) in enumerate(zip(self.names, texts)) if i == wild or rnd.random() < 0.8 or has_enum(self.children[i])]
        rnd.shuffle(members)
        return "{%s}" % ",".join(members)


def has_enum(child):
    """An absent Enum is a case of its own (rules.py): tame tuples have it."""
    return "Enum" in child.name


def mutated(rnd, text):
    """A byte more, less or another."""
    at = rnd.randrange(len(text)) if text else 0
    other = rnd.choice("{}[]\",:\\0123456789.-+eE nultrf\u00e9")
    return rnd.choice((text[:at] + other + text[at:], text[:at] + text[at + 1:], text[:at] + other + text[at + 1:]))


def scalar(rnd):
    name = rnd.choice(SCALARS)
    if name in cases.LOW_CARDINALITY_TYPES + ["String"] and rnd.random() < 0.25:
        name = rnd.choice(("LowCardinality(%s)", "LowCardinality(Nullable(%s))")) % name
    return Type(name)


def any_type(rnd, depth=0):
    kind = "scalar" if depth >= DEPTH else rnd.choice(("scalar", "scalar", "nullable", "array", "map", "tuple", "tuple"))
    if kind == "nullable":
        inner = Type(rnd.choice(SCALARS))
        return Type(f"Nullable({inner.name})", kind, [inner])
    if kind == "array":
        inner = any_type(rnd, depth + 1)
        return Type(f"Array({inner.name})", kind, [inner])
    if kind == "map":
        key, inner = Type(rnd.choice(MAP_KEYS)), any_type(rnd, depth + 1)
        return Type(f"Map({key.name}, {inner.name})", kind, [key, inner])
    if kind == "tuple":
        children = [any_type(rnd, depth + 1) for _ in range(rnd.randint(1, 4))]
        if rnd.random() < 0.3:
            return Type("Tuple(%s)" % ", ".join(child.name for child in children), kind, children)
        names = [f"e{i}" for i in range(len(children))]
        return Type("Tuple(%s)" % ", ".join(f"{name} {child.name}" for name, child in zip(names, children)), kind, children, names)
    return scalar(rnd)


def blank(rnd):
    return rnd.choice(("", "", "", " ", "\t", "  "))


class Table:
    """Columns c0 … of one seed."""

    def __init__(self, seed, columns):
        self.seed = seed
        self.types = [any_type(random.Random(f"{seed} column {i}")) for i in range(columns)]

    def columns(self):
        return [("i", "UInt64")] + [(f"c{i}", t.name) for i, t in enumerate(self.types)]

    def row(self, number):
        """(number of the wild column, {column number: JSON text}, line)."""
        rnd = random.Random(f"{self.seed} row {number}")
        wild = rnd.randrange(len(self.types))
        texts = {}
        for i, kind in enumerate(self.types):
            if i == wild:
                texts[i] = kind.wild(rnd)
            elif rnd.random() < 0.9 or has_enum(kind):
                texts[i] = kind.tame(rnd)
        order = list(texts)
        rnd.shuffle(order)
        members = [f'"i":{number}'] + [f'{blank(rnd)}"c{i}"{blank(rnd)}:{blank(rnd)}{texts[i]}{blank(rnd)}' for i in order]
        if rnd.random() < 0.2:
            members.insert(rnd.randint(1, len(members)), f'"unknown{number}":{self.types[0].tame(rnd)}')
        return wild, texts, ("{%s}" % ",".join(members)).encode("utf-8", "surrogatepass")
