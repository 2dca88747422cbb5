"""The layers of the package, and the drawing of the layers in docs/house.rst.

`python tests/house.py` writes the drawing anew.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "fabfile"
PAGE = ROOT / "docs/house.rst"

#: The order of the layers, the uppermost first. A module imports only from layers below its own. Inside
#: a package modules import each other freely, but not in a circle.
LAYERS = """
    cli __init__ rehearsal tasks look run display release ssh scripts project throwaway settings git
    events console errors printable
""".split()
MODULES = {
    ".".join(path.relative_to(PACKAGE).with_suffix("").parts): path for path in sorted(PACKAGE.rglob("*.py"))
}


def layer_of(module: str) -> str:
    """Return the package of a module, or the module itself if it is in no package."""
    return module.partition(".")[0]


def imports(module: str) -> Iterator[tuple[int, str]]:
    """Yield each import of a module: its level (0 for a library, else the number of dots) and its name."""
    for node in ast.walk(ast.parse(MODULES[module].read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from ((0, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and not node.level:
            yield 0, str(node.module)
        elif isinstance(node, ast.ImportFrom):
            yield from ((node.level, name) for name in _imported(module, node))


def _imported(module: str, node: ast.ImportFrom) -> Iterator[str]:
    """Yield our modules that one `from` names. A name that is no module lies in the module before it."""
    around = module.split(".")[: -node.level] if not module.endswith("__init__") else module.split(".")[:-1]
    base = [*around, *(node.module.split(".") if node.module else [])]
    for alias in node.names:
        for name in (".".join([*base, alias.name]), ".".join(base), ".".join([*base, "__init__"])):
            if name in MODULES:
                yield name
                break


def ours(module: str) -> list[str]:
    """Return the modules of our package that a module imports."""
    return [name for level, name in imports(module) if level]


def below(layer: str) -> list[str]:
    """Return the layers that a layer imports from, in the order of LAYERS."""
    found = {layer_of(name) for module in MODULES if layer_of(module) == layer for name in ours(module)}
    return [name for name in LAYERS if name in found - {layer}]


def drawing() -> str:
    """Return the drawing: for each layer its name, its purpose, and the layers that it imports from."""
    lines = []
    for layer in LAYERS:
        path = PACKAGE / f"{layer}.py" if layer in MODULES else PACKAGE / layer / "__init__.py"
        summary = str(ast.get_docstring(ast.parse(path.read_text("utf-8")))).partition("\n")[0]
        name = f"{layer}/" if layer not in MODULES else f"{layer}.py"
        lines.append(f"    {name:<13} {summary}")
        lines.append(f"    {'':<13} imports: {', '.join(below(layer)) or 'nothing'}")
    return "\n".join(lines)


def with_drawing(page: str) -> str:
    """Return the page with an up-to-date drawing."""
    marked = re.compile(r"(\.\. drawing begins\n\n::\n\n).*?(\n\n\.\. drawing ends)", re.S)
    return marked.sub(lambda found: f"{found[1]}{drawing()}{found[2]}", page)


if __name__ == "__main__":
    PAGE.write_text(with_drawing(PAGE.read_text("utf-8")), "utf-8")
