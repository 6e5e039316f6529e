"""One mapper on trial: it is called with copies of inputs, and a failure shows the input and the output."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from .calls import Calls, GivenUp, Hung
from .contents import Json, blocks_in
from .mapper import Mapper
from .outputs import plain_data

#: how many characters of an input or output a failure shows
_LONG = 2000


class Broken(Exception):
    """An input on which a mapper breaks a property."""

    def __init__(self, why: str, details: list[str]) -> None:
        super().__init__(why)
        self.details = details


class Unmapped(Exception):
    """The mapper refused an input, or crashed on it."""


class Trial:
    """Calls the mapper under test, and counts what could be judged.

    ``calls`` is what calls a function with a value; without one the calls are made on threads (see ``Calls``).
    """

    def __init__(self, mapper: Mapper, calls: Callable[[Callable[[Any], Any], Any], Any] | None = None) -> None:
        self.mapper = mapper
        self.calls = calls or Calls()
        self.judged = 0  #: how many inputs had something to judge
        self.refusal = ""  #: the last exception with which the mapper refused an input
        self.over = False  #: a call hung, or is not made any more: the trial ends, so that it is waited for only once

    def input(self, params: Json) -> Any:
        """What the mapper is called with for these params: a copy."""
        return input_for(self.mapper, params)

    def map(self, params: Json, value: Any = None) -> Any:
        """The output for these params, or for ``value``, the input that was made of them.

        Raises ``Unmapped`` where the mapper raised, ``Broken`` where it hung.
        """
        try:
            return self.call(self.mapper.function, self.input(params) if value is None else value, params)
        except (Broken, Unmapped):
            raise
        except Exception as error:
            self.refusal = f"{type(error).__name__}: {error}"
            raise Unmapped from error

    def call(self, function: Callable[[Any], Any], value: Any, params: Json) -> Any:
        """What a function returns; what it raises is raised.

        Raises ``Broken`` where it hangs, which no property allows, and ``Unmapped`` where it is not called any more.
        """
        try:
            return self.calls(function, value)
        except Hung as hung:
            self.over = True
            return self.fail(f"the mapper {hung}", self._smaller(params), crash=True)
        except GivenUp as given_up:
            self.over = True
            self.refusal = str(given_up)
            raise Unmapped from given_up

    def _smaller(self, params: Json) -> Json:
        """Of an input that hangs and is too long to show, the first block that hangs alone: that is one more wait."""
        if len(_json(self.mapper, params)) <= _LONG:
            return params
        for message, block in blocks_in(params):
            alone = {"messages": [{"role": message["role"], "content": block}], "maxTokens": 100}
            try:
                self.calls(self.mapper.function, self.input(alone))
            except Hung:
                return alone
            except Exception:
                continue
        return params

    def violation(self, check: Check, example: Any) -> Broken | None:
        """How one input breaks a property; ``None`` where it does not, or where the mapper refused it or crashed."""
        try:
            check(self, example)
        except Unmapped:
            return None
        except Broken as broken:
            return broken
        return None

    def plain(self, value: Any) -> Any:
        """A value as plain data, without what may differ from call to call."""
        return plain_data(value, frozenset(self.mapper.ignore))

    def fail(self, why: str, params: Json, output: Any = None, **more: Any) -> Any:
        """Raise ``Broken``. ``more`` are further inputs to show, by name; with ``crash`` there is no output."""
        details = [f"input   {_shown(self.mapper, params)}"]
        details += [f"{name:<7} {_shown(self.mapper, value)}" for name, value in more.items() if name != "crash"]
        if "crash" not in more:
            details.append(f"output  {cut(repr(output))}")
        raise Broken(why, details)


#: looks at what the mapper makes of an input, and raises ``Broken`` where a property is broken. An input is params of a
#: request, or where two are compared, a pair of them.
Check = Callable[[Trial, Any], None]


def input_for(mapper: Mapper, params: Json) -> Any:
    """What a mapper is called with for these params: a copy."""
    params = _copy(params)
    if not mapper.as_models:
        return _part(mapper, params)
    from mcp import types

    model = types.CreateMessageRequestParams.model_validate({"maxTokens": 1, **params})
    if mapper.takes == "params":
        return model
    return model.messages if mapper.takes == "messages" else model.messages[0].content


def _copy(value: Any) -> Any:
    """A copy of JSON, in a fifth of the time that ``copy.deepcopy`` takes: there is one for each call."""
    if isinstance(value, dict):
        return {name: _copy(member) for name, member in value.items()}
    return [_copy(element) for element in value] if isinstance(value, list) else value


def _part(mapper: Mapper, params: Json) -> Any:
    if mapper.takes == "params":
        return params
    return params["messages"] if mapper.takes == "messages" else params["messages"][0]["content"]


def _shown(mapper: Mapper, params: Json) -> str:
    return cut(_json(mapper, params))


def _json(mapper: Mapper, params: Json) -> str:
    return json.dumps(_part(mapper, params))


def cut(text: str) -> str:
    """A text for a failure, shortened where it is too long."""
    return text if len(text) <= _LONG else f"{text[:_LONG]} … ({len(text)} characters)"
