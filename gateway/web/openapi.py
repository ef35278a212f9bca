"""The OpenAPI 3.1 document, made from the table of endpoints and the models that validate.

In charge of: the document. ``schemas/openapi.json`` is this, shipped; a test compares. Write it anew with

    python -m gateway.web.openapi > schemas/openapi.json
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Sequence
from http import HTTPStatus
from typing import Any

import orjson
from pydantic import BaseModel
from pydantic.json_schema import JsonSchemaMode, models_json_schema

from gateway.errors import (
    BadRequest,
    Busy,
    GatewayError,
    NotAuthenticated,
    NotPermitted,
    TooMany,
)
from gateway.model.text import Bilingual
from gateway.web.endpoint import ENVELOPE_TYPES, NOBODY, Bytes, Endpoint, Uploaded
from gateway.web.models import NoQuery, Problem
from gateway.web.problems import MEDIA_TYPE
from gateway.web.routes import ENDPOINTS

_REFERENCE = "#/components/schemas/{model}"
_WITH_CALLER: tuple[type[GatewayError], ...] = (BadRequest, NotAuthenticated, NotPermitted, TooMany, Busy)
_WITHOUT_CALLER: tuple[type[GatewayError], ...] = (BadRequest,)
_PARTS = {
    "report": Bilingual("Số của báo cáo đã công bố", "Id of a published report"),
    "kind": Bilingual("Dạng tệp: xlsx, csv, pdf hoặc json", "Kind of file: xlsx, csv, pdf or json"),
    "outage": Bilingual("Mã sự cố", "Id of an outage"),
    "measure": Bilingual(
        "Tên một số đếm, ví dụ K2.none, C4.fail, K5.none", "Name of a count (docs/figures.md)"
    ),
    "receipt": Bilingual("Mã phiếu xác nhận của trục", "Id of a receipt of this gateway"),
    "document": Bilingual(
        "Mã của văn bản tại trục, hoặc DocumentId (mã hóa theo URL)",
        "Id here, or the DocumentId, URL-encoded",
    ),
    "delivery": Bilingual(
        "Mã lượt gửi, lấy từ danh sách hộp nhận", "Id of the delivery, from the inbox list"
    ),
}
_DESCRIPTION = (
    "Gửi, nhận văn bản điện tử theo QCVN 102:2016/BTTTT. Mỗi lỗi có câu tiếng Việt (title, detail), tiếng "
    "Anh (title_en, detail_en), mã ổn định (code) và chỗ sai (findings). Send and receive documents."
)
_SCHEMES: dict[str, Any] = {
    "apiKey": {"type": "apiKey", "in": "header", "name": "X-API-Key"},
    "bearer": {"type": "http", "scheme": "bearer", "bearerFormat": "gw_…"},
    "certificate": {"type": "mutualTLS"},
}


def openapi_document() -> dict[str, Any]:
    """The whole document, as JSON values."""
    paths: dict[str, dict[str, Any]] = {}
    for endpoint in ENDPOINTS:
        paths.setdefault(endpoint.path, {})[endpoint.method.lower()] = _operation(endpoint)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Document gateway API",
            "version": "1",
            "description": _DESCRIPTION,
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/"}],
        "paths": paths,
        "components": {"schemas": _schemas(), "securitySchemes": _SCHEMES},
    }


def _operation(endpoint: Endpoint) -> dict[str, Any]:
    operation: dict[str, Any] = {
        "operationId": endpoint.name,
        "summary": endpoint.summary.vi,
        "description": endpoint.summary.en,
        "tags": [_tag(endpoint)],
        "parameters": [*_path_parameters(endpoint), *_query_parameters(endpoint)],
        "responses": {str(endpoint.status): _answer(endpoint), **_problems(endpoint)},
        "security": [],
    }
    if endpoint.roles != NOBODY:
        operation["security"] = [{name: []} for name in _SCHEMES]
        operation["x-roles"] = sorted(role.value for role in endpoint.roles)
    if endpoint.body is not None:
        operation["requestBody"] = {"required": True, "content": _request_content(endpoint.body)}
    return operation


def _tag(endpoint: Endpoint) -> str:
    """The noun of the path: ``documents``, ``inbox`` …"""
    parts = endpoint.path.split("/")
    return parts[3] if endpoint.path.startswith("/api/v1/") else "service"


def _path_parameters(endpoint: Endpoint) -> list[dict[str, Any]]:
    return [
        {
            "name": name,
            "in": "path",
            "required": True,
            "description": f"{_PARTS[name].vi}. {_PARTS[name].en}.",
            "schema": {"type": "string", "minLength": 1},
        }
        for name in re.findall(r"{(\w+)}", endpoint.path)
    ]


def _query_parameters(endpoint: Endpoint) -> list[dict[str, Any]]:
    if endpoint.query is NoQuery:
        return []
    properties: dict[str, Any] = endpoint.query.model_json_schema()["properties"]
    return [
        {
            "name": name,
            "in": "query",
            "required": False,
            "description": schema.get("description", ""),
            "schema": _parameter_schema(schema),
        }
        for name, schema in properties.items()
    ]


def _parameter_schema(schema: dict[str, Any]) -> dict[str, Any]:
    """In a URL "absent" is leaving the parameter out, so ``null`` is no value of it."""
    kept = {key: value for key, value in schema.items() if key not in ("title", "description", "default")}
    if "anyOf" in kept:
        [kept] = [choice for choice in kept["anyOf"] if choice.get("type") != "null"]
    default = schema.get("default")
    return kept if default is None else {**kept, "default": default}


def _request_content(body: type[BaseModel] | Uploaded) -> dict[str, Any]:
    if isinstance(body, Uploaded):
        return {media_type: {} for media_type in ENVELOPE_TYPES}
    return {"application/json": {"schema": _reference(body)}}


def _answer(endpoint: Endpoint) -> dict[str, Any]:
    if isinstance(endpoint.answer, Bytes):
        return {"description": endpoint.answer.says, "content": {endpoint.answer.media_type: {}}}
    return {
        "description": HTTPStatus(endpoint.status).phrase,
        "content": {"application/json": {"schema": _reference(endpoint.answer)}},
    }


def _problems(endpoint: Endpoint) -> dict[str, Any]:
    """One response for each status; its description names the errors that have it."""
    common = _WITHOUT_CALLER if endpoint.roles == NOBODY else _WITH_CALLER
    by_status: dict[int, list[type[GatewayError]]] = {}
    for error in dict.fromkeys((*common, *endpoint.errors)):
        by_status.setdefault(error.http_status, []).append(error)
    return {str(status): _problem(by_status[status]) for status in sorted(by_status)}


def _problem(errors: Sequence[type[GatewayError]]) -> dict[str, Any]:
    said = " ".join(f"{error.code}: {error.vi} {error().text.en}" for error in errors)
    return {"description": said, "content": {MEDIA_TYPE: {"schema": _reference(Problem)}}}


def _schemas() -> dict[str, Any]:
    _, document = models_json_schema([*_models()], ref_template=_REFERENCE)
    schemas: dict[str, Any] = document["$defs"]
    return dict(sorted(schemas.items()))


def _models() -> Iterable[tuple[type[BaseModel], JsonSchemaMode]]:
    """Every model with the way it is used: answers serialise, bodies validate."""
    models: dict[type[BaseModel], JsonSchemaMode] = {Problem: "serialization"}
    for endpoint in ENDPOINTS:
        if not isinstance(endpoint.answer, Bytes):
            models[endpoint.answer] = "serialization"
        if endpoint.body is not None and not isinstance(endpoint.body, Uploaded):
            models[endpoint.body] = "validation"
    return models.items()


def _reference(model: type[BaseModel]) -> dict[str, str]:
    return {"$ref": _REFERENCE.format(model=model.__name__)}


def rendered() -> bytes:
    """The document as it is shipped and served."""
    return orjson.dumps(openapi_document(), option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)


if __name__ == "__main__":
    sys.stdout.buffer.write(rendered())
