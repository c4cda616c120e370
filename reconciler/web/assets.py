"""What browsers may load without a login: our style, our script, the icon, the manifest, and our CA."""

from __future__ import annotations

import json
import os

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from .html import FOLDER
from .icon import SIZES, icon

_TYPES = {"board.css": "text/css", "board.js": "text/javascript", "worker.js": "text/javascript"}
_CACHED = {"Cache-Control": "no-cache"}
MANIFEST = {
    "name": "reconciler",
    "short_name": "reconciler",
    "description": "See and steer AI coding agents",
    "id": "/",
    "start_url": "/",
    "scope": "/",
    "display": "standalone",
    "background_color": "#0d1117",
    "theme_color": "#0d1117",
    "icons": [
        {"src": f"/icon-{size}.png", "sizes": f"{size}x{size}", "type": "image/png", "purpose": "any maskable"}
        for size in SIZES
        if size != 180
    ],
}
"""W3C, Web Application Manifest. It does not tell what the project is called."""


def asset_routes(ca: bytes) -> list[Route]:
    """The routes; `ca` is offered so that a phone can be made to trust it."""
    found = {f"/{name}": (_file(name), f"{kind}; charset=utf-8") for name, kind in _TYPES.items()}
    found["/manifest.webmanifest"] = (json.dumps(MANIFEST).encode(), "application/manifest+json")
    found |= {f"/icon-{size}.png": (icon(size), "image/png") for size in SIZES}
    found |= {"/ca.crt": (ca, "application/x-x509-ca-cert")} if ca else {}

    async def asset(request: Request) -> Response:
        content, kind = found[request.url.path]
        return Response(content, headers={**_CACHED, "Content-Type": kind})

    return [Route(path, asset) for path in found]


def _file(name: str) -> bytes:
    with open(os.path.join(FOLDER, "static", name), "rb") as file:
        return file.read()
