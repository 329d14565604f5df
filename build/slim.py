"""Make third-party Python smaller without changing what it computes: used when its .pyc files are made.

    imports     a name imported at the top of a module but used only inside functions is imported when it is first used,
                and `from .x import *` in a package's front door becomes a table of names: what no page uses never loads
    help texts  docstrings, `help=` of Bokeh properties, `doc=` of param Parameters, annotations of functions

A module rewritten so behaves the same to its users: every name is still there (`module.name`,
`from module import name`, `from module import *`), it only arrives later. `transform` works on the AST; what cannot be
judged is left as it was.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator

LAZY = "_lazy_"  # the name under which a rewritten module keeps its table of late imports
HELPER = "lazily"  # the module with `Lazy`, shipped beside the rest (see SOURCE)
TEXTS = {"help", "doc"}  # keyword arguments that only carry text for readers of the API

# The helper that ships: a table of names that are imported when first asked for.
SOURCE = '''
import importlib, sys
class Lazy:
    """Names of one module that are imported when first used: {name: (module, attribute or None, top)}."""
    def __init__(self, module, table, names=None, fallback=None):
        self.__dict__.update(_module_=module, _table_=table, _names_=names, _fallback_=fallback)
    def __getattr__(self, name):
        found = self._table_.get(name)
        if found is None:
            if name == "__all__" and self._names_ is not None:
                return list(self._names_)
            if self._fallback_ is not None:
                return self._fallback_(name)
            raise AttributeError(f"module {self._module_!r} has no attribute {name!r}", name=name, \
obj=sys.modules.get(self._module_))
        for module, attribute, top in found:
            loaded = importlib.import_module(module)
            if attribute is None:
                value = sys.modules[module.partition(".")[0]] if top else loaded
            else:
                try:
                    if module == self._module_:  # `from . import part` in a package's front door
                        raise AttributeError
                    value = getattr(loaded, attribute)
                except AttributeError:
                    try:
                        value = importlib.import_module(f"{module}.{attribute}")
                    except ModuleNotFoundError:
                        raise ImportError(f"cannot import name {attribute!r} from {module!r}", name=module) from None
        self.__dict__[name] = value
        sys.modules[self._module_].__dict__[name] = value
        return value
'''

Entry = tuple[str, str | None, bool]  # module, attribute (None: the module itself), bind the top package


def absolute(module: str | None, level: int, name: str, is_package: bool) -> str:
    """The absolute name of what `from {'.' * level}{module} import ...` imports from, inside module `name`."""
    if not level:
        return module or ""
    parts = name.split(".")
    if not is_package:
        parts = parts[:-1]
    parts = parts[: len(parts) - level + 1]
    return ".".join(parts + ([module] if module else []))


def is_type_checking(test: ast.expr) -> bool:
    """`if TYPE_CHECKING:` in any spelling."""
    return (isinstance(test, ast.Name) and test.id == "TYPE_CHECKING") or (
        isinstance(test, ast.Attribute) and test.attr == "TYPE_CHECKING"
    )


FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)
COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)


def bound(node: ast.AST, *, inside: bool = False) -> Iterator[str]:
    """The names that a scope binds: assignments, imports, definitions, patterns; not those of scopes inside it."""
    if inside:
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            yield node.name
            return
        if isinstance(node, ast.Lambda):
            return
        if isinstance(node, COMPREHENSIONS):
            for part in ast.walk(node):
                if isinstance(part, ast.NamedExpr):
                    yield part.target.id
            return
    if isinstance(node, ast.Name) and isinstance(node.ctx, (ast.Store, ast.Del)):
        yield node.id
    elif isinstance(node, (ast.Import, ast.ImportFrom)):
        for alias in node.names:
            yield alias.asname or alias.name.partition(".")[0]
    elif isinstance(node, ast.ExceptHandler | ast.MatchAs | ast.MatchStar) and node.name:
        yield node.name
    elif isinstance(node, ast.MatchMapping) and node.rest:
        yield node.rest
    for child in ast.iter_child_nodes(node):
        yield from bound(child, inside=True)


Function = ast.FunctionDef | ast.AsyncFunctionDef
Comprehension = ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp


def function_names(node: Function | ast.Lambda) -> set[str]:
    """The local names of a function or lambda (without those it declares global)."""
    names: set[str] = set()
    a = node.args
    for arg in [*a.posonlyargs, *a.args, *a.kwonlyargs, a.vararg, a.kwarg]:
        if arg is not None:
            names.add(arg.arg)
    body = node.body if isinstance(node.body, list) else [node.body]
    for part in body:
        names.update(bound(part, inside=True))
    for part in body:
        for inner in ast.walk(part):
            if isinstance(inner, ast.Global):
                names.difference_update(inner.names)
    return names


class Uses(ast.NodeVisitor):
    """Finds the global names that a module needs while it is being executed, and those it rebinds from functions."""

    def __init__(self, annotations_are_text: bool = False) -> None:
        self.now: set[str] = set()
        self.declared_global: set[str] = set()
        self.annotations_are_text = annotations_are_text

    def visit_AnnAssign(self, node: ast.AnnAssign) -> None:
        self.visit(node.target)
        if node.value is not None:
            self.visit(node.value)
        if not self.annotations_are_text:
            self.visit(node.annotation)

    def visit_FunctionDef(self, node: ast.FunctionDef) -> None:
        a = node.args
        for part in [*node.decorator_list, *a.defaults, *[d for d in a.kw_defaults if d]]:
            self.visit(part)
        if not self.annotations_are_text:  # kept only where a decorator reads them
            arguments = [x for x in [*a.posonlyargs, *a.args, *a.kwonlyargs, a.vararg, a.kwarg] if x is not None]
            for annotation in [node.returns, *[x.annotation for x in arguments]]:
                if annotation is not None:
                    self.visit(annotation)
        for inner in ast.walk(node):
            if isinstance(inner, ast.Global):
                self.declared_global.update(inner.names)

    visit_AsyncFunctionDef = visit_FunctionDef  # type: ignore[assignment]

    def visit_Lambda(self, node: ast.Lambda) -> None:
        for part in [*node.args.defaults, *[d for d in node.args.kw_defaults if d]]:
            self.visit(part)

    def visit_Name(self, node: ast.Name) -> None:
        if isinstance(node.ctx, ast.Load):
            self.now.add(node.id)


class Rewriter(ast.NodeTransformer):
    """Inside functions, turns a deferred global name into an attribute of the module's table."""

    def __init__(self, deferred: set[str]):
        self.deferred = deferred
        self.scopes: list[set[str]] = []

    def _function(self, node: Function | ast.Lambda) -> ast.AST:
        args = node.args
        args.defaults = [self.visit(d) for d in args.defaults]
        args.kw_defaults = [d and self.visit(d) for d in args.kw_defaults]
        if not isinstance(node, ast.Lambda):
            node.decorator_list = [self.visit(d) for d in node.decorator_list]
        self.scopes.append(function_names(node))
        if isinstance(node, ast.Lambda):
            node.body = self.visit(node.body)
        else:
            node.body = [self.visit(s) for s in node.body]
        self.scopes.pop()
        return node

    visit_FunctionDef = visit_AsyncFunctionDef = visit_Lambda = _function

    def visit_ClassDef(self, node: ast.ClassDef) -> ast.AST:
        node.decorator_list = [self.visit(d) for d in node.decorator_list]
        node.bases = [self.visit(b) for b in node.bases]
        node.keywords = [self.visit(k) for k in node.keywords]
        if self.scopes:  # a class inside a function: its own names hide globals in its body, not in its methods
            names = {n for s in node.body for n in bound(s, inside=True)}
            body = []
            for statement in node.body:
                if not isinstance(statement, (ast.FunctionDef, ast.AsyncFunctionDef)):
                    self.scopes.append(names)
                    body.append(self.visit(statement))
                    self.scopes.pop()
                else:
                    body.append(self.visit(statement))
            node.body = body
        else:
            node.body = [self.visit(s) for s in node.body]
        return node

    def _comprehension(self, node: Comprehension) -> ast.AST:
        names = {n for g in node.generators for n in bound(g.target, inside=True)}
        self.scopes.append(names)
        self.generic_visit(node)
        self.scopes.pop()
        return node

    visit_ListComp = visit_SetComp = visit_DictComp = visit_GeneratorExp = _comprehension

    def visit_Name(self, node: ast.Name) -> ast.AST:
        if (
            self.scopes
            and isinstance(node.ctx, ast.Load)
            and node.id in self.deferred
            and not any(node.id in names for names in self.scopes)
        ):
            table = ast.copy_location(ast.Name(LAZY, ast.Load()), node)
            return ast.copy_location(ast.Attribute(table, node.id, ast.Load()), node)
        return node


