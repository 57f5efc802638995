"""A way for tests to read a drawing: as XML, with places as shares of the plot."""

import re
from pathlib import Path
from xml.etree import ElementTree

from registry.reports import figures
from registry.reports.figures import Caption

STATIC = Path(figures.__file__).parents[2] / "web" / "static"
SVG = "{http://www.w3.org/2000/svg}"
KNOWN_CLASSES = set(re.findall(r"\.([a-z][\w-]*)", (STATIC / "figures.css").read_text("utf-8")))
CAPTION = Caption(
    "Registry <against> published",
    "Share of patients & interval, %; up to 30 September 2026.",
    "Intervals: Wilson. " * 12,
    "Outcomes Registry 0.1.0, fingerprint 7c1e.",
)


class Drawing:
    """One SVG; raises if it is not well-formed."""

    def __init__(self, markup: str) -> None:
        self.markup = str(markup)
        named = re.sub("^<svg(?! xmlns)", '<svg xmlns="http://www.w3.org/2000/svg"', self.markup)
        parser = ElementTree.XMLPullParser(["start"])
        parser.feed(named)
        parser.close()
        self.elements = [element for _, element in parser.read_events()]
        self.root = self.elements[0]

    def all(self, name: str, class_: str = "") -> list[ElementTree.Element]:
        """Elements of that name that have all these classes."""
        wanted = set(class_.split())
        return [
            element
            for element in self.elements
            if element.tag == f"{SVG}{name}" and wanted <= set(element.get("class", "").split())
        ]

    @property
    def texts(self) -> list[str]:
        """Every text in drawing order."""
        return [element.text or "" for element in self.all("text")]

    @property
    def shapes(self) -> list[ElementTree.Element]:
        """Whatever is drawn rather than written."""
        return [e for name in ("line", "rect", "circle", "path") for e in self.all(name)]

    @property
    def classes(self) -> set[str]:
        """Every class that is used."""
        return {name for e in self.elements for name in e.get("class", "").split()}

    @property
    def attributes(self) -> set[str]:
        """The names of all attributes."""
        return {name for element in self.elements for name in element.attrib}


def percent(element: ElementTree.Element, name: str) -> float:
    """A coordinate that is given as a share of the plot, in per cent."""
    value = element.get(name, "")
    assert value.endswith("%"), value
    return float(value.removesuffix("%"))
