"""content: the blocks that a conversation is made of, whoever sends them.

client/sampling "Messages"; schema TextContent, ImageContent, AudioContent, ToolUseContent, ToolResultContent,
ResourceLink, EmbeddedResource and Annotations.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator, Mapping
from functools import partial

from ..evidence.evidence import Evidence
from ..evidence.messages import Value
from ..evidence.speech import blocks_of
from ..protocol.jsonrpc import is_number, shown
from ..protocol.revisions import Revision
from ..transcript.transcript import Side
from .role import is_role
from .rule import ALWAYS_ADVICE, ALWAYS_MUST, ALWAYS_SHOULD, BOTH, CLIENT, HELD, SERVER, Finding, broken, rule
from .shapes import (
    Predicate,
    asked_answered,
    expect,
    is_array,
    is_object,
    is_string,
    own_calls_answered,
    require,
    served_next,
)

NO_BLOCK = "no content block was sent"
NO_BINARY = "no image or audio block was sent"

_STRING: tuple[Predicate, str] = (is_string, "a string")
_OBJECT: tuple[Predicate, str] = (is_object, "an object")
_ARRAY: tuple[Predicate, str] = (is_array, "an array")
_BOOLEAN: tuple[Predicate, str] = (lambda value: isinstance(value, bool), "a boolean")

#: required members of each block type; mimeType of image and audio has a rule of its own
REQUIRED: Mapping[str, Mapping[str, tuple[Predicate, str]]] = {
    "text": {"text": _STRING},
    "image": {"data": _STRING},
    "audio": {"data": _STRING},
    "tool_use": {"id": _STRING, "name": _STRING, "input": _OBJECT},
    "tool_result": {"toolUseId": _STRING, "content": _ARRAY},
    "resource_link": {"uri": _STRING, "name": _STRING},
    "resource": {"resource": _OBJECT},
}
OPTIONAL: Mapping[str, Mapping[str, tuple[Predicate, str]]] = {
    "tool_result": {"isError": _BOOLEAN},
    "resource_link": {"description": _STRING, "mimeType": _STRING},
}
BINARY = ("image", "audio")


@rule("content/blocks-valid", BOTH, ALWAYS_MUST, "schema", "samplingmessage", unobserved=NO_BLOCK)
def blocks_valid(evidence: Evidence, side: Side) -> Iterator[Finding]:
    """Every content block has a type that its revision knows and the members that the type requires, rightly typed."""
    # What a result's content must be at all, result/content says.
    for turn in evidence.asked.turns if side is Side.SERVER else ():
        yield from require(turn, "content", lambda value: isinstance(value, dict | list), "a content block")
    for block in evidence.said_by(side).blocks:
        inside = _is_inside_tool_result(block)
        if isinstance(block.value, list) and not inside:
            continue  # content/array says what an array inside an array is
        allowed = evidence.revision.tool_result_types if inside else evidence.revision.content_types
        yield from block_valid(block, allowed, evidence.revision)


def _is_inside_tool_result(block: Value) -> bool:
    """A block whose path passes two ``content`` members stands inside another block."""
    return block.path.count("content") > 1


def block_valid(block: Value, allowed: frozenset[str], revision: Revision) -> Iterator[Finding]:
    """Whether a block has one of the types that are allowed where it stands, and what that requires."""
    if not isinstance(block.value, dict):
        yield from expect(block, is_object, "a content block (an object)")
        return
    kind = block.get("type")
    if kind is None or not isinstance(kind.value, str) or kind.value not in allowed:
        names = ", ".join(sorted(allowed))
        given = "is missing" if kind is None else f"is {shown(kind.value)}"
        yield broken(kind or block, f"{block.json_path}.type {given}; this revision has {names} here")
        return
    for key, (holds, expected) in REQUIRED[kind.value].items():
        yield from require(block, key, holds, expected)
    for key, (holds, expected) in OPTIONAL.get(kind.value, {}).items():
        yield from expect(block.get(key), holds, expected)
    if kind.value == "tool_result" and not revision.modern:  # since 2026-07-28 it may be any JSON value
        yield from expect(block.get("structuredContent"), is_object, "an object")
    if kind.value == "resource" and (resource := block.get("resource")):
        yield from resource_valid(resource)


def resource_valid(resource: Value) -> Iterator[Finding]:
    """Whether the contents of a resource have what they need; nothing where they are no object."""
    yield from require(resource, "uri", is_string, "a string")
    if resource.get("text") is None:
        yield from require(resource, "blob", is_string, "a string, where there is no text")
    else:
        yield from expect(resource.get("text"), is_string, "a string")


def _binary(evidence: Evidence, side: Side) -> Iterator[Value]:
    return evidence.said_by(side).blocks_with_type(*BINARY)


def _data(evidence: Evidence, side: Side) -> Iterator[Value]:
    for block in _binary(evidence, side):
        data = block.get("data")
        if data is not None and isinstance(data.value, str):
            yield data


#: the letters of both alphabets, line breaks, and padding at the end
# The quantifiers give nothing back: otherwise a megabyte of blanks would be tried from each of them on.
_BASE64 = re.compile(r"[A-Za-z0-9+/_\-\s]*+={0,2}+\s*+")


def is_base64(text: str) -> bool:
    """Whether any common decoder can make bytes of it: either alphabet, padding or none, line breaks or none."""
    if not _BASE64.fullmatch(text):
        return False
    return len(re.sub(r"[\s=]", "", text)) % 4 != 1


def is_canonical_base64(text: str) -> bool:
    """The standard alphabet with padding and nothing else (RFC 4648, section 4)."""
    try:
        return base64.b64encode(base64.b64decode(text, validate=True)).decode() == text
    except (binascii.Error, ValueError):
        return False


@rule("content/base64", BOTH, ALWAYS_MUST, "schema", "imagecontent", unobserved=NO_BINARY)
def base64_data(evidence: Evidence, side: Side) -> Iterator[Finding]:
    """The data of an image or audio block is base64."""
    for data in _data(evidence, side):
        yield from expect(data, is_base64, "base64 (a data URL or a link is none)")


@rule("content/base64-canonical", BOTH, ALWAYS_ADVICE, "client/sampling", "image-content", unobserved=NO_BINARY)
def base64_canonical(evidence: Evidence, side: Side) -> Iterator[Finding]:
    """Base64 data uses the standard alphabet, with padding and without line breaks, for strict decoders refuse
    anything else."""
    for data in _data(evidence, side):
        if is_base64(data.value):
            yield from expect(data, is_canonical_base64, "base64 in the standard alphabet with padding")


@rule("content/mime-type", BOTH, ALWAYS_MUST, "schema", "imagecontent", unobserved=NO_BINARY)
def mime_type(evidence: Evidence, side: Side) -> Iterator[Finding]:
    """An image or audio block names its mimeType, a string."""
    for block in _binary(evidence, side):
        yield from require(block, "mimeType", is_string, "a string")


_MIME = re.compile(r"[\w!#$&^.+-]+/[\w!#$&^.+-]+\s*(;.*)?", re.ASCII)


@rule(
    "content/mime-type-plausible",
    BOTH,
    ALWAYS_ADVICE,
    "client/sampling",
    "image-content",
    unobserved=NO_BINARY,
)
def mime_type_plausible(evidence: Evidence, side: Side) -> Iterator[Finding]:
    """The mimeType of a block has the form type/subtype and fits the block."""
    for block in _binary(evidence, side):
        value, kind = block.get("mimeType"), block.value["type"]
        if value is not None and isinstance(value.value, str):
            yield from expect(value, partial(_fits, kind), f"a MIME type such as {kind}/…")


def _fits(kind: str, mime: str) -> bool:
    # application/ogg and application/octet-stream are fair for both
    return bool(_MIME.fullmatch(mime)) and mime.lower().startswith((f"{kind}/", "application/"))


@rule("content/array", BOTH, ALWAYS_MUST, "schema", "samplingmessage", unobserved=NO_BLOCK)
def array(evidence: Evidence, side: Side) -> Iterator[Finding]:
    """The content of a message is one block; from 2025-11-25 on it may be an array of blocks, but of no arrays."""
    for turn in evidence.said_by(side).turns:
        content = turn.get("content")
        if content is None or not isinstance(content.value, dict | list):
            continue
        if isinstance(content.value, list) and not evidence.revision.content_arrays:
            yield broken(
                content,
                f"{content.json_path} is an array; in {evidence.revision.name} it must be a single block",
            )
        elif nested := [element for element in content.elements() if isinstance(element.value, list)]:
            yield broken(nested[0], f"{nested[0].json_path} is an array inside an array; it must be a block")
        else:
            yield HELD


@rule("content/annotations", BOTH, ALWAYS_MUST, "schema", "annotations", unobserved="no block had annotations")
def annotations_valid(evidence: Evidence, side: Side) -> Iterator[Finding]:
    """Annotations are an object; audience in it lists roles, priority is a number from 0 to 1, lastModified (from
    2025-06-18 on) a string."""
    for block in evidence.said_by(side).blocks:
        found = block.get("annotations")
        if found is None:
            continue
        yield from expect(found, is_object, "an object")
        yield from expect(
            found.get("audience"),
            lambda value: isinstance(value, list) and all(is_role(role) for role in value),
            'an array of "user" and "assistant"',
        )
        yield from expect(
            found.get("priority"),
            lambda value: is_number(value) and 0 <= value <= 1,
            "a number from 0 to 1",
        )
        if evidence.revision.last_modified:
            yield from expect(found.get("lastModified"), is_string, "a string")


@rule(
    "content/kinds-survived",
    SERVER,
    ALWAYS_SHOULD,
    "client/sampling",
    "security-considerations",
    unobserved="no sampling request could be answered with the various kinds of content",
)
def kinds_survived(evidence: Evidence, side: Side) -> Iterator[Finding]:
    """A server whose sampling result had any valid content lives on, and serves the next call."""
    for probe in evidence.probes("kind"):
        yield from served_next(probe)


@rule(
    "content/kinds-answered",
    SERVER,
    ALWAYS_MUST,
    "messages",
    "responses",
    unobserved="no sampling request could be answered with the various kinds of content",
)
def kinds_of_result_answered(evidence: Evidence, side: Side) -> Iterator[Finding]:
    """A server answers its call, with success or not, whatever valid content the sampling result has."""
    for probe in evidence.probes("kind"):
        yield from own_calls_answered(probe)


@rule(
    "content/kinds-answered",
    CLIENT,
    ALWAYS_MUST,
    "messages",
    "responses",
    unobserved="no request with the various kinds of content could be made",
)
def kinds_answered(evidence: Evidence, side: Side) -> Iterator[Finding]:
    """A client answers a request of any valid content, with a result or an error."""
    for exchange in evidence.asks("kind"):
        yield from asked_answered(exchange)


@rule(
    "content/not-empty",
    CLIENT,
    ALWAYS_ADVICE,
    "client/sampling",
    "messages",
    unobserved="no answer to a plain question ended by itself",
)
def not_empty(evidence: Evidence, side: Side) -> Iterator[Finding]:
    """An answer to a question that ended by itself says something: neither an empty text nor an empty array."""
    for exchange in evidence.asks("plain", "plain-again", "parameter", "preference"):
        content = exchange.result.get("content") if exchange.result else None
        reason = exchange.result.get("stopReason") if exchange.result else None
        if exchange.result is None or content is None or (reason is not None and reason.value != "endTurn"):
            continue
        texts = [text.value if (text := block.get("text")) else None for block in blocks_of(exchange.result)]
        if any(text is None or text != "" for text in texts) or not isinstance(content.value, dict | list):
            yield HELD
        else:
            yield broken(content, f"{content.json_path} is {shown(content.value)}, and the model ended it by itself")
