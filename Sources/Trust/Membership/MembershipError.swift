// What can go wrong with MSPs and identities, worded for the log and for the client that was refused.

import SwiftASN1

/// Why an MSP could not be set up, or an identity was not accepted.
package enum MembershipError: Error, Sendable, Equatable, CustomStringConvertible {
  /// The identity names an MSP that the channel's configuration does not define.
  case unknownMSP(String)
  /// The bytes are not a serialized identity with a certificate this software can use.
  case malformedIdentity(String)
  /// The identity's MSP does not accept it: chain, revocation or organizational units.
  case invalidIdentity(mspID: String, reason: String)
  /// A principal of a policy that cannot be understood, or that the MSP's version does not know.
  case invalidPrincipal(String)
  /// The identity is fine but is not what the principal asks for.
  case principalNotSatisfied(String)
  /// The definition of an MSP contradicts itself or lacks something.
  case invalidConfiguration(mspID: String, reason: String)
  /// An MSP folder cannot be used. `subject` is what was being loaded, such as `the local MSP`.
  case directory(subject: String, path: String, reason: String)

  /// The reason in words, naming the MSP or the folder.
  package var description: String {
    switch self {
    case .unknownMSP(let mspID):
      "MSP \(mspID) is not defined on the channel"
    case .malformedIdentity(let reason):
      "could not deserialize the identity: \(reason)"
    case .invalidIdentity(let mspID, let reason):
      "the identity is not valid under MSP \(mspID): \(reason)"
    case .invalidPrincipal(let reason):
      "invalid principal: \(reason)"
    case .principalNotSatisfied(let reason):
      reason
    case .invalidConfiguration("", let reason):
      "the definition of an MSP, which does not tell its name, cannot be used: \(reason)"
    case .invalidConfiguration(let mspID, let reason):
      "the definition of MSP '\(mspID)' cannot be used: \(reason)"
    case .directory(let subject, let path, let reason):
      "msp: could not load \(subject) from '\(path)': \(reason)"
    }
  }
}

/// A reason found while a certificate or a chain is checked; the caller adds whose it is.
struct CertificateProblem: Error, Sendable, Equatable, CustomStringConvertible {
  var description: String

  init(_ description: String) {
    self.description = description
  }

  /// The problem with bytes that are not DER of what `what` has to be.
  static func malformed(_ what: String, _ error: any Error) -> CertificateProblem {
    // The library's text names its source files, which tells an operator nothing.
    let reason =
      switch (error as? ASN1Error)?.code {
      case nil: "\(error)"
      case .truncatedASN1Field: "it ends too early"
      case .unexpectedFieldType: "a field has another type than it must have"
      case .invalidASN1IntegerEncoding: "a number is not in its shortest form"
      case .unsupportedFieldLength: "the length of a field is not in DER"
      case .invalidASN1Object, _: "a field does not have the form it must have"
      }
    return CertificateProblem("\(what) is malformed: \(reason)")
  }

  /// The same problem, with what was being done in front of it.
  func during(_ activity: String) -> CertificateProblem {
    CertificateProblem("\(activity): \(description)")
  }
}