class Texts(ast.NodeTransformer):
    """Drops docstrings, help texts, `if TYPE_CHECKING` blocks and the annotations of functions."""

    def __init__(self, annotations: bool = True):
        self.drop_annotations = annotations

    def visit_Call(self, node: ast.Call) -> ast.AST:
        self.generic_visit(node)
        node.keywords = [
            k
            for k in node.keywords
            if not (k.arg in TEXTS and isinstance(k.value, ast.Constant) and isinstance(k.value.value, str))
        ]
        return node

    def visit_If(self, node: ast.If) -> ast.AST | list[ast.stmt]:
        if is_type_checking(node.test):
            return [self.visit(s) for s in node.orelse] or ast.copy_location(ast.Pass(), node)
        self.generic_visit(node)
        return node

    def _function(self, node: Function) -> ast.AST:
        self.generic_visit(node)
        registers = any("register" in ast.dump(d) or "dispatch" in ast.dump(d) for d in node.decorator_list)
        if self.drop_annotations and not registers:
            node.returns = None
            a = node.args
            for arg in [*a.posonlyargs, *a.args, *a.kwonlyargs, a.vararg, a.kwarg]:
                if arg is not None:
                    arg.annotation = None
        return node

    visit_FunctionDef = visit_AsyncFunctionDef = _function


