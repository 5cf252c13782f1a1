// Paths relative to a folder.

/// Lexical path arithmetic (Fabric: core/config.TranslatePath, Go: path/filepath).
package enum ConfigurationPath {
  /// An absolute path unchanged, a relative one below the folder.
  package static func resolve(_ path: String, against folder: String) -> String {
    path.hasPrefix("/") ? path : clean(folder + "/" + path)
  }

  /// The shortest path with the same meaning, without following links.
  package static func clean(_ path: String) -> String {
    let absolute = path.hasPrefix("/")
    var parts: [Substring] = []
    for part in path.split(separator: "/") where part != "." {
      if part == "..", let last = parts.last, last != ".." {
        parts.removeLast()
      } else if part != ".." || !absolute {
        parts.append(part)
      }
    }
    let joined = parts.joined(separator: "/")
    return absolute ? "/" + joined : joined.isEmpty ? "." : joined
  }

  /// The folder that a file is in.
  package static func folder(of file: String) -> String {
    guard let slash = file.lastIndex(of: "/") else { return "." }
    return slash == file.startIndex ? "/" : String(file[..<slash])
  }
}
