// Base64 inside PEM: the standard alphabet with padding, ignoring line ends and blanks.

enum Base64 {
  private static let padding = UInt8(ascii: "=")
  private static let alphabet = Array(
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)

  /// 0…63 the value of a character, 64 a character to skip, 65 a character that must not occur.
  private static let values: [UInt8] = {
    var table = [UInt8](repeating: 65, count: 256)
    for (value, character) in alphabet.enumerated() { table[Int(character)] = UInt8(value) }
    for blank: UInt8 in [0x0A, 0x0D, 0x20, 0x09] { table[Int(blank)] = 64 }
    return table
  }()

  /// The bytes that `text` stands for; nil if it holds other characters, lacks its padding or goes on
  /// after it. As in Go, bits left over in the last character are ignored.
  static func decode(_ text: ArraySlice<UInt8>) -> [UInt8]? {
    var output: [UInt8] = []
    output.reserveCapacity(text.count / 4 * 3 + 3)
    var accumulator: UInt32 = 0
    var count = 0
    var paddings = 0
    for character in text {
      let value = values[Int(character)]
      if value < 64 {
        guard paddings == 0 else { return nil }
        accumulator = accumulator << 6 | UInt32(value)
        count += 1
        if count == 4 {
          output.append(UInt8(truncatingIfNeeded: accumulator >> 16))
          output.append(UInt8(truncatingIfNeeded: accumulator >> 8))
          output.append(UInt8(truncatingIfNeeded: accumulator))
          accumulator = 0
          count = 0
        }
      } else if character == padding {
        paddings += 1
        guard count >= 2, count + paddings <= 4 else { return nil }
      } else if value == 65 {
        return nil
      }
    }
    switch (count, paddings) {
    case (0, 0):
      return output
    case (2, 2):
      output.append(UInt8(truncatingIfNeeded: accumulator >> 4))
      return output
    case (3, 1):
      output.append(UInt8(truncatingIfNeeded: accumulator >> 10))
      output.append(UInt8(truncatingIfNeeded: accumulator >> 2))
      return output
    default:
      return nil
    }
  }

  /// Appends `bytes` in base64, with a line feed after each line.
  static func append(_ bytes: [UInt8], to text: inout [UInt8], lineLength: Int) {
    var column = 0
    func character(_ value: UInt32) -> UInt8 { alphabet[Int(value & 63)] }
    func put(_ value: UInt8) {
      text.append(value)
      column += 1
      if column == lineLength {
        text.append(0x0A)
        column = 0
      }
    }
    var index = 0
    while index < bytes.count {
      let available = min(3, bytes.count - index)
      var group = UInt32(bytes[index]) << 16
      if available > 1 { group |= UInt32(bytes[index + 1]) << 8 }
      if available > 2 { group |= UInt32(bytes[index + 2]) }
      put(character(group >> 18))
      put(character(group >> 12))
      put(available > 1 ? character(group >> 6) : padding)
      put(available > 2 ? character(group) : padding)
      index += 3
    }
    if column > 0 { text.append(0x0A) }
  }
}
