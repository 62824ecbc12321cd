"""Look at the maps of a page: which colours they show, and what they tell of a shape."""

import base64
from dataclasses import dataclass

from playwright.sync_api import Locator, Page

from reporting.browser import HOLDER, TIMEOUT_MILLISECONDS

FIND = """async ([picture, colour]) => {
    const image = new Image();
    image.src = "data:image/png;base64," + picture;
    await image.decode();
    const context = new OffscreenCanvas(image.width, image.height).getContext("2d");
    context.drawImage(image, 0, 0);
    const pixels = context.getImageData(0, 0, image.width, image.height).data;
    const wanted = [1, 3, 5].map(place => parseInt(colour.slice(place, place + 2), 16));
    const isOf = (x, y) => wanted.every((value, part) => Math.abs(pixels[4 * (y * image.width + x) + part] - value) <= 2);
    const inside = [];
    for (let y = 4; y < image.height - 4; y++)
        for (let x = 4; x < image.width - 4; x++)
            if (isOf(x, y) && isOf(x - 4, y) && isOf(x + 4, y) && isOf(x, y - 4) && isOf(x, y + 4)) inside.push([x, y]);
    return inside.length ? [inside.length, ...inside[Math.floor(inside.length / 2)]] : null;
}"""


GREEN, YELLOW, RED, BLUE, UNKNOWN = "#2a9d6f", "#f2c230", "#c8443a", "#1f6fb2", "#c9ced4"
MAPS = {
    "an-ninh": ("Bản đồ vụ việc theo xã (tháng mới nhất)", {GREEN, YELLOW, UNKNOWN}),
    "canh-bao": ("Bản đồ xã, phường đang có cảnh báo", {BLUE, RED, UNKNOWN}),
    "bao-chi": ("Bản đồ xã, phường được nêu", {"#a6cbe6", "#2b79bd", UNKNOWN}),
    "giao-thong": ("Bản đồ giao thông", {GREEN, RED, UNKNOWN}),
    "chay-rung": ("Bản đồ cấp cháy rừng và điểm nóng", {GREEN, "#7e0023", "#3b444c", UNKNOWN}),
    "dich-benh": ("Bản đồ sốt xuất huyết tuần gần nhất đã hết so với ngưỡng dịch", {RED, GREEN, UNKNOWN}),
    "dich-vu-cong": ("Bản đồ đúng hạn của UBND xã (tháng mới nhất)", {GREEN, UNKNOWN}),
    "giao-duc": ("Bản đồ học sinh theo xã và các trường", {"#dbe9f6", GREEN, UNKNOWN}),
    "kham-chua-benh": ("Bản đồ nơi cư trú của người bệnh và các cơ sở", {"#a6cbe6", GREEN, UNKNOWN}),
    "moi-truong": ("Bản đồ chất lượng không khí theo xã và trạm", {GREEN, UNKNOWN}),
    "nuoc-va-sat-lo": ("Bản đồ rủi ro sạt lở, cảm biến và hồ chứa", {GREEN, "#ee7b23", "#7e0023", UNKNOWN}),
    "phan-anh": ("Bản đồ phản ánh theo xã (tháng mới nhất) và các vụ quá hạn", {GREEN, RED, BLUE, UNKNOWN}),
    "tau-ca": ("Bản đồ tàu đăng ký theo xã và vị trí cuối của tàu", {"#a6cbe6", BLUE, UNKNOWN}),
}
"""The map of each page, and the colours that the small city of these tests has on it."""


@dataclass(frozen=True)
class Patch:
    """A colour on a map: how many pixels have it, and one well inside it, from the corner of the map."""

    pixels: int
    x: float
    y: float


def find_map(page: Page, title: str) -> Locator:
    """Return the drawing of a map, scrolled into view."""
    holder = page.locator(HOLDER).filter(has=page.get_by_text(title, exact=True))
    drawing = holder.locator(".slice_container canvas").first
    drawing.scroll_into_view_if_needed(timeout=TIMEOUT_MILLISECONDS)
    return drawing


def find_colours(page: Page, drawing: Locator, *colours: str) -> dict[str, Patch]:
    """Return where a map has each of these colours that it has, as its picture on the screen shows it."""
    picture = base64.b64encode(drawing.screenshot(timeout=TIMEOUT_MILLISECONDS)).decode()
    found = {colour: page.evaluate(FIND, [picture, colour]) for colour in colours}
    return {colour: Patch(*patch) for colour, patch in found.items() if patch}


def told_at(page: Page, drawing: Locator, patch: Patch) -> str:
    """Point at a shape of a map and return what is shown of it."""
    box = drawing.bounding_box()
    assert box is not None
    told = page.locator(".deckgl-tooltip")
    page.mouse.move(box["x"] + 2, box["y"] + 2)
    told.wait_for(state="hidden", timeout=TIMEOUT_MILLISECONDS)
    page.mouse.move(box["x"] + patch.x, box["y"] + patch.y)  # at once: what lies on the way would be told first
    told.wait_for(timeout=TIMEOUT_MILLISECONDS)
    return told.inner_text()
