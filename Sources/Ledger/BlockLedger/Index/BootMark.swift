// Tells whether the index has every block that anybody can have seen.

import Foundation
import Storage

/// Names the time since which every block has been in the index before it was seen.
///
/// What is written without a sync survives the process, but not a crash of the machine: so each
/// boot counts separately, and every channel notes it in the index when it is opened. And a block
/// that could not be entered is shown all the same, e.g. when the disk is full: before that, an
/// empty file is removed, which needs no room. If that file is missing, what was noted does not
/// count.
final class BootMark: Sendable {
  /// What channels note; empty if nothing is certain.
  let identifier: [UInt8]
  private let path: String

  /// - Parameters:
  ///   - chains: has the folders of the channels.
  ///   - boot: of the machine; empty if that is not known.
  init(database: LevelDB, chains: String, boot: [UInt8]) {
    path = "\(database.path)/complete"
    do {
      if !Folder.exists(path) {
        for channelID in try Folder.names(chains, kind: .folder) {
          try ChannelIndex(database: database, channelID: channelID).forgetBoot()
        }
        _ = try File(path, .creating)
      }
      identifier = boot
    } catch {
      identifier = []
    }
  }

  /// A block that the index does not know is about to be seen.
  func remove() { unlink(path) }
}
