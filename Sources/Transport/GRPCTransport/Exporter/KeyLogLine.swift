// A line of TLS key logging, which brings the secrets of a handshake (NSS key log format).

import NIOCore

/// `LABEL RANDOM SECRET`, both in hexadecimal. Only the secret that exporters follow from is of use here.
struct KeyLogLine: Equatable {
  /// The random of the ClientHello, by which the connection is found.
  let clientRandom: [UInt8]
  let exporterSecret: [UInt8]

  /// The longest line that is looked at: the longest secret has 48 bytes.
  private static let maximumBytes = 256
  private static let label = Array("EXPORTER_SECRET ".utf8)

  /// Nil for every other line.
  init?(_ line: ByteBuffer) {
    guard line.readableBytes <= Self.maximumBytes else { return nil }
    self.init(Array(line.readableBytesView))
  }

  init?(_ line: [UInt8]) {
    guard line.starts(with: Self.label) else { return nil }
    let fields = line.dropFirst(Self.label.count).split(
      separator: UInt8(ascii: " "), maxSplits: 1, omittingEmptySubsequences: false)
    guard fields.count == 2, let random = Self.bytes(fields[0]),
      random.count == ClientRandom.byteCount,
      let secret = Self.bytes(fields[1].prefix { $0 != UInt8(ascii: "\n") })
    else { return nil }
    clientRandom = random
    exporterSecret = secret
  }

  private static func bytes(_ hexadecimal: ArraySlice<UInt8>) -> [UInt8]? {
    guard hexadecimal.count % 2 == 0 else { return nil }
    var bytes: [UInt8] = []
    bytes.reserveCapacity(hexadecimal.count / 2)
    var high: UInt8?
    for character in hexadecimal {
      guard let digit = Character(UnicodeScalar(character)).hexDigitValue else { return nil }
      if let upper = high {
        bytes.append(upper << 4 | UInt8(digit))
        high = nil
      } else {
        high = UInt8(digit)
      }
    }
    return bytes
  }
}
