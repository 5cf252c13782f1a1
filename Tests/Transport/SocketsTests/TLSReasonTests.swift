// What the log says of a failed handshake.

import Sockets
import Testing

@Suite struct TLSReasonTests {
  @Test(arguments: [
    (
      "sslError([Error: 268435581 error:1000007d:SSL routines:OPENSSL_internal:"
        + "CERTIFICATE_VERIFY_FAILED at /build/a b/.build/checkouts/ssl/handshake.cc:393])",
      "SSL routines: CERTIFICATE_VERIFY_FAILED"
    ),
    (
      "sslError([Error: 1 error:10000066:X.509 certificate routines:OPENSSL_internal:FIRST at "
        + "/a/b.cc:1, Error: 2 error:100000c0:SSL routines:OPENSSL_internal:SECOND at /c.cc:22])",
      "X.509 certificate routines: FIRST, SSL routines: SECOND"
    ),
    ("sslError([Error:  EOF during handshake])", "sslError([Error:  EOF during handshake])"),
    ("NIOSSLError.oops at /a/b/c.swift:12", "NIOSSLError.oops"), ("", ""),
  ])
  func placesInSourceCodeAreLeftOut(description: String, text: String) {
    #expect(TLSReason.text(description) == text)
  }
}
