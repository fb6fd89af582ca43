"""What the oracle feeds to both readers: JSON texts for every ClickHouse type of the product.

Every value goes into its own type and, in a smaller choice, into the wrappers (Nullable, Array, Map,
Tuple, LowCardinality). Values are JSON source texts, so that spelling matters ("1.0" is not "1").
"""
import ipaddress
import json
import random
import struct

SEED = 20260101
GENERATED = 300

COMMON = [
    "null", "true", "false", "0", "1", "-1", "-0", "1.0", "1.5", "1e2", "1E2", "100e-2", "-1.5e1", "0.0",
    '""', '"0"', '"1"', '"-1"', '"+1"', '"1.0"', '"1.5"', '"1e2"', '".5"', '"1."', '" 1"', '"1 "', '"abc"', '"true"',
    '"false"', '"null"', '"007"', '"1,5"', '"0x10"', '"\\u0031"', '"\\n"', "[]", "[1]", "{}", '{"a":1}',
]

INTEGERS = [
    "127", "128", "-128", "-129", "255", "256", "32767", "32768", "-32768", "-32769", "65535", "65536", "2147483647",
    "2147483648", "-2147483648", "-2147483649", "4294967295", "4294967296", "9223372036854775807", "9223372036854775808",
    "-9223372036854775808", "-9223372036854775809", "18446744073709551615", "18446744073709551616",
    "99999999999999999999", "12345678901234567890123", "1" + "0" * 40, "-" + "9" * 60, "1e18", "1e19", "1e30", "1.5e1",
    "1.25e1", "12345678", "123456789", "1234567890123456", "12345678901234567", "123456789012345678", "10000000",
    '"127"', '"128"', '"255"', '"256"', '"-128"', '"9223372036854775807"', '"9223372036854775808"', '"18446744073709551615"',
    '"18446744073709551616"', '"12abc"', '"--1"', '"1e1"', '"1e400"', '"9" ', "1e-1", "10e-1", "0e5", "0.000", "-0.0",
]

FLOATS = [
    "0.1", "-0.1", "1e22", "1e23", "1e-22", "1e-23", "123456789.123456789", "0.30000000000000004", "1e308", "1.7976931348623157e308",
    "1.7976931348623159e308", "1e400", "-1e400", "5e-324", "2e-324", "1e-400", "2.2250738585072011e-308", "2.2250738585072014e-308",
    "9007199254740993", "9007199254740992.5", "16777217", "3.4028235e38", "3.4028236e38", "1e39", "1e-45", "1e-46",
    "1.00000005960464477539", "1.000000059604644775390625000000001", "1.000000059604644775390624999999999",
    "0." + "1" * 40, "1" * 30 + "." + "2" * 30, "1e-64", "1e64", "1e65", "1.5e-65", "123e-70", "4.35", "0.000001", "7.038531e-26",
    '"nan"', '"NaN"', '"-nan"', '"inf"', '"-inf"', '"+inf"', '"Infinity"', '"INF"', '"infinit"', '"1e400"', '"1.5abc"', '"1e"', '"e1"', '"."',
    '"+.5e+1"', "nan", "Infinity", "-inf",
]

DECIMALS = [
    "1.23", "1.234", "1.230", "-1.23", "0.01", "0.001", "-0.01", "9999999.99", "10000000", "99999999.99", "1.999", "1e-5", "1e7", "1e6",
    '"1.23"', '"1.239"', '"-1.23"', '"1e2"', '"0.010"', "12345678.9", "1" * 16 + ".25", "9" * 28 + "." + "9" * 10, "9" * 29, "1e27", "1e28",
    "123456789012345678.1234", "-" + "9" * 28, "0." + "0" * 30 + "1", "0e100", "1e-100", "1000000000000000000000e-18", "1.00000000000000000000000000000000000000",
]

STRINGS = [
    '"a"', '"ab"', '"abc"', '"abcd"', '"h\\u00e9llo"', '"héllo"', '"\\ud83d\\ude00"', '"😀"', '"a\\u0000b"', '"\\"\\\\\\/\\b\\f\\n\\r\\t"',
    '"\\ud83d"', '"\\ude00"', '"\\ud83dx"', '"\\u12"', '"\\x"', "1.50", "1e5", "1.0E+5", "123456789012345678901234567890", "[1, 2 ]",
    '{"a" : 1 , "b":[ ]}', '[[],{"a":[1,{"b":null}]}]', "[1,]", "{,}", "01", "1.", ".5", "+1", "- 1", "tru", "nul", "truex", '"tab\tin"',
    '"' + "x" * 31 + '"', '"' + "x" * 32 + '"', '"' + "x" * 126 + '"', '"' + "x" * 127 + '"', '"' + "x" * 128 + '"', '"' + "y" * 300 + '"',
    '"' + "z" * 16383 + '"', '"' + "z" * 16384 + '"', '"' + "\\n" * 100 + '"', '"' + "é" * 200 + '"',
]

