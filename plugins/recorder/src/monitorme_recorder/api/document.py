"""The OpenAPI document of history: served, and committed as docs/history.openapi.json."""

import json
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

METHODS: Final = ("get", "post", "put", "delete", "patch")


def openapi_of(app: FastAPI) -> dict[str, Any]:
    """Return an application's document, without the 422 that it never answers."""
    if app.openapi_schema is None:
        document = get_openapi(
            title=app.title,
            version=app.version,
            description=app.description,
            routes=app.routes,
        )
        for path in document["paths"].values():
            for method in METHODS:
                path.get(method, {}).get("responses", {}).pop("422", None)
        schemas = document["components"]["schemas"]
        for name in ("HTTPValidationError", "ValidationError"):
            schemas.pop(name, None)
        app.openapi_schema = document
    return app.openapi_schema


def history_document() -> str:
    """Return the document of the history API as text."""
    from monitorme.contract.vitals import Catalogue
    from monitorme.plugin import Context
    from monitorme_recorder.api.app import history_app
    from monitorme_recorder.clocks import Clocks
    from monitorme_recorder.history.past import Past
    from monitorme_recorder.store import Store

    with TemporaryDirectory() as name:
        folder, catalogue = Path(name), Catalogue.load()
        store = Store(folder, catalogue, 0)
        context = Context(bus=_Silent(), catalogue=catalogue, folder=folder)  # type: ignore[arg-type]  # nothing is published
        with Past(store, context.now_ms) as past:
            document = openapi_of(history_app(past, store, Clocks(), context))
        store.close()
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


class _Silent:
    """Stands where a bus is not needed."""
