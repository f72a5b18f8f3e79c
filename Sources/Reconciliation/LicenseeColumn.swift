/// A column of the licensee's totals; raw values are our names for them.
public enum LicenseeColumn: String, Sendable, Hashable, CaseIterable {
  case contract, licensee, date, module, scenario, unit, quantity, amount
  case unitPrice = "unit_price"

  /// Without these there is nothing to compare.
  public static let required: [LicenseeColumn] = [.date, .module, .quantity]

  /// Header names by which a column is known, in small letters.
  public var knownNames: [String] {
    switch self {
    case .contract: ["contract", "合同", "合同编号", "合同号"]
    case .licensee: ["licensee", "被许可方", "甲方", "客户"]
    case .date: ["date", "day", "日期"]
    case .module: ["module", "模块", "功能模块"]
    case .scenario: ["scenario", "场景", "使用场景"]
    case .unit: ["unit", "单位", "计量单位"]
    case .quantity: ["quantity", "count", "数量", "次数", "条数", "使用量"]
    case .amount: ["amount", "金额", "费用"]
    case .unitPrice: ["unit_price", "price", "单价"]
    }
  }

  /// Which column each header cell is: by the mapping where it names one, else by the known names.
  static func find(
    in header: [String], mapping: [LicenseeColumn: String]
  ) -> (found: [LicenseeColumn: Int], repeated: [LicenseeColumn]) {
    let names = header.map(normalized)
    var found: [LicenseeColumn: Int] = [:]
    var repeated: [LicenseeColumn] = []
    for column in allCases {
      let known = mapping[column].map { [normalized($0)] } ?? column.knownNames
      let positions = names.indices.filter { known.contains(names[$0]) }
      if let first = positions.first { found[column] = first }
      if positions.count > 1 { repeated.append(column) }
    }
    return (found, repeated)
  }

  /// Small letters without surrounding space, a bracketed unit such as `金额（元）` left out.
  private static func normalized(_ name: String) -> String {
    let halfWidth = LicenseeText.halfWidth(name)
    return LicenseeText.trimmed(halfWidth.prefix { $0 != "(" }).lowercased()
  }
}
