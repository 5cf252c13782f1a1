// What Fabric calls the types of messages.

extension Common_HeaderType {
  /// The name in Fabric's `common.proto`, e.g. for logs; nil if there is no such type.
  package static func name(of type: Int) -> String? {
    switch Common_HeaderType(rawValue: type) {
    case .message: "MESSAGE"
    case .config: "CONFIG"
    case .configUpdate: "CONFIG_UPDATE"
    case .endorserTransaction: "ENDORSER_TRANSACTION"
    case .ordererTransaction: "ORDERER_TRANSACTION"
    case .deliverSeekInfo: "DELIVER_SEEK_INFO"
    case .chaincodePackage: "CHAINCODE_PACKAGE"
    case .UNRECOGNIZED, nil: nil
    }
  }
}
