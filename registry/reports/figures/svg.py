"""SVG elements as escaped markup: classes and geometry attributes, never a style attribute."""

from markupsafe import Markup, escape

NAMESPACE = "http://www.w3.org/2000/svg"


def el(name: str, *children: object, **attributes: object) -> Markup:
    """One element; `class_` is class, `text_anchor` is text-anchor, None leaves an attribute out.

    Children and values are escaped unless they are markup already; numbers lose needless digits.
    """
    written = Markup("").join(
        Markup(' {}="{}"').format(key.rstrip("_").replace("_", "-"), _value(value))
        for key, value in attributes.items()
        if value is not None
    )
    if not children:
        return Markup("<{}{}/>").format(name, written)
    return Markup("<{}{}>{}</{}>").format(name, written, join(*children), name)


def join(*parts: object) -> Markup:
    """Several elements or texts one after another."""
    return Markup("").join(escape(part) for part in parts)


def percent(fraction: float) -> str:
    """A place along the plot, 0 to 1, as a coordinate that holds at every width."""
    return f"{_value(100 * fraction)}%"


def line(
    x1: object, y1: object, x2: object, y2: object, class_: str, **attributes: object
) -> Markup:
    """A straight line."""
    return el("line", x1=x1, y1=y1, x2=x2, y2=y2, class_=class_, **attributes)


def text(words: object, x: object, y: object, class_: str = "", **attributes: object) -> Markup:
    """A text on its base line; the classes `mid` and `end` move its anchor."""
    return el("text", words, x=x, y=y, class_=class_ or None, **attributes)


def placed(x: object, y: float, *children: object) -> Markup:
    """Children drawn about the point (x, y), where x may be a percentage."""
    return el("svg", *children, x=x, y=y, width=1, height=1, overflow="visible")


def stretched(height: float, *children: object, **attributes: object) -> Markup:
    """Paths in a square of 1000 by 1000 that is stretched to the width of the plot."""
    return el(
        "svg",
        *children,
        width="100%",
        height=height,
        viewBox="0 0 1000 1000",
        preserveAspectRatio="none",
        **attributes,
    )


def inline(height: float, *children: object, title: str = "") -> Markup:
    """A chart for a page: named by `title`, or hidden from readers where its row says it all."""
    if not title:
        return _root(height, *children, aria_hidden="true", focusable="false")
    return _root(height, el("title", title), *children, role="img")


def _root(height: float, *children: object, **attributes: object) -> Markup:
    return el("svg", *children, class_="chart", width="100%", height=height, **attributes)


def _value(value: object) -> object:
    if isinstance(value, float):
        return f"{value:.2f}".rstrip("0").rstrip(".") if round(value, 2) else "0"
    return value
