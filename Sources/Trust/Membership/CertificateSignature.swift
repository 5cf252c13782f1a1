// Signature algorithms of certificates and revocation lists.

import SwiftASN1
import X509

/// The algorithm a CA signed with.
enum CertificateSignatureAlgorithm: Sendable, Hashable {
  case ecdsa(Certificate.SignatureAlgorithm)
  /// ECDSA over SHA-1, which nobody accepts but which counts as ECDSA.
  case ecdsaWithSHA1
  case rsa(Certificate.SignatureAlgorithm)
  case rsaPSS(PSSHash)
  /// RSA over SHA-1: accepted on revocation lists only, as Go does.
  case rsaWithSHA1
  case ed25519
  case unknown(ASN1ObjectIdentifier)

  /// Reads a DER AlgorithmIdentifier. Go: `crypto/x509` (`getSignatureAlgorithmFromAI`).
  init(algorithmIdentifier node: ASN1Node) throws {
    guard case .constructed(let children) = node.content, node.identifier == .sequence else {
      throw CertificateProblem("malformed signature algorithm")
    }
    var fields = children.makeIterator()
    let identifier = try ASN1ObjectIdentifier(derEncoded: &fields)
    switch identifier {
    case [1, 2, 840, 10045, 4, 1]: self = .ecdsaWithSHA1
    case [1, 2, 840, 10045, 4, 3, 2]: self = .ecdsa(.ecdsaWithSHA256)
    case [1, 2, 840, 10045, 4, 3, 3]: self = .ecdsa(.ecdsaWithSHA384)
    case [1, 2, 840, 10045, 4, 3, 4]: self = .ecdsa(.ecdsaWithSHA512)
    case [1, 2, 840, 113549, 1, 1, 5]: self = .rsaWithSHA1
    case [1, 2, 840, 113549, 1, 1, 10]:
      self = PSSHash(parameters: fields.next()).map { .rsaPSS($0) } ?? .unknown(identifier)
    case [1, 2, 840, 113549, 1, 1, 11]: self = .rsa(.sha256WithRSAEncryption)
    case [1, 2, 840, 113549, 1, 1, 12]: self = .rsa(.sha384WithRSAEncryption)
    case [1, 2, 840, 113549, 1, 1, 13]: self = .rsa(.sha512WithRSAEncryption)
    case [1, 3, 101, 112]: self = fields.next() == nil ? .ed25519 : .unknown(identifier)
    default: self = .unknown(identifier)
    }
  }

  /// Whether such signatures come in equivalent pairs, with high S and with low S.
  var isECDSA: Bool {
    switch self {
    case .ecdsa, .ecdsaWithSHA1: true
    default: false
    }
  }

  /// What the library calls it; nil if it does not verify such signatures.
  func libraryAlgorithm(allowSHA1: Bool) -> Certificate.SignatureAlgorithm? {
    switch self {
    case .ecdsa(let algorithm), .rsa(let algorithm): algorithm
    case .ed25519: .ed25519
    case .rsaWithSHA1: allowSHA1 ? .sha1WithRSAEncryption : nil
    case .rsaPSS, .ecdsaWithSHA1, .unknown: nil
    }
  }
}

/// The hash of an RSA-PSS signature, which its parameters name three times.
enum PSSHash: Sendable, Hashable {
  case sha256
  case sha384
  case sha512

  private static let maskGeneration: ASN1ObjectIdentifier = [1, 2, 840, 113549, 1, 1, 8]

  /// The hash of PSS parameters in the one form that Go takes: the mask made with the same hash, a salt
  /// as long as its digest, the usual trailer. Nil for all others.
  init?(parameters: ASN1Node?) {
    guard let parameters, var fields = try? Parts.children(of: parameters, what: "parameters"),
      let hash = Self.tagged(0, &fields).flatMap(Self.algorithm),
      let mask = Self.tagged(1, &fields).flatMap(Self.algorithm),
      let salt = Self.tagged(2, &fields).flatMap({ try? Int(derEncoded: $0) }),
      Self.isEmpty(hash.parameters), mask.identifier == Self.maskGeneration,
      let maskHash = mask.parameters.flatMap(Self.algorithm),
      maskHash.identifier == hash.identifier, Self.isEmpty(maskHash.parameters)
    else { return nil }
    if let trailer = Self.tagged(3, &fields) {
      guard (try? Int(derEncoded: trailer)) == 1 else { return nil }
    }
    switch (hash.identifier, salt) {
    case ([2, 16, 840, 1, 101, 3, 4, 2, 1], 32): self = .sha256
    case ([2, 16, 840, 1, 101, 3, 4, 2, 2], 48): self = .sha384
    case ([2, 16, 840, 1, 101, 3, 4, 2, 3], 64): self = .sha512
    default: return nil
    }
  }

  /// The content of the next field, which must have this explicit tag.
  private static func tagged(
    _ number: UInt, _ fields: inout ASN1NodeCollection.Iterator
  ) -> ASN1Node? {
    guard let field = fields.next(),
      field.identifier == ASN1Identifier(tagWithNumber: number, tagClass: .contextSpecific),
      var content = try? Parts.children(ofAny: field, what: "parameters")
    else { return nil }
    return content.next()
  }

  private static func algorithm(
    _ node: ASN1Node
  ) -> (identifier: ASN1ObjectIdentifier, parameters: ASN1Node?)? {
    guard var fields = try? Parts.children(of: node, what: "algorithm"),
      let identifier = try? ASN1ObjectIdentifier(derEncoded: &fields)
    else { return nil }
    return (identifier, fields.next())
  }

  private static func isEmpty(_ parameters: ASN1Node?) -> Bool {
    parameters.map { $0.identifier == .null } ?? true
  }
}