UUIDS = [
    '"61f0c404-5cb3-11e7-907b-a6006ad3dba0"', '"61F0C404-5CB3-11E7-907B-A6006AD3DBA0"', '"61f0c4045cb311e7907ba6006ad3dba0"',
    '"{61f0c404-5cb3-11e7-907b-a6006ad3dba0}"', '"61f0c404-5cb3-11e7-907b-a6006ad3dbaz"', '"61f0c404-5cb3-11e7-907b-a6006ad3dba"',
    '"61f0c404-5cb3-11e7-907b-a6006ad3dba00"', '"61f0c404x5cb3-11e7-907b-a6006ad3dba0"', '"ffffffff-ffff-ffff-ffff-ffffffffffff"',
    '"00000000-0000-0000-0000-000000000000"', '"61f0c404-5cb3-11e7-907b-a6006ad3dba\\u0030"', '"g1f0c4045cb311e7907ba6006ad3dba0"',
]

DATES = [
    '"2024-01-02"', '"2024-1-2"', '"2024-01-2"', '"2024/01/02"', '"20240102"', '"2024-02-29"', '"2023-02-29"', '"2024-02-30"', '"20240230"',
    '"2024-13-01"', '"2024-00-01"', '"2024-01-00"', '"2024-04-31"', '"0000-00-00"', '"1970-01-01"', '"1969-12-31"', '"1900-01-01"',
    '"1899-12-31"', '"2149-06-06"', '"2149-06-07"', '"2299-12-31"', '"2300-01-01"', '"2024-01-02 03:04:05"', '"2024-01-02T03:04:05Z"',
    '"2024-01-02T23:04:05-05:00"', '"2024-01-02T03:04:05.678Z"', '"2024-01-02 25:00:00"', '"02-01-2024"', '"2024-01-02x"', '"2024-01"',
    '"2024"', '"24-01-02"', '"2024-01-02 "', '" 2024-01-02"', '"2024.01.02"', '"2024-01/02"', "19000", '"19000"', "65535", "65536", "100000",
    "120529", "120530", "-25567", "-25568", "20240102", "1700000000", '"2024\\u002d01-02"',
]

INSTANTS = DATES + [
    '"2024-01-02T03:04:05"', '"2024-01-02T03:04:05.678901234Z"', '"2024-01-02T03:04:05.1234567890123Z"', '"2024-01-02T03:04:05+02:00"',
    '"2024-01-02T03:04:05+0200"', '"2024-01-02T03:04:05+02"', '"2024-01-02T03:04:05-00:30"', '"2024-01-02T03:04:05.678+01:30"',
    '"2024-01-02 03:04:05 UTC"', '"2024-01-02 03:04:05 +02:00"', '"2024-01-02T03:04:05 Z"', '"2024-01-02T03:04:05.123 UTC"', '"2024-01-02T03:04:05GMT"',
    '"2024-01-02 03:04"', '"2024-01-02T03:04Z"', '"2024-01-02T03"', '"2024-1-2 3:4:5"', '"2024-01-02T3:04:05"', '"2024/01/02 03:04:05"',
    '"20240102030405"', '"1700000000"', '"1700000000.5"', '"1700000000123"', '"1700000000123456"', '"1700000000123456789"', '"100"', '"12345"',
    '"999999999"', '"2024-02-30 00:00:00"', '"2024-01-02 24:00:00"', '"2024-01-02 23:59:60"', '"2024-01-02 03:60:01"', '"2024-01-02 03:04:61"',
    '"2024-01-02T03:04:05+14:00"', '"2024-01-02T03:04:05+25:00"', '"2024-01-02T03:04:05+00:99"', '"2024-01-02T03:04:05.Z"',
    '"2024-01-02T03:04:05,5Z"', '"2024-01-02t03:04:05z"', '"2024-01-02_03:04:05"', '"2024-01-02 03:04:05x"', '"2024-01-02 03:04:05 PM"',
    '"Jan 2 2024 03:04:05"', '"Tue, 02 Jan 2024 03:04:05 GMT"', '"01/02/2024 03:04:05"', '"1969-12-31 23:59:59"', '"1969-12-31 23:59:59.5678"',
    '"2106-02-07 06:28:15"', '"2106-02-07 06:28:16"', '"1900-01-01 00:00:00"', '"1899-12-31 23:59:59"', '"2299-12-31 23:59:59"',
    '"2300-01-01 00:00:00"', '"2262-04-11 23:47:16"', '"2262-04-11 23:47:17"', '"2262-04-11 23:47:16.854775807"', '"2262-04-11 23:47:16.854775808"',
    '"1970-01-01T00:00:00Z"', '"1970-01-01T00:30:00+01:00"', "1700000000", "1700000000.5", "1700000000123", "1700000000123.5", "1700000000123456",
    "1700000000123456789", "4294967295", "4294967296", "99999999999", "100000000000", "-5", "-1.5", "1.7e9", "123456789012", "1e400", "1e-400",
    "12345678901234567890", "123456789012345678901",
]

