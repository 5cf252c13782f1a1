// Addresses as Go reads and shows them.

import NIOCore
import Sockets
import Testing

@Suite struct NetworkAddressTests {
  @Test(arguments: [
    ("127.0.0.1:7050", "127.0.0.1", 7050), ("[::1]:80", "::1", 80), (":0", "", 0), ("", "", 0),
    ("localhost:", "localhost", 0), ("a.example:65535", "a.example", 65_535),
  ])
  func hostAndPortAreTakenApart(text: String, host: String, port: Int) throws {
    let address = try NetworkAddress(text)
    #expect(address.host == host)
    #expect(address.port == port)
  }

  @Test(arguments: [
    ("nohost", "address nohost: missing port in address"),
    ("a:b:c", "address a:b:c: too many colons in address; write [host]:port"),
    ("[::1:80", "address [::1:80: missing ']' in address"),
    ("a:65536", "address a:65536: '65536' is not a port, a number up to 65535"),
    ("a:-1", "address a:-1: '-1' is not a port, a number up to 65535"),
  ])
  func otherTextIsRefused(text: String, reason: String) {
    let error = #expect(throws: NetworkAddressError.self) { try NetworkAddress(text) }
    #expect(error?.description == reason)
  }

  @Test func withoutAHostItIsEveryInterfaceToListenAndThisMachineToDial() throws {
    let address = try NetworkAddress(":80")
    #expect(address.hostsToListen == ["::", "0.0.0.0"])
    #expect(address.hostToDial == "127.0.0.1")
    #expect(try NetworkAddress("localhost:1").hostsToListen == ["127.0.0.1", "::1"])
  }

  @Test func socketsAreShownAsGoDoes() throws {
    #expect(
      NetworkAddress.text(try SocketAddress(ipAddress: "::1", port: 7)) == "[::1]:7")
    #expect(
      NetworkAddress.text(try SocketAddress(ipAddress: "1.2.3.4", port: 7)) == "1.2.3.4:7")
    #expect(NetworkAddress.text(nil) == "")
  }
}
