"""What browser tests do on the pages again and again."""

from __future__ import annotations

import os
import re
from pathlib import Path

from playwright.sync_api import Page, expect

from tests.e2e.seed import COMPOUND, PASSWORD

ROOT = Path(__file__).resolve().parents[2]
#: A telephone, and a desk.
WIDTHS = (320, 1280)
#: What is wrong with a page for those who see or use it differently.
FAULTS = """() => {
  const faults = [];
  if (document.documentElement.scrollWidth > innerWidth) faults.push("scrolls sideways: " + document.documentElement.scrollWidth);
  if (document.querySelectorAll("h1").length !== 1) faults.push("h1: " + document.querySelectorAll("h1").length);
  for (const field of document.querySelectorAll("input:not([type=hidden]), select, textarea"))
    if (!field.labels.length && !field.ariaLabel) faults.push("no label: " + field.name);
  for (const image of document.querySelectorAll("img:not([alt])")) faults.push("no alt: " + image.src);
  const ids = Array.from(document.querySelectorAll("[id]"), (element) => element.id);
  for (const id of ids) if (ids.indexOf(id) !== ids.lastIndexOf(id)) faults.push("id twice: " + id);
  for (const link of document.querySelectorAll("a, button"))
    if (link.getClientRects().length && !link.textContent.trim() && !link.ariaLabel) faults.push("no words: " + link.outerHTML);
  for (const mark of document.querySelectorAll("[aria-labelledby], [aria-describedby]"))
    for (const id of (mark.getAttribute("aria-labelledby") ?? mark.getAttribute("aria-describedby")).split(" "))
      if (!document.getElementById(id)) faults.push("nothing has the id " + id);
  return faults;
}"""


def sign_in(page: Page, username: str, post: str = "") -> None:
    page.goto("/sign-in?to=/inbox")
    page.get_by_label(re.compile("账号|Account")).fill(username)
    page.get_by_label(re.compile("密码|Password")).fill(PASSWORD)
    page.locator("main button").click()
    if post:
        page.locator(f"button[value={post}]").click()
    page.wait_for_url("**/inbox")


def report(page: Page, description: str) -> str:
    """Report a problem at building 1 of the compound; the case number."""
    page.goto("/report")
    for place in ("350104.013", "350104.013.002", COMPOUND, f"{COMPOUND}.01"):
        page.locator(f"select[name=place]:has(option[value='{place}'])").select_option(place)
        expect(page.locator(f"select[name=place] option[value='{place}']:checked")).to_have_count(1)
    page.locator("#category").select_option("drainage")
    page.locator("#description").fill(description)
    page.locator("#report > button").click()
    page.wait_for_url("**/received")
    return page.locator("#case-id").text_content() or ""


def picture(page: Page, name: str, height: int = 900) -> None:
    """Keep a screenshot for the README when asked to."""
    if os.environ.get("LINLI_SCREENSHOTS"):
        folder = ROOT / "docs" / "images"
        folder.mkdir(parents=True, exist_ok=True)
        page.set_viewport_size({"width": 1280, "height": height})
        page.evaluate("document.fonts.ready")
        page.screenshot(path=str(folder / f"{name}.png"))
