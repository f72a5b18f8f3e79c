public import CivilTime

/// What a simulated log must be counted as, under the default rule, to the last line.
public struct Truth: Sendable, Equatable {
  /// A line of the count.
  public struct Row: Sendable, Equatable {
    public var contract: String
    public var licensee: String
    public var date: CivilDate
    public var module: String
    public var scenario: String
    /// `conversation` or `item`.
    public var unit: String
    /// Billable units.
    public var quantity: Int
    /// Successful records behind them.
    public var messages: Int

    var key: (String, String, CivilDate, String, String, String) {
      (contract, licensee, date, module, scenario, unit)
    }
  }

  /// How much something was used.
  public struct Use: Sendable, Equatable {
    /// Every line, failed and repeated ones included.
    public var records = 0
    /// Successful records that are counted.
    public var messages = 0
    /// Billable units.
    public var quantity = 0
  }

  /// Planted use that the contract forbids.
  public struct Finding: Sendable, Equatable {
    /// As `duizhang detect` names it.
    public var finding: String
    public var licensee: String
    /// The app, scenario, origin, network or module; `before` or `after` the term.
    public var value: String
    public var use: Use
  }

  /// Differences of one cause, planted in the statements.
  public struct Discrepancy: Sendable, Equatable {
    /// A row of a side's detail, by the true clock.
    public struct Row: Sendable, Equatable {
      public var user: String
      public var conversation: String
      /// On which it is booked.
      public var date: CivilDate
      public var module: String
      public var scenario: String
      public var startedAt: String
      public var endedAt: String
      public var quantity: Int
    }
    /// One place where something is planted.
    public struct Unit: Sendable, Equatable {
      /// The first of the units it stands on, or else what the licensee lists.
      public var main: Row
      /// Licensee's quantity less licensor's.
      public var quantityEffect: Int
      /// What each side lists.
      public var licensor: [Row]
      public var licensee: [Row]
    }
    /// As `difference-bridge.csv` names it.
    public var cause: String
    /// In which way; empty where it is planted in one only, and its rows are not told.
    public var detail: String
    public var count: Int
    /// Licensee's quantity less licensor's.
    public var quantityEffect: Int
    public var units: [Unit]
  }

  /// `key=value` of the options that decide, in a fixed order.
  public var options: [(name: String, value: String)]
  public var lines = 0
  public var blank = 0
  public var quarantined = 0
  public var records = 0
  public var messages = 0
  public var items = 0
  public var ignored = 0
  public var failed = 0
  public var duplicates = 0
  public var outsideContract = 0
  /// Records outside every contract, by licensee.
  public var outsideByLicensee: [(licensee: String, records: Int)] = []
  public var unplaced = 0
  /// Billable conversations.
  public var conversations = 0
  /// Planted returns exactly at the idle timeout, and one millisecond later.
  public var gapsEqualToTimeout = 0
  public var gapsJustLonger = 0
  public var outages: [SimulationOptions.Window] = []
  public var rows: [Row] = []
  public var findings: [Finding] = []
  public var discrepancies: [Discrepancy] = []
  /// In the order of the options.
  public var planted: [Planted] = []
  /// Names of the log files, relative to the output directory, in the order of writing.
  public var files: [String] = []
  var zone: Zone

  public static func == (left: Truth, right: Truth) -> Bool { left.json == right.json }
}

extension Truth {
  /// The text of `truth.json`, ended by a line feed.
  public var json: String {
    var writer = JSONWriter()
    writer.object {
      $0.member("options") { $0.object { for (name, value) in options { $0.text(name, value) } } }
      $0.number("lines", lines)
      $0.number("blank", blank)
      $0.number("quarantined", quarantined)
      $0.number("records", records)
      $0.number("messages", messages)
      $0.number("items", items)
      $0.number("ignored", ignored)
      $0.number("failed", failed)
      $0.number("duplicates", duplicates)
      $0.number("outside_contract", outsideContract)
      $0.number("unplaced", unplaced)
      $0.number("conversations", conversations)
      $0.member("outside_contract_by_licensee") {
        $0.object { for (name, count) in outsideByLicensee { $0.number(name, count) } }
      }
      $0.member("planted_gaps") {
        $0.object {
          $0.number("equal_to_idle_timeout", gapsEqualToTimeout)
          $0.number("one_millisecond_longer", gapsJustLonger)
        }
      }
      $0.member("outages") {
        $0.array(outages) { writer, outage in
          writer.object {
            $0.text("from", outage.from.rfc3339(in: zone))
            $0.text("to", outage.to.rfc3339(in: zone))
          }
        }
      }
      $0.member("files") { $0.array(files) { $0.string($1) } }
      $0.member("rows") { $0.array(rows, Self.write) }
      $0.member("findings") { $0.array(findings, Self.write) }
      $0.member("planted_discrepancies") { $0.array(discrepancies, Self.write) }
      guard !planted.isEmpty else { return }
      $0.member("planted") {
        $0.array(planted) { writer, planted in Self.write(&writer, planted, zone: zone) }
      }
    }
    return writer.text + "\n"
  }

  private static func write(_ writer: inout JSONWriter, _ row: Row) {
    writer.object {
      $0.text("contract", row.contract)
      $0.text("licensee", row.licensee)
      $0.text("date", row.date.description)
      $0.text("module", row.module)
      $0.text("scenario", row.scenario)
      $0.text("unit", row.unit)
      $0.number("quantity", row.quantity)
      $0.number("messages", row.messages)
    }
  }

  private static func write(_ writer: inout JSONWriter, _ finding: Finding) {
    writer.object {
      $0.text("finding", finding.finding)
      $0.text("licensee", finding.licensee)
      $0.text("value", finding.value)
      $0.number("records", finding.use.records)
      $0.number("messages", finding.use.messages)
      $0.number("quantity", finding.use.quantity)
    }
  }

  private static func write(_ writer: inout JSONWriter, _ discrepancy: Discrepancy) {
    let tellsRows = !discrepancy.detail.isEmpty
    writer.object {
      $0.text("cause", discrepancy.cause)
      if tellsRows { $0.text("detail", discrepancy.detail) }
      $0.number("count", discrepancy.count)
      $0.number("quantity_effect", discrepancy.quantityEffect)
      $0.member("units") {
        $0.array(discrepancy.units) { writer, unit in
          writer.object {
            writeKey(&$0, unit.main)
            guard tellsRows else { return }
            $0.number("quantity_effect", unit.quantityEffect)
            $0.member("licensor") { $0.array(unit.licensor, write) }
            $0.member("licensee") { $0.array(unit.licensee, write) }
          }
        }
      }
    }
  }

  private static func write(_ writer: inout JSONWriter, _ row: Discrepancy.Row) {
    writer.object {
      writeKey(&$0, row)
      $0.text("ended_at", row.endedAt)
      $0.text("scenario", row.scenario)
      $0.number("quantity", row.quantity)
    }
  }

  private static func writeKey(_ writer: inout JSONWriter, _ row: Discrepancy.Row) {
    writer.text("user", row.user)
    writer.text("conversation", row.conversation)
    writer.text("date", row.date.description)
    writer.text("module", row.module)
    writer.text("started_at", row.startedAt)
  }
}
