"""Defence against cross-site request forgery (CSRF).

A browser sends the session cookie even if another site caused the request. It names the origin of
the request in Sec-Fetch-Site (Fetch Metadata) and Origin (RFC 6454, section 7), which other sites
cannot forge.
"""

from todo.auth.policy import bearer_token
from todo.http.errors import Problem
from todo.http.request import Request


def is_cross_site(request: Request) -> bool:
    """Return whether a page of another site caused the request.

    A request without both header fields does not come from a browser. Requests without a login
    are checked too: one could log the user in to an attacker's account (login CSRF).
    """
    if bearer_token(request) is not None:
        return False  # browsers never add a token by themselves
    site = request.headers.get("Sec-Fetch-Site")
    if site in ("same-origin", "none"):
        return False
    origin = request.headers.get("Origin")
    if origin is None:
        return site is not None
    public = request.settings.public_origin
    # Without a trusted proxy, host_url is http, although an attacker on the network can forge
    # pages of that origin.
    forged = request.settings.is_https and origin == public.replace("https:", "http:", 1)
    if forged:
        return True
    trusted = (request.host_url, public, *request.settings.cors_origins)
    return origin == "" or origin not in trusted


def refuse_cross_site(request: Request) -> None:
    """Raise Problem 403 for a request from a page of another site."""
    if is_cross_site(request):
        raise Problem(
            "cross_site",
            "A page of another site sent this request, so nothing was changed. Programs: send the "
            "token as Authorization: Bearer <token>, and no Origin header.",
        )


def refuse_unasked_get(request: Request) -> None:
    """Raise Problem 403 for a cross-site or prefetched GET; for views that change data on GET."""
    refuse_cross_site(request)
    purposes = [request.headers.get(name, "") for name in ("Sec-Purpose", "Purpose", "X-Moz")]
    if "prefetch" in " ".join(purposes).lower() and bearer_token(request) is None:
        raise Problem("cross_site", "The browser prefetched this URL, so nothing was changed.")
