#!/usr/bin/env python3
"""Builds like `swift build`, and then what that leaves stale.

    scripts/build.py [options of swift build]

`swift build` compiles a room again when a room that it imports has changed in something that it names.
A change that reaches it through a third room is missed: a struct in A that is part of a struct in B, or
a requirement of a protocol in A that a protocol in B refines, where C imports only B. C then goes on with
the old layout and reads, or calls, what is not there. (Swift 6.3: the compiler driver traces names
across one module, and the build system does not look at C again unless B's module file changes.)

So after a build this compares each room's module file with what it was when everything above it was last
known to be up to date. A room whose module file has changed has the rooms that know it, directly or not,
compiled anew. A change within function bodies does not change the module file and costs nothing.
"""

import hashlib
import json
import pathlib
import subprocess
import sys

RECORD = "heddle-rooms.json"
# Objects, and what the driver remembers of them; the rest of a room's folder is the plan of the build.
OUTPUTS = {".o", ".swiftdeps", ".priors"}


def swift(*arguments):
    return subprocess.run(["swift", *arguments], check=True, text=True, stdout=subprocess.PIPE).stdout


def dependents(package, changed):
    """The targets that know one of `changed`, directly or through others."""
    known_by = {}
    for target in package["targets"]:
        for dependency in target["dependencies"]:
            name = next(iter(dependency.values()))[0]
            known_by.setdefault(name, set()).add(target["name"])
    found, queue = set(), list(changed)
    while queue:
        for name in known_by.get(queue.pop(), set()) - found:
            found.add(name)
            queue.append(name)
    return found


def main():
    options = sys.argv[1:]
    build = ["swift", "build", *options]
    if subprocess.run(build).returncode:
        return 1
    # What decides where products are, without what decides which.
    where = [option for option in options if option != "--build-tests"]
    folder = pathlib.Path(swift("build", *where, "--show-bin-path").strip())
    package = json.loads(swift("package", "dump-package"))
    # The module of a target whose name is no identifier has underscores.
    rooms = {target["name"]: target["name"].replace("-", "_") for target in package["targets"]}
    record = folder / RECORD
    try:
        known = json.loads(record.read_text())
    except (OSError, ValueError):
        known = {}

    def modules():
        files = {room: folder / "Modules" / f"{module}.swiftmodule" for room, module in rooms.items()}
        return {room: hashlib.sha256(file.read_bytes()).hexdigest()
                for room, file in files.items() if file.exists()}

    now = modules()
    changed = {room for room, digest in now.items() if known.get(room) not in (None, digest)}
    stale = sorted(room for room in dependents(package, changed) & rooms.keys()
                   if (folder / f"{rooms[room]}.build").exists())
    if stale:
        print(f"changed: {', '.join(sorted(changed))}; compiling anew what knows them", flush=True)
        for room in stale:
            for file in (folder / f"{rooms[room]}.build").rglob("*"):
                if file.suffix in OUTPUTS:
                    file.unlink()
        if subprocess.run(build).returncode:
            return 1
    # Rooms that this build left out keep what was known of them.
    record.write_text(json.dumps({**known, **modules()}, indent=1, sort_keys=True))
    return 0


if __name__ == "__main__":
    sys.exit(main())
