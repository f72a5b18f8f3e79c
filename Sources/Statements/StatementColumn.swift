/// What a column of a statement holds; raw values are our names for them.
public enum StatementColumn: String, Sendable, Hashable, CaseIterable {
  case contract, licensee, date, month, module, scenario, app, unit, quantity
  case unitPrice = "unit_price"
  case amount, user, conversation
  case startedAt = "started_at"
  case endedAt = "ended_at"
  case messages

  /// Header names by which a column is known, ours in both languages among them.
  public var knownNames: [String] {
    switch self {
    case .contract: ["contract", "contract_no", "contract_number", "合同", "合同编号", "合同号"]
    case .licensee: ["licensee", "customer", "被许可方", "甲方", "客户", "客户名称"]
    case .date: ["date", "day", "日期", "使用日期", "统计日期", "账单日期"]
    case .month: ["month", "period", "月份", "账期", "统计月份", "计费月份"]
    case .module: ["module", "模块", "功能模块", "模块名称"]
    case .scenario: ["scenario", "场景", "使用场景", "场景名称"]
    case .app: ["app", "application", "应用", "应用名称"]
    case .unit: ["unit", "单位", "计量单位", "计费单位"]
    case .quantity: ["quantity", "count", "qty", "数量", "次数", "条数", "使用量", "用量", "使用次数"]
    case .unitPrice: ["unit_price", "price", "单价"]
    case .amount: ["amount", "金额", "费用"]
    case .user: ["user", "user_id", "用户", "用户编号", "用户id", "用户标识"]
    case .conversation:
      ["conversation", "conversation_id", "session_id", "会话", "会话编号", "会话id", "会话号"]
    case .startedAt: ["started_at", "start_time", "start", "开始时间", "会话开始时间", "起始时间"]
    case .endedAt: ["ended_at", "end_time", "end", "结束时间", "会话结束时间"]
    case .messages: ["messages", "message_count", "消息数", "消息数量", "消息条数"]
    }
  }

  /// Whether its cells are days or moments.
  var isTime: Bool { self == .date || self == .startedAt || self == .endedAt }

  /// `module (known as module, 模块)`.
  var words: String { "\(rawValue) (known as \(knownNames.joined(separator: ", ")))" }

  /// Which column each header cell is.
  ///
  /// - Parameter mapping: header names that prevail over the known ones.
  /// - Returns: also which columns several cells could be, and which mapped names no cell has.
  static func find(
    in header: [String], mapping: [StatementColumn: String]
  ) -> (
    found: [StatementColumn: Int], repeated: [StatementColumn], unmapped: [StatementColumn]
  ) {
    let names = header.map(normalized)
    var found: [StatementColumn: Int] = [:]
    var repeated: [StatementColumn] = []
    var unmapped: [StatementColumn] = []
    var taken: Set<Int> = []
    for column in allCases {
      guard let name = mapping[column].map(normalized) else { continue }
      let positions = names.indices.filter { names[$0] == name }
      found[column] = positions.first
      taken.formUnion(positions)
      if positions.isEmpty { unmapped.append(column) }
      if positions.count > 1 { repeated.append(column) }
    }
    for column in allCases where mapping[column] == nil {
      let known = column.normalizedNames
      let positions = names.indices.filter { known.contains(names[$0]) && !taken.contains($0) }
      found[column] = positions.first
      if positions.count > 1 { repeated.append(column) }
    }
    return (found, repeated, unmapped)
  }

  private var normalizedNames: Set<String> { Self.allNormalizedNames[self] ?? [] }

  private static let allNormalizedNames: [StatementColumn: Set<String>] = Dictionary(
    uniqueKeysWithValues: allCases.map { ($0, Set($0.knownNames.map(normalized))) })

  /// Small letters, without white space, `_`, `-` and a bracketed unit as in `金额（元）`.
  static func normalized(_ name: String) -> String {
    let name = CellText.halfWidth(name)
    let plain = name.prefix { !"([【".contains($0) }
    return String(plain.filter { !$0.isWhitespace && $0 != "_" && $0 != "-" && $0 != "\u{FEFF}" })
      .lowercased()
  }
}
