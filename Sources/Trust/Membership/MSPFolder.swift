// The files of an MSP folder.

import FabricCrypto
import Foundation
import Storage

/// A folder in the layout Fabric's tools write. Anything unusable is an error or, where Fabric
/// passes over a file, a notice.
struct MSPFolder {
  /// Files larger than this many bytes are not read.
  static let maximumFileSize = 16 * 1024 * 1024
  /// Folders with more files than this are refused.
  static let maximumFiles = 4096

  let path: String
  /// What is being loaded, for messages.
  let subject: String

  /// An error about this folder.
  func problem(_ reason: String) -> MembershipError {
    .directory(subject: subject, path: path, reason: reason)
  }

  /// The path of something inside, as Go's `filepath.Join` makes it.
  func path(_ name: String) -> String {
    (name.hasPrefix("/") || path.hasSuffix("/") ? path + name : path + "/" + name)
  }

  /// Whether something is there, following symbolic links.
  static func kind(ofItemAt path: String) -> (exists: Bool, isDirectory: Bool) {
    var isDirectory: ObjCBool = false
    let exists = FileManager.default.fileExists(atPath: path, isDirectory: &isDirectory)
    return (exists, isDirectory.boolValue)
  }

  /// Checks that the folder itself is there.
  func checkExistence() throws(MembershipError) {
    let (exists, isDirectory) = Self.kind(ofItemAt: path)
    guard exists else { throw problem("the msp folder does not exist") }
    guard isDirectory else { throw problem("the path is not a folder") }
  }

  /// The names in a folder, sorted by their bytes as Go's `os.ReadDir` sorts them.
  func names(in folder: String) throws(MembershipError) -> [String] {
    let names: [String]
    do {
      names = try FileManager.default.contentsOfDirectory(atPath: folder)
    } catch {
      throw problem("the folder '\(folder)' cannot be read: \(Self.words(error))")
    }
    guard names.count <= Self.maximumFiles else {
      throw problem(
        "the folder '\(folder)' has \(names.count) files; the limit is \(Self.maximumFiles)")
    }
    return names.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
  }

  /// The contents of all PEM files of a subfolder, in order of name; nil if there is no such folder.
  /// Files without PEM and files that cannot be read are passed over with a notice, folders silently.
  func pemFiles(
    _ name: String, notices: inout [String]
  ) throws(MembershipError) -> [[UInt8]]? {
    let folder = path(name)
    guard Self.kind(ofItemAt: folder).exists else { return nil }
    var contents: [[UInt8]] = []
    for file in try names(in: folder) {
      let filePath = folder + "/" + file
      let (exists, isDirectory) = Self.kind(ofItemAt: filePath)
      if isDirectory { continue }
      guard exists else {
        notices.append("file '\(filePath)' is skipped: it is a link to nowhere")
        continue
      }
      do {
        let bytes = try BoundedFile.read(filePath, limit: Self.maximumFileSize)
        guard PEM.decodeFirst(bytes[...]) != nil else {
          notices.append("file '\(filePath)' is skipped: it has no PEM content")
          continue
        }
        contents.append(bytes)
      } catch {
        notices.append("file '\(filePath)' is skipped: \(Self.words(error))")
      }
    }
    return contents
  }

  /// The bytes of one file that has to be there.
  func contents(of filePath: String, what: String) throws(MembershipError) -> [UInt8] {
    do {
      return try BoundedFile.read(filePath, limit: Self.maximumFileSize)
    } catch {
      throw problem("\(what) '\(filePath)' cannot be read: \(Self.words(error))")
    }
  }

  /// An error of the file system in words.
  static func words(_ error: any Error) -> String {
    if let error = error as? StorageError { return error.reason }
    let error = error as NSError
    if let cause = error.userInfo[NSUnderlyingErrorKey] as? NSError,
      cause.domain == NSPOSIXErrorDomain
    {
      return String(cString: strerror(Int32(truncatingIfNeeded: cause.code)))
    }
    switch CocoaError.Code(rawValue: error.code) {
    case .fileReadNoSuchFile where error.domain == NSCocoaErrorDomain:
      return "no such file or directory"
    case .fileReadNoPermission where error.domain == NSCocoaErrorDomain:
      return "permission denied"
    default:
      return error.localizedDescription
    }
  }
}
