// Tells whether the index has every block that anybody can have seen.

import Foundation
import Storage

/// Names the time since which every block has been in the index before it was seen.
///
/// What is written without a sync outlives the process, but not the machine: so each boot is a time of
/// its own, which every channel notes in the index when it is opened. And a block that could not be
/// entered is shown all the same, e.g. when the disk is full: so there is an empty file that is removed
/// before that, for which no room is needed. Where it is missing, what was noted counts for nothing.
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
