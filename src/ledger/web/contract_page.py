"""The OpenAPI document as a page: HTML made here, no script, nothing loaded from anywhere."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping
from html import escape
from typing import Any, Final

__all__ = ["PAGE_POLICY", "page"]

_STYLE: Final = """
:root { color-scheme: light dark; }
body { font: 1rem/1.5 system-ui, sans-serif; max-width: 60rem; margin: 0 auto; padding: 1rem; }
h2 { margin-top: 2.5rem; border-top: 1px solid; padding-top: 1rem; font-size: 1.2rem; }
table { border-collapse: collapse; width: 100%; margin: 1rem 0; }
caption { text-align: start; font-weight: bold; }
th, td { text-align: start; vertical-align: top; padding: .3rem 1rem .3rem 0; border-bottom: 1px solid; overflow-wrap: anywhere; }
pre { overflow-x: auto; border: 1px solid; padding: .5rem; }
"""

_STYLE_HASH: Final = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()

PAGE_POLICY: Final = {
    "Content-Security-Policy": f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
}
"""The headers that the page is sent with."""


def page(document: Mapping[str, Any]) -> bytes:
    """The page, of a document as ``ledger.web.contract`` makes it: no references but to components."""
    return "\n".join(_lines(document)).encode()


def _lines(document: Mapping[str, Any]) -> Iterator[str]:
    info = document["info"]
    yield '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">'
    yield '<meta name="viewport" content="width=device-width, initial-scale=1">'
    yield f"<title>{escape(info['title'])} {escape(info['version'])}</title>\n<style>{_STYLE}</style>\n</head>\n<body>\n<main>"
    yield f"<h1>{escape(info['title'])} {escape(info['version'])}</h1>\n<p>{_words(info['summary'])}.</p>"
    yield from (f"<p>{_words(part)}</p>" for part in info["description"].split("\n\n"))
    yield '<p>For machines: <a href="/openapi.json">/openapi.json</a>.</p>'
    operations = [(method.upper(), path, said) for path, methods in document["paths"].items() for method, said in methods.items()]
    yield from _table(
        "Routes",
        ("Route", "For"),
        ((_link(said["operationId"], f"{method} {path}"), _words(said["summary"])) for method, path, said in operations),
    )
    for method, path, said in operations:
        yield from _operation(method, path, said)
    for name, schema in document["components"]["schemas"].items():
        yield from _schema(name, schema)
    yield "</main>\n</body>\n</html>\n"


def _operation(method: str, path: str, said: Mapping[str, Any]) -> Iterator[str]:
    yield f'<section id="{escape(said["operationId"])}">\n<h2><code>{escape(f"{method} {path}")}</code></h2>'
    yield f"<p>{_words(said['summary'])}. {_words(said.get('description', ''))}</p>"
    yield from _table(
        "Parameters",
        ("Name", "In", "Must hold", "Meaning"),
        (
            (f"<code>{escape(each['name'])}</code>", escape(each["in"]), _limits(each), _words(each["description"]))
            for each in said.get("parameters", ())
        ),
    )
    if "requestBody" in said:
        kinds = ", ".join(f"<code>{escape(kind)}</code>" for kind in said["requestBody"]["content"])
        yield f"<p>Body: {kinds}. {_words(said['requestBody']['description'])}</p>"
    yield from _table(
        "Statuses",
        ("Status", "Content type", "Holds", "Meaning"),
        (
            (
                escape(status),
                ", ".join(f"<code>{escape(kind)}</code>" for kind in answer.get("content", ())) or "none",
                ", ".join(_type(content["schema"]) for content in answer.get("content", {}).values()),
                _words(answer["description"]),
            )
            for status, answer in said["responses"].items()
        ),
    )
    yield from _examples(said["responses"])
    yield "</section>"


def _examples(responses: Mapping[str, Any]) -> Iterator[str]:
    """Those of texts: JSON has its tables."""
    for answer in responses.values():
        for content in answer.get("content", {}).values():
            if isinstance(content.get("example"), str):
                yield f"<pre>{escape(content['example'])}</pre>"


def _schema(name: str, schema: Mapping[str, Any]) -> Iterator[str]:
    yield f'<section id="{escape(name)}">\n<h2>{escape(name)}</h2>\n<p>{_words(schema.get("description", ""))}</p>'
    yield from _table(
        "Keys",
        ("Key", "Type", "Meaning"),
        (
            (f"<code>{escape(key)}</code>", _type(value), _words(value.get("description", "")))
            for key, value in schema["properties"].items()
        ),
    )
    yield "</section>"


def _table(caption: str, heads: Iterable[str], rows: Iterable[Iterable[str]]) -> Iterator[str]:
    """Cells are HTML already.  Nothing where there is no row."""
    body = ["<tr>" + "".join(f"<td>{cell}</td>" for cell in row) + "</tr>" for row in rows]
    if body:
        yield f"<table>\n<caption>{escape(caption)}</caption>"
        yield "<tr>" + "".join(f'<th scope="col">{escape(head)}</th>' for head in heads) + "</tr>"
        yield from body
        yield "</table>"


def _limits(parameter: Mapping[str, Any]) -> str:
    schema = parameter["schema"]
    said = [_type(schema)]
    if "minimum" in schema:
        said.append(escape(f"{schema['minimum']} to {schema['maximum']}"))
    if "pattern" in schema:
        said.append(f"<code>{escape(schema['pattern'])}</code>")
    if "default" in schema:
        said.append(escape(f"{schema['default']} if left out"))
    elif not parameter.get("required"):
        said.append("may be left out")
    return ", ".join(said)


def _type(schema: Mapping[str, Any]) -> str:
    if not schema:
        return "any value"
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        return _link(name, name)
    if "anyOf" in schema:
        return " or ".join(_type(each) for each in schema["anyOf"])
    if "enum" in schema:
        return " or ".join(f"<code>{escape(str(each))}</code>" for each in schema["enum"])
    if "properties" in schema:
        return "object of " + ", ".join(f"<code>{escape(key)}</code> ({_type(each)})" for key, each in schema["properties"].items())
    if schema.get("type") == "array":
        return f"array of {_type(schema['items'])}"
    if "type" not in schema:
        return escape(", ".join(f"{name} {said}" for name, said in schema.items()))
    return escape(f"{schema['type']}, {schema['format']}" if "format" in schema else schema["type"])


def _link(name: str, text: str) -> str:
    return f'<a href="#{escape(name)}"><code>{escape(text)}</code></a>'


def _words(text: str) -> str:
    """Escaped; what stands between backticks as code."""
    return re.sub(r"`+([^`]+)`+", r"<code>\1</code>", escape(text))
