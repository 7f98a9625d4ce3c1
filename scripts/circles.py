#!/usr/bin/env python3
"""Finds circles between the files of a crate: files that import each other, directly or by way of others.

A file and the files below it (`a.rs` or `a/mod.rs`, and `a/b.rs`) are one branch, as Rust has it: the parent has the words and
the table of contents, the children the parts. Edges along a branch do not count, every other one does; code of tests does not.

usage: circles.py [SRC_FOLDER ...]         all crates where none is named; exit status 1 when there is a circle
       circles.py --edges SRC_FOLDER ...   prints every edge
"""
import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
CRATES = ["app/src", "frontend/src", "frontend/bundle/src", "server/src", *(f"{p.relative_to(ROOT)}" for p in sorted(ROOT.glob("server/crates/*/src"))), "tests/src"]

VISIBILITY = r"(?:pub(?:\([^)]*\))?\s+)?"
TEST_ITEM = re.compile(
    rf"#\[cfg\(test\)\]\s*(?:#\[[^\]]*\]\s*)*{VISIBILITY}(?:mod\s+\w+\s*;|(?:mod|fn|impl|use|static|const)\b)")
MODULE = re.compile(rf"^\s*{VISIBILITY}mod\s+\w+\s*;", re.M)
USE = re.compile(r"^\s*(pub(?:\([^)]*\))?\s+)?use\s+([^;]+);", re.M)
FULL_PATH = re.compile(r"(?<![\w:])(?:crate|super|self)(?:::\w+)+")
PATH = re.compile(r"(?<![\w:])\w+(?:::\w+)+")


def end_of_item(text, start):
    """Where an item ends that begins here: at its semicolon, or with its braces."""
    brace, semicolon = text.find("{", start), text.find(";", start)
    if brace < 0 or 0 <= semicolon < brace:
        return semicolon + 1 if semicolon >= 0 else len(text)
    depth = 0
    for at in range(brace, len(text)):
        depth += {"{": 1, "}": -1}.get(text[at], 0)
        if depth == 0:
            return at + 1
    return len(text)


def code_of(path):
    """The text without comments, strings and tests."""
    text = re.sub(r"//[^\n]*", "", path.read_text())
    text = re.sub(r"/\*.*?\*/", "", text, flags=re.S)
    text = re.sub(r'"(?:\\.|[^"\\])*"', '""', text, flags=re.S)
    kept, at = [], 0
    for item in TEST_ITEM.finditer(text):
        if item.start() < at:
            continue
        kept.append(text[at:item.start()])
        at = item.end() if text[item.end() - 1] == ";" else end_of_item(text, item.end())
    return "".join(kept) + text[at:]


def paths_of(tree):
    """`a::{b, c::{d, self}}` as lists of segments."""
    brace = tree.find("{")
    if brace < 0:
        return [[part.strip() for part in re.sub(r"\s+as\s+\w+$", "", tree.strip()).split("::") if part.strip()]]
    head = [part.strip() for part in tree[:brace].split("::") if part.strip()]
    branches, depth, branch = [], 0, ""
    for sign in tree[brace + 1:tree.rindex("}")]:
        depth += {"{": 1, "}": -1}.get(sign, 0)
        if sign == "," and depth == 0:
            branches.append(branch)
            branch = ""
        else:
            branch += sign
    branches.append(branch)
    return [head + path for branch in branches if branch.strip() for path in paths_of(branch)]


def modules_of(folder):
    """Each file by the path of its module."""
    modules = {}
    for file in sorted(folder.rglob("*.rs")):
        parts = file.relative_to(folder).with_suffix("").parts
        if "tests" in parts or parts[0] == "bin":
            continue
        if parts[-1] == "mod" or parts == ("lib",):
            parts = parts[:-1]
        modules[parts] = file
    return modules


class Crate:
    """The modules of a crate and whom each imports."""

    def __init__(self, folder):
        files = modules_of(folder)
        self.texts = {module: code_of(file) for module, file in files.items()}
        # `pub use part::Item` in a parent: who names parent::Item means the part
        self.handed_on = {}
        for module, text in self.texts.items():
            for visibility, tree in USE.findall(text):
                for path in paths_of(tree) if visibility else []:
                    path = path[1:] if path[:1] == ["self"] else path
                    if path and module + (path[0],) in files:
                        self.handed_on[module, path[-1]] = module + tuple(path[:-1])
        self.edges = {module: self.imports_of(module) for module in self.texts}

    def resolve(self, module, path):
        """The module that a path leads to from here, if it is one of this crate."""
        at = module
        if path[:1] == ["crate"]:
            at, path = (), path[1:]
        elif path[:1] in (["self"], ["super"]):
            while path and path[0] in ("self", "super"):
                at, path = (at[:-1] if path[0] == "super" else at), path[1:]
        elif not path or module + (path[0],) not in self.texts:
            return None
        while path and at + (path[0],) in self.texts:
            at, path = at + (path[0],), path[1:]
        if path and (at, path[0]) in self.handed_on:
            at = self.handed_on[at, path[0]]
            while at and at not in self.texts:
                at = at[:-1]
        return at if at in self.texts else None

    def imports_of(self, module):
        """What this module imports, each with the paths that say so. What it hands on is not its own use."""
        text = MODULE.sub("", self.texts[module])
        paths = [path for visibility, tree in USE.findall(text) if not visibility for path in paths_of(tree)]
        names = {path[-1] for path in paths if self.resolve(module, path) is not None}
        rest = USE.sub("", text)
        paths += [path.split("::") for path in FULL_PATH.findall(rest)]
        # `part::item` in a parent, without a `use`
        paths += [path for path in (found.split("::") for found in PATH.findall(rest))
                  if module + (path[0],) in self.texts and path[0] not in names]
        imports = {}
        for path in paths:
            target = self.resolve(module, path)
            if target is not None and not same_branch(module, target):
                imports.setdefault(target, set()).add("::".join(path))
        return imports


def same_branch(one, other):
    """Whether one is the other, or lies above or below it."""
    shorter = min(len(one), len(other))
    return one[:shorter] == other[:shorter]


def circles(edges):
    """The strongly connected components of more than one module (Tarjan)."""
    index, low, stack, found = {}, {}, [], []

    def visit(module):
        index[module] = low[module] = len(index)
        stack.append(module)
        for target in edges[module]:
            if target not in index:
                visit(target)
                low[module] = min(low[module], low[target])
            elif target in stack:
                low[module] = min(low[module], index[target])
        if low[module] == index[module]:
            circle = stack[stack.index(module):]
            del stack[stack.index(module):]
            if len(circle) > 1:
                found.append(sorted(circle))

    for module in edges:
        if module not in index:
            visit(module)
    return found


def main(arguments):
    show = "--edges" in arguments
    folders = [argument for argument in arguments if argument != "--edges"] or CRATES
    bad = False
    for folder in folders:
        edges = Crate(ROOT / folder).edges
        parts = [sorted(edges)] if show else circles(edges)
        for part in parts:
            bad = bad or not show
            print(f"{folder}: " + ("edges" if show else "circle of " + ", ".join(map("::".join, part))))
            for module in part:
                for target in sorted(edges[module]):
                    if show or target in part:
                        print(f"    {'::'.join(module)} -> {'::'.join(target)}   {', '.join(sorted(edges[module][target]))}")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
