"""What Hypothesis calls when it is imported: it learns strategies for the SDK's types, once somebody imports the SDK.

Neither the SDK nor our strategies are imported before they are needed: the first by whoever uses the types, the second
by the first ``st.from_type`` of one of them.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

SDK = "mcp.types"


def register() -> None:
    """Register the strategies, now or as soon as the SDK's types are imported."""
    if (module := sys.modules.get(SDK)) is not None:
        register_types(module)
    elif not any(isinstance(finder, _WhenImported) for finder in sys.meta_path):
        sys.meta_path.insert(0, _WhenImported())


def register_types(module: ModuleType) -> None:
    """Register a strategy for each sampling type that this version of the SDK has."""
    from hypothesis import strategies as st

    for name in _NAMES:
        if (model := getattr(module, name, None)) is not None:
            st.register_type_strategy(model, _later(name))


def _later(name: str) -> Callable[[Any], Any]:
    def strategy(model: Any) -> Any:
        from .strategies.types import strategy_for

        return strategy_for(name)

    return strategy


class _WhenImported(MetaPathFinder):
    """Lets the others find the SDK's types, and registers the strategies when they are loaded."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname != SDK:
            return None
        if self in sys.meta_path:
            sys.meta_path.remove(self)
        specs = (finder.find_spec(fullname, path, target) for finder in sys.meta_path)
        spec = next((spec for spec in specs if spec is not None), None)
        if spec is not None and spec.loader is not None:
            spec.loader = _ThenRegister(spec.loader)
        return spec


class _ThenRegister(Loader):
    """The loader of the SDK's types for once; the module itself is left with its own."""

    def __init__(self, loader: Loader) -> None:
        self._loader = loader

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        return self._loader.create_module(spec)

    def exec_module(self, module: ModuleType) -> None:
        module.__loader__ = self._loader
        if module.__spec__ is not None:
            module.__spec__.loader = self._loader
        self._loader.exec_module(module)
        register_types(module)


_NAMES = (
    "TextContent",
    "ImageContent",
    "AudioContent",
    "ToolUseContent",
    "ToolResultContent",
    "EmbeddedResource",
    "ResourceLink",
    "SamplingMessage",
    "ModelHint",
    "ModelPreferences",
    "Tool",
    "ToolChoice",
    "CreateMessageRequestParams",
    "CreateMessageRequest",
    "CreateMessageResult",
    "CreateMessageResultWithTools",
    "ErrorData",
    "InputRequiredResult",
)
