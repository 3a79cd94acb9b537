"""Whether an answer is what its description says, with nothing left out and nothing more."""

from __future__ import annotations

import re
from typing import Any

_TYPES = {"string": str, "integer": int, "boolean": bool, "object": dict, "array": list}


def mismatches(shape: dict[str, Any], value: Any, where: str) -> list[str]:
    """Where a value is not as described."""
    if "anyOf" in shape:
        found = [mismatches(one, value, where) for one in shape["anyOf"]]
        return [] if [] in found else found[0]
    kinds = [shape["type"]] if isinstance(shape["type"], str) else shape["type"]
    if not any(value is None if kind == "null" else isinstance(value, _TYPES[kind]) for kind in kinds):
        return [f"{where}: {value!r} is no {kinds}"]
    if isinstance(value, list):
        return [wrong for part in value for wrong in mismatches(shape["items"], part, f"{where}[]")]
    if isinstance(value, dict) and "properties" in shape:
        return [wrong for part in _parts(shape, value, where) for wrong in part]
    if isinstance(value, dict) and "additionalProperties" in shape:
        every = shape["additionalProperties"]
        return [wrong for name, part in value.items() for wrong in mismatches(every, part, f"{where}.{name}")]
    return []


def _parts(shape: dict[str, Any], value: dict[str, Any], where: str) -> list[list[str]]:
    known, like = shape["properties"], shape.get("patternProperties", {})
    found = [[f"{where}.{name} is missing"] for name in shape["required"] if name not in value]
    for name, part in value.items():
        described = known.get(name) or next((one for pattern, one in like.items() if re.search(pattern, name)), None)
        found.append(
            mismatches(described, part, f"{where}.{name}") if described else [f"{where}.{name} is not described"]
        )
    return found