def static_all(
    tree: ast.Module, name: str, is_package: bool, exports: Callable[[str], list[str] | None]
) -> list[str] | None:
    """`__all__` of a module without running it; None if it cannot be told.

    Understands a literal, and the front-door idiom: star imports with `__all__ = ("X", *submodule.__all__, ...)`.
    """
    mentions = sum(isinstance(n, ast.Name) and n.id == "__all__" for n in ast.walk(tree))
    for statement in tree.body:
        if isinstance(statement, ast.Assign) and any(
            isinstance(t, ast.Name) and t.id == "__all__" for t in statement.targets
        ):
            if mentions > 1 or not isinstance(statement.value, (ast.Tuple, ast.List)):
                return None  # added to later: only running it would tell
            names: list[str] = []
            for item in statement.value.elts:
                if isinstance(item, ast.Constant) and isinstance(item.value, str):
                    names.append(item.value)
                elif (
                    isinstance(item, ast.Starred)
                    and isinstance(item.value, ast.Attribute)
                    and item.value.attr == "__all__"
                    and isinstance(item.value.value, ast.Name)
                    and is_package
                ):
                    more = exports(f"{name}.{item.value.value.id}")
                    if more is None:
                        return None
                    names += more
                else:
                    return None
            return names
    return None


def transform(
    source: str,
    name: str,
    is_package: bool,
    *,
    exports: Callable[[str], list[str] | None] = lambda module: None,
    keep: frozenset[str] = frozenset(),
    defer: bool = True,
    texts: bool = True,
) -> ast.Module:
    """The slimmer AST of a module.

    name:    the module's absolute name
    exports: tells `__all__` of another module by name, without importing it (None if it cannot be told)
    keep:    modules whose import is never put off (they are loaded anyway)
    """
    tree = ast.parse(source)
    if texts:
        tree = Texts().visit(tree)
    if defer:
        tree = put_off_imports(tree, name, is_package, exports, keep)
    return ast.fix_missing_locations(tree)


