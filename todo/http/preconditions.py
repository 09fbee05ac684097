"""Conditional requests (RFC 9110, section 13): ETag, If-Match, If-None-Match.

An entity tag is a revision in quotes: that of the last change to the object or list in the path.
A context with `versioned = True` implements Versioned.
"""

import re
from collections.abc import Callable
from typing import Any, Protocol

from pyramid.config import Configurator

from todo.http.errors import Fault, Problem, validation_problem
from todo.http.request import SAFE_METHODS, Request

_TAG = r'(?:W/)?"[!#-~]*"'
# RFC 9110, sections 8.8.3 and 13.1.1, in ASCII.
PATTERN = rf"\*|[ \t,]*{_TAG}(?:[ \t]*,[ \t,]*{_TAG})*[ \t,]*"

# Compressing proxies rewrite the tag of a revision: nginx weakens it, Apache adds a suffix.
_REVISION_TAG = re.compile(r'(?:W/)?"([0-9]{1,18})(?:-{1,2}(?:gzip|deflate|br|zstd))?"')


class Versioned(Protocol):
    """A context for an object or a list with a version."""

    kind: str  # the object's kind in the journal, and its member in a 412 response

    @property
    def revision(self) -> int:
        """The revision of its last change."""

    @property
    def subject(self) -> Any:
        """The object in the path, or its row; None for a list."""

    @property
    def representation(self) -> Any:
        """The output schema of the subject."""

    def changed_since(self, revision: int) -> list[str] | None:
        """Return the fields of the subject that changed after the revision; None if unknown."""


def entity_tag(revision: int) -> str:
    """Return the strong entity tag of the revision."""
    return f'"{revision}"'


def is_not_modified(request: Request, revision: int) -> bool:
    """Set the ETag; if the client has this version, set status 304 and return True."""
    request.response.headers["ETag"] = entity_tag(revision)
    if not _matches(_tags(request, "If-None-Match"), revision):
        return False
    request.response.status_int = 304
    return True


def precondition_view(view: Callable[..., Any], info: Any) -> Callable[..., Any]:
    """Derive a view that refuses a write if its preconditions fail.

    It runs after the input is validated (RFC 9110, section 13.2.1).
    """

    def derived(context: Any, request: Request) -> Any:
        if request.method not in SAFE_METHODS and getattr(context, "versioned", False):
            check(context, request)
        return view(context, request)

    return derived


def check(context: Versioned, request: Request) -> None:
    """Raise Problem 412 if If-Match or If-None-Match fails."""
    known = _tags(request, "If-Match")
    if known and not _matches(known, context.revision):
        raise _precondition(context, known)
    if _matches(_tags(request, "If-None-Match"), context.revision):
        raise _precondition(context, [])


def _tags(request: Request, name: str) -> list[str]:
    """Return the entity tags of the header field, or "*". Raise Problem 400 if malformed.

    Tags of revisions are returned as entity_tag() made them. That also makes the weak form valid in
    If-Match, although RFC 9110, section 13.1.1 requires a strong comparison: a proxy has only
    compressed the representation, so the version is the same.
    """
    value = request.headers.get(name)
    if value is None:
        return []
    if not re.fullmatch(PATTERN, value):
        message = 'This must be the value of an ETag, including its quotes, such as "12".'
        raise validation_problem([Fault(name, "entity_tag", message)])
    if value == "*":
        return ["*"]
    return [_REVISION_TAG.sub(r'"\1"', tag) for tag in re.findall(_TAG, value)]


def _matches(tags: list[str], revision: int) -> bool:
    return "*" in tags or entity_tag(revision) in tags


def _precondition(context: Versioned, known: list[str]) -> Problem:
    extensions: dict[str, Any] = {"etag": entity_tag(context.revision)}
    if subject := context.subject:
        extensions[context.kind] = context.representation.of(subject)
        since = max((int(tag[1:-1]) for tag in known if _REVISION_TAG.fullmatch(tag)), default=-1)
        if 0 <= since < context.revision:
            changed = context.changed_since(since)
            if changed is not None:
                extensions["changed"] = changed
    detail = (
        "If-Match does not name the current version. Merge the changes made since, and send the "
        "current ETag as If-Match."
        if known
        else "The current version matches If-None-Match, so nothing was changed."
    )
    headers = {"ETag": entity_tag(context.revision)}
    return Problem("precondition", detail, headers=headers, extensions=extensions)


def includeme(config: Configurator) -> None:
    config.add_view_deriver(precondition_view, under="typed_view", over="rendered_view")