WIDE_INTEGERS = [str(2**bits + more) for bits in (63, 64, 127, 128, 255, 256) for more in (-1, 0)] + [
    str(-2**bits - more) for bits in (63, 64, 127, 255) for more in (0, 1)] + [
    '"%d"' % (2**127 - 1), '"%d"' % (2**255 - 1), '"%d"' % -2**255, '"%d"' % (2**256 - 1), '"%d"' % 2**256, "1e38", "1e76", "1e78", "123e-2", "1" + "0" * 80,
    "9" * 77, "9" * 78, "17e37.5", '"1e38"', "1.5e39", "12345678901234567890123456789012345678901234567890.0",
]

WIDE_DECIMALS = [
    "9" * 66 + "." + "9" * 10, "-" + "9" * 66 + "." + "9" * 10, "9" * 67, "1e65", "1e66", "0.0000000001", "0.00000000001", "9" * 76, "9" * 77, "1e75", "1e76", "-" + "9" * 76,
    '"%s.%s"' % ("9" * 66, "9" * 10), '"1e65"', "0." + "0" * 69 + "1", "9" * 6 + "." + "9" * 70, "1" + "0" * 90 + "e-30",
]

IP4S = [
    '"1.2.3.4"', '"255.255.255.255"', '"0.0.0.0"', '"1.2.3"', '"1.2.3.4.5"', '"256.1.1.1"', '"1.2.3.256"', '"01.2.3.4"', '"001.002.003.004"', '"0001.2.3.4"', '"1.2.3.4 "',
    '" 1.2.3.4"', "16909060", "4294967295", '"16909060"', '"1..2.3"', '"1.2.3."', '".1.2.3"', '"1.2.3.4/8"', '"1,2,3,4"', '"-1.2.3.4"', '"1.2.3.a"', '"1\u002e2.3.4"',
]
IP6S = IP4S + [
    '"::"', '"::1"', '"2001:db8::1"', '"2001:DB8::1"', '"::ffff:1.2.3.4"', '"::FFFF:1.2.3.4"', '"::1.2.3.4"', '"1:2:3:4:5:6:7:8"', '"1:2:3:4:5:6:7::"', '"::2:3:4:5:6:7:8"',
    '"1:2:3:4:5:6:7:8:9"', '"1::2::3"', '"fe80::1%eth0"', '"[::1]"', '"12345::"', '":::"', '":1"', '"1:"', '"1:2:3:4:5:6:1.2.3.4"', '"1:2:3:4:5:6:7:1.2.3.4"', '"::1 "', '" ::1"',
    '"0:0:0:0:0:0:0:0"', '"1::2:3:4:5:6:7:8"', '"::ffff:01.2.3.4"', '"::ffff:1.2.3"', '"::ffff:256.2.3.4"', '"ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"', '"00001::"', '"g::"', '"1:2"',
]

TIMES = [
    '"12:34:56"', '"1:02:03"', '"1:2:3"', '"12:34"', '"1:02"', '"123:45"', '"12"', '"5"', '"123"', '"999:59:59"', '"-999:59:59"', '"1000:00:00"', '"-1000:00:00"', '"999:59:60"', '"00:00:60"',
    '"00:60:00"', '"24:00:00"', '"100:00:00"', '"12:34:56.789"', '"12:34:56.000"', '"12:34:56.7894"', '"12:34:56.1234567891"', '"-12:34:56.5"', '"-00:00:00.5"', '"-00:00:01"', '"12:34:56Z"',
    '"12:34:56+01:00"', '"T12:34:56"', '" 12:34:56"', '"12:34:56 "', '"123456"', '"2024-01-02 12:34:56"', '"+12:34:56"', '"999:59:59.5"', '"999:59:59.999999999"', "45296", "3599999", "3600000", "-3599999",
    "-3600000", "45296.789", "1e3", "45296789", '"45296"', '"45296.5"', '"-5"', '"0:0"', '"12:3456"', '"12:34:5"', '"12:34:567"', '"--1:00:00"', '"5000000000"', "5000000000", '"12:34:56."', '"12:34.5"',
    '"12.5"', '"-12.25"', '"12:34:56,5"', "3599999999", "3600000000", "3599999999999999999", "3600000000000000000", "9223372036854775807", "9223372036854775808", '"-12:34"', '"12:60"', '"60"', '"59"', '"::"',
    '"12:34:"', '"12\u003a34:56"',
]

