"""Where the package refuses: every ``raise``, and every error that a check hands back, each found in the source.

``mutants`` takes them away one at a time. A refusal is found again by the function that it stands in and its number
there, as in ``guards.ObjectGuard.attach#2``.
"""

from __future__ import annotations

import ast
import gc
import inspect
from collections.abc import Iterator
from types import CodeType, FunctionType, ModuleType

_Scope = ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef


def refusals(module: ModuleType, tree: ast.Module | None = None) -> Iterator[tuple[str, ast.stmt]]:
    """The refusals of a module, by name."""
    for function, node in _functions(tree or ast.parse(inspect.getsource(module)), module.__name__.rpartition(".")[2]):
        answers_none = node.returns is not None and "None" in ast.unparse(node.returns)
        found = [stmt for stmt in _own_statements(node) if _refuses(stmt, answers_none)]
        yield from ((f"{function}#{number}", stmt) for number, stmt in enumerate(found, 1))


def overlook(module: ModuleType, name: str) -> None:
    """Let what ``name`` refuses pass, in every function that exists already."""
    tree = ast.parse(inspect.getsource(module))
    refusal = dict(refusals(module, tree))[name]
    tree = ast.fix_missing_locations(_Without(refusal).visit(tree))
    codes = dict(_codes(compile(tree, str(module.__file__), "exec", dont_inherit=True)))
    changed = 0
    for function in gc.get_objects():
        if isinstance(function, FunctionType) and function.__module__ == module.__name__:
            code = codes.get(_place(function.__code__))
            if code is not None:
                function.__code__ = code
                changed += 1
    assert changed, f"no function of {module.__name__} was changed"


def _functions(tree: ast.AST, where: str) -> Iterator[tuple[str, ast.FunctionDef | ast.AsyncFunctionDef]]:
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, _Scope):
            name = f"{where}.{node.name}"
            # Getter and setter of a property have one name.
            if any(isinstance(d, ast.Attribute) and d.attr == "setter" for d in node.decorator_list):
                name += ".setter"
            if not isinstance(node, ast.ClassDef):
                yield name, node
            yield from _functions(node, name)


def _own_statements(function: ast.AST) -> Iterator[ast.stmt]:
    for node in ast.iter_child_nodes(function):
        if isinstance(node, _Scope):
            continue
        if isinstance(node, ast.stmt):
            yield node
        yield from _own_statements(node)


def _refuses(statement: ast.stmt, answers_none: bool) -> bool:
    match statement:
        case ast.Raise(exc=ast.expr()):
            return True
        case ast.Return(value=ast.Call(func=called)) if answers_none:
            return ast.unparse(called).endswith(("Error", "_refusal"))
        case ast.Assign(targets=[ast.Attribute()], value=ast.Call(func=called)):
            return ast.unparse(called).endswith("Error")
    return False


class _Without(ast.NodeTransformer):
    def __init__(self, refusal: ast.stmt) -> None:
        self.refusal = refusal

    def visit(self, node: ast.AST) -> ast.AST:
        if node is not self.refusal:
            return self.generic_visit(node)
        none = ast.Return(ast.Constant(None)) if isinstance(node, ast.Return) else ast.Pass()
        return ast.copy_location(none, node)


def _codes(code: CodeType) -> Iterator[tuple[tuple[str, int], CodeType]]:
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield _place(constant), constant
            yield from _codes(constant)


def _place(code: CodeType) -> tuple[str, int]:
    return code.co_qualname, code.co_firstlineno
