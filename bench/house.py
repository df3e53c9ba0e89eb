"""Measure the house that DESIGN.md draws, from the code itself: what is said once, what imports what, how long it is.

`python -m bench.house` or `make bench-house`; with `--json` for machines. `--root` measures another checkout, and
`--package` another package of it (`ops`, until that became `multiarch`). Every number comes with the places that it
counts, so that whoever doubts one can look.
"""

import argparse
import ast
import json
import re
import statistics
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TypeVar

ROOT: Final = Path(__file__).resolve().parent.parent
LEVELS: Final = ("core", "cluster", "model")
"""What commands stand on; every other package is a command."""
DOUBT: Final = re.compile(r"unknown|could.?not|cannot.?tell|unsure|undecided", re.IGNORECASE)
KINDS_OF_SECRETS: Final = (r"gl\(?(?:\?:)?pat", r"gh\[?[ops]", r"AKIA", r"eyJ", r"ya29")
"""Shapes of five vendors: who has two of them has a list."""
_VERDICTS = re.compile(r"Verdict|Status|Answer|State|Result")
_MANY = 2
"""From so many on it is a list, a table, a vocabulary."""

Node = TypeVar("Node", bound=ast.AST)
Found = tuple[str, str]
"""Where (`multiarch/core/verdict.py:10`), and what."""


@dataclass(frozen=True, slots=True)
class Module:
    """One file, parsed."""

    path: str
    text: str
    tree: ast.Module

    @property
    def part(self) -> str:
        """`core`, `drift`: the folder below the package."""
        return self.path.split("/")[1]

    def at(self, node: ast.stmt | ast.expr) -> str:
        return f"{self.path}:{node.lineno}"

    def all_of(self, kind: type[Node]) -> Iterator[Node]:
        return (node for node in ast.walk(self.tree) if isinstance(node, kind))


def modules(root: Path, package: str) -> list[Module]:
    paths = sorted(path for path in Path(root, package).rglob("*.py") if "__pycache__" not in path.parts)
    texts = [(path.relative_to(root).as_posix(), path.read_text(encoding="utf-8")) for path in paths]
    return [Module(path, text, ast.parse(text)) for path, text in texts]


def vocabularies(module: Module) -> Iterator[Found]:
    """Enumerations that have a word for yes or no and one for a doubt; unions of such literals, too."""
    for node in module.all_of(ast.ClassDef):
        bases = {base.id for base in node.bases if isinstance(base, ast.Name)}
        words = [ast.unparse(item) for item in node.body if isinstance(item, ast.Assign)]
        if bases & {"Enum", "StrEnum"} and len(words) > _MANY and any(DOUBT.search(word) for word in words):
            yield module.at(node), node.name
    for literal in module.all_of(ast.Subscript):
        if ast.unparse(literal.value) == "Literal" and DOUBT.search(ast.unparse(literal.slice)):
            yield module.at(literal), ast.unparse(literal)


def report_models(module: Module) -> Iterator[Found]:
    """Classes that are a whole report: called so, with fields, and not made of another of them."""
    for node in module.all_of(ast.ClassDef):
        fields = [item for item in node.body if isinstance(item, ast.AnnAssign)]
        derived = any("Report" in ast.unparse(base) for base in node.bases)
        if node.name.endswith("Report") and fields and not derived:
            yield module.at(node), node.name


def exit_tables(module: Module) -> Iterator[Found]:
    """Tables from a verdict to an exit code."""
    for target, value in _assignments(module):
        keys = [ast.unparse(key) for key in value.keys if key] if isinstance(value, ast.Dict) else []
        of_verdicts = sum("." in key and bool(_VERDICTS.search(key)) for key in keys) >= _MANY
        if re.search("EXIT|CODE", target) and of_verdicts and _are_codes(value):
            yield module.at(value), target


def _are_codes(value: ast.expr) -> bool:
    codes = value.values if isinstance(value, ast.Dict) else []
    return all(
        isinstance(code, ast.Name) or (isinstance(code, ast.Constant) and isinstance(code.value, int)) for code in codes
    )


def access_reviews(module: Module) -> Iterator[Found]:
    """Functions that send an access review: they name its kind, and pass it on to a call."""
    for node in module.all_of(ast.FunctionDef):
        names = [
            text
            for text in _texts(node)
            if re.search("^(Self|Local)?SubjectAccessReview$|/(self)?subjectaccessreviews", text)
        ]
        if names:
            yield module.at(node), node.name


