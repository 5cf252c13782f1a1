// The settings below `General.BCCSP`: where keys live.

extension OrdererConfiguration {
  /// The crypto provider.
  public struct BCCSP: Sendable, Equatable {
    /// Which provider signs.
    public enum Provider: String, Sendable, CaseIterable {
      /// Keys in files.
      case software = "SW"
      /// Keys in a hardware security module.
      case pkcs11 = "PKCS11"
    }

    public var provider = Provider.software
    public var software = Software()
    public var pkcs11 = PKCS11()
  }

  /// Keys in files.
  public struct Software: Sendable, Equatable {
    /// `SHA2` or `SHA3`.
    public var hash = "SHA2"
    /// Bits: 256 or 384.
    public var security = 256
    /// Empty: the folder `keystore` of the local MSP.
    public var keyStore = ""
  }

  /// Keys in a hardware security module.
  public struct PKCS11: Sendable, Equatable {
    /// Path of the module's shared library.
    public var library = ""
    /// The token's label.
    public var label = ""
    /// The token's user PIN. Never shown.
    public var pin = ""
    public var hash = ""
    public var security = 0
    /// Verify signatures in software.
    public var softwareVerify = false
    /// Keys cannot be changed once made.
    public var immutable = false
    /// A key id for modules that do not let the SKI be one.
    public var altID = ""
    public var keyIDs: [PKCS11KeyID] = []
  }

  /// The id in the module of the key with a certain SKI.
  public struct PKCS11KeyID: Sendable, Equatable {
    /// Hexadecimal.
    public var ski: String
    public var id: String

    public init(ski: String, id: String) {
      self.ski = ski
      self.id = id
    }
  }
}
