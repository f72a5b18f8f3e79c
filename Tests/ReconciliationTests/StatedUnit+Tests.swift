import Contracts
import Reconciliation

extension StatedUnit {
  var module: String {
    get { names.module }
    set { names = StatedNames(module: newValue, scenario: names.scenario, meter: names.meter) }
  }

  var scenario: String {
    get { names.scenario }
    set { names = StatedNames(module: names.module, scenario: newValue, meter: names.meter) }
  }

  var meter: Meter? {
    get { names.meter }
    set { names = StatedNames(module: names.module, scenario: names.scenario, meter: newValue) }
  }
}

/// Units of both sides, which hold their texts themselves.
struct BothSides: @unchecked Sendable {
  var licensor: [StatedUnit]
  var licensee: [StatedUnit]
}