def put_off_imports(
    tree: ast.Module, name: str, is_package: bool, exports: Callable[[str], list[str] | None], keep: frozenset[str]
) -> ast.Module:
    """Take imports out of the module's body whose names are not needed while it runs."""
    futures = {a.name for s in tree.body if isinstance(s, ast.ImportFrom) and s.module == "__future__" for a in s.names}
    uses = Uses(annotations_are_text="annotations" in futures)
    names_all = static_all(tree, name, is_package, exports)
    computed_all = None
    for statement in tree.body:
        if isinstance(statement, ast.Assign) and any(
            isinstance(t, ast.Name) and t.id == "__all__" for t in statement.targets
        ):
            literal = isinstance(statement.value, (ast.Tuple, ast.List)) and all(
                isinstance(i, ast.Constant) for i in statement.value.elts
            )
            if names_all is not None and not literal:
                computed_all = statement  # served from the table instead
                continue
        if not isinstance(statement, (ast.Import, ast.ImportFrom)):
            uses.visit(statement)
    rebound: set[str] = set(uses.declared_global)
    for statement in tree.body:
        if not isinstance(statement, (ast.Import, ast.ImportFrom)):
            rebound.update(bound(statement, inside=True))

    table: dict[str, list[Entry]] = {}

    def late(local: str, entry: Entry) -> bool:
        """Whether this import can wait; if so it is in the table."""
        target = entry[0]
        if local in uses.now or local in rebound or target in keep or local == "*":
            return False
        if entry[1] is not None and is_package and target == f"{name}.{local}":
            return False  # `from .cache import cache`: importing the submodule would bind the wrong thing
        table.setdefault(local, []).append(entry)
        return True

    body: list[ast.stmt] = []
    for statement in tree.body:
        if statement is computed_all:
            continue
        if isinstance(statement, ast.Import):
            kept = []
            for alias in statement.names:
                local = alias.asname or alias.name.partition(".")[0]
                if not late(local, (alias.name, None, alias.asname is None)):
                    kept.append(alias)
            if kept:
                statement.names = kept
                body.append(statement)
        elif isinstance(statement, ast.ImportFrom) and statement.module != "__future__":
            target = absolute(statement.module, statement.level, name, is_package)
            if any(a.name == "*" for a in statement.names):
                stars = exports(target)
                if stars is None:
                    body.append(statement)
                    continue
                needed = [s for s in stars if not late(s, (target, s, False))]
                if needed:
                    statement.names = [ast.alias(s, None) for s in needed]
                    body.append(statement)
                continue
            kept = [a for a in statement.names if not late(a.asname or a.name, (target, a.name, False))]
            if kept:
                statement.names = kept
                body.append(statement)
        else:
            body.append(statement)
    tree.body = body
    if not table and computed_all is None:
        return tree
    deferred = set(table)
    Rewriter(deferred).visit(tree)
    has_getattr = any(isinstance(s, ast.FunctionDef) and s.name == "__getattr__" for s in body)
    front = ast.parse(
        f"from {HELPER} import Lazy as _Lazy_\n{LAZY} = _Lazy_(__name__, {table!r}, "
        f"{names_all if computed_all else None!r})\n"
    ).body
    position = next(
        (
            i
            for i, s in enumerate(body)
            if not (isinstance(s, ast.ImportFrom) and s.module == "__future__") and not is_text(s)
        ),
        len(body),
    )
    back = ast.parse(
        (f"{LAZY}.__dict__['_fallback_'] = __getattr__\n" if has_getattr else "")
        + f"__getattr__ = {LAZY}.__getattr__\n"
    ).body
    # `__getattr__` must be there before the body runs: other modules may import names from a half-executed module
    tree.body = (
        body[:position] + front + (back if not has_getattr else []) + body[position:] + (back if has_getattr else [])
    )
    return tree


def is_text(statement: ast.stmt) -> bool:
    """A docstring, or any other bare string."""
    return (
        isinstance(statement, ast.Expr)
        and isinstance(statement.value, ast.Constant)
        and isinstance(statement.value.value, str)
    )
