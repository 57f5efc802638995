"""The OpenAPI document of the API, and a page that shows it without a script."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from flask import Blueprint, Response, current_app, json, render_template

from registry.api.routes import PREFIX

docs = Blueprint("api_docs", __name__, url_prefix=PREFIX, template_folder="templates")
METHODS = ("get", "post", "put")
Document = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Field:
    """One line of a table: a parameter, or a field of a body."""

    name: str
    kind: str
    is_required: bool
    about: str


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation as the page shows it. `answer`: its status and what the answer is called."""

    id: str
    method: str
    path: str
    summary: str
    description: str
    parameters: Sequence[Field]
    body: Sequence[Field]
    status: str
    answer: Sequence[Field]


@docs.get("/openapi.json")
def specification() -> Response:
    """The document, the same as the file that is committed beside this module."""
    return Response(written(_document()), mimetype="application/json")


@docs.get("/")
def page() -> str:
    """Every operation, for people."""
    document = _document()
    listed = {tag["name"]: [*_operations(document, tag["name"])] for tag in document["tags"]}
    return render_template("api.html", document=document, listed=listed)


def written(document: Document) -> str:
    """The document as text."""
    return json.dumps(document, indent=2, sort_keys=False) + "\n"


def _document() -> Document:
    found: Document = current_app.extensions["api_document"]
    return found


def _operations(document: Document, tag: str) -> Iterator[Operation]:
    for path, item in document["paths"].items():
        for method in METHODS:
            if tag in item.get(method, {}).get("tags", ()):
                yield _operation(document, path, method, item)


def _operation(document: Document, path: str, method: str, item: Document) -> Operation:
    told = item[method]
    status = next(code for code in told["responses"] if code.startswith("2"))
    parameters = [*item.get("parameters", ()), *told.get("parameters", ())]
    return Operation(
        id=told["operationId"],
        method=method.upper(),
        path=path,
        summary=told["summary"],
        description=told.get("description", ""),
        parameters=[_field(document, one["name"], one["schema"], one) for one in parameters],
        body=_fields(document, told.get("requestBody", {})),
        status=status,
        answer=_fields(document, told["responses"][status]),
    )


def _fields(document: Document, carrier: Document) -> list[Field]:
    """The fields of a body or an answer; of a list, those of its items."""
    schema = carrier.get("content", {}).get("application/json", {}).get("schema", {})
    schema = _resolved(document, schema.get("items", schema))
    required = schema.get("required", ())
    return [
        _field(document, name, one, {**one, "required": name in required})
        for name, one in schema.get("properties", {}).items()
    ]


def _resolved(document: Document, schema: Document) -> Document:
    name = str(schema.get("$ref", "")).rpartition("/")[2]
    found: Document = document["components"]["schemas"][name] if name else schema
    return found


def _field(document: Document, name: str, schema: Document, told: Document) -> Field:
    about = told.get("description") or _resolved(document, schema).get("description", "")
    return Field(name, _kind(document, schema), bool(told.get("required")), about)


def _kind(document: Document, schema: Document) -> str:
    """The type in words: "string (date)", "list of string", "female, male or other"."""
    if "enum" in schema:
        return " | ".join(str(code) for code in schema["enum"] if code is not None)
    kinds = schema.get("type", "object" if "$ref" in schema else "any")
    kind = " or ".join(kinds) if isinstance(kinds, list) else str(kinds)
    if kind.startswith("array"):
        inner = _resolved(document, schema.get("items", {}))
        fields = ", ".join(inner.get("properties", ()))
        return f"list of {{{fields}}}" if fields else f"list of {_kind(document, inner)}"
    return f"{kind} ({schema['format']})" if "format" in schema else kind
