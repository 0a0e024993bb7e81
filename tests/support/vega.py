"""Reading charts as Vega-Lite specifications."""

from collections.abc import Iterator


def titles(specification: object) -> Iterator[str]:
    if isinstance(specification, dict):
        if isinstance(specification.get("title"), str):
            yield specification["title"]
        for value in specification.values():
            yield from titles(value)
    elif isinstance(specification, list):
        for value in specification:
            yield from titles(value)
