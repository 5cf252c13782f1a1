#!/usr/bin/env python3
"""Holds the walls between the rooms: what a target imports it declares, and what it declares it imports.

SwiftPM lets a target import every module that some other target has caused to be built. So this compares
the `import` lines of each target's files with what `swift package dump-package` says of the target, and
also holds the layout `Sources/<Storey>/<Room>` and the one way in which storeys may know each other.

    swift package dump-package | scripts/check_imports.py

Exits with 1, and a line for each fault, if there is one.
"""

import json
import pathlib
import re
import sys

# Come with the toolchain and need no declaration.
TOOLCHAIN = {"Dispatch", "Foundation", "FoundationEssentials", "Glibc", "Musl", "Darwin",
             "Synchronization", "Testing", "XCTest", "Swift"}
# A room may know rooms of its own storey and of those before it.
STOREYS = ["Foundations", "Transport", "Trust", "Ledger", "Consensus", "Node", "Tools"]
# What several rooms' tests share, in Tests/Support: only tests know it.
SUPPORT = "Support"
# The command line is where tools and node meet.
ABOVE_ALL = {"orderer"}

IMPORT = re.compile(
    r"^\s*(?:@\w+(?:\([^)]*\))?\s+)*(?:(?:public|package|internal|fileprivate|private)\s+)?"
    r"import\s+(?:(?:struct|class|enum|protocol|func|var|let|typealias)\s+)?(\w+)")


def imports(text):
    """The modules that a file imports; what stands in a string or comment of several lines is none."""
    found = set()
    quoted = commented = False
    for line in text.splitlines():
        if not quoted and not commented:
            if match := IMPORT.match(line):
                found.add(match[1])
        if not quoted:
            commented = line.rfind("/*") > line.rfind("*/") or (commented and "*/" not in line)
        if not commented and line.count('"""') % 2:
            quoted = not quoted
    return found


def declared(target):
    """The modules of a target's dependencies; every product used here has one module of its name."""
    return {next(iter(dependency.values()))[0] for dependency in target["dependencies"]}


def storey(target):
    parts = pathlib.PurePath(target.get("path") or "").parts
    return parts[1] if len(parts) == 3 else None


def main():
    root = pathlib.Path(__file__).resolve().parent.parent
    package = json.load(sys.stdin)
    targets = {target["name"]: target for target in package["targets"]}
    faults = []
    for name, target in sorted(targets.items()):
        if storey(target) == SUPPORT:
            pass
        elif storey(target) not in STOREYS:
            faults.append(f"{name}: its path is not Sources/<Storey>/<Room> or Tests/<Storey>/<Room>Tests")
            continue
        if target["type"] == "system":
            continue
        used = {}
        for file in sorted((root / target["path"]).rglob("*.swift")):
            for module in imports(file.read_text()):
                used.setdefault(module, file.relative_to(root))
        known = declared(target)
        for module in sorted(used.keys() - known - TOOLCHAIN - {name}):
            faults.append(f"{name}: {used[module]} imports {module}, which the target does not declare")
        if any((root / target["path"]).rglob("*.swift")):
            for module in sorted(known - used.keys()):
                faults.append(f"{name}: declares {module}, which it does not import")
        if target["type"] != "test" and storey(target) != SUPPORT:
            level = len(STOREYS) if name in ABOVE_ALL else STOREYS.index(storey(target))
            for other in sorted(known & targets.keys()):
                if storey(targets[other]) == SUPPORT:
                    faults.append(f"{name}: knows {other}, which is for tests only")
                elif STOREYS.index(storey(targets[other])) > level:
                    faults.append(f"{name}: knows {other}, which is of a higher storey")
    for fault in faults:
        print(fault, file=sys.stderr)
    sys.exit(1 if faults else 0)


if __name__ == "__main__":
    main()
