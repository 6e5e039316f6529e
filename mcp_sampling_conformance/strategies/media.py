"""Real images and sounds, each a few hundred bytes at most, that every decoder opens."""

from __future__ import annotations

import base64
import struct
import zlib
from functools import cache

#: one grey pixel
_JPEG = (
    "/9j/4AAQSkZJRgABAQAAAQABAAD/2wBDAP////////////////////////////////////////////////////////////////////////////////"
    "//////wAALCAABAAEBAREA/8QAFAABAAAAAAAAAAAAAAAAAAAAAv/EABQQAQAAAAAAAAAAAAAAAAAAAAD/2gAIAQEAAD8AL//Z"
)
#: a red pixel without loss, and one with
_WEBP = (
    "UklGRhwAAABXRUJQVlA4TA8AAAAvAAAAAAcQ/Y/+ByKi/wEA",
    "UklGRjIAAABXRUJQVlA4ICYAAABwAQCdASoBAAEADMDOJaACdAFAAAD+3FHSXS5Df6u/O36ntgAAAA==",
)
#: the header of an MPEG-1 layer III frame, 32 kbit/s, 44100 Hz, mono; without side information it is silence
_MP3_FRAME = bytes.fromhex("fffb10c4") + bytes(100)


def png(width: int, height: int, channels: int = 3) -> bytes:
    """A PNG with a gradient: grey (1 channel), grey and alpha (2), colours (3), or colours and alpha (4)."""
    rows = b"".join(
        b"\0" + bytes((x * 16 + y * 8 + c * 64) % 256 for x in range(width) for c in range(channels))
        for y in range(height)
    )
    kind = {1: 0, 2: 4, 3: 2, 4: 6}[channels]
    header = struct.pack(">IIBBBBB", width, height, 8, kind, 0, 0, 0)
    chunks = (b"IHDR", header), (b"IDAT", zlib.compress(rows)), (b"IEND", b"")
    body = (struct.pack(">I", len(d)) + n + d + struct.pack(">I", zlib.crc32(n + d)) for n, d in chunks)
    return b"\x89PNG\r\n\x1a\n" + b"".join(body)


def gif(frames: int = 1) -> bytes:
    """A GIF of one white pixel, shown so many times."""
    frame = b",\0\0\0\0\x01\0\x01\0\0\x02\x02D\x01\0"
    return b"GIF89a\x01\0\x01\0\x80\0\0\xff\xff\xff\0\0\0" + frame * frames + b";"


def wav(samples: int, rate: int = 8000, channels: int = 1) -> bytes:
    """A WAV of 16 bit, a sawtooth."""
    data = b"".join(struct.pack("<h", (n * 997) % 20000 - 10000) for n in range(samples * channels))
    form = struct.pack("<HHIIHH", 1, channels, rate, rate * channels * 2, channels * 2, 16)
    body = b"WAVEfmt " + struct.pack("<I", 16) + form + b"data" + struct.pack("<I", len(data)) + data
    return b"RIFF" + struct.pack("<I", len(body)) + body


def mp3(frames: int = 4) -> bytes:
    """So many frames of silence, 26 ms each."""
    return _MP3_FRAME * frames


def encoded(data: bytes) -> str:
    """Bytes in base64, as content blocks have them."""
    return base64.b64encode(data).decode()


@cache
def images() -> tuple[tuple[str, str], ...]:
    """``(mimeType, data)`` of each image, the simplest first."""
    pngs = [png(1, 1), png(1, 1, 1), png(2, 3, 4), png(16, 16), png(5, 1, 2)]
    return (
        *(("image/png", encoded(data)) for data in pngs),
        ("image/jpeg", _JPEG),
        ("image/gif", encoded(gif())),
        ("image/gif", encoded(gif(3))),
        *(("image/webp", data) for data in _WEBP),
    )


@cache
def sounds() -> tuple[tuple[str, str], ...]:
    """``(mimeType, data)`` of each sound, the simplest first."""
    return (
        ("audio/wav", encoded(wav(1))),
        ("audio/wav", encoded(wav(80, 44100, 2))),
        ("audio/x-wav", encoded(wav(7))),
        ("audio/mpeg", encoded(mp3())),
        ("audio/mp3", encoded(mp3(6))),
    )
