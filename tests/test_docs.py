"""What is written about the product is what the product does."""

from pathlib import Path

import pytest

from registry.api import document
from registry.api.documents import written

ROOT = Path(__file__).parent.parent
OPERATIONS = [
    f"{method.upper()} {path}"
    for path, item in document()["paths"].items()
    for method in ("get", "post", "put")
    if method in item
]


def test_the_openapi_document_is_current() -> None:
    committed = (ROOT / "registry/api/openapi.json").read_text(encoding="utf-8")
    assert committed == written(document()), (
        "write it anew: .venv/bin/registry openapi > registry/api/openapi.json"
    )


@pytest.mark.parametrize("operation", OPERATIONS)
def test_every_operation_of_the_api_is_explained(operation: str) -> None:
    assert f"`{operation}`" in (ROOT / "docs/api.md").read_text(encoding="utf-8")
