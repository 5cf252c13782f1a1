// Forms as browsers, curl and osnadmin send them: `multipart/form-data`.

/// The fields of a form (RFC 7578; Go: `mime/multipart`), as slices of the body that they came in.
///
/// Lines may end in CRLF or, if the first one does, in LF alone.
package struct MultipartForm: Sendable {
  /// A field.
  package struct Part: Sendable {
    package let name: String
    /// nil or empty unless the field is a file.
    package let fileName: String?
    package let content: ArraySlice<UInt8>

    package var isFile: Bool { !(fileName ?? "").isEmpty }
  }

  /// Why a body is no form, in the words of Go's orderer as far as it has any.
  package struct Malformed: Error, CustomStringConvertible {
    package let description: String
  }

  /// Fields that a form may have.
  package static let maximumParts = 100
  /// Bytes of one field's headers.
  package static let maximumHeaderBytes = 8 << 10

  /// In the order of the form; those without a name are left out.
  package let parts: [Part]

  /// - Parameter boundary: The parameter of that name of the Content-Type.
  /// - Throws: ``Malformed``
  package init(_ body: [UInt8], boundary: String) throws(Malformed) {
    guard !boundary.isEmpty else { throw Malformed(description: "multipart: boundary is empty") }
    var reader = MultipartReader(body: body, boundary: Array(boundary.utf8))
    guard try reader.skipPreamble() else {
      parts = []
      return
    }
    var parts: [Part] = []
    var count = 0
    repeat {
      count += 1
      guard count <= Self.maximumParts else {
        throw Malformed(description: "multipart: more than \(Self.maximumParts) parts")
      }
      let fields = try reader.headers(limit: Self.maximumHeaderBytes)
      let content = try reader.content()
      if let part = try Self.part(fields, content) { parts.append(part) }
    } while try reader.hasNext()
    self.parts = parts
  }

  /// A part, if its headers say that it is a field of a form and has a name.
  private static func part(
    _ fields: [(name: String, value: String)], _ content: ArraySlice<UInt8>
  ) throws(Malformed) -> Part? {
    let coding = fields.first { $0.name == "content-transfer-encoding" }?.value.lowercased()
    guard coding != "quoted-printable", coding != "base64" else {
      throw Malformed(
        description: "multipart: a part is encoded as \(coding ?? ""); send its bytes as they are")
    }
    guard let text = fields.first(where: { $0.name == "content-disposition" })?.value,
      let disposition = try? MediaType(parsing: text), disposition.name == "form-data",
      let name = disposition.parameters["name"], !name.isEmpty
    else { return nil }
    let fileName = disposition.parameters["filename"] ?? disposition.parameters["filename*"]
    return Part(name: name, fileName: fileName, content: content)
  }
}
