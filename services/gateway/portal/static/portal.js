// What pages can do beyond plain HTML: copy buttons, a word when the server fails, and the proof computed again in the
// reader's own browser.
"use strict";

document.documentElement.classList.add("scripted");

const hex = (bytes) => Array.from(new Uint8Array(bytes), (byte) => byte.toString(16).padStart(2, "0")).join("");
const unhex = (text) => Uint8Array.from(text.match(/../g) ?? [], (pair) => parseInt(pair, 16));
const unbase64 = (text) => Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
const join = (...parts) => Uint8Array.from(parts.flatMap((part) => Array.from(part)));
const sha256 = async (...parts) => new Uint8Array(await crypto.subtle.digest("SHA-256", join(...parts)));

/** The root that an entry's line leads to (RFC 9162); null when the path does not fit the place in the tree. */
async function climb(proof) {
  // of an old entry with gaps only the hash of the whole is told
  let digest = proof.hashed ? await sha256([0], new TextEncoder().encode(proof.line)) : unhex(proof.leaf);
  let here = proof.index;
  let last = proof.size - 1;
  if (here > last) return null;
  for (const text of proof.proof) {
    const sibling = unhex(text);
    if (last === 0) return null;
    if (here % 2 === 1 || here === last) {
      digest = await sha256([1], sibling, digest);
      while (here % 2 === 0 && here !== 0) {
        here = Math.floor(here / 2);
        last = Math.floor(last / 2);
      }
    } else {
      digest = await sha256([1], digest, sibling);
    }
    here = Math.floor(here / 2);
    last = Math.floor(last / 2);
  }
  return last === 0 ? digest : null;
}

/** Whether the line lies under the root that the checkpoint names. */
async function included(proof) {
  const [, size, root] = proof.checkpoint.split("\n");
  const reached = await climb(proof);
  return reached !== null && size === String(proof.size) && hex(reached) === hex(unbase64(root));
}

/** Whether the key signed the checkpoint; null when this browser knows no Ed25519. */
async function signed(proof) {
  const [body, tail] = proof.checkpoint.split("\n\n");
  const pem = unbase64(proof.public_key.replace(/-----[^-]+-----|\s/g, ""));
  let key;
  try {
    key = await crypto.subtle.importKey("spki", pem, { name: "Ed25519" }, false, ["verify"]);
  } catch {
    return null;
  }
  const origin = body.split("\n")[0];
  const text = new TextEncoder().encode(body + "\n");
  const wanted = (await sha256(new TextEncoder().encode(origin + "\n"), [1], pem.slice(-32))).slice(0, 4);
  for (const line of (tail ?? "").split("\n")) {
    const [dash, name, value] = line.split(" ");
    if (dash !== "—" || name !== origin || !value) continue;
    const raw = unbase64(value);
    if (hex(raw.slice(0, 4)) !== hex(wanted)) continue;
    if (await crypto.subtle.verify({ name: "Ed25519" }, key, raw.slice(4), text)) return true;
  }
  return false;
}

function tell(id, outcome) {
  const element = document.getElementById(id);
  element.textContent = outcome === null ? element.dataset.cannot : outcome ? element.dataset.yes : element.dataset.no;
  if (element.tagName === "LI") element.className = outcome === null ? "open" : outcome ? "yes" : "no";
}

async function prove(page) {
  const box = document.getElementById("browser-box");
  if (!globalThis.crypto?.subtle) {
    tell("browser-verdict", null); // pages that did not come over TLS have no WebCrypto
    return;
  }
  let lies = false;
  let vouched = false;
  try {
    const proof = JSON.parse(page.dataset.proof);
    lies = await included(proof);
    vouched = await signed(proof);
  } catch {
    lies = false;
  }
  tell("browser-included", lies);
  tell("browser-signed", vouched);
  const proved = lies && vouched; // null: the signature could not be looked at, so nothing is claimed
  tell("browser-verdict", proved);
  if (proved !== null) box.classList.replace("verdict-open", proved ? "verdict-yes" : "verdict-no");
}

function offerCopying() {
  for (const button of document.querySelectorAll("[data-copy]")) button.hidden = !navigator.clipboard;
}

document.addEventListener("click", async (event) => {
  const button = event.target.closest?.("[data-copy]");
  if (!button) return;
  const source = document.getElementById(button.dataset.copy);
  const word = button.textContent;
  await navigator.clipboard.writeText(source.value ?? source.textContent.trim());
  button.textContent = button.dataset.done;
  setTimeout(() => { button.textContent = word; }, 2000);
});

// A half-written form is shown again in the other language as a whole page, which htmx would not do.
document.addEventListener("click", (event) => {
  const tool = event.target.closest?.(".tools [lang]");
  const form = tool?.form ?? document.querySelector(".work-open form");
  if (!tool || !form) return;
  event.preventDefault();
  const field = Object.assign(document.createElement("input"), { type: "hidden", name: "say_in" });
  field.value = tool.value || tool.lang.slice(0, 2);
  form.append(field);
  form.submit();
});

// A part of a page that could not be fetched must not fail in silence.
for (const name of ["htmx:responseError", "htmx:sendError", "htmx:timeout"]) {
  document.addEventListener(name, () => { document.getElementById("trouble").hidden = false; });
}
document.addEventListener("htmx:afterSwap", () => { document.getElementById("trouble").hidden = true; });

offerCopying();
const proofPage = document.getElementById("proof");
if (proofPage) prove(proofPage);
