"""Reads what the console draws, as the XML that it must be."""

from collections.abc import Iterator
from xml.etree import ElementTree
from xml.etree.ElementTree import Element


def drawn(svg: str | None) -> Element:
    assert svg is not None
    return ElementTree.fromstring(svg)  # noqa: S314 - our own


def parts(drawing: Element, kind: str) -> Iterator[Element]:
    """The elements of a class."""
    return (one for one in drawing.iter() if kind in one.get("class", "").split())


def texts(drawing: Element, tag: str) -> list[str]:
    return [one.text or "" for one in drawing.iter(tag)]
