"""What can be called to make a server sample, and what came of calling it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ...protocol.jsonrpc import Json
from ...protocol.texts import one_line

_METHODS = {"tool": "tools/call", "prompt": "prompts/get", "resource": "resources/read"}


@dataclass(frozen=True)
class Callee:
    """One thing to call: a tool, a prompt or a resource."""

    kind: str  #: "tool", "prompt" or "resource"
    name: str  #: of a resource its URI
    arguments: Mapping[str, Any] = field(default_factory=dict, hash=False)

    @property
    def label(self) -> str:
        """Its name for people, with its kind: "tool ask"."""
        return f"{self.kind} {one_line(self.name)}"

    @property
    def method(self) -> str:
        """The method of a request that calls it."""
        return _METHODS[self.kind]

    def params(self, token: str | None = None) -> Json:
        """The params of a request that calls it, with this progress token, if any."""
        params: Json = (
            {"uri": self.name} if self.kind == "resource" else {"name": self.name, "arguments": dict(self.arguments)}
        )
        return {**params, "_meta": {"progressToken": token}} if token else params


@dataclass
class Found:
    """What discovery saw in one era: the candidates in order, and what became of each."""

    era: str  #: "legacy" or "modern"
    opened: bool = False  #: there was a connection to look around on
    named: bool = False  #: the candidates are those that the user named
    candidates: list[Callee] = field(default_factory=list)
    notes: dict[str, str] = field(default_factory=dict)  #: by label, what came back
    uncalled: dict[str, str] = field(default_factory=dict)  #: of what is listed, why it was not called
    sampling: list[Callee] = field(default_factory=list)  #: the candidates that sampled
    asked_elsewhere: bool = False  #: a sampling request came in another session than the call that it was for
    silent: set[str] = field(default_factory=set)  #: the labels of those whose calls were waited for in vain
    offered: dict[str, list[Json]] = field(default_factory=dict)  #: the tools that these offered, by label
    #: the form of the sampling capability for which something samples, where nothing did for the first form
    fallback_form: str | None = None

    def offers_tools(self, callee: Callee) -> bool:
        """Whether the sampling requests of a callee offer tools."""
        return bool(self.offered[callee.label])

    @property
    def called(self) -> list[Callee]:
        """What gets the plain calls: all that samples and whose call ends; where none does, the first that samples."""
        return [callee for callee in self.sampling if callee.label not in self.silent] or self.sampling[:1]

    @property
    def probed(self) -> list[Callee]:
        """What gets every probe: of these all that the user named, else one callee of each sort."""
        if self.named:
            return self.called
        sorts: dict[tuple[str, bool], Callee] = {}
        for callee in self.called:
            sorts.setdefault((callee.kind, self.offers_tools(callee)), callee)
        return list(sorts.values())