ZONED = [
    '"2024-03-31 01:59:59"', '"2024-03-31 02:00:00"', '"2024-03-31 02:30:00"', '"2024-03-31 03:00:00"', '"2024-10-27 01:59:59"', '"2024-10-27 02:00:00"', '"2024-10-27 02:30:00"', '"2024-10-27 02:59:59"',
    '"2024-10-27 03:00:00"', '"1950-06-01 12:00:00"', '"2150-07-01 12:00:00"', '"2150-12-01 12:00:00"', '"2299-07-31 23:59:59"', '"2038-01-19 03:14:08"', '"2024-03-10 02:30:00"', '"2024-11-03 01:30:00"',
    '"2011-12-30 12:00:00"', '"2011-12-29 12:00:00"', '"2024-04-07 01:45:00"', '"2024-10-06 02:15:00"', '"2024-10-27 02:30:00+01:00"', '"2024-03-31 02:30:00Z"', '"20240331023000"', '"2024-07-01"', '"1711843200"',
]

ENUM = "Enum8('a' = 1, 'b' = -2, '5' = 3, 'x y' = 100)"
ENUMS = ['"a"', '"b"', '"5"', '"x y"', '"3"', '"-2"', '"100"', "3", "-2", "100", "5", "128", "300", '"zz"', '"A"', '"a "', '"\\u0061"', "1.0", '"1.0"', '"+1"', '"1e0"']
WIDE_ENUM = "Enum16('low' = -32768, 'zero' = 0, 'high' = 32767)"
WIDE_ENUMS = ['"low"', '"zero"', '"high"', "-32768", "0", "32767", "32768", '"32767"']

INTEGER_TYPES = ["Int8", "Int16", "Int32", "Int64", "UInt8", "UInt16", "UInt32", "UInt64"]
DECIMAL_TYPES = ["Decimal(9, 2)", "Decimal(9, 9)", "Decimal(18, 4)", "Decimal(38, 10)", "Decimal(38, 0)", "Decimal32(4)", "Decimal64(18)", "Decimal128(38)"]
WIDE_DECIMAL_TYPES = ["Decimal(76, 10)", "Decimal(76, 0)", "Decimal(39, 1)", "Decimal256(70)"]


def integer_values(rnd):
    for _ in range(GENERATED):
        bits = rnd.randint(1, 70)
        number = rnd.getrandbits(bits) * rnd.choice((1, 1, -1))
        yield rnd.choice(("{}", "{}", '"{}"', "{}.0", "{}e0", "{}.5")).format(number)


def float_values(rnd):
    for _ in range(GENERATED):
        value = struct.unpack("<d", rnd.getrandbits(64).to_bytes(8, "little"))[0]
        if value == value and abs(value) != float("inf"):
            yield rnd.choice(("%r", "%.17e", "%.15g", '"%r"')) % value
        yield "%.*f" % (rnd.randint(0, 9), rnd.uniform(-1000, 1000))
        yield "%d.%0*de%d" % (rnd.randint(0, 9), rnd.randint(1, 25), rnd.getrandbits(60), rnd.randint(-50, 50))


def wide_integer_values(rnd):
    for _ in range(GENERATED):
        number = rnd.getrandbits(rnd.randint(1, 260)) * rnd.choice((1, 1, -1))
        yield rnd.choice(("{}", '"{}"', "{}.0")).format(number)


