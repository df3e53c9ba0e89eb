"""What a request brings: its body, whole or in chunks, the JSON or the file in it."""

import json
import zipfile
from email.message import Message
from io import BufferedIOBase, BytesIO
from typing import Any, Final

LIMIT: Final = 256 << 20
"""Bytes of one body, and of all files of an archive: a Dockerfile's digests are some hundred."""
_LINE: Final = 1 << 10


class BodyError(Exception):
    """A body that can't be taken. `status` is HTTP's for it."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


def read_body(stream: BufferedIOBase, headers: Message, limit: int = LIMIT) -> bytes:
    """Read a request's body. The helper sends artifacts in chunks, since it makes the archive as it sends it.

    Raises BodyError.
    """
    if str(headers.get("Transfer-Encoding", "")).lower() == "chunked":
        return _chunks(stream, limit)
    length = str(headers.get("Content-Length") or "0")
    if not length.isascii() or not length.isdigit():
        raise BodyError(400, "Content-Length is not a number")
    if int(length) > limit:
        raise BodyError(413, f"more than {limit} bytes")
    return _exactly(stream, int(length))


def _chunks(stream: BufferedIOBase, limit: int) -> bytes:
    """Undo RFC 9112's chunks (7.1); http.server reads none."""
    parts, total = [], 0
    while size := _size(stream.readline(_LINE)):
        total += size
        if total > limit:
            raise BodyError(413, f"more than {limit} bytes")
        parts.append(_exactly(stream, size))
        if stream.readline(_LINE).strip():
            raise BodyError(400, "a chunk is longer than it says")
    while stream.readline(_LINE).strip():
        """Trailers say nothing here."""
    return b"".join(parts)


def _size(line: bytes) -> int:
    digits = line.partition(b";")[0].strip()
    try:
        return int(digits, 16)
    except ValueError:
        raise BodyError(400, "a chunk has no size") from None


def _exactly(stream: BufferedIOBase, size: int) -> bytes:
    content = stream.read(size)
    if len(content) != size:
        raise BodyError(400, "the body is shorter than it says")
    return content


def read_json(body: bytes) -> dict[str, Any]:
    """Read a JSON object; anything else is an empty one, which has no token."""
    try:
        document = json.loads(body)
    except ValueError:
        return {}
    return document if isinstance(document, dict) else {}


def uploaded_file(body: bytes, content_type: str) -> bytes:
    """Return the one file of a form (RFC 7578), as network/gitlab.go's UploadRawArtifacts sends it.

    email's own parser reads text; an archive is none. Raises BodyError.
    """
    boundary = _boundary(content_type)
    start = body.find(b"--" + boundary + b"\r\n")
    head, separator, rest = body[start:].partition(b"\r\n\r\n") if start >= 0 else (b"", b"", b"")
    end = rest.rfind(b"\r\n--" + boundary)
    if not separator or end < 0 or b'name="file"' not in head:
        raise BodyError(400, "the form has no file")
    return rest[:end]


def _boundary(content_type: str) -> bytes:
    header = Message()
    header["Content-Type"] = content_type
    boundary = header.get_param("boundary")
    if header.get_content_type() != "multipart/form-data" or not isinstance(boundary, str):
        raise BodyError(400, "artifacts come as multipart/form-data")
    return boundary.encode()


def unpacked(archive: bytes, limit: int = LIMIT) -> dict[str, bytes]:
    """Return the files of a zip archive by their paths. Raises BodyError for what is none, or too much."""
    try:
        with zipfile.ZipFile(BytesIO(archive)) as content:
            entries = [entry for entry in content.infolist() if not entry.is_dir()]
            if sum(entry.file_size for entry in entries) > limit:
                raise BodyError(413, f"more than {limit} bytes in the archive")
            return {entry.filename: content.read(entry) for entry in entries}
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError, OSError) as error:
        raise BodyError(400, f"no zip archive that can be read: {error}") from error
