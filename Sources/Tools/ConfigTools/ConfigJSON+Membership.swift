// Policies and the definitions of MSPs as JSON.

import FabricProtos

extension ConfigJSON {
  // MARK: Policies

  static func policy(_ message: WireMessage) throws(ConfigToolsError) -> JSONValue {
    let content: WireMessage.Renderer? =
      switch Common_Policy.PolicyType(rawValue: Int(message.rawInt32(1))) {
      case .signature: signaturePolicyEnvelope
      case .implicitMeta: implicitMetaPolicy
      default: nil
      }
    return .object([
      "type": message.int32(1), "value": try message.opaque(2, "value", content),
    ])
  }

  private static func implicitMetaPolicy(
    _ message: WireMessage
  ) throws(ConfigToolsError) -> JSONValue {
    .object([
      "sub_policy": try message.string(1),
      "rule": message.enumeration(2, ["ANY", "ALL", "MAJORITY"]),
    ])
  }

  private static func signaturePolicyEnvelope(
    _ message: WireMessage
  ) throws(ConfigToolsError) -> JSONValue {
    .object([
      "version": message.int32(1), "rule": try message.message(2, "rule", signaturePolicy),
      "identities": try message.messages(3, "identities", principal),
    ])
  }

  private static func signaturePolicy(
    _ message: WireMessage
  ) throws(ConfigToolsError) -> JSONValue {
    if message.has(2) {
      return .object([
        "n_out_of": try message.message(2, "n_out_of") { gate throws(ConfigToolsError) in
          .object([
            "n": gate.int32(1), "rules": try gate.messages(2, "rules", signaturePolicy),
          ])
        }
      ])
    }
    return .object(message.hasNumber(1) ? ["signed_by": message.int32(1)] : [:])
  }

  private static func principal(_ message: WireMessage) throws(ConfigToolsError) -> JSONValue {
    let content: WireMessage.Renderer? =
      switch Common_MSPPrincipal.Classification(rawValue: Int(message.rawInt32(1))) {
      case .role: role
      case .organizationUnit: organizationUnit
      case .identity: serializedIdentity
      default: nil
      }
    return .object([
      "principal_classification": message.enumeration(
        1, ["ROLE", "ORGANIZATION_UNIT", "IDENTITY", "ANONYMITY", "COMBINED"]),
      "principal": try message.opaque(2, "principal", content),
    ])
  }

  private static func role(_ message: WireMessage) throws(ConfigToolsError) -> JSONValue {
    .object([
      "msp_identifier": try message.string(1),
      "role": message.enumeration(2, ["MEMBER", "ADMIN", "CLIENT", "PEER", "ORDERER"]),
    ])
  }

  private static func organizationUnit(
    _ message: WireMessage
  ) throws(ConfigToolsError) -> JSONValue {
    .object([
      "msp_identifier": try message.string(1),
      "organizational_unit_identifier": try message.string(2),
      "certifiers_identifier": message.bytes(3),
    ])
  }

  // MARK: MSPs

  static func mspConfig(_ message: WireMessage) throws(ConfigToolsError) -> JSONValue {
    let content: WireMessage.Renderer? =
      switch message.rawInt32(1) {
      case 0: fabricMSPConfig
      case 1: idemixMSPConfig
      default: nil
      }
    return .object([
      "type": message.int32(1), "config": try message.opaque(2, "config", content),
    ])
  }

  private static func fabricMSPConfig(
    _ message: WireMessage
  ) throws(ConfigToolsError) -> JSONValue {
    .object([
      "name": try message.string(1), "root_certs": message.byteStrings(2),
      "intermediate_certs": message.byteStrings(3), "admins": message.byteStrings(4),
      "revocation_list": message.byteStrings(5),
      "signing_identity": try message.message(6, "signing_identity") {
        identity throws(ConfigToolsError) in
        .object([
          "public_signer": identity.bytes(1),
          "private_signer": try identity.message(2, "private_signer") {
            key throws(ConfigToolsError) in
            .object(["key_identifier": try key.string(1), "key_material": key.bytes(2)])
          },
        ])
      },
      "organizational_unit_identifiers": try message.messages(
        7, "organizational_unit_identifiers", unitIdentifier),
      "crypto_config": try message.message(8, "crypto_config") { crypto throws(ConfigToolsError) in
        .object([
          "signature_hash_family": try crypto.string(1),
          "identity_identifier_hash_function": try crypto.string(2),
        ])
      },
      "tls_root_certs": message.byteStrings(9),
      "tls_intermediate_certs": message.byteStrings(10),
      "fabric_node_ous": try message.message(11, "fabric_node_ous", nodeOUs),
    ])
  }

  private static func nodeOUs(_ message: WireMessage) throws(ConfigToolsError) -> JSONValue {
    .object([
      "enable": message.bool(1),
      "client_ou_identifier": try message.message(2, "client_ou_identifier", unitIdentifier),
      "peer_ou_identifier": try message.message(3, "peer_ou_identifier", unitIdentifier),
      "admin_ou_identifier": try message.message(4, "admin_ou_identifier", unitIdentifier),
      "orderer_ou_identifier": try message.message(5, "orderer_ou_identifier", unitIdentifier),
    ])
  }

  private static func unitIdentifier(
    _ message: WireMessage
  ) throws(ConfigToolsError) -> JSONValue {
    .object([
      "certificate": message.bytes(1), "organizational_unit_identifier": try message.string(2),
    ])
  }

  private static func idemixMSPConfig(
    _ message: WireMessage
  ) throws(ConfigToolsError) -> JSONValue {
    .object([
      "name": try message.string(1), "ipk": message.bytes(2),
      "signer": try message.message(3, "signer") { signer throws(ConfigToolsError) in
        .object([
          "cred": signer.bytes(1), "sk": signer.bytes(2),
          "organizational_unit_identifier": try signer.string(3), "role": signer.int32(4),
          "enrollment_id": try signer.string(5),
          "credential_revocation_information": signer.bytes(6),
        ])
      },
      "revocation_pk": message.bytes(4), "epoch": message.int64(5),
    ])
  }
}
