"""From the params of `sampling/createMessage` to a request of OpenAI's Chat Completions.

What that format has no room for is refused with `NotImplementedError`, never dropped.
"""

from __future__ import annotations

import json
from typing import Any

Json = dict[str, Any]

AUDIO = {"audio/wav": "wav", "audio/x-wav": "wav", "audio/mpeg": "mp3", "audio/mp3": "mp3"}


def to_openai(params: Json) -> Json:
    """The request for a model, all but the model's name."""
    messages = [converted for message in params["messages"] for converted in _messages(message)]
    if "systemPrompt" in params:
        messages.insert(0, {"role": "system", "content": params["systemPrompt"]})
    request: Json = {"messages": messages, "max_completion_tokens": params["maxTokens"]}
    for ours, theirs in (("temperature", "temperature"), ("stopSequences", "stop")):
        if ours in params:
            request[theirs] = params[ours]
    if "tools" in params:
        request["tools"] = [{"type": "function", "function": _function(tool)} for tool in params["tools"]]
    if "toolChoice" in params:
        request["tool_choice"] = params["toolChoice"].get("mode", "auto")
    return request


def _function(tool: Json) -> Json:
    function = {"name": tool["name"], "parameters": tool["inputSchema"]}
    return {**function, "description": tool["description"]} if "description" in tool else function


def _messages(message: Json) -> list[Json]:
    """One message, or several: each result of a tool is a message of its own there."""
    blocks = message["content"] if isinstance(message["content"], list) else [message["content"]]
    results = [_result(block) for block in blocks if block["type"] == "tool_result"]
    calls = [_call(block) for block in blocks if block["type"] == "tool_use"]
    others = [block for block in blocks if block["type"] not in ("tool_result", "tool_use")]
    if message["role"] == "assistant":
        said = [{"type": "text", "text": _text(block)} for block in others]
        return [{"role": "assistant", "content": said or None, **({"tool_calls": calls} if calls else {})}]
    return results if results and not others else [*results, {"role": "user", "content": [_part(b) for b in others]}]


def _text(block: Json) -> str:
    if block["type"] != "text":
        raise NotImplementedError(f"the assistant said something of type {block['type']}")
    return str(block["text"])


def _part(block: Json) -> Json:
    kind = block["type"]
    if kind == "text":
        return {"type": "text", "text": block["text"]}
    if kind == "image":
        return {"type": "image_url", "image_url": {"url": f"data:{block['mimeType']};base64,{block['data']}"}}
    if kind == "audio" and block["mimeType"] in AUDIO:
        return {"type": "input_audio", "input_audio": {"data": block["data"], "format": AUDIO[block["mimeType"]]}}
    raise NotImplementedError(f"content of type {kind} ({block.get('mimeType')})")


def _call(block: Json) -> Json:
    function = {"name": block["name"], "arguments": json.dumps(block["input"], ensure_ascii=False)}
    return {"id": block["id"], "type": "function", "function": function}


def _result(block: Json) -> Json:
    """A tool's result is text there; what is more than text travels in it as JSON."""
    for part in block["content"]:
        if part["type"] in ("image", "audio") or "blob" in part.get("resource", {}):
            raise NotImplementedError(f"a tool's result of type {part['type']}")
    extra = {key: block[key] for key in ("structuredContent", "isError") if key in block}
    if not extra and [part["type"] for part in block["content"]] == ["text"]:
        text = block["content"][0]["text"]
    else:
        text = json.dumps({"content": block["content"], **extra}, ensure_ascii=False)
    return {"role": "tool", "tool_call_id": block["toolUseId"], "content": text}
