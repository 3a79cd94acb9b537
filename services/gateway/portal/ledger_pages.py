"""The auditor's page, and the proof of a single event."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from flask import Blueprint, Response, redirect, render_template, request, url_for

from services.gateway.portal import proof
from services.gateway.portal.frame import Frame
from shared.domain.errors import NotFoundError

_PAGE = 20
#: Characters of a checkpoint that somebody kept.
_LONGEST = 4000


def register(blueprint: Blueprint, frame: Frame) -> None:
    """Add the pages."""
    pages = _Pages(frame)
    blueprint.add_url_rule("/audit", "audit", pages.audit)
    blueprint.add_url_rule("/audit/events/<event_id>", "prove", pages.prove)
    blueprint.add_url_rule("/audit/checkpoint.txt", "checkpoint", pages.checkpoint)
    blueprint.add_url_rule("/audit/public_key.pem", "public_key", pages.public_key)


class _Pages:
    def __init__(self, frame: Frame) -> None:
        self.frame = frame
        self.gateway = frame.gateway

    def audit(self) -> Any:
        asked = re.sub(r"\s", "", request.args.get("q", "")).rstrip("/").rpartition("/")[2][:100]
        stream = request.args.get("stream") or None
        missing = False
        if asked:
            try:
                found = self.gateway.ask("audit", "prove_event", event_id=asked)
                return redirect(url_for("portal.prove", event_id=json.loads(found["line"])["id"]))
            except NotFoundError:
                stream = f"issues/issue-{asked.lower()}"
        signed = self.gateway.ask("audit", "get_checkpoint")
        size = _size(request.args.get("size", ""))
        where = {"stream": stream, "limit": _PAGE, "size": size or None, "cursor": request.args.get("cursor")}
        found = self.gateway.ask("audit", "find_entries", **where)
        if asked and not found["rows"]:
            missing = True
        page = render_template(
            "portal/audit.html",
            signed=signed,
            size=found["size"],
            entries=[_entry(row) for row in found["rows"]],
            following=found["next"],
            stream=stream or "",
            asked=asked,
            missing=missing,
            then=min(size, found["size"]),
            earlier=request.args.get("earlier", "")[:_LONGEST],
            continued=self._continued(signed, request.args.get("earlier", "")[:_LONGEST]),
            case_id=_case_of(stream or ""),
        )
        return page, 404 if missing else 200

    def _continued(self, signed: Mapping[str, Any], earlier: str) -> proof.Continued | None:
        """Whether the ledger goes on from a checkpoint that somebody kept; None when none was given."""
        text = earlier.replace("\r\n", "\n").strip() + "\n"
        if not text.strip():
            return None
        old, new = proof.size_of(text), proof.size_of(signed["checkpoint"])
        hashes = self.gateway.ask("audit", "prove_consistency", old=old, new=new)["proof"] if 0 < old < new else []
        return proof.continued(text, signed["checkpoint"], hashes, signed["public_key"])

    def prove(self, event_id: str) -> str:
        found = self.gateway.ask("audit", "prove_event", event_id=event_id)
        signed = self.gateway.ask("audit", "get_checkpoint")
        checked = proof.check(
            found["line"],
            found["index"],
            found["size"],
            found["proof"],
            found["checkpoint"],
            signed["public_key"],
            "" if found["hashed"] else found["leaf"],
        )
        event = json.loads(found["line"])
        shown = {name: value for name, value in event.items() if name not in ("digests", "leaf")}
        shown |= {"data": dict(event["data"])}
        for name, value in proof.fitting(found["line"], found["disclosed"]).items():
            where, key = (shown["data"], name.removeprefix("data.")) if name.startswith("data.") else (shown, name)
            where[key] = value
        parts = {name: found[name] for name in ("line", "leaf", "hashed", "index", "size", "proof", "checkpoint")}
        return render_template(
            "portal/proof.html",
            found=found,
            event=event,
            entry=_entry(found | {"event_id": event["id"], "stream": f"{found['source']}/{shown.get('subject', '')}"}),
            checked=checked,
            public_key=signed["public_key"],
            for_script=json.dumps(parts | {"public_key": signed["public_key"]}, ensure_ascii=False),
            pretty=json.dumps(shown, ensure_ascii=False, indent=2),
            gaps=[name.removeprefix("data.") for name in found["gaps"]],
        )

    def checkpoint(self) -> Response:
        """The signed checkpoint, byte for byte."""
        return Response(self.gateway.ask("audit", "get_checkpoint")["checkpoint"], mimetype="text/plain")

    def public_key(self) -> Response:
        """The public key, as the verifier reads it."""
        return Response(self.gateway.ask("audit", "get_checkpoint")["public_key"], mimetype="application/x-pem-file")


def _size(text: str) -> int:
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 16 else 0


def _entry(row: Mapping[str, Any]) -> dict[str, Any]:
    """An entry with what a list shows of it: what, when, which case."""
    event = json.loads(row["line"])
    return {
        "event_id": row["event_id"],
        "index": int(row["index"] if "index" in row else row["key"]),
        "source": row["source"],
        "position": row["position"],
        "stream": row["stream"],
        "what": event["type"].rpartition(".")[2],
        "occurred": event["occurred"],
        "case_id": _case_of(row["stream"]),
    }


def _case_of(stream: str) -> str:
    return stream.removeprefix("issues/issue-") if stream.startswith("issues/issue-") else ""
