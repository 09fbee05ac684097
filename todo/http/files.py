"""Files that are served from memory: with an ETag, and compressed in advance."""

import gzip
from dataclasses import dataclass
from hashlib import sha256
from typing import Self

from todo.http.renderers import Response
from todo.http.request import Request

IMMUTABLE = "public, max-age=31536000, immutable"  # one year in seconds


@dataclass(frozen=True)
class File:
    """A file in memory, plain and compressed."""

    content: bytes
    compressed: bytes
    content_type: str
    etag: str
    cache_control: str

    @classmethod
    def of(cls, content: bytes, content_type: str, *, immutable: bool = False) -> Self:
        """Return the file with this content.

        A release changes files under the same URL, so clients must revalidate them. The content of
        an immutable one never changes: its URL does (RFC 8246).
        """
        etag = sha256(content).hexdigest()[:32]
        cache_control = IMMUTABLE if immutable else "no-cache"
        return cls(content, gzip.compress(content, mtime=0), content_type, etag, cache_control)

    def response(self, request: Request) -> Response:
        """Return the file, compressed if the client accepts gzip, or 304 if it has this version."""
        accepts = "Accept-Encoding" in request.headers
        if accepts and request.accept_encoding.acceptable_offers(["gzip"]):
            response = Response(self.compressed, content_encoding="gzip")
            response.etag = f"{self.etag}-gzip"
        else:
            response = Response(self.content)
            response.etag = self.etag
        response.headers["Content-Type"] = self.content_type
        response.headers["Cache-Control"] = self.cache_control
        response.vary = ("Accept-Encoding",)
        response.conditional_response = True
        return response
