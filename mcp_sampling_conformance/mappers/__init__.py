"""Properties of code that maps MCP sampling messages to a provider's format, without knowing the format.

No section of the specification binds such a mapper. The rules here are what it takes for the model to see what the
server sent. Their levels are ours (MUST for what loses, reorders or changes content; SHOULD for what should come out
differently), their sources the sections that define the content.

    def test_my_mapper():
        check_mapper(to_provider, rejects=NotImplementedError)
"""

from .check import Outcome, check_mapper, check_property
from .mapper import Mapper
from .properties import PROPERTIES, Property
from .trial import Broken, Trial

__all__ = ["PROPERTIES", "Broken", "Mapper", "Outcome", "Property", "Trial", "check_mapper", "check_property"]
