public import CivilTime

/// How a side writes its statements.
public struct StatementForm: Sendable, Hashable {
  public enum Encoding: String, Sendable, Hashable, CaseIterable {
    case utf8 = "utf-8"
    case utf8WithMark = "utf-8-bom"
    /// With a byte order mark.
    case utf16LittleEndian = "utf-16le"
    case utf16BigEndian = "utf-16be"
    case gb18030
  }
  /// Of the header, and of the words for units.
  public enum Language: String, Sendable, Hashable, CaseIterable { case english, chinese }
  public enum Delimiter: String, Sendable, Hashable, CaseIterable {
    case comma, tab, semicolon

    var byte: UInt8 {
      switch self {
      case .comma: 0x2C
      case .tab: 0x09
      case .semicolon: 0x3B
      }
    }
  }
  public enum Numbers: String, Sendable, Hashable, CaseIterable {
    /// `1234`
    case plain
    /// `1,234`
    case thousands
    /// `１２３４`
    case fullWidth = "full-width"
  }
  public enum Dates: String, Sendable, Hashable, CaseIterable {
    /// `2025-12-01` and RFC 3339, to the millisecond.
    case iso
    /// `2025/12/1` and `2025/12/1 8:05:03`, to the second.
    case slashes
    /// Excel's numbers of days: `45992` and `45992.3368402778`.
    case serial
  }

  public var encoding = Encoding.utf8
  public var language = Language.english
  public var delimiter = Delimiter.comma
  public var numbers = Numbers.plain
  public var dates = Dates.iso
  /// The zone whose wall time is written, without an offset; `nil`: the traffic's, with the offset
  /// where ``Dates/iso`` is written.
  public var zone: Zone?

  public init() {}
}
