internal import Contracts

/// Sums of the rows so far, against which rows that add up others are held.
struct TotalsCheck {
  struct Sums: Equatable {
    var quantity: Int128 = 0
    /// In units of 10⁻¹⁰ yuan.
    var amount: Int128 = 0

    static func - (left: Sums, right: Sums) -> Sums {
      Sums(quantity: left.quantity - right.quantity, amount: left.amount - right.amount)
    }

    var amountText: String { Money(digits: amount, scale: TotalsCheck.places).description }
  }

  static let places = 10
  private(set) var sums = Sums()
  /// Rows that state no amount, so that amounts cannot be compared.
  private(set) var rowsWithoutAmount = 0
  /// The sums at the last row of each label, and at the last of any.
  private var marks: [String: Sums] = [:]
  private var lastMark = Sums()

  /// The sums of each module of totals.
  private var moduleSums: [String: Sums] = [:]
  private static let modulesMax = 10_000

  /// - Parameter module: `nil`: sums of modules are not looked for.
  mutating func add(_ quantity: Int, _ amount: Money?, module: String?) {
    var units: Int128 = 0
    if let amount {
      units = amount.digits * Self.powers[Self.places - min(amount.scale, Self.places)]
    } else {
      rowsWithoutAmount += 1
    }
    sums.quantity += Int128(quantity)
    sums.amount += units
    guard let module, moduleSums.count < Self.modulesMax || moduleSums[module] != nil else {
      return
    }
    moduleSums[module, default: Sums()].quantity += Int128(quantity)
    moduleSums[module, default: Sums()].amount += units
  }

  /// What the rows of a module of totals add up to.
  func sums(ofModule module: String) -> Sums? { moduleSums[module] }

  private static let powers: [Int128] = (0...places).map { power in
    (0..<power).reduce(Int128(1)) { value, _ in value * 10 }
  }

  /// Marks a row that adds up others.
  ///
  /// - Returns: what it may add up: the rows since the last one with its label, since the last one of
  ///   any, and all.
  mutating func mark(_ label: String) -> (since: Sums, sinceAny: Sums, all: Sums) {
    let result = (
      since: sums - (marks[label] ?? Sums()), sinceAny: sums - lastMark, all: sums
    )
    marks[label] = sums
    lastMark = sums
    return result
  }
}
