// An MSP: the authority on who belongs to one organization, and as what.

import FabricCrypto
import FabricProtos
import Foundation
import Synchronization

/// A membership service provider of type FABRIC. It is set up from its definition and never changes.
package final class MSP: Sendable {
  /// Serialized identities larger than this many bytes are refused unread.
  package static let maximumSerializedIdentitySize = 128 * 1024

  /// The MSP's name, such as `Org1MSP`.
  package let identifier: String
  /// The rules it follows.
  package let version: MSPVersion
  /// The roots that its members' TLS certificates come from, in DER.
  package let tlsRootCertificates: [[UInt8]]
  /// The intermediate CAs that its members' TLS certificates come from, in DER.
  package let tlsIntermediateCertificates: [[UInt8]]

  let rules: MSPRules
  /// Tells this object from every other MSP of the process, including its own successors.
  let instance: UInt64

  private static let instances = Atomic<UInt64>(0)

  /// Sets up an MSP from its definition. Only type 0 (FABRIC) is supported.
  package convenience init(
    config: Msp_MSPConfig, version: MSPVersion = .v1_4_3
  ) throws(MembershipError) {
    switch config.type {
    case 0: break
    case 1:
      let name = (try? Msp_IdemixMSPConfig(serializedBytes: config.config))?.name ?? ""
      throw .invalidConfiguration(
        mspID: name,
        reason: "it is of type idemix (1), which is not supported; define an X.509 MSP (type 0)")
    default:
      throw .invalidConfiguration(
        mspID: "", reason: "its type \(config.type) is unknown; define an X.509 MSP (type 0)")
    }
    let fabricConfig: Msp_FabricMSPConfig
    do {
      fabricConfig = try Msp_FabricMSPConfig(serializedBytes: config.config)
    } catch {
      throw .invalidConfiguration(
        mspID: "", reason: "it is not a FabricMSPConfig in protobuf form (\(error))")
    }
    try self.init(fabricConfig: fabricConfig, version: version)
  }

  /// Sets up an MSP from the definition inside an MSPConfig.
  package convenience init(
    fabricConfig: Msp_FabricMSPConfig, version: MSPVersion = .v1_4_3
  ) throws(MembershipError) {
    try self.init(fabricConfig: fabricConfig, version: version, keys: KeyRules(version))
  }

  init(
    fabricConfig: Msp_FabricMSPConfig, version: MSPVersion, keys: KeyRules
  ) throws(MembershipError) {
    do throws(CertificateProblem) {
      rules = try MSPRules(fabricConfig, version: version, keys: keys)
    } catch {
      throw .invalidConfiguration(mspID: fabricConfig.name, reason: error.description)
    }
    identifier = fabricConfig.name
    self.version = version
    func der(_ pems: [Data]) -> [[UInt8]] {
      pems.compactMap { PEM.decodeFirst(Array($0)[...])?.block.der }
    }
    tlsRootCertificates = der(fabricConfig.tlsRootCerts)
    tlsIntermediateCertificates = der(fabricConfig.tlsIntermediateCerts)
    instance = Self.instances.add(1, ordering: .relaxed).newValue
  }

  /// The identity of a certificate. It is an error here if the certificate is malformed, or if it is
  /// signed with ECDSA and has no chain; ``validate(_:)`` checks the rest.
  ///
  /// - Parameters:
  ///   - pem: a certificate in PEM; the first block counts, whatever follows.
  ///   - serialized: the SerializedIdentity that held it.
  package func identity(
    fromCertificatePEM pem: ArraySlice<UInt8>, serialized: [UInt8]
  ) throws(MembershipError) -> Identity {
    guard pem.count <= Self.maximumSerializedIdentitySize else {
      throw .malformedIdentity(
        "the certificate has \(pem.count) bytes of PEM; the limit is "
          + "\(Self.maximumSerializedIdentitySize)")
    }
    let parsed: ParsedCertificate
    do throws(CertificateProblem) {
      parsed = try ParsedCertificate(pem: pem)
    } catch {
      throw .malformedIdentity("\(error), MSP \(identifier)")
    }
    let publicKey: PublicKey
    do throws(CryptoError) {
      publicKey = try PublicKey(subjectPublicKeyInfo: parsed.subjectKey.der)
    } catch {
      throw .malformedIdentity("\(error) (\(parsed.summary)), MSP \(identifier)")
    }
    do throws(CertificateProblem) {
      let (certificate, chain) = try rules.admit(parsed)
      return Identity(
        mspID: identifier, serialized: serialized, certificate: certificate, publicKey: publicKey,
        owner: instance, standing: rules.standing(of: certificate, chain: chain))
    } catch {
      throw .invalidIdentity(mspID: identifier, reason: "\(error) (\(parsed.summary))")
    }
  }

  /// The identity of a certificate in PEM, serialized under this MSP's name.
  package func identity(fromCertificatePEM pem: [UInt8]) throws(MembershipError) -> Identity {
    try identity(
      fromCertificatePEM: pem[...],
      serialized: SerializedIdentity.serialize(mspID: identifier, certificatePEM: pem))
  }

  /// Checks that the identity is one of this MSP's: its chain, revocation, organizational units.
  /// As in Fabric, a certificate that has expired passes.
  package func validate(_ identity: Identity) throws(MembershipError) {
    if let problem = standing(of: identity).problem {
      throw .invalidIdentity(
        mspID: identifier, reason: "\(problem) (\(identity.certificate.summary))")
    }
  }

  /// The certificates of CAs and admins, in DER and with their summaries, that nodes of release 2.x
  /// cannot read and would refuse the whole MSP for.
  package var certificatesUnreadableBy2x: [[UInt8]: String] { rules.unreadableBy2x }

  /// What this MSP makes of an identity, even one that another MSP object made.
  func standing(of identity: Identity) -> IdentityStanding {
    if identity.owner == instance { return identity.standing }
    do throws(CertificateProblem) {
      let (certificate, chain) = try rules.admit(identity.certificate)
      return rules.standing(of: certificate, chain: chain)
    } catch {
      return IdentityStanding(problem: error)
    }
  }
}
