"""Every property of mappers, as a table."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from hypothesis import strategies as st

from ..protocol.levels import Level
from ..protocol.revisions import Revision, page_url
from .behaviour import deterministic, keeps_input, maps, returns
from .conservation import keeps, keeps_binary, keeps_definitions, keeps_inputs, keeps_order, system_prompts, texts
from .contents import leaves, of_type
from .differences import (
    one_more,
    other_association,
    other_error,
    other_mime_type,
    other_role,
    pair_with,
    tells_apart,
    tells_choices_apart,
)
from .inputs import any_input, odd_input, with_choices, with_offers
from .mapper import Mapper
from .trial import Check

MUST, SHOULD = Level.MUST, Level.SHOULD

#: what a property may need of a mapper: how to see whether it has it, and the reason where it does not
_NEEDS: Mapping[str, tuple[Callable[[Mapper], bool], str]] = {
    "messages": (lambda mapper: mapper.takes != "block", "the mapper takes single blocks"),
    "params": (lambda mapper: mapper.takes == "params", "the mapper is not given the params of a request"),
    "inverse": (lambda mapper: mapper.inverse is not None, "the mapper has no inverse"),
}


@dataclass(frozen=True)
class Property:
    """A rule that every mapper has to follow."""

    name: str
    level: Level
    statement: str
    page: str
    anchor: str
    needs: frozenset[str]  #: keys of ``_NEEDS``, which a mapper has to have; "tools", which the revision has to have
    inputs: Callable[[Mapper, Revision], st.SearchStrategy[Any]]  #: what ``check`` is tried on
    check: Check
    unobserved: str = "no input came up with which to judge it"  #: the reason where nothing could be judged

    def exists(self, revision: Revision) -> bool:
        """Whether the revision has what the property is about."""
        return revision.tools or "tools" not in self.needs

    def unfit(self, mapper: Mapper) -> str:
        """Why a mapper cannot be judged by it; empty where it can."""
        if self.name in mapper.without:
            return "left out, by the mapper's without"
        return next((why for need, (has, why) in _NEEDS.items() if need in self.needs and not has(mapper)), "")

    def applies(self, mapper: Mapper, revision: Revision) -> bool:
        """Whether the mapper can be judged by it in a revision."""
        return self.exists(revision) and not self.unfit(mapper)

    def url(self, revision: Revision) -> str:
        """The address of the section that defines the content. No section of the specification binds mappers."""
        return page_url(revision, self.page, self.anchor)


_ALL: frozenset[str] = frozenset()
_OF_TOOLS = frozenset({"tools"})
_OF_MESSAGES = frozenset({"messages"})
_OF_PARAMS = frozenset({"params"})
_OF_OFFERS = frozenset({"tools", "params"})
_NO_TOOL = "no tool of the request ever turned up in the output, which may be meant to have the messages only"
_SAMPLING = "client/sampling"
_TOOLS = "tool-use-and-result-balance"

#: every property, in the order in which they are checked
PROPERTIES: tuple[Property, ...] = (
    Property(
        "mapper/maps-or-refuses",
        MUST,
        "Every valid input is mapped, or refused with an exception that the mapper declares.",
        *("schema", "samplingmessage", _ALL, odd_input, maps),
    ),
    Property(
        "mapper/conservation-of-text",
        MUST,
        "Every text turns up in the output, of text blocks and embedded resources.",
        *(_SAMPLING, "text-content", _ALL, any_input, keeps("text", texts)),
    ),
    # A SHOULD: many providers take it beside the messages, and other code may pass it on.
    Property(
        "mapper/conservation-of-system-prompt",
        SHOULD,
        "The system prompt of a request turns up in the output.",
        *(_SAMPLING, "creating-messages", _OF_PARAMS, any_input, keeps("system prompt", system_prompts)),
    ),
    Property(
        "mapper/conservation-of-binary",
        MUST,
        "The data of every image, audio and embedded blob turns up in the output, in base64 or as bytes.",
        *(_SAMPLING, "image-content", _ALL, any_input, keeps_binary),
    ),
    Property(
        "mapper/conservation-of-links",
        MUST,
        "The URI of every resource link turns up in the output.",
        *(_SAMPLING, "tool-result-messages", _OF_TOOLS, any_input),
        keeps("URI", lambda params: (b["uri"] for b in leaves(params) if b["type"] == "resource_link")),
    ),
    Property(
        "mapper/conservation-of-tool-names",
        MUST,
        "The name of every tool that is called turns up in the output.",
        *(_SAMPLING, _TOOLS, _OF_TOOLS, any_input),
        keeps("tool name", lambda params: (block["name"] for block in of_type(params, "tool_use"))),
    ),
    Property(
        "mapper/conservation-of-tool-ids",
        MUST,
        "The id of every tool_use turns up in the output.",
        *(_SAMPLING, _TOOLS, _OF_TOOLS, any_input),
        keeps("tool_use id", lambda params: (block["id"] for block in of_type(params, "tool_use"))),
    ),
    Property(
        "mapper/conservation-of-tool-inputs",
        MUST,
        "The input of every tool_use turns up in the output, as an object, as JSON, or value by value.",
        *(_SAMPLING, _TOOLS, _OF_TOOLS, any_input, keeps_inputs),
    ),
    Property(
        "mapper/conservation-of-tool-definitions",
        MUST,
        "The name, description and argument names of every tool in tools turn up in the output, if any tool does.",
        *(_SAMPLING, "sampling-with-tools", _OF_OFFERS, with_offers, keeps_definitions, _NO_TOOL),
    ),
    Property(
        "mapper/order-of-texts",
        MUST,
        "The texts of the messages come out in their order.",
        *(_SAMPLING, "text-content", _OF_MESSAGES, any_input, keeps_order),
    ),
    Property(
        "mapper/input-untouched",
        MUST,
        "The mapper does not change its input.",
        *("schema", "samplingmessage", _ALL, odd_input, keeps_input),
    ),
    Property(
        "mapper/deterministic",
        MUST,
        "Two calls with equal inputs return equal outputs, times aside.",
        *("schema", "samplingmessage", _ALL, odd_input, deterministic),
    ),
    Property(
        "mapper/tells-roles-apart",
        SHOULD,
        "The same message from the user and from the assistant comes out differently.",
        *("schema", "samplingmessage", _OF_MESSAGES, pair_with("user", other_role), tells_apart("a role")),
    ),
    Property(
        "mapper/tells-errors-apart",
        SHOULD,
        "A tool_result with isError comes out differently from one without.",
        *(_SAMPLING, "tool-result-messages", _OF_TOOLS, pair_with("tool_result", other_error)),
        tells_apart("isError"),
    ),
    Property(
        "mapper/tells-mime-types-apart",
        SHOULD,
        "The same data with another mimeType comes out differently.",
        *(_SAMPLING, "image-content", _ALL, pair_with("image", other_mime_type), tells_apart("a mimeType")),
    ),
    Property(
        "mapper/tells-associations-apart",
        SHOULD,
        "Which tool_result answers which tool_use shows in the output.",
        *(_SAMPLING, _TOOLS, _OF_TOOLS | _OF_MESSAGES, pair_with("loop", other_association, 2)),
        tells_apart("which result answers which call"),
    ),
    Property(
        "mapper/tells-tool-choices-apart",
        SHOULD,
        "The modes auto, required and none of toolChoice come out differently, if any tool comes out.",
        *(_SAMPLING, "tool-choice-modes", _OF_OFFERS, with_choices, tells_choices_apart, _NO_TOOL),
    ),
    Property(
        "mapper/tells-repetition-apart",
        SHOULD,
        "A text that comes twice comes out differently from one that comes once.",
        *("schema", "samplingmessage", _OF_MESSAGES, pair_with("user", one_more), tells_apart("one text more")),
    ),
    Property(
        "mapper/round-trip",
        MUST,
        "The inverse gives the input back; how blocks of one role are grouped into messages does not count.",
        *("schema", "samplingmessage", frozenset({"inverse"}), any_input, returns),
    ),
)
