/// Several people under one user's id: each with its own address, and talking when it likes.
struct MergedUsers: ConductStep {
  struct Person {
    /// Under whose id it appears.
    var user: Int32
    /// Whose address and agent it has.
    var face: Int32
  }

  let plant: Int
  let step: Int
  let from: Int64
  let people: [Int32: Person]

  mutating func hides(_ call: inout StagedCall) -> Bool {
    guard call.start >= from, let person = people[call.event.user] else { return false }
    call.change {
      $0.user = person.user
      $0.person = person.face
    }
    call.merged = step
    call.mark(plant)
    return false
  }
}

/// Many users behind one address and with one agent: an office and its computers.
struct Office: ConductStep {
  let plant: Int
  let users: Set<Int32>
  let face: Int32
  let app: UInt16

  mutating func hides(_ call: inout StagedCall) -> Bool {
    guard users.contains(call.event.user) else { return false }
    call.change {
      $0.person = face
      $0.app = app
      $0.agent = .office
    }
    call.mark(plant)
    return false
  }
}

/// Users with two devices, each with its own app and addresses: one at a time, and seldom both.
struct RoamingUsers: ConductStep {
  struct Device {
    /// On which of its addresses a device is; it changes between conversations.
    var faces: [Int32]
    var app: UInt16
  }
  private struct State {
    var device = 0
    var face = 0
    var lastTime = Int64.min / 2
  }

  private let plant: Int
  private let devices: [Int32: [Device]]
  private let pause: Int64
  private let changes = Chance(0.03)
  private var states: [Int32: State] = [:]
  private var random: Random

  /// - Parameter pause: that ends a conversation, in milliseconds.
  init(plant: Int, devices: [Int32: [Device]], pause: Int64, random: Random) {
    self.plant = plant
    self.devices = devices
    self.pause = pause
    self.random = random
  }

  mutating func hides(_ call: inout StagedCall) -> Bool {
    guard let devices = devices[call.event.user] else { return false }
    var state = states[call.event.user] ?? State()
    if call.start - state.lastTime > pause {
      state.device = random.below(devices.count)
      state.face = random.below(devices[state.device].faces.count)
    } else if random.happens(changes) {
      state.device = (state.device + 1) % devices.count
      state.face = random.below(devices[state.device].faces.count)
    }
    state.lastTime = call.start
    states[call.event.user] = state
    let device = devices[state.device]
    call.change {
      $0.person = device.faces[state.face]
      $0.app = device.app
    }
    call.mark(plant)
    return false
  }
}
