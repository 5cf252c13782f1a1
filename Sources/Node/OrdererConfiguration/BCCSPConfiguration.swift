// The settings below `General.BCCSP`: where keys live.

extension OrdererConfiguration {
  /// The crypto provider.
  package struct BCCSP: Sendable, Equatable {
    /// Which provider signs.
    package enum Provider: String, Sendable, CaseIterable {
      /// Keys in files.
      case software = "SW"
      /// Keys in a hardware security module.
      case pkcs11 = "PKCS11"
    }

    package var provider = Provider.software
    package var software = Software()
    package var pkcs11 = PKCS11()
  }

  /// Keys in files.
  package struct Software: Sendable, Equatable {
    /// `SHA2` or `SHA3`.
    package var hash = "SHA2"
    /// Bits: 256 or 384.
    package var security = 256
    /// Empty: the folder `keystore` of the local MSP.
    package var keyStore = ""
  }

  /// Keys in a hardware security module.
  package struct PKCS11: Sendable, Equatable {
    /// Path of the module's shared library.
    package var library = ""
    /// The token's label.
    package var label = ""
    /// The token's user PIN. Never shown.
    package var pin = ""
    package var hash = ""
    package var security = 0
    /// Verify signatures in software.
    package var softwareVerify = false
    /// Keys cannot be changed once made.
    package var immutable = false
    /// A key id for modules that do not let the SKI be one.
    package var altID = ""
    package var keyIDs: [PKCS11KeyID] = []
  }

  /// The id in the module of the key with a certain SKI.
  package struct PKCS11KeyID: Sendable, Equatable {
    /// Hexadecimal.
    package var ski: String
    package var id: String

    package init(ski: String, id: String) {
      self.ski = ski
      self.id = id
    }
  }
}
