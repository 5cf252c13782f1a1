// What messages for the operator call the HTTP servers of a node, and their settings.

import HTTPTransport

extension HTTPServerName {
  package static let operations = HTTPServerName(
    subsystem: "operations subsystem", addressSetting: "Operations.ListenAddress",
    tlsSection: "Operations.TLS")
  package static let profiling = HTTPServerName(
    subsystem: "profiling service", addressSetting: "General.Profile.Address")
}
