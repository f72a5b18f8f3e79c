public import CivilTime

extension Truth {
  /// What is known about a plant.
  public struct Planted: Sendable, Equatable {
    /// What it did to a day's count, whatever else is planted: calls pass one plant after the other.
    public struct Day: Sendable, Equatable {
      public var date: CivilDate
      /// Questions that never reached the gateway, or its log, and the lines which they would have
      /// had there: those of calls that fail and are tried again too.
      public var hiddenCalls: Int
      public var hiddenLines: Int
      public var conversationsWithout: Int
      public var conversationsWith: Int
      public var itemsWithout: Int
      public var itemsWith: Int

      var isEmpty: Bool {
        hiddenLines == 0 && hiddenCalls == 0 && conversationsWithout == 0
          && conversationsWith == 0 && itemsWithout == 0 && itemsWith == 0
      }
    }

    public var name: String
    /// `misuse`, `honest` or `licensor`.
    public var conduct: String
    public var parameters: [(name: String, value: String)]
    /// Lines of the log that are it.
    public var lines: Int
    /// The first and the last time of such a line, or of a hidden call; empty: there is none.
    public var from = ""
    public var to = ""
    public var users: [String] = []
    public var addresses: [String] = []
    public var windows: [SimulationOptions.Window] = []
    public var days: [Day] = []

    public static func == (left: Planted, right: Planted) -> Bool {
      left.name == right.name && left.lines == right.lines && left.days == right.days
        && left.parameters.elementsEqual(right.parameters, by: ==) && left.from == right.from
        && left.to == right.to && left.users == right.users && left.addresses == right.addresses
        && left.windows == right.windows
    }

    /// A sum over all days.
    public func sum(_ value: KeyPath<Day, Int>) -> Int {
      days.reduce(0) { $0 + $1[keyPath: value] }
    }
  }

  static func write(_ writer: inout JSONWriter, _ planted: Planted, zone: Zone) {
    writer.object {
      $0.text("plant", planted.name)
      $0.text("conduct", planted.conduct)
      $0.member("parameters") {
        $0.object { for (name, value) in planted.parameters { $0.text(name, value) } }
      }
      $0.text("from", planted.from)
      $0.text("to", planted.to)
      $0.number("lines", planted.lines)
      $0.member("users") { $0.array(planted.users) { $0.string($1) } }
      $0.member("addresses") { $0.array(planted.addresses) { $0.string($1) } }
      $0.member("windows") {
        $0.array(planted.windows) { writer, window in writer.string(window.text(in: zone)) }
      }
      guard !planted.days.isEmpty else { return }
      for (name, value) in Planted.Day.sums { $0.number(name, planted.sum(value)) }
      $0.member("days") {
        $0.array(planted.days) { writer, day in
          writer.object {
            $0.text("date", day.date.description)
            for (name, value) in Planted.Day.sums { $0.number(name, day[keyPath: value]) }
          }
        }
      }
    }
  }
}

extension Truth.Planted.Day {
  fileprivate static var sums: [(String, KeyPath<Self, Int>)] {
    [
      ("hidden_calls", \.hiddenCalls), ("hidden_lines", \.hiddenLines),
      ("conversations_without", \.conversationsWithout),
      ("conversations_with", \.conversationsWith), ("items_without", \.itemsWithout),
      ("items_with", \.itemsWith),
    ]
  }
}
