"""Tests of one's own, with the fixture: what the tool asks, and what it makes of the answer."""

import pytest

from mcp_sampling_conformance.testing import CallFailed

REVISIONS = ["2025-11-25", "2026-07-28"]


@pytest.mark.parametrize("revision", REVISIONS)
def test_the_text_is_summarized(mcp_sampling_client, revision):
    client = mcp_sampling_client(answers=["A king dies."], revision=revision)
    result = client.call_tool("summarize", {"text": "Once upon a time …"})
    assert result["content"][0]["text"] == "A king dies."
    (request,) = client.requests
    assert "Once upon a time" in request["messages"][0]["content"]["text"]
    assert request["maxTokens"] <= 500


@pytest.mark.parametrize("revision", REVISIONS)
def test_an_image_is_no_summary(mcp_sampling_client, revision):
    image = {"type": "image", "data": "iVBORw0KGgo=", "mimeType": "image/png"}
    answer = {"role": "assistant", "content": image, "model": "painter"}
    client = mcp_sampling_client(answers=[answer], revision=revision)
    assert client.call_tool("summarize", {"text": "Once upon a time …"})["isError"]


def test_a_client_that_does_not_sample_is_told_so(mcp_sampling_client):
    client = mcp_sampling_client(sampling=None, revision="2025-11-25")
    assert client.call_tool("summarize", {"text": "…"})["isError"]
    client = mcp_sampling_client(sampling=None, revision="2026-07-28")
    with pytest.raises(CallFailed, match="-32021"):
        client.call_tool("summarize", {"text": "…"})
