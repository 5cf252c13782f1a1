// Turns log records into lines.

import GoText

/// Renders records in a format. Owned by the writer's thread: it numbers the lines it renders.
struct RecordEncoder: Sendable {
  /// The number of the last record that showed `%{id}`.
  private var sequence: UInt64 = 0
  /// The broken-down time of the last record's second; neighbouring records share it.
  private var cachedSecond: Int64?
  private var cachedTime = CivilTime()

  init() {}

  /// Appends the record and a newline.
  mutating func append(_ record: LogRecord, format: LogFormat, to output: inout [UInt8]) {
    switch format.encoding {
    case .console(let elements):
      let start = output.count
      for element in elements { append(element, record, to: &output) }
      appendFields(record, separated: output.count > start, to: &output)
    case .json: appendJSON(record, to: &output)
    case .logfmt: appendLogfmt(record, to: &output)
    }
    output.append(UInt8(ascii: "\n"))
  }

  // MARK: Console

  private mutating func append(
    _ element: LogFormat.Element, _ record: LogRecord, to output: inout [UInt8]
  ) {
    switch element {
    case .literal(let bytes): output.append(contentsOf: bytes)
    case .color(let bold):
      let color = record.level.color
      output.append(contentsOf: "\u{1b}[\(color)\(bold && color != 0 ? ";1" : "")m".utf8)
    case .colorReset: output.append(contentsOf: "\u{1b}[0m".utf8)
    case .id(let verb):
      sequence &+= 1
      output.append(contentsOf: verb.format(sequence).utf8)
    case .level(let verb): output.append(contentsOf: verb.format(record.level.capitalName).utf8)
    case .message(let verb):
      let message = Self.consoleText(record.message)
      output.append(contentsOf: (verb?.format(message) ?? message).utf8)
    case .module(let verb):
      output.append(contentsOf: (verb?.format(record.name) ?? record.name).utf8)
    case .function(let verb):
      if let verb {
        output.append(contentsOf: verb.format(String(record.shortFunction)).utf8)
      } else {
        output.append(contentsOf: record.shortFunction.utf8)
      }
    case .time(let layout): layout.append(time(of: record), to: &output)
    }
  }

  /// A message without the newlines at its end. No part of it can pass for a line of its own or for a
  /// command to the terminal: lines after the first are indented, control characters are escaped.
  private static func consoleText(_ message: String) -> String {
    var message = Substring(message)
    while message.last == "\n" { message.removeLast() }
    guard message.unicodeScalars.contains(where: ForeignText.mustBeEscaped) else {
      return String(message)
    }
    var text = ""
    var beginsLine = false
    for scalar in message.unicodeScalars {
      if beginsLine, scalar != " ", scalar != "\t" { text += " " }
      beginsLine = scalar == "\n"
      if beginsLine || scalar == "\t" {
        text.unicodeScalars.append(scalar)
      } else {
        ForeignText.append(scalar, to: &text)
      }
    }
    return text
  }

  private mutating func time(of record: LogRecord) -> CivilTime {
    if cachedSecond != record.time.seconds {
      cachedTime = CivilTime(local: record.time)
      cachedSecond = record.time.seconds
    }
    cachedTime.nanosecond = Int(record.time.nanoseconds)
    return cachedTime
  }

  /// Appends the fields as `key=value`, separated by blanks.
  private func appendFields(_ record: LogRecord, separated: Bool, to output: inout [UInt8]) {
    var separate = separated
    for (key, value) in record.fields {
      if separate { output.append(UInt8(ascii: " ")) }
      separate = true
      FieldEncoding.appendLogfmt(key: key, value: value, to: &output)
    }
  }

  // MARK: Structured

  private func appendJSON(_ record: LogRecord, to output: inout [UInt8]) {
    output.append(contentsOf: "{\"level\":\"\(record.level.name)\",\"ts\":".utf8)
    output.append(contentsOf: Self.timestamp(record).utf8)
    if !record.name.isEmpty {
      output.append(contentsOf: ",\"name\":".utf8)
      JSONText.append(record.name, .log, to: &output)
    }
    output.append(contentsOf: ",\"caller\":".utf8)
    JSONText.append("\(record.file):\(record.line)", .log, to: &output)
    output.append(contentsOf: ",\"msg\":".utf8)
    JSONText.append(record.message, .log, to: &output)
    for (key, value) in record.fields {
      output.append(UInt8(ascii: ","))
      JSONText.append(key, .log, to: &output)
      output.append(UInt8(ascii: ":"))
      FieldEncoding.appendJSON(value, to: &output)
    }
    output.append(UInt8(ascii: "}"))
  }

  private func appendLogfmt(_ record: LogRecord, to output: inout [UInt8]) {
    output.append(contentsOf: "ts=\(Self.timestamp(record)) level=\(record.level.name)".utf8)
    if !record.name.isEmpty {
      output.append(contentsOf: " name=".utf8)
      FieldEncoding.appendLogfmtText(record.name, to: &output)
    }
    output.append(contentsOf: " caller=".utf8)
    FieldEncoding.appendLogfmtText("\(record.file):\(record.line)", to: &output)
    output.append(contentsOf: " msg=".utf8)
    FieldEncoding.appendLogfmtText(record.message, to: &output)
    appendFields(record, separated: true, to: &output)
  }

  /// Seconds since 1970 with their fraction, without an exponent.
  private static func timestamp(_ record: LogRecord) -> String {
    let value = Double(record.time.seconds) + Double(record.time.nanoseconds) / 1e9
    let text = value.description
    return text.hasSuffix(".0") ? String(text.dropLast(2)) : text
  }
}
