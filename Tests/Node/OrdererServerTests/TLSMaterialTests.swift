// The files of the ports' TLS settings.

import FabricCrypto
import Foundation
import GoText
import HTTPTransport
import OrdererConfiguration
import TestSupport
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

  // MARK: Client certificates of the HTTP services

  /// What becomes of a client's certificate one hour after it and its CA have expired.
  private func verdict(
    shift: Duration,
    _ load: (OrdererConfiguration.TLS, @escaping @Sendable () -> UnixTime) throws -> HTTPServerTLS?
  ) throws -> String? {
    let crypto = Repository.crypto.path
    var tls = OrdererConfiguration().admin.tls
    tls.enabled = true
    tls.certificate = "\(crypto)/orderer.test/nodes/node1/tls/server.crt"
    tls.privateKey = "\(crypto)/orderer.test/nodes/node1/tls/server.key"
    tls.clientRootCAs = ["\(crypto)/org1.test/tlsca/cert.pem"]
    tls.tlsHandshakeTimeShift = shift
    let expired = UnixTime(seconds: 2_524_521_600 + 3600)
    let verify = try #require(try load(tls, { expired })?.clientVerification)
    let pem = try Data(
      contentsOf: Repository.crypto.appending(path: "org1.test/users/user1/tls.crt"))
    return verify([try #require(PEM.decodeFirst([UInt8](pem)[...])?.block.der)])
  }

  @Test func theAdminServiceJudgesCertificatesAtTheShiftedTime() throws {
    func isRefused(_ shift: Duration) throws -> Bool {
      let refusal = try verdict(shift: shift) { try TLSMaterial.administration($0, now: $1) }
      let expired = "x509: certificate has expired or is not yet valid"
      #expect(refusal?.hasPrefix(expired) != false)
      return refusal != nil
    }
    #expect(try isRefused(.zero))
    #expect(try isRefused(.seconds(3500)))
    #expect(try !isRefused(.seconds(2 * 3600)))
    #expect(try isRefused(.seconds(40 * 366 * 86_400)))
    // As in 3.1, the clock is never ahead.
    #expect(try isRefused(.seconds(-2 * 3600)))
  }

  @Test func theOperationsServiceKnowsNoShift() throws {
    let refused = try verdict(shift: .seconds(2 * 3600)) {
      try TLSMaterial.operations($0, now: $1)
    }
    #expect(refused != nil)
  }
}
