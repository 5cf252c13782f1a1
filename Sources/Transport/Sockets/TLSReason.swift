// Why a TLS handshake failed, in words that are worth a log line.

/// Reasons of BoringSSL.
package enum TLSReason {
  /// What a description of swift-nio-ssl's says, without the places in BoringSSL's source code, which are
  /// paths of the machine that built this program.
  ///
  /// `sslError([Error: 268435581 error:1000007d:SSL routines:OPENSSL_internal:NO_SHARED_CIPHER at
  /// /…/handshake_server.cc:393])` is `SSL routines: NO_SHARED_CIPHER`.
  package static func text(_ description: String) -> String {
    let reasons = description.matches(
      of: #/error:[0-9a-f]+:(?<library>[^:]*):[^:]*:(?<reason>[^:]*?) at [^\n]*?:[0-9]+/#
    ).map { "\($0.library): \($0.reason)" }
    guard reasons.isEmpty else { return reasons.joined(separator: ", ") }
    return description.replacing(#/ at [^ \n]*/[^ \n]*:[0-9]+/#, with: "")
  }
}
