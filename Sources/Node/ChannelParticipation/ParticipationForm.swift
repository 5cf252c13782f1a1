// The forms in which clients send blocks and config updates.

import HTTPTransport

/// A form with one file.
struct ParticipationForm {
  /// The part of a join.
  static let configBlock = "config-block"
  /// The part of a config update.
  static let configUpdate = "config-update-envelope"

  private let boundary: String

  /// Checks that a request claims to bring a form.
  ///
  /// - Throws: ``RequestProblem`` with status 400.
  static func checkContentType(_ request: HTTPRequest) throws(RequestProblem) {
    let types = request.headers("Content-Type")
    guard types.contains(where: { $0.contains("multipart/form-dat") }) else {
      throw RequestProblem(
        status: 400, "unsupported Content-Type: [\(types.joined(separator: " "))]")
    }
  }

  /// - Throws: ``RequestProblem`` with status 400.
  init(_ request: HTTPRequest) throws(RequestProblem) {
    do {
      let type = try MediaType(parsing: request.header("Content-Type") ?? "")
      boundary = type.parameters["boundary"] ?? ""
    } catch { throw RequestProblem(status: 400, "cannot parse Mime media type: \(error)") }
  }

  /// The content of the form's only part, which has to be a file of this name.
  ///
  /// - Throws: ``RequestProblem`` with status 400.
  func file(_ name: String, in body: [UInt8]) throws(RequestProblem) -> [UInt8] {
    let form: MultipartForm
    do { form = try MultipartForm(body, boundary: boundary) } catch {
      throw Self.unreadable("\(error)")
    }
    guard let file = form.parts.first(where: { $0.name == name && $0.isFile }) else {
      throw RequestProblem(status: 400, "form does not contains part key: \(name)")
    }
    guard form.parts.count == 1 else {
      throw RequestProblem(status: 400, "form contains too many parts")
    }
    return Array(file.content)
  }

  /// The problem of a form that is larger than the node takes.
  static let tooLarge = unreadable("http: request body too large")

  private static func unreadable(_ reason: String) -> RequestProblem {
    RequestProblem(status: 400, "cannot read form from request body: \(reason)")
  }
}
