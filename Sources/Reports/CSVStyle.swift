/// How a CSV report is dressed for its reader; the rows below the header are the same in all.
public struct CSVStyle: Sendable, Hashable {
  /// The language of the header row; raw values are those of `--headers`.
  public enum Headers: String, Sendable, Hashable, CaseIterable {
    case english = "en"
    case chinese = "zh"
  }

  public var headers: Headers
  /// Whether the file opens with the UTF-8 byte order mark, which Excel needs to see UTF-8.
  public var bom: Bool

  public init(headers: Headers = .english, bom: Bool = false) {
    self.headers = headers
    self.bom = bom
  }

  /// A buffer that holds the byte order mark, where asked for, and the header row.
  ///
  /// - Parameter columns: English names; one without a Chinese name keeps its English one.
  public func header(_ columns: [String]) -> CSVBuffer {
    var buffer = CSVBuffer()
    if bom { buffer.bytes = [0xEF, 0xBB, 0xBF] }
    for column in columns { buffer.field(name(of: column)) }
    buffer.endRow()
    return buffer
  }

  /// The name of a column in this style.
  public func name(of column: String) -> String {
    switch headers {
    case .english: column
    case .chinese: Self.chineseNames[column] ?? column
    }
  }

  /// The Chinese name of every column; no two columns of one report share one.
  public static let chineseNames: [String: String] = [
    "blank": "空行数", "codec": "压缩格式", "damages": "损坏处数", "encoding": "编码",
    "format": "日志格式", "lines": "行数", "lost_bytes": "丢失字节数", "quarantined": "隔离行数",
    "same_text_as": "内容相同的文件", "stored_bytes": "存储字节数", "text_bytes": "文本字节数",
    "amount": "金额", "amount_difference": "金额差异",
    "amount_high": "金额上限", "amount_low": "金额下限", "app": "应用", "cause": "原因",
    "clause": "条款", "contract": "合同", "conversation": "会话编号", "date": "日期",
    "definition": "统计口径", "difference": "差异", "difference_from_contract": "与合同口径的差异",
    "difference_pct": "差异率(%)", "duplicates": "重复数", "ended_at": "结束时间",
    "ended_by": "结束方式", "evidence": "证据", "explanation": "说明", "failed_messages": "失败消息数",
    "file": "文件", "finding": "发现", "from": "起", "gross": "价税合计", "item": "项目", "licensee": "被许可方",
    "licensee_amount": "被许可方金额", "licensee_conversation": "被许可方会话编号",
    "licensee_ended_at": "被许可方结束时间", "licensee_module": "被许可方模块",
    "licensee_period": "被许可方账期", "licensee_scenario": "被许可方场景",
    "licensee_source": "被许可方来源", "licensee_started_at": "被许可方开始时间",
    "licensee_user": "被许可方用户", "licensor_conversation": "许可方会话编号",
    "licensor_ended_at": "许可方结束时间", "licensor_source": "许可方来源",
    "licensor_started_at": "许可方开始时间", "licensor_user": "许可方用户",
    "licensee_quantity": "被许可方数量", "licensor_amount": "许可方金额",
    "licensor_quantity": "许可方数量", "line": "行号", "log": "日志文件", "messages": "消息数", "module": "模块",
    "net": "不含税金额", "not_billable_because": "不计费原因", "note": "备注", "p_value": "p值",
    "period": "账期", "period_booked": "入账账期", "period_closed": "已结账期", "quantity": "数量",
    "reason": "隔离原因", "recommended_action": "建议措施",
    "records": "记录数",
    "scenario": "场景", "severity": "严重程度", "source": "来源", "started_at": "开始时间",
    "statistic": "统计量", "step": "步骤", "suppressed_high": "少计数量上限",
    "suppressed_low": "少计数量下限", "tax": "税额", "to": "止", "tolerance_pct": "容差(%)",
    "unit": "单位", "unit_price": "单价", "user": "用户", "within_tolerance": "是否在容差内",
  ]
}
