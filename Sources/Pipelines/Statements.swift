internal import Contracts
internal import Decoding
public import Reconciliation

/// The licensees' own daily totals, by contract.
struct Statements {
  /// In the order of the contracts' first statements.
  private(set) var all: [(contract: String, totals: LicenseeTotals)] = []

  /// Statements are daily totals: a year of a hundred modules is some megabytes.
  static let bytesMax = 256 << 20

  /// Reads the statements of a pipeline. Several of one contract, such as one a month, are taken
  /// together.
  init(_ files: [StatementFile]) throws(RunError) {
    for file in files {
      let totals = try Self.read(file)
      if let index = all.firstIndex(where: { $0.contract == file.contract }) {
        all[index].totals.join(totals)
      } else {
        all.append((file.contract, totals))
      }
    }
  }

  static func read(_ file: StatementFile) throws(RunError) -> LicenseeTotals {
    let path = Paths.shortened(file.file)
    let bytes: [UInt8]
    do throws(InputError) {
      bytes = try Paths.contents(
        path, bytesMax: bytesMax, remedy: "name the licensee's daily totals instead")
    } catch {
      throw .input(error)
    }
    do throws(LicenseeTotalsError) {
      return try LicenseeTotals.read(bytes, path: path, columns: file.totalsColumns)
    } catch {
      throw .statement(error)
    }
  }
}

extension LicenseeTotals {
  /// Adds another file's rows. Only what both files tell apart is compared.
  fileprivate mutating func join(_ other: LicenseeTotals) {
    rows += other.rows
    problems += other.problems
    skippedTotals += other.skippedTotals
    columns.formIntersection(other.columns)
  }
}

extension StatementFile {
  /// The columns that totals have; those of single units are not needed here.
  fileprivate var totalsColumns: [LicenseeColumn: String] {
    var names: [LicenseeColumn: String] = [:]
    for (column, name) in columns {
      switch column {
      case .date: names[.date] = name
      case .module: names[.module] = name
      case .scenario: names[.scenario] = name
      case .unit: names[.unit] = name
      case .quantity: names[.quantity] = name
      case .price: names[.unitPrice] = name
      case .amount: names[.amount] = name
      case .user, .conversation, .startedAt, .endedAt: break
      }
    }
    return names
  }
}

extension LicenseeTotals {
  /// Reads a file that no pipeline file names.
  public static func read(path: String) throws(RunError) -> LicenseeTotals {
    try Statements.read(StatementFile(contract: "", file: path, columns: [:], line: 1))
  }
}
