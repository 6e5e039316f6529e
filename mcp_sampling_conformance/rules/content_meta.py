"""content, what stands beside the words: ``_meta``, and the bytes of embedded resources.

schema Result, SamplingMessage and BlobResourceContents; basic "_meta".
"""

from __future__ import annotations

from collections.abc import Iterator

from ..evidence.evidence import Evidence
from ..evidence.messages import Value
from ..transcript.transcript import Side
from .content import is_base64
from .rule import BOTH, MUST, Finding, rule
from .shapes import expect, is_object


def _with_meta(evidence: Evidence, side: Side) -> Iterator[Value]:
    """What may have a ``_meta``: results and blocks, and since 2025-11-25 messages too."""
    speech = evidence.said_by(side)
    if side is Side.CLIENT or evidence.revision.content_arrays:
        yield from speech.turns
    yield from speech.blocks


@rule(
    "content/meta-objects",
    BOTH,
    {"2025-06-18": MUST},
    "schema",
    "samplingmessage",
    unobserved="nothing that was said has a _meta, and no resource with bytes is in it",
)
def meta_objects(evidence: Evidence, side: Side) -> Iterator[Finding]:
    """The _meta of a result, a message or a block is an object, and the blob of an embedded resource base64."""
    for value in _with_meta(evidence, side):
        yield from expect(value.get("_meta"), is_object, "an object")
    for block in evidence.said_by(side).blocks_with_type("resource"):
        blob = block.find("resource", "blob")
        if blob is not None and isinstance(blob.value, str):
            yield from expect(blob, is_base64, "base64")