def address_values(rnd):
    for _ in range(GENERATED // 2):
        yield '"%s"' % ipaddress.IPv4Address(rnd.getrandbits(32))
        address = ipaddress.IPv6Address(rnd.getrandbits(128) & rnd.getrandbits(128) & rnd.choice((2**128 - 1, 2**64 - 1, 2**40 - 1)))
        yield '"%s"' % rnd.choice((address.compressed, address.exploded, address.compressed.upper()))


def time_values(rnd):
    for _ in range(GENERATED):
        part = "." + str(rnd.getrandbits(rnd.randint(1, 40))) if rnd.random() < 0.5 else ""
        yield '"%s%d:%02d:%02d%s"' % (rnd.choice(("", "-")), rnd.randint(0, 999), rnd.randint(0, 59), rnd.randint(0, 59), part)
        yield str(rnd.getrandbits(rnd.randint(1, 63)) * rnd.choice((1, -1)))


def decimal_values(rnd):
    for _ in range(GENERATED):
        whole = str(rnd.getrandbits(rnd.randint(1, 100)))
        part = "".join(rnd.choice("0123456789") for _ in range(rnd.randint(0, 12)))
        text = rnd.choice(("", "-")) + whole + ("." + part if part else "")
        yield rnd.choice((text, '"%s"' % text))


def string_values(rnd):
    alphabet = "abc \"\\/\n\t\u00e9\u20ac\U0001f600\u0001"
    for _ in range(GENERATED):
        text = "".join(rnd.choice(alphabet) for _ in range(rnd.randint(0, 80)))
        yield json.dumps(text, ensure_ascii=rnd.random() < 0.5)


def uuid_values(rnd):
    for _ in range(GENERATED // 10):
        text = "%032x" % rnd.getrandbits(128)
        dashed = "-".join((text[:8], text[8:12], text[12:16], text[16:20], text[20:]))
        yield '"%s"' % rnd.choice((text, dashed, dashed.upper()))


def date_values(rnd):
    for _ in range(GENERATED):
        yield '"%04d-%02d-%02d"' % (rnd.randint(1895, 2305), rnd.randint(1, 12), rnd.randint(1, 31))
    for _ in range(GENERATED // 3):
        yield str(rnd.randint(-30000, 130000))


def instant_values(rnd):
    for _ in range(GENERATED):
        day = "%04d-%02d-%02d" % (rnd.randint(1895, 2305), rnd.randint(1, 12), rnd.randint(1, 29))
        time = "%02d:%02d:%02d" % (rnd.randint(0, 23), rnd.randint(0, 59), rnd.randint(0, 59))
        part = "." + "".join(rnd.choice("0123456789") for _ in range(rnd.randint(1, 10))) if rnd.random() < 0.6 else ""
        zone = rnd.choice(("", "Z", "+01:00", "-0530", "+14:00", " UTC"))
        yield '"%s%s%s%s%s"' % (day, rnd.choice("T "), time, part, zone)


def zoned_values(rnd):
    for _ in range(GENERATED):
        day = "%04d-%02d-%02d" % (rnd.choice((rnd.randint(1971, 2037), rnd.randint(1971, 2105), rnd.randint(1906, 2299))), rnd.randint(1, 12), rnd.randint(1, 28))
        yield '"%s %02d:%02d:%02d"' % (day, rnd.randint(0, 23), rnd.randint(0, 59), rnd.randint(0, 59))


BASE = [
    (INTEGER_TYPES, INTEGERS, integer_values),
    (["Float32", "Float64"], INTEGERS + FLOATS, float_values),
    (DECIMAL_TYPES, INTEGERS + DECIMALS, decimal_values),
    (["Int128", "Int256", "UInt128", "UInt256"], INTEGERS + WIDE_INTEGERS, wide_integer_values),
    (["BFloat16"], FLOATS + ["3.14", "-3.14", "1.00390625", "1.0078124", "1.0078125", "3.4e38", "1e-41", "65504.5"], float_values),
    (WIDE_DECIMAL_TYPES, WIDE_DECIMALS + DECIMALS, decimal_values),
    (["IPv4"], IP4S, address_values),
    (["IPv6"], IP6S, address_values),
    (["Time", "Time64(0)", "Time64(3)", "Time64(9)"], TIMES, time_values),
    (["Bool"], INTEGERS + ['"TRUE"', '"True"', '"yes"', '"t"', "2", "10", "0.0", '"2"', '"00"'], None),
    (["String", "LowCardinality(String)", "LowCardinality(Nullable(String))"], STRINGS + FLOATS, string_values),
    (["FixedString(3)", "FixedString(40)"], STRINGS, string_values),
    (["UUID"], UUIDS, uuid_values),
    (["Date", "Date32"], INSTANTS, date_values),
    (["DateTime", "DateTime('UTC')", "DateTime64(3)", "DateTime64(0)", "DateTime64(6)", "DateTime64(9)", "DateTime64(3, 'UTC')",
      "DateTime('Asia/Tokyo')", "DateTime64(3, 'Europe/Berlin')"], INSTANTS, instant_values),
    (["DateTime('Europe/Berlin')", "DateTime64(3, 'America/New_York')", "DateTime64(3, 'Australia/Lord_Howe')", "DateTime64(0, 'Pacific/Apia')", "DateTime64(3, 'America/Sao_Paulo')", "DateTime64(3, 'Europe/Dublin')",
      "DateTime64(3, 'Asia/Kathmandu')", "DateTime64(3, 'Africa/Casablanca')", "DateTime64(3, 'Etc/GMT+5')"], ZONED, zoned_values),
    ([ENUM], ENUMS, None),
    ([WIDE_ENUM], WIDE_ENUMS, None),
]

# Shapes: whole values for composite types.
COMPOSITE = {
    "Point": ["[1,2]", "[1.5,null]", "null", "{}", "[1]", "[1,2,3]", '["1",2e400]'],
    "Ring": ["[]", "[[1,2],[3,4]]", "null", "[1]"],
    "LineString": ["[[1,2]]"],
    "Polygon": ["[[[1,2]],[]]", "[]"],
    "MultiLineString": ["[[[1,2]]]"],
    "MultiPolygon": ["[[[[1,2]]]]", "[[[[1]]]]"],
    "Array(Point)": ["[[1,2],[3,4]]"],
    "Tuple(p Point, r Ring)": ['{"p":[1,2],"r":[[3,4]]}', "{}"],
    "SimpleAggregateFunction(sum, UInt64)": ["1", '"2"', "null", "-1", "18446744073709551616"],
    "SimpleAggregateFunction(anyLast, Nullable(String))": ['"a"', "1", "null"],
    "SimpleAggregateFunction(max, DateTime64(3))": ['"2024-01-02 03:04:05.678"', "null", '"x"'],
    "SimpleAggregateFunction(groupUniqArrayArray, Array(String))": ['["a"]', "[]"],
    "SimpleAggregateFunction(anyLast, LowCardinality(Nullable(String)))": ['"a"', "null"],
    "SimpleAggregateFunction(sumMap, Tuple(Array(Int16), Array(UInt64)))": ["[[1],[2]]"],
    "Array(Int32)": ["[]", "[1,2]", "[ 1 , 2 ]", "[null]", "[1,null,3]", '["1"]', "[1,]", "[,1]", "[1 2]", "[[1]]", "null", "1", "{}", '"[1]"', "[1.5]", "[\t1\t,\r2 ]"],
    "Array(Nullable(Int32))": ["[]", "[null]", "[1,null,3]", "null", "[[]]"],
    "Array(String)": ["[]", '["a","b"]', '[1,true,null,[2],{"a":3}]', '["\\u00e9"]', "null"],
    "Array(LowCardinality(String))": ["[]", '["a","a","b"]', "[null]", "null"],
    "Array(LowCardinality(Nullable(String)))": ["[]", '["a",null,""]', "null"],
    "Array(Array(Array(UInt8)))": ["[]", "[[]]", "[[[]]]", "[[[1,2],[]],[[3]]]", "[null]", "[[null]]", "[[[300]]]"],
    "Array(Tuple(a Int32, b String))": ["[]", '[{"a":1,"b":"x"},{"b":"y"}]', "[{}]", "[null]", "[[1]]"],
    "Array(Array(Map(Int8, Array(Nullable(String)))))": ["[]", '[[{"1":["a",null]},{}],[]]', '[[{"1":null}]]'],
    "Nullable(Tuple(a Int8, b Array(String)))": ["null", '{"a":1,"b":["x"]}', "{}", '{"a":null}'],
    "Nested(a Int8, b LowCardinality(String), c Array(Date))": ["[]", '[{"a":1,"b":"x","c":["2024-01-02"]},{"a":2}]', "null", "[null]", "[{}]", "5", '{"a":[1]}'],
    "Map(Int32, Map(Date, Tuple(Nullable(Int8), Map(String, Array(UUID)))))": ["{}", '{"5":{"2024-01-02":[null,{"k":[]}]}}', '{"5":{}}'],
    "Array(Map(String, UInt8))": ["[]", '[{"a":1},{}]', "[null]"],
    "Map(String, Int32)": ["{}", '{"a":1}', '{"a":1,"a":2}', '{"a":null}', '{"":1}', '{"\\u0061":1}', "null", "[]", '[["a",1]]', '"{}"', '{"a":"x"}', '{"a":1,}', '{a:1}', '{"a" : 1 }', '{"a"}'],
    "Map(LowCardinality(String), String)": ["{}", '{"a":"b","c":1}', "null"],
    "Map(String, Array(Nullable(Float64)))": ["{}", '{"a":[1.5,null]}', '{"a":null}', "null"],
    "Map(String, Map(String, Int8))": ["{}", '{"a":{"b":1}}', '{"a":null}', '{"a":{}}'],
    "Map(String, Tuple(x Int8, y Nullable(String)))": ["{}", '{"a":{"x":1}}', '{"a":{"y":null}}'],
    "Tuple(a Int32, b String)": ["{}", '{"a":1}', '{"b":"x","a":2}', '{"a":1,"c":[{"d":2}]}', '{"a":null,"b":null}', "null", '[1,"x"]', "[1]", '{"a":1,"a":2}', '"x"', '{"A":1}', '{"a":"7"}'],
    "Tuple(a Nullable(Int32), b Array(String), c Tuple(d Date, e Map(String, UInt8)))": ["{}", '{"a":null}', '{"b":["x"],"c":{"d":"2024-01-02","e":{"k":1}}}', '{"c":null}', '{"c":{"e":null}}'],
    "Tuple(Int32, String)": ['[1,"x"]', "[1]", '[1,"x",2]', "null", "{}", "[]", '{"1":5}', '[null,null]'],
    "Tuple(`a b` Int8, `c.d` Int8)": ['{"a b":1,"c.d":2}', "{}"],
    "Tuple(f FixedString(2), u UUID, e Enum8('p' = 4, 'q' = 5), l LowCardinality(String), g Decimal(9, 2))": [
        '{"f":"ab","u":"61f0c404-5cb3-11e7-907b-a6006ad3dba0","e":"q","l":"m","g":1.5}', '{"f":"ab","e":4}', '{"e":"q"}'],
}

# LowCardinality of no String: (inner type, values of that type).
LOW_CARDINALITY_TYPES = ["Int8", "UInt64", "Float32", "Float64", "Date", "Date32", "DateTime", "Bool", "UUID", "FixedString(3)", "Int128", "UInt256", "BFloat16", "IPv4", "IPv6", "Time"]

# Map keys: (key type, key texts).
MAP_KEYS = {
    "Int8": ['"1"', '"-128"', '"128"', '""', '"x"', '"1.0"', '"\\u0031"'], "UInt64": ['"18446744073709551615"', '"-1"'],
    "Float64": ['"1.5"', '"nan"', '"x"'], "Bool": ['"1"', '"0"', '"true"', '"2"'], "Date": DATES[:20], "DateTime": INSTANTS[45:55],
    "DateTime64(3)": INSTANTS[45:55], "UUID": UUIDS, ENUM: ['"a"', '"5"', '"zz"', '"100"'], "Decimal(9, 2)": ['"1.5"', '"1.555"', '"x"'],
    "FixedString(3)": ['"ab"', '"abc"', '"abcd"', '""'], "LowCardinality(String)": ['"a"', '""'], "LowCardinality(UInt8)": ['"7"', '"256"', '"x"'],
    "LowCardinality(FixedString(2))": ['"ab"', '"abc"'], "Int128": WIDE_INTEGERS[-12:-6], "UInt256": ['"1"', '"%d"' % (2**256 - 1), '"%d"' % 2**256, '"-1"'],
    "IPv4": IP4S[:8], "IPv6": IP6S[23:28], "Time": ['"12:34:56"', '"x"'],
}

VARIANT_VALUES = [
    "null", "true", "false", "0", "1", "-1", "1.0", "1.5", "1e3", "300", "99999999999999999999", "1700000000", '""', '"abc"', '"1"', '"1.5"', '"true"', '"abcd"',
    '"2024-01-02"', '"2024-01-02 03:04:05"', '"2024-01-02T03:04:05Z"', '"2024-13-01"', '"61f0c404-5cb3-11e7-907b-a6006ad3dba0"', "[]", "[1]", "{}", '{"a":1}', "1e400", "[1,]",
]
VARIANTS = [
    "Variant(String, Int64, DateTime)", "Variant(Int64, Float64)", "Variant(String, Int64, Float64, Bool, DateTime64(3))", "Variant(UInt8, Bool)", "Variant(Date, String)",
    "Variant(Float64, String)", "Variant(UUID, String)", "Variant(LowCardinality(String), Int64)", "Variant(FixedString(3), UInt64)", "Variant(Decimal(9, 2), String)",
]

JSON_VALUES = [
    "{}", '{"a":1}', '{"a":"7","b":2,"c":{"d":[1,2]}}', '{"a":"zz"}', '{"z":1,"z":2}', "[1]", "1", '"{}"', "null", '{"a":null}', '{"a.b":1}', '{"x":{"y":1},"x.y":2}', '{"a":-1}',
    '{"d":"2024-01-02 03:04:05","e":1.5,"f":"2024-01-02","n":null,"t":true,"m":[1,"a",null],"o":[{"p":1}]}', '{"q":18446744073709551616}', '{"q":1.7976931348623157e308}',
    '{"q":' + "[" * 60 + "]" * 60 + "}", '{ "k" : "\\u00e9\\n" , "l" : [ ] }', '{"":1}', '{"a":300.0}', '{"a":99999999999}', '{"s":"' + "x" * 300 + '"}',
]
JSONS = ["JSON", "JSON(a UInt32, SKIP b, SKIP REGEXP 'o.*', max_dynamic_paths=2)"]

# Whole documents for the table (a Int32, s String): what is JSON at all, and keys.
DOCUMENTS = [
    '{"a":1}', '{"a":1,"s":"x"}', '{"s":"x","a":1}', ' {"a":1} ', '{"a":1}\t', '{ "a" : 1 , "s" : "x" }', "{}", "[]", "1", '"a"', "null", "x", "", "{", "}", '{"a"', '{"a":', '{"a":1', '{"a":1,',
    '{"a":1,}', "{,}", '{"a":1}}', '{"a":1}x', '{"a":1}{"a":2}', '{"a":1} {"a":2}', '{"a":1},', '{a:1}', "{'a':1}", '{"a" 1}', '{"a":1 "s":"x"}', '{"a":01}', '{"a":1.}', '{"a":.5}', '{"a":+1}', '{"a":-}',
    '{"a":1e}', '{"a":NaN}', '{"a":1,"unknown":[1,{"x":[[],{}]},null,true,false,1.5e-7,"\\u00e9"]}', '{"a":1,"unknown":[1,]}', '{"a":1,"unknown":{"x"}}', '{"a":1,"unknown":01}',
    '{"a":1,"unknown":tru}', '{"a":1,"unknown":"\\ud800"}', '{"a":1,"unknown":"\\q"}', '{"a":1,"unknown":"\t"}', '{"a":1,"a":2}', '{"a":1,"z":1,"z":2}', '{"\\u0061":7}', '{"A":1}', '{"a":1,"s":"unterminated}',
    '{"a":1,"unknown":' + "[" * 999 + "]" * 999 + "}", '{"a":1,"unknown":' + "[" * 1000 + "]" * 1000 + "}", '{"a":1/*c*/}', '{"a":1}//c', '{"a":\u00a01}', '{"s":"\u2028"}', '{"s":"x","a":null}', '{"a":1,"":2}',
]


def base_cases():
    """(type, values) for every plain type."""
    for types, values, generate in BASE:
        for name in types:
            rnd = random.Random(SEED + len(name))
            made = list(generate(rnd)) if generate else []
            yield name, list(dict.fromkeys(COMMON + values + made))


def can_be_nullable(name):
    return not name.startswith("LowCardinality")


def wrapped_cases():
    """(type, values) for every plain type inside every wrapper; fewer values."""
    for name, values in base_cases():
        few = values[:len(COMMON) + 60]
        if can_be_nullable(name):
            yield f"Nullable({name})", few
            yield f"Array(Nullable({name}))", [f"[{v},null,{v}]" for v in few]
        yield f"Array({name})", [f"[{v}]" for v in few] + [f"[{v},{v}]" for v in few[:10]]
        yield f"Map(String, {name})", ['{"k":%s}' % v for v in few]
        yield f"Tuple(x UInt8, v {name})", ['{"v":%s}' % v for v in few]


def low_cardinality_cases():
    base = dict(base_cases())
    for name in LOW_CARDINALITY_TYPES:
        few = base[name][:len(COMMON) + 60]
        yield f"LowCardinality({name})", few
        yield f"LowCardinality(Nullable({name}))", few
        yield f"Array(LowCardinality(Nullable({name})))", [f"[{v},null,{v}]" for v in few]
    yield "Map(String, LowCardinality(UInt8))", ['{"k":%s}' % v for v in base["UInt8"][:60]]
    yield "Tuple(v LowCardinality(Date))", ['{"v":%s}' % v for v in base["Date"][:60]] + ["{}"]


def map_cases():
    for key, texts in MAP_KEYS.items():
        yield f"Map({key}, Nullable(Int8))", ["{}", "null"] + ["{%s:1}" % t for t in texts] + ["{%s:null, %s:2}" % (t, t) for t in texts]


def special_cases():
    for name in VARIANTS:
        yield name, VARIANT_VALUES
    yield "Array(Variant(Int64, String))", ["[]"] + [f"[{v},null,{v}]" for v in VARIANT_VALUES]
    yield "Map(String, Variant(Int64, String))", ["{}"] + ['{"k":%s}' % v for v in VARIANT_VALUES]
    yield "Tuple(v Variant(Int64, String), w Int8)", ["{}"] + ['{"v":%s}' % v for v in VARIANT_VALUES]
    for name in JSONS:
        yield name, JSON_VALUES
    yield "Array(JSON)", ["[]"] + [f"[{v},{v}]" for v in JSON_VALUES]
    yield "Nullable(JSON)", JSON_VALUES
    yield "Tuple(j JSON, n Int8)", ["{}"] + ['{"j":%s}' % v for v in JSON_VALUES]
    yield "Map(String, JSON)", ["{}"] + ['{"j":%s}' % v for v in JSON_VALUES]


def all_cases():
    yield from base_cases()
    yield from wrapped_cases()
    yield from low_cardinality_cases()
    yield from map_cases()
    yield from special_cases()
    yield from COMPOSITE.items()
