"""What ``st.from_type`` yields for the sampling types of the Python SDK."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from ..protocol.names import SAMPLING
from ..protocol.revisions import NEWEST_LEGACY, REVISIONS
from . import (
    content_blocks,
    create_message_params,
    create_message_results,
    errors,
    input_required_results,
    model_hints,
    model_preferences,
    sampling_messages,
    tool_choices,
    tools,
)
from .models import BLOCKS, build
from .results import plain_results
from .values import Strategy

#: the revision whose types the SDK's names are those of
_RICHEST = NEWEST_LEGACY


def _requests() -> Strategy:
    params = create_message_params(revision=_RICHEST)
    return build(params.map(lambda found: {"method": SAMPLING, "params": found}), "CreateMessageRequest", True)


def _with_tools() -> Strategy:
    return build(create_message_results(revision=_RICHEST), "CreateMessageResultWithTools", True)


_MAKERS: dict[str, Callable[[], Strategy]] = {
    **{name: partial(content_blocks, revision=_RICHEST, kinds=(kind,), as_model=True) for kind, name in BLOCKS.items()},
    "SamplingMessage": partial(sampling_messages, revision=_RICHEST, as_model=True),
    "ModelHint": partial(model_hints, as_model=True),
    "ModelPreferences": partial(model_preferences, as_model=True),
    "Tool": partial(tools, revision=_RICHEST, as_model=True),
    "ToolChoice": partial(tool_choices, as_model=True),
    "CreateMessageRequestParams": partial(create_message_params, revision=_RICHEST, as_model=True),
    "CreateMessageRequest": _requests,
    "CreateMessageResult": lambda: build(plain_results(REVISIONS[_RICHEST]), "CreateMessageResult", True),
    "CreateMessageResultWithTools": _with_tools,
    "ErrorData": partial(errors, as_model=True),
    "InputRequiredResult": partial(input_required_results, as_model=True),
}


def strategy_for(name: str) -> Strategy:
    """The strategy for the SDK's type of that name. Raises ``KeyError`` for a type that is not of sampling."""
    return _MAKERS[name]()
