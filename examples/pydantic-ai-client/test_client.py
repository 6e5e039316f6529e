"""Tests of one's own, with the fixture: what the client answers to requests of ours."""

CLIENT = "python client.py {server}"


def test_the_model_answers(mcp_sampling_server):
    question = {"role": "user", "content": {"type": "text", "text": "What is the capital of France?"}}
    (answer,) = mcp_sampling_server(CLIENT).ask_all([{"messages": [question], "maxTokens": 10}])
    assert answer["result"]["content"] == {"type": "text", "text": "Paris"}
    assert answer["result"]["model"] == "thinker"
