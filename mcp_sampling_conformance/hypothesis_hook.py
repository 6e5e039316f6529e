"""Makes ``st.from_type`` work for the sampling types of the Python SDK. Hypothesis calls ``register`` on its import.

Nothing is imported that is not needed: the SDK's types are registered when somebody else imports them, and our
strategies are imported by the first ``st.from_type`` of one of those types.
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
    """Finds the module of the SDK's types as the other finders do, and has it registered when it is loaded."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """The spec that the other finders have for the module; after the first time this finder is not asked again."""
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
    """Loads the module with its own loader, which is left in its place, and registers the types."""

    def __init__(self, loader: Loader) -> None:
        self._loader = loader

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        """See ``importlib.abc.Loader``."""
        return self._loader.create_module(spec)

    def exec_module(self, module: ModuleType) -> None:
        """See ``importlib.abc.Loader``."""
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
