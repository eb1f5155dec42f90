"""How many spoilt lines of a room its own tests notice: `python -m tests.mutants ROOM [SEED]`.

Twenty executable lines are drawn by the seed, and each is spoilt by one of fixed operators, in a copy
of the tree; the tests of that room alone then run. It prints each mutant that they let live: either
the same program in other words, or a test is missing.
"""

from __future__ import annotations

import ast
import random
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = "check_mapi_connectivity"

#: Lines of a room that are spoilt, one after the other.
COUNT = 20

#: What an operator of a comparison or an expression becomes.
SWAPPED = {
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
    ast.And: ast.Or,
    ast.Or: ast.And,
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Add,
}


def _compare(node):
    return ast.Compare(node.left, [SWAPPED[type(node.ops[0])](), *node.ops[1:]], node.comparators)


def _constant(node):
    if isinstance(node.value, bool):
        return ast.Constant(not node.value)
    return ast.Constant(node.value + 1)


#: Kind of node -> whether it can be spoilt, and the spoilt one.
OPERATORS = {
    ast.Compare: (lambda node: type(node.ops[0]) in SWAPPED, _compare),
    ast.BoolOp: (lambda _: True, lambda node: ast.BoolOp(SWAPPED[type(node.op)](), node.values)),
    ast.BinOp: (
        lambda node: type(node.op) in SWAPPED,
        lambda node: ast.BinOp(node.left, SWAPPED[type(node.op)](), node.right),
    ),
    ast.UnaryOp: (lambda node: isinstance(node.op, ast.Not), lambda node: node.operand),
    ast.Constant: (lambda node: isinstance(node.value, (bool, int)), _constant),
    ast.Return: (
        lambda node: node.value is not None and ast.unparse(node.value) != "None",
        lambda _: ast.Return(ast.Constant(None)),
    ),
    ast.Expr: (lambda node: isinstance(node.value, ast.Call), lambda _: ast.Pass()),
}


class _Spoil(ast.NodeTransformer):
    """Puts another node in the place of one."""

    def __init__(self, place, made):
        self._place, self._made = place, made

    def visit(self, node):
        return self._made if node is self._place else self.generic_visit(node)


def _spoilable(tree):
    """Line -> the nodes that begin there and can be spoilt, within functions: what runs."""
    found = {}
    for function in ast.walk(tree):
        if not isinstance(function, ast.FunctionDef):
            continue
        for statement in function.body:
            for node in ast.walk(statement):
                fits, _ = OPERATORS.get(type(node), (lambda _: False, None))
                if fits(node):
                    found.setdefault(node.lineno, {})[id(node)] = node
    return {line: list(nodes.values()) for line, nodes in found.items()}


def mutants(room, seed):
    """(file relative to the package, line, spoilt source, spoilt statement) of some lines, the same for a seed."""
    files = sorted((ROOT / PACKAGE / room).rglob("*.py"))
    trees = {path: ast.parse(path.read_text(encoding="utf-8")) for path in files}
    lines = [(path, line) for path in files for line in sorted(_spoilable(trees[path]))]
    chance = random.Random(f"{room} {seed}")
    for path, line in sorted(chance.sample(lines, min(COUNT, len(lines)))):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        place = chance.choice(_spoilable(tree)[line])
        made = OPERATORS[type(place)][1](place)
        words = f"{ast.unparse(place)} -> {ast.unparse(ast.fix_missing_locations(made))}"
        spoilt = ast.unparse(ast.fix_missing_locations(_Spoil(place, made).visit(tree)))
        yield path.relative_to(ROOT), line, spoilt, words


def _tests_pass(tree, room, limit):
    """Whether the tests of a room all pass there in so many seconds."""
    words = ["-m", "pytest", "-x", "-q", "-n", "2", "-p", "no:cacheprovider", f"tests/{room}"]
    try:
        run = subprocess.run(
            [sys.executable, *words], cwd=tree, capture_output=True, timeout=limit, check=False
        )
    except subprocess.TimeoutExpired:
        return False
    return run.returncode == 0


def main(room, seed="1"):
    """Spoil, test, tell."""
    with tempfile.TemporaryDirectory() as directory:
        tree = Path(directory, "tree")
        shutil.copytree(ROOT, tree, ignore=shutil.ignore_patterns(".git", ".venv", "__pycache__"))
        begun = time.monotonic()
        if not _tests_pass(tree, room, None):
            sys.exit(f"the tests of {room} do not pass as they are")
        limit = 5 * (time.monotonic() - begun) + 20
        caught = made = 0
        for path, line, spoilt, words in mutants(room, seed):
            sound = (tree / path).read_text(encoding="utf-8")
            (tree / path).write_text(spoilt, encoding="utf-8")
            lives = _tests_pass(tree, room, limit)
            (tree / path).write_text(sound, encoding="utf-8")
            made, caught = made + 1, caught + (not lives)
            if lives:
                print(f"{path}:{line}: {words}", flush=True)
        print(f"{room}: {caught} of {made} caught", flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
