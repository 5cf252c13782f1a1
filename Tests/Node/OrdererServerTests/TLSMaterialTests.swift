// The files of the ports' TLS settings.

import Foundation
import OrdererConfiguration
import Testing

@testable import OrdererServer

@Suite struct TLSMaterialTests {
  private func loading(_ content: Data?) throws -> String {
    let path = "\(FileManager.default.temporaryDirectory.path)/heddle-tls-\(UUID().uuidString)"
    defer { try? FileManager.default.removeItem(atPath: path) }
    if let content { try content.write(to: URL(fileURLWithPath: path)) }
    var tls = OrdererConfiguration().general.tls
    tls.enabled = true
    tls.certificate = path
    tls.privateKey = path
    do {
      _ = try TLSMaterial.load(tls)
      return "loaded"
    } catch { return "\(error)".replacing(path, with: "FILE") }
  }

  @Test func aFileBeyondTheLimitIsAnErrorAndNotCutOff() throws {
    let limit = TLSMaterial.maximumFileSize
    #expect(try loading(Data(repeating: 10, count: limit)) == "loaded")
    #expect(
      try loading(Data(repeating: 10, count: limit + 1))
        == "Failed to load the TLS file of General.TLS.Certificate, 'FILE': "
        + "it is larger than \(limit) bytes")
  }

  @Test func aMissingFileIsNamedWithItsSetting() throws {
    #expect(
      try loading(nil)
        == "Failed to load the TLS file of General.TLS.Certificate, 'FILE': "
        + "No such file or directory")
  }
}
