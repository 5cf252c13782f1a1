// Who votes, and changes of it: etcd's ConfState, ConfChange and ConfChangeV2.

import RaftCore

extension MembershipState: WireCodable {
  package static let wireName = "raftpb.ConfState"
  package static var absent: MembershipState { MembershipState() }
  /// Members of each kind; far above what a group can have.
  package static let maximumMembers = 1 << 16

  package var wireSize: Int {
    FieldSize.numbers(voters) + FieldSize.numbers(learners) + FieldSize.numbers(votersOutgoing)
      + FieldSize.numbers(learnersNext) + FieldSize.flag
  }

  package func appendWire(to bytes: inout [UInt8]) {
    bytes.append(1, numbers: voters)
    bytes.append(2, numbers: learners)
    bytes.append(3, numbers: votersOutgoing)
    bytes.append(4, numbers: learnersNext)
    bytes.append(5, flag: autoLeave)
  }

  package mutating func take(_ field: WireField) throws(WireError) {
    switch field.number {
    case 1: try field.append(to: &voters, limit: Self.maximumMembers)
    case 2: try field.append(to: &learners, limit: Self.maximumMembers)
    case 3: try field.append(to: &votersOutgoing, limit: Self.maximumMembers)
    case 4: try field.append(to: &learnersNext, limit: Self.maximumMembers)
    case 5: autoLeave = try field.flag()
    default: break
    }
  }
}

/// etcd's ConfChange: one change of one node. Its ID, which only etcd uses, is written as 0.
private struct SingleChange: WireCodable {
  static let wireName = "raftpb.ConfChange"
  static let absent = SingleChange(step: MembershipChange.Step(.addVoter, 0))

  var step: MembershipChange.Step
  var context: ArraySlice<UInt8> = []

  var wireSize: Int {
    FieldSize.number(0) + FieldSize.number(UInt64(step.kind.rawValue))
      + FieldSize.number(step.node) + FieldSize.bytes(context)
  }

  func appendWire(to bytes: inout [UInt8]) {
    bytes.append(1, number: 0)
    bytes.append(2, number: UInt64(step.kind.rawValue))
    bytes.append(3, number: step.node)
    bytes.append(4, bytes: context)
  }

  mutating func take(_ field: WireField) throws(WireError) {
    switch field.number {
    case 1: _ = try field.numeric()
    case 2: step.kind = try field.value(MembershipChange.Kind.self)
    case 3: step.node = try field.numeric()
    case 4: context = try field.bytes()
    default: break
    }
  }
}

extension MembershipChange.Step: WireCodable {
  package static let wireName = "raftpb.ConfChangeSingle"
  package static var absent: MembershipChange.Step { MembershipChange.Step(.addVoter, 0) }

  package var wireSize: Int {
    FieldSize.number(UInt64(kind.rawValue)) + FieldSize.number(node)
  }

  package func appendWire(to bytes: inout [UInt8]) {
    bytes.append(1, number: UInt64(kind.rawValue))
    bytes.append(2, number: node)
  }

  package mutating func take(_ field: WireField) throws(WireError) {
    switch field.number {
    case 1: kind = try field.value(MembershipChange.Kind.self)
    case 2: node = try field.numeric()
    default: break
    }
  }
}

/// The form is that of ConfChangeV2; ``init(entry:)`` and ``entryData(_:)`` know the other one, too.
extension MembershipChange: WireCodable {
  package static let wireName = "raftpb.ConfChangeV2"
  package static var absent: MembershipChange { MembershipChange(steps: []) }
  /// Far above what a group can have.
  package static let maximumSteps = 1 << 16

  package var wireSize: Int {
    FieldSize.number(UInt64(transition.rawValue))
      + steps.reduce(0) { $0 + FieldSize.nested($1) } + FieldSize.bytes(context)
  }

  package func appendWire(to bytes: inout [UInt8]) {
    bytes.append(1, number: UInt64(transition.rawValue))
    for step in steps { bytes.append(2, nested: step) }
    bytes.append(3, bytes: context)
  }

  package mutating func take(_ field: WireField) throws(WireError) {
    switch field.number {
    case 1: transition = try field.value(Transition.self)
    case 2:
      guard steps.count < Self.maximumSteps else {
        throw field.fault(.tooMany(field: 2, limit: Self.maximumSteps))
      }
      steps.append(try Step(wire: field.bytes()))
    case 3: context = try field.bytes()
    default: break
    }
  }

  /// The change that an entry holds; nil if it is a normal one.
  package init?(entry: Entry) throws(WireError) {
    switch entry.kind {
    case .normal: return nil
    case .change:
      let single = try SingleChange(wire: entry.data)
      self.init(steps: [single.step], context: single.context)
    case .changeV2: try self.init(wire: entry.data)
    }
  }

  /// The data of an entry of the given kind that holds the change; nil if such an entry cannot: a normal
  /// one holds none, and `change` one of one node.
  package func entryData(_ kind: Entry.Kind) -> [UInt8]? {
    switch kind {
    case .normal: return nil
    case .change:
      guard steps.count == 1, let step = steps.first, transition == .automatic else { return nil }
      return SingleChange(step: step, context: context).wire()
    case .changeV2: return wire()
    }
  }
}
