"""Random Avro schemas with the ClickHouse types that are natural for them, and records.

Every value here is one that both readers take and store alike; edges and refusals are avro_cases.py.
"""
import random
import struct

WORDS = ["", "a", "Ωmega", "tab\there", "quote\"and\\slash", "new\nline", "x" * 15, "y" * 16, "z" * 33, "w" * 200, "日本", "0", "-1"]
SCALARS = ("boolean int long float double bytes string fixed enum date timestamp-millis timestamp-micros "
           "decimal decimal-fixed uuid").split()


class Column:
    """A schema, the ClickHouse type, and how to make a value."""

    def __init__(self, schema, type_name, make, nullable=True):
        self.schema = schema
        self.type_name = type_name
        self.make = make
        self.nullable = nullable


class Maker:
    """Everything from one seed."""

    def __init__(self, seed):
        self.random = random.Random(seed)
        self.names = 0

    def name(self, prefix):
        self.names += 1
        return f"{prefix}{self.names}"

    def whole(self, bits):
        r = self.random
        edge = [0, 1, -1, 63, 64, -64, -65, 8191, 8192, (1 << bits - 1) - 1, -(1 << bits - 1)]
        return r.choice(edge) if r.random() < 0.4 else r.randrange(-(1 << bits - 1), 1 << bits - 1) >> r.randrange(bits)

    def real(self, code):
        r = self.random
        edge = [0.0, -0.0, 1.0, -1.5, 0.1, 1e10, 1e-10, float("inf"), float("-inf")]
        value = r.choice(edge) if r.random() < 0.5 else r.uniform(-1, 1) * 10 ** r.randrange(-30, 30)
        return struct.unpack(code, struct.pack(code, value))[0]

    def text(self):
        r = self.random
        return r.choice(WORDS) if r.random() < 0.6 else "".join(chr(r.choice([*range(32, 127), 0xE9, 0x4E2D])) for _ in range(r.randrange(40)))

    def plain(self, kind, type_name, make):
        return Column(kind, type_name, make)

    def logical(self, kind, logical, type_name, make, **more):
        return Column({"type": kind, "logicalType": logical, **more}, type_name, make)

    def decimal(self, is_fixed):
        r = self.random
        precision = r.choice([1, 9, 10, 18, 19, 38])
        scale = r.randrange(precision + 1)
        limit = 10 ** precision - 1
        size = (limit.bit_length() + 8) // 8

        def unscaled():
            value = r.choice([0, 1, -1, limit, -limit]) if r.random() < 0.4 else r.randrange(-limit, limit + 1)
            width = size if is_fixed else max(1, (value.bit_length() + 8) // 8)
            return value.to_bytes(width, "big", signed=True)

        more = {"precision": precision, "scale": scale}
        if is_fixed:
            more.update(name=self.name("D"), size=size)
        return self.logical("fixed" if is_fixed else "bytes", "decimal", f"Decimal({precision}, {scale})", unscaled, **more)

    def enum(self):
        r = self.random
        symbols = [f"S{i}" for i in range(r.randrange(1, 200))]
        wide = r.random() < 0.5
        members = ", ".join(f"'{s}' = {i - 100 if not wide else i * 100 - 9000}" for i, s in enumerate(symbols))
        type_name = r.choice([f"Enum{16 if wide else 8}({members})", "String", "LowCardinality(String)"])
        schema = {"type": "enum", "name": self.name("E"), "symbols": symbols}
        return Column(schema, type_name, lambda: r.randrange(len(symbols)), not type_name.startswith("Low"))

    def fixed(self):
        r = self.random
        size = r.choice([1, 3, 12, 16, 40])
        schema = {"type": "fixed", "name": self.name("F"), "size": size}
        return Column(schema, f"FixedString({size})", lambda: r.randbytes(size))

    def uuid(self):
        r = self.random

        def text():
            digits = r.randbytes(16).hex()
            return "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]))
        return self.logical("string", "uuid", r.choice(["UUID", "String"]), text)

    def scalar(self, is_key_like=False):
        r = self.random
        kind = r.choice(SCALARS)
        ms = lambda: r.randrange(-2208988800000, 10413792000000)  # DateTime64: 1900 to 2299
        ways = {
            "boolean": lambda: self.plain("boolean", r.choice(["Bool", "UInt8"]), lambda: r.random() < 0.5),
            "int": lambda: self.plain("int", r.choice(["Int32", "Int64"]), lambda: self.whole(32)),
            "long": lambda: self.plain("long", "Int64", lambda: self.whole(64)),
            "float": lambda: self.plain("float", r.choice(["Float32", "Float64"]), lambda: self.real("<f")),
            "double": lambda: self.plain("double", "Float64", lambda: self.real("<d")),
            "bytes": lambda: self.plain("bytes", "String", lambda: r.randbytes(r.choice([0, 1, 31, 32, 33, 300]))),
            "string": lambda: self.plain("string", "String", self.text),
            "fixed": self.fixed,
            "enum": self.enum,
            "date": lambda: self.logical("int", "date", "Date32", lambda: r.randrange(-25567, 120530)),
            "timestamp-millis": lambda: self.logical("long", "timestamp-millis", "DateTime64(3, 'UTC')", ms),
            "timestamp-micros": lambda: self.logical("long", "timestamp-micros", "DateTime64(6, 'UTC')", lambda: ms() * 1000 + r.randrange(1000)),
            "decimal": lambda: self.decimal(False),
            "decimal-fixed": lambda: self.decimal(True),
            "uuid": self.uuid,
        }
        return ways[kind]()

    def optional(self, inner):
        r = self.random
        first = r.random() < 0.5
        schema = ["null", inner.schema] if first else [inner.schema, "null"]
        null = (0 if first else 1, None)
        make = lambda: null if r.random() < 0.3 else (1 - null[0], inner.make())
        return Column(schema, f"Nullable({inner.type_name})", make, False)

    def array(self, depth):
        r = self.random
        inner = self.column(depth - 1)
        schema = {"type": "array", "items": inner.schema}
        return Column(schema, f"Array({inner.type_name})", lambda: [inner.make() for _ in range(r.choice([0, 0, 1, 2, 5]))], False)

    def map(self, depth):
        r = self.random
        inner = self.column(depth - 1)
        schema = {"type": "map", "values": inner.schema}
        return Column(schema, f"Map(String, {inner.type_name})",
                      lambda: {f"k{i}": inner.make() for i in range(r.choice([0, 1, 3]))}, False)

    def record(self, depth):
        r = self.random
        fields = [self.column(depth - 1) for _ in range(r.randrange(1, 4))]
        names = [self.name("f") for _ in fields]
        schema = {"type": "record", "name": self.name("R"), "fields": [{"name": n, "type": f.schema} for n, f in zip(names, fields)]}
        listed = ", ".join(f"{n} {f.type_name}" for n, f in zip(names, fields))
        return Column(schema, f"Tuple({listed})", lambda: {n: f.make() for n, f in zip(names, fields)}, False)

    def column(self, depth):
        r = self.random
        if depth > 0 and r.random() < 0.4:
            return r.choice([self.array, self.map, self.record])(depth)
        inner = self.scalar()
        return self.optional(inner) if inner.nullable and r.random() < 0.3 else inner

    def table(self, columns_count):
        """(schema of the record, [(name, ClickHouse type)], a record's maker); some fields go unread."""
        columns = [(f"c{i}", self.column(3)) for i in range(columns_count)]
        unread = [(f"u{i}", self.column(3)) for i in range(columns_count // 2)]
        every = columns + unread
        self.random.shuffle(every)
        fields = [{"name": "i", "type": "long"}] + [{"name": n, "type": c.schema} for n, c in every]
        schema = {"type": "record", "name": "Row", "fields": fields}

        def make(number):
            return {"i": number, **{name: column.make() for name, column in every}}
        return schema, [("i", "UInt64")] + [(n, c.type_name) for n, c in columns], make
