// What goes wrong, and what operators do to leaders.

import RaftCore

extension Simulation {
  private enum Trouble {
    case crash
    case fuse
    case cutOneWay
    case isolate
    case divide
    case healNetwork
    case slowDisk
    case failedSync
    case clock
    case transfer
    case campaign
    case forgetLeader
    case changeMembership
    case snapshot
  }

  func trouble() {
    guard healedAt == nil else { return }
    queue.add(.trouble, at: now + dice.within(profile.timeBetweenTroubles))
    let trouble = dice.weighted([
      (10, Trouble.crash), (12, .fuse), (6, .cutOneWay), (10, .isolate), (9, .divide),
      (14, .healNetwork), (4, .slowDisk), (3, .failedSync), (2, .clock), (8, .transfer),
      (3, .campaign), (2, .forgetLeader), (16, .changeMembership), (5, .snapshot),
    ])
    // Leaders are where most can go wrong.
    let leaders = dice.chance(400) ? running.filter(\.life.isLeader) : []
    guard let trouble, let (machine, life) = dice.pick(leaders) ?? dice.pick(running) else {
      return
    }
    switch trouble {
    case .crash: crash(machine, "it is killed")
    case .fuse: life.fuse = dice.below(40)
    case .slowDisk: machine.slowUntil = now + dice.below(30 * Profile.tick)
    case .failedSync: machine.failsNextSync = true
    case .clock: machine.tick = Profile.tick * dice.within(profile.clocks) / 100
    case .cutOneWay, .isolate, .divide, .healNetwork: changeNetwork(trouble, machine)
    case .transfer:
      let (machine, life) = dice.pick(running.filter(\.life.isLeader)) ?? (machine, life)
      let node = 1 + NodeID(dice.below(machines.count))
      say("n\(machine.id) is to hand leadership to n\(node)")
      life.core.transferLeadership(to: node)
      carryOnSoon(machine, life)
    case .campaign:
      say("n\(machine.id) is told to campaign")
      life.core.campaign()
      carryOnSoon(machine, life)
    case .forgetLeader:
      say("n\(machine.id) is told to forget its leader")
      life.core.forgetLeader()
      carryOnSoon(machine, life)
    case .changeMembership: changeMembership()
    case .snapshot: takeSnapshot(machine, life)
    }
  }

  private func changeNetwork(_ trouble: Trouble, _ machine: Machine) {
    switch trouble {
    case .cutOneWay:
      let other = dice.below(machines.count)
      say("the way from n\(machine.id) to n\(other + 1) is cut")
      network.cut(from: machine.place, to: other)
    case .isolate:
      say("n\(machine.id) is cut off")
      network.cutBetween { $0 == machine.place }
    case .divide:
      let sides = dice.next()
      say("the network is divided")
      network.cutBetween { sides >> UInt64($0) & 1 == 0 }
    default:
      say("the network heals")
      network.heal()
    }
  }
}
