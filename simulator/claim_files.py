"""How a hospital's software writes claims: inner XML files, base64, and the wrapper `GIAMDINHHS` (decision 130/QĐ-BYT)."""

from base64 import b64encode
from collections.abc import Iterable, Mapping, Sequence
from xml.sax.saxutils import escape

DECLARATION = '<?xml version="1.0" encoding="utf-8"?>'
STRUCTURES = {
    "XML0": ("CHI_TIEU_TRANG_THAI_KCB", "DSACH_TRANG_THAI_KCB", "TRANG_THAI_KCB"),
    "XML2": ("CHITIEU_CHITIET_THUOC", "DSACH_CHI_TIET_THUOC", "CHI_TIET_THUOC"),
    "XML3": ("CHITIEU_CHITIET_DVKT_VTYT", "DSACH_CHI_TIET_DVKT", "CHI_TIET_DVKT"),
    "XML4": ("CHITIEU_CHITIET_DICHVUCANLAMSANG", "DSACH_CHI_TIET_CLS", "CHI_TIET_CLS"),
    "XML5": ("CHITIEU_CHITIET_DIENBIENLAMSANG", "DSACH_CHI_TIET_DIEN_BIEN_BENH", "CHI_TIET_DIEN_BIEN_BENH"),
    "XML6": ("CHI_TIEU_HO_SO_BENH_AN_HIV", "DSACH_HO_SO_BENH_AN_HIV", "HO_SO_BENH_AN_HIV"),
    "XML7": ("CHI_TIEU_DU_LIEU_GIAY_RA_VIEN", "DSACH_GIAY_RA_VIEN", "GIAY_RA_VIEN"),
    "XML15": ("CHI_TIEU_DIEU_TRI_LAO", "DSACH_DIEU_TRI_LAO", "DIEU_TRI_LAO"),
}
"""Root, list and line of each kind; those of XML6, XML7 and XML15 are made up here, and no reader may depend on them."""

Fields = Mapping[str, object]
Dossier = Sequence[tuple[str, str | bytes]]
"""The files of one `HOSO`: kind and XML; bytes are written as they are in place of the base64."""


def summary_file(fields: Fields) -> str:
    """Write an XML1."""
    return f"{DECLARATION}<TONG_HOP>{_elements(fields)}</TONG_HOP>"


def list_file(kind: str, lines: Iterable[Fields]) -> str:
    """Write a file of lines."""
    root, group, line = STRUCTURES[kind]
    body = "".join(f"<{line}>{_elements(fields)}</{line}>" for fields in lines)
    return f"{DECLARATION}<{root}><{group}>{body}</{group}></{root}>"


def file_element(kind: str, content: str | bytes) -> str:
    """Write one `FILEHOSO`."""
    text = b64encode(content.encode()).decode() if isinstance(content, str) else content.decode()
    return f"<FILEHOSO><LOAIHOSO>{kind}</LOAIHOSO><NOIDUNGFILE>{text}</NOIDUNGFILE></FILEHOSO>"


def message(facility_code: str, made: str, dossiers: Sequence[Dossier], declared: int | None = None) -> bytes:
    """Write a whole message; `made` is `yyyyMMdd`, `declared` the stated number of dossiers if it is not the true one."""
    bodies = "\n".join(
        "<HOSO>" + "\n".join(file_element(kind, content) for kind, content in dossier) + "</HOSO>"
        for dossier in dossiers
    )
    count = len(dossiers) if declared is None else declared
    return (
        f"{DECLARATION}\n<GIAMDINHHS><THONGTINDONVI><MACSKCB>{facility_code}</MACSKCB></THONGTINDONVI>"
        f"<THONGTINHOSO><NGAYLAP>{made}</NGAYLAP><SOLUONGHOSO>{count}</SOLUONGHOSO><DANHSACHHOSO>\n{bodies}\n"
        "</DANHSACHHOSO></THONGTINHOSO><CHUKYDONVI/></GIAMDINHHS>\n"
    ).encode()


def _elements(fields: Fields) -> str:
    return "".join(f"<{name}>{escape(str(value))}</{name}>" for name, value in fields.items())
