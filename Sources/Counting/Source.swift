/// Where a record stands: file, block of the file and line of the block in one number, so that
/// numbers order records as (file name, line number) does.
///
/// The line's number in the file is known only when the file's blocks before it are parsed;
/// ``SourceTable`` adds them up in the end.
public enum Source {
  static let lineBits: UInt64 = 18
  static let blockBits: UInt64 = 26

  /// - Parameters:
  ///   - file: its place among the files by name, below 2²⁰.
  ///   - block: below 2²⁶.
  ///   - line: its place in the block, below 2¹⁸.
  public static func number(file: Int, block: Int, line: Int) -> UInt64 {
    UInt64(file) << (lineBits + blockBits) | UInt64(block) << lineBits | UInt64(line)
  }

  /// File, block and line of a number.
  public static func parts(of number: UInt64) -> (file: Int, block: Int, line: Int) {
    (
      Int(number >> (lineBits + blockBits)), Int(number >> lineBits & (1 << blockBits - 1)),
      Int(number & (1 << lineBits - 1))
    )
  }

  /// The number of a block's first line.
  public static func firstNumber(file: Int, block: Int) -> UInt64 {
    number(file: file, block: block, line: 0)
  }

  /// Files that one run can tell apart.
  public static let filesMax = 1 << 20
}

/// Turns source numbers into `file:line`.
public struct SourceTable: Sendable {
  public let names: [String]
  /// For each file, the lines before each of its blocks.
  private let linesBefore: [[Int]]

  /// - Parameters:
  ///   - names: the files' names in their order.
  ///   - blockLines: for each file, the number of lines of each block.
  public init(names: [String], blockLines: [[Int32]]) {
    self.names = names
    linesBefore = blockLines.map { counts in
      var total = 0
      return counts.map { count in
        defer { total += Int(count) }
        return total
      }
    }
  }

  /// With other names for the files.
  public func renamed(_ name: (String) -> String) -> SourceTable {
    SourceTable(names: names.map(name), linesBefore: linesBefore)
  }

  private init(names: [String], linesBefore: [[Int]]) {
    self.names = names
    self.linesBefore = linesBefore
  }

  /// The file's number among the names, and the line's number in the file, from 1.
  public func location(of number: UInt64) -> (file: Int, line: Int) {
    let file = Int(number >> (Source.lineBits + Source.blockBits))
    let block = Int(number >> Source.lineBits & (1 << Source.blockBits - 1))
    let line = Int(number & (1 << Source.lineBits - 1))
    return (file, linesBefore[file][block] + line + 1)
  }

  public func name(ofFile file: Int) -> String { names[file] }

  /// `gateway-1.ndjson.gz:1234`.
  public func text(of number: UInt64) -> String {
    let (file, line) = location(of: number)
    return "\(names[file]):\(line)"
  }
}
