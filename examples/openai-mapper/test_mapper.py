"""Tests of one's own: the one example that everybody thinks of, and all that nobody does."""

from mapper import to_openai

from mcp_sampling_conformance.mappers import check_mapper


def test_a_question():
    question = {"role": "user", "content": {"type": "text", "text": "What now?"}}
    assert to_openai({"messages": [question], "maxTokens": 10, "systemPrompt": "Be brief."}) == {
        "messages": [
            {"role": "system", "content": "Be brief."},
            {"role": "user", "content": [{"type": "text", "text": "What now?"}]},
        ],
        "max_completion_tokens": 10,
    }


def test_nothing_is_lost():
    check_mapper(to_openai, takes="params", revision="2025-11-25", rejects=NotImplementedError)
