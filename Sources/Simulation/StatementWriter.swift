internal import CivilTime
internal import Glibc

/// Writes the rows of a statement in a form.
struct StatementWriter {
  enum Column {
    case date, module, scenario, unit, quantity, user, conversation, startedAt, endedAt, messages

    func name(_ language: StatementForm.Language) -> String {
      let isChinese = language == .chinese
      return switch self {
      case .date: isChinese ? "日期" : "date"
      case .module: isChinese ? "模块" : "module"
      case .scenario: isChinese ? "场景" : "scenario"
      case .unit: isChinese ? "单位" : "unit"
      case .quantity: isChinese ? "次数" : "quantity"
      case .user: isChinese ? "用户" : "user"
      case .conversation: isChinese ? "会话编号" : "conversation"
      case .startedAt: isChinese ? "开始时间" : "started_at"
      case .endedAt: isChinese ? "结束时间" : "ended_at"
      case .messages: isChinese ? "消息数" : "messages"
      }
    }
  }

  private static let excelEpochDays: Int64 = 25_569
  private static let dayMilliseconds: Int64 = 86_400_000

  private let form: StatementForm
  private var cursor: ZoneCursor
  private let zoneIsUTC: Bool
  private var bytes: [UInt8] = []
  private var isRowBegun = false

  /// - Parameter zone: the traffic's, in which days are.
  init(_ form: StatementForm, zone: Zone) {
    self.form = form
    cursor = ZoneCursor(form.zone ?? zone)
    zoneIsUTC = zone.identifier == "UTC"
  }

  mutating func header(_ columns: [Column]) {
    for column in columns { cell(column.name(form.language)) }
    endRow()
  }

  mutating func endRow() {
    bytes.append(0x0A)
    isRowBegun = false
  }

  private mutating func beginCell() {
    if isRowBegun { bytes.append(form.delimiter.byte) }
    isRowBegun = true
  }

  mutating func cell(_ text: String) {
    beginCell()
    guard text.utf8.contains(form.delimiter.byte) else {
      bytes.append(contentsOf: text.utf8)
      return
    }
    bytes.append(0x22)
    bytes.append(contentsOf: text.utf8)
    bytes.append(0x22)
  }

  mutating func cell(unitOfItems isItem: Bool) {
    switch form.language {
    case .english: cell(isItem ? "item" : "conversation")
    case .chinese: cell(isItem ? "条" : "会话")
    }
  }

  mutating func cell(number: Int) {
    switch form.numbers {
    case .plain: cell("\(number)")
    case .thousands: cell(Self.grouped(number))
    case .fullWidth:
      cell(String(String.UnicodeScalarView("\(number)".unicodeScalars.map(Self.fullWidth))))
    }
  }

  private static func grouped(_ number: Int) -> String {
    let digits = Array(String(number.magnitude))
    var text = number < 0 ? "-" : ""
    for (index, digit) in digits.enumerated() {
      if index > 0 && (digits.count - index) % 3 == 0 { text += "," }
      text.append(digit)
    }
    return text
  }

  private static func fullWidth(_ scalar: Unicode.Scalar) -> Unicode.Scalar {
    Unicode.Scalar(scalar.value + 0xFEE0) ?? scalar
  }

  mutating func cell(day: Int32) {
    let date = CivilDate(daysSinceEpoch: day)
    switch form.dates {
    case .iso: cell(date.description)
    case .slashes: cell(Self.slashed(date))
    case .serial: cell("\(Int64(day) + Self.excelEpochDays)")
    }
  }

  private static func slashed(_ date: CivilDate) -> String {
    let (year, month, day) = date.components
    return "\(year)/\(month)/\(day)"
  }

  /// A moment in milliseconds since 1970.
  mutating func cell(moment: Int64) {
    let instant = Instant(microseconds: moment * 1_000)
    let today = cursor.day(of: instant)
    let local = moment + today.offsetSeconds * 1_000
    let ofDay = local - Int64(today.date.daysSinceEpoch) * Self.dayMilliseconds
    switch form.dates {
    case .iso:
      guard form.zone == nil else {
        cell("\(today.date) \(Self.clock(ofDay, hourDigits: 2)).\(Self.padded(ofDay % 1_000, 3))")
        return
      }
      beginCell()
      instant.appendRFC3339(
        to: &bytes, offsetSeconds: today.offsetSeconds, isUTC: zoneIsUTC)
    case .slashes:
      cell("\(Self.slashed(today.date)) \(Self.clock(ofDay, hourDigits: 1))")
    case .serial:
      // Fifteen digits, as many as Excel shows.
      let scale: Int64 = 10_000_000_000
      let fraction = (Int128(ofDay) * Int128(scale) + 43_200_000) / Int128(Self.dayMilliseconds)
      let day = Int64(today.date.daysSinceEpoch) + Self.excelEpochDays
      cell("\(day).\(Self.padded(Int64(fraction), 10))")
    }
  }

  /// `08:05:03`, cut to the second.
  private static func clock(_ ofDay: Int64, hourDigits: Int) -> String {
    let second = ofDay / 1_000
    return padded(second / 3_600, hourDigits) + ":" + padded(second / 60 % 60, 2) + ":"
      + padded(second % 60, 2)
  }

  private static func padded(_ number: Int64, _ digits: Int) -> String {
    let text = "\(number)"
    return String(repeating: "0", count: max(0, digits - text.utf8.count)) + text
  }

  /// What is written, in the form's encoding.
  func encoded() throws(SimulationError) -> [UInt8] {
    switch form.encoding {
    case .utf8: return bytes
    case .utf8WithMark: return [0xEF, 0xBB, 0xBF] + bytes
    case .utf16LittleEndian, .utf16BigEndian:
      let isLittle = form.encoding == .utf16LittleEndian
      var result: [UInt8] = []
      result.reserveCapacity(bytes.count * 2 + 2)
      for unit in [0xFEFF] + Array(String(decoding: bytes, as: UTF8.self).utf16) {
        let pair = (UInt8(unit & 0xFF), UInt8(unit >> 8))
        result.append(isLittle ? pair.0 : pair.1)
        result.append(isLittle ? pair.1 : pair.0)
      }
      return result
    case .gb18030: return try Self.gb18030(bytes)
    }
  }

  /// UTF-8 as GB18030, by the C library's iconv.
  private static func gb18030(_ text: [UInt8]) throws(SimulationError) -> [UInt8] {
    guard let converter = unsafe iconv_open("GB18030", "UTF-8"), Int(bitPattern: converter) != -1
    else {
      throw .option(
        name: "statement-encoding", problem: "the C library here has no converter to GB18030")
    }
    defer { unsafe _ = iconv_close(converter) }
    var input = text.map { CChar(bitPattern: $0) }
    // No character of UTF-8 takes more than twice its bytes: two take four at most.
    var output = [CChar](repeating: 0, count: text.count * 2 + 8)
    var left = output.count
    let isDone = unsafe input.withUnsafeMutableBufferPointer { from in
      unsafe output.withUnsafeMutableBufferPointer { to in
        var next = from.baseAddress
        var count = from.count
        var free = to.baseAddress
        return unsafe iconv(converter, &next, &count, &free, &left) != -1 && count == 0
      }
    }
    precondition(isDone, "iconv: UTF-8 that GB18030 has no code for")
    return output.prefix(output.count - left).map { UInt8(bitPattern: $0) }
  }
}
