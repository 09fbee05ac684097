"""The operations of the application: its views by route, as Pyramid's introspector has them."""

import re
from dataclasses import dataclass
from typing import Any

from pyramid.registry import Registry


@dataclass(frozen=True)
class Operation:
    """One view of a route. `path` is written with <name> for its variable parts."""

    route: str
    path: str
    methods: tuple[str, ...]
    name: str | None
    permission: str | None  # None where the view names none, and the default one holds
    view: Any  # Pyramid's introspectable, with the view's options


def operations(registry: Registry) -> list[Operation]:
    """Return every view that answers on a route, in the order of the paths."""
    introspector = registry.introspector
    found = []
    for entry in introspector.get_category("views"):
        view = entry["introspectable"]
        route = view["route_name"] and introspector.get("routes", view["route_name"])
        if route:
            related = {other.category_name: other for other in entry["related"]}
            found.append(
                Operation(
                    route=route["name"],
                    path=re.sub(r"{(\w+)}", r"<\1>", route["pattern"]),
                    methods=_methods(view["request_methods"]),
                    name=view.get("operation"),
                    permission=related["permissions"]["value"]
                    if "permissions" in related
                    else None,
                    view=view,
                )
            )
    return sorted(found, key=lambda operation: operation.path)


def _methods(named: str | tuple[str, ...]) -> tuple[str, ...]:
    methods = (named,) if isinstance(named, str) else tuple(named)
    # Pyramid lets a view for GET answer HEAD as well.
    return (*methods, "HEAD") if "GET" in methods else methods
