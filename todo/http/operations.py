"""The operations of the API: the views of each route, from Pyramid's introspector."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from pyramid.config import Configurator
from pyramid.interfaces import PHASE3_CONFIG
from pyramid.registry import Registry


@dataclass(frozen=True)
class Operation:
    """One view of a route."""

    route: str  # name
    pattern: str  # path, with {name} for its variable parts
    factory: Any  # context factory, or None
    methods: tuple[str, ...]  # as the view lists them, without the HEAD that GET implies
    permission: str | None  # None for the default permission
    options: Any  # those of view_config

    @property
    def name(self) -> str | None:
        """The name in the index of the API."""
        return self.options.get("operation")

    @property
    def path(self) -> str:
        """The path with <name> for its variable parts."""
        return re.sub(r"{(\w+)}", r"<\1>", self.pattern)

    @property
    def function(self) -> Callable[..., Any]:
        """The view callable: a function, or a method of a class."""
        view, attribute = self.options["callable"], self.options["attr"]
        return getattr(view, attribute) if attribute else view


def requested_operation(request: Any) -> Operation | None:
    """Return the operation that the request calls, or None."""
    route = request.matched_route and request.matched_route.name
    method = "GET" if request.method == "HEAD" else request.method
    found: dict[tuple[str, str], Operation] = request.registry["operations"]
    return found.get((route, method))


def operations(registry: Registry) -> list[Operation]:
    """Return the views of all routes, sorted by path."""
    introspector = registry.introspector
    found = []
    for entry in introspector.get_category("views"):
        view = entry["introspectable"]
        route = view["route_name"] and introspector.get("routes", view["route_name"])
        if route:
            methods = view["request_methods"]
            permissions = [
                related["value"]
                for related in entry["related"]
                if related.category_name == "permissions"
            ]
            found.append(
                Operation(
                    route=route["name"],
                    pattern=re.sub(r"{(\w+):[^}]*}", r"{\1}", route["pattern"]),
                    factory=route["factory"],
                    methods=(methods,) if isinstance(methods, str) else tuple(methods),
                    permission=permissions[0] if permissions else None,
                    options=view,
                )
            )
    return sorted(found, key=lambda operation: operation.pattern)


def allowed_methods(registry: Registry, route: str) -> list[str]:
    """Return the methods that a route supports, sorted.

    Pyramid's GET views also answer HEAD; every route answers OPTIONS (cors.py).
    """
    methods = {"OPTIONS"}
    for operation in operations(registry):
        if operation.route == route:
            methods.update(operation.methods)
    if "GET" in methods:
        methods.add("HEAD")
    return sorted(methods)


def _find_operations(registry: Registry) -> None:
    registry["operations"] = {
        (operation.route, method): operation
        for operation in operations(registry)
        for method in operation.methods
    }


def includeme(config: Configurator) -> None:
    # After all views are registered.
    config.action(None, _find_operations, args=(config.registry,), order=PHASE3_CONFIG + 1)