def secret_shapes(module: Module) -> Iterator[Found]:
    """Modules that know what secrets of several vendors look like."""
    texts = " ".join(_texts(module.tree))
    known = [kind for kind in KINDS_OF_SECRETS if re.search(kind, texts)]
    if len(known) >= _MANY:
        yield f"{module.path}:1", f"{len(known)} of {len(KINDS_OF_SECRETS)} vendors"


def sideways(module: Module) -> Iterator[Found]:
    """Imports of one command by another."""
    package = module.path.split("/", maxsplit=1)[0]
    for node in module.all_of(ast.ImportFrom):
        parts = (node.module or "").split(".")
        if parts[0] != package or len(parts) < _MANY or module.path.count("/") < _MANY:
            continue
        if parts[1] != module.part and not {parts[1], module.part} & set(LEVELS):
            yield module.at(node), f"{module.part} imports {node.module}"


def _assignments(module: Module) -> Iterator[tuple[str, ast.expr]]:
    for node in module.tree.body:
        if isinstance(node, ast.Assign):
            yield ast.unparse(node.targets[0]), node.value
        elif isinstance(node, ast.AnnAssign) and node.value is not None:
            yield ast.unparse(node.target), node.value


def _texts(tree: ast.AST) -> Iterator[str]:
    """Yield the texts of the code; an expression that is a text alone is a docstring."""
    docs = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docs:
            yield node.value


COUNTED: Final[Mapping[str, Callable[[Module], Iterator[Found]]]] = {
    "verdict vocabularies": vocabularies,
    "report models": report_models,
    "exit tables": exit_tables,
    "access-review functions": access_reviews,
    "secret-shape lists": secret_shapes,
    "imports between commands": sideways,
}
GOALS: Final = {**dict.fromkeys(COUNTED, 1), "imports between commands": 0}


def lengths(found: list[Module]) -> list[tuple[int, str]]:
    """Return the lines of every function and where it is, the shortest first."""
    return sorted(
        (node.end_lineno - node.lineno + 1, f"{module.at(node)} {node.name}")
        for module in found
        for node in ast.walk(module.tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.end_lineno is not None
    )


def measured(root: Path, package: str) -> dict[str, Any]:
    """Return every measure. What a secret looks like, `components` may know in the package's stead."""
    found = modules(root, package)
    beside = modules(root, "components")
    counted = {
        name: [{"at": at, "what": what} for module in found for at, what in count(module)]
        for name, count in COUNTED.items()
    }
    counted["secret-shape lists"] += [
        {"at": at, "what": what} for module in beside for at, what in secret_shapes(module)
    ]
    functions = lengths(found)
    sizes = [size for size, _ in functions]
    files = Counter("/".join(module.path.split("/")[:-1]) for module in found)
    return {
        "counted": counted,
        "lines": sum(len(module.text.splitlines()) for module in found),
        "functions": {
            "count": len(sizes),
            "median": statistics.median(sizes),
            "p90": sizes[int(len(sizes) * 0.9)],
            "max": sizes[-1],
            "longest": functions[-1][1],
        },
        "files": dict(sorted(files.items())),
    }


def show(measures: dict[str, Any], package: str) -> None:
    counted, functions, files = measures["counted"], measures["functions"], measures["files"]
    for name, places in counted.items():
        print(f"{name:26} {len(places):6}   (goal: {GOALS[name]})")
        for place in places if len(places) <= 10 else places[:10]:  # noqa: PLR2004 - enough to see which
            print(f"{'':33}{place['at']}  {place['what']}")
    print(f"{f'lines of {package}/':26} {measures['lines']:6}   (goal: 28500 at most)")
    for name, goal in (("median", "8"), ("p90", "20 at most"), ("max", "56 at most")):
        where = f"  {functions['longest']}" if name == "max" else ""
        print(f"{f'lines of a function, {name}':26} {functions[name]:6}   (goal: {goal}){where}")
    print(f"{'files':26} {sum(files.values()):6}")
    for name, number in files.items():
        print(f"{'':33}{number:4}  {name}/")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true", help="print it as JSON")
    parser.add_argument("--root", type=Path, default=ROOT, help="checkout (default: this one)")
    parser.add_argument("--package", default="multiarch")
    given = parser.parse_args()
    measures = measured(given.root, given.package)
    if given.json:
        print(json.dumps(measures, indent=2))
    else:
        show(measures, given.package)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
