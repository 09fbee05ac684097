"""Whether another site makes the browser send a request (cross-site request forgery).

A browser sends the cookie of its user whoever has caused the request, and says who that was in
Sec-Fetch-Site (Fetch Metadata) and in Origin (RFC 6454, section 7). No other site can forge these.
"""

from todo.auth.policy import bearer_token
from todo.http.errors import Problem
from todo.http.request import Request


def is_cross_site(request: Request) -> bool:
    """Tell whether the request comes from a page of another site.

    A request without both header fields comes from no browser. One without a login counts, too:
    it may log the user in, to an account of somebody who wants to read what the user writes.
    """
    if bearer_token(request) is not None:
        return False  # no browser adds a token by itself
    site = request.headers.get("Sec-Fetch-Site")
    if site in ("same-origin", "none"):
        return False
    origin = request.headers.get("Origin")
    if origin is None:
        return site is not None
    public = request.settings.public_url
    # Without a trusted proxy the request looks like plain http; but that page anybody can forge.
    forged = request.settings.is_https and origin == public.replace("https:", "http:", 1)
    if forged:
        return True
    trusted = (request.host_url, public, *request.settings.cors_origins)
    return origin == "" or origin not in trusted


def refuse_cross_site(request: Request) -> None:
    """Raise Problem (403) for a request from a page of another site."""
    if is_cross_site(request):
        raise Problem(
            "cross_site",
            "A page of another site has sent this, and nothing was changed. "
            "A program sends the token as Authorization: Bearer <token>, and no Origin.",
        )


def refuse_unasked_get(request: Request) -> None:
    """For a view that changes something on GET: raise Problem (403) if no user has asked for it.

    A link of another site has not, nor a browser that fetches a page before it is asked for.
    """
    refuse_cross_site(request)
    purposes = [request.headers.get(name, "") for name in ("Sec-Purpose", "Purpose", "X-Moz")]
    if "prefetch" in " ".join(purposes).lower() and bearer_token(request) is None:
        raise Problem("cross_site", "A browser has fetched this before it was asked for.")
