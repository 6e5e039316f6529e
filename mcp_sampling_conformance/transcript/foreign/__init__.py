"""Recordings that other programs made, read as transcripts. Their forms are described in ``docs/transcripts.md``.

Nothing in them says what a scenario provoked, so only what shows by itself can be judged.
"""

from .recording import Recording, read_foreign

__all__ = ["Recording", "read_foreign"]
