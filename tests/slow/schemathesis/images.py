"""Real images for schemathesis, which would otherwise send bytes of no format."""

import base64
import struct
import zlib

import schemathesis
from hypothesis import strategies as st


def png(width, height, shade):
    """A PNG with a bright rectangle on a dark ground."""
    rows = b"".join(
        b"\0" + bytes(
            255 - shade if width // 4 < x < 3 * width // 4 and y > height // 3 else shade
            for x in range(width)
            for _ in range(3)
        )
        for y in range(height)
    )

    def chunk(kind, data):
        crc = zlib.crc32(kind + data)
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", crc)

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(rows))
        + chunk(b"IEND", b"")
    )


images = st.builds(png, st.integers(1, 16), st.integers(1, 16), st.integers(0, 255))
for kind in ["jpeg", "png", "webp", "gif", "tiff"]:
    schemathesis.openapi.media_type(f"image/{kind}", images)
schemathesis.openapi.media_type("application/octet-stream", images)
# Of fields of forms and of JSON.
schemathesis.openapi.format("binary", images)
schemathesis.openapi.format("byte", images.map(lambda data: base64.b64encode(data).decode()))
