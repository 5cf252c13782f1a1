"""What scripts/build.py builds is up to date, also where `swift build` alone would leave it stale."""

import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]

FILES = {
    "Package.swift": """
// swift-tools-version: 6.1
import PackageDescription
let package = Package(
  name: "house",
  targets: [
    .target(name: "Cellar"), .target(name: "Hall", dependencies: ["Cellar"]),
    .executableTarget(name: "Roof", dependencies: ["Hall"]),
  ])
""".lstrip(),
    "Sources/Cellar/Inner.swift": "struct Inner { var first = 1 }\n",
    "Sources/Cellar/Outer.swift": """
package struct Outer {
  private var inner = Inner()
  package var tail = 42
  package init() {}
}
package protocol Small { func one() -> Int }
extension Small { package func two() -> Int { one() * 2 } }
""",
    "Sources/Hall/Holder.swift": """
import Cellar
package struct Holder {
  package var outer = Outer()
  package var last = 99
  package init() {}
}
package protocol Large: Small { func three() -> Int }
package func all(_ large: any Large) -> Int { large.two() * 10 + large.three() }
""",
    "Sources/Roof/main.swift": """
import Hall
struct Implementation: Large {
  func one() -> Int { 1 }
  func three() -> Int { 3 }
}
print(Holder().last, Holder().outer.tail, all(Implementation()))
""",
}


def test_a_change_that_reaches_a_room_through_another_one(tmp_path):
    """The layout of a struct within a struct, and the requirements of a protocol behind a protocol."""
    for name, text in FILES.items():
        file = tmp_path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)

    def build_and_run():
        subprocess.run([sys.executable, ROOT / "scripts/build.py"], cwd=tmp_path, check=True)
        return subprocess.run([tmp_path / ".build/debug/Roof"], capture_output=True, text=True,
                              check=True).stdout.split()

    assert build_and_run() == ["99", "42", "23"]
    inner = tmp_path / "Sources/Cellar/Inner.swift"
    inner.write_text("struct Inner { var first = 1; var second = 2; var text = \"\" }\n")
    assert build_and_run() == ["99", "42", "23"]
    outer = tmp_path / "Sources/Cellar/Outer.swift"
    outer.write_text(outer.read_text().replace(
        "{ func one() -> Int }", "{ func zero() -> Int; func one() -> Int }").replace(
        "extension Small {", "extension Small { package func zero() -> Int { 0 }; "))
    assert build_and_run() == ["99", "42", "23"]
