import Decoding
import Formats

/// Why a log that no format reads is not of the format that comes closest.
public struct Misfit: Sendable, Hashable {
  public var format: String
  /// What did not fit, as the end of a sentence.
  public var detail: String
  /// What to do to the format's file.
  public var remedy: String
  /// How much of what the format looks for is there, from 0 to 1.
  var share: Double
  /// Whether `format` is the name of an encoding, which must be said.
  public var isEncoding = false

  private static let keysShown = 24
  private static let textShown = 40
  /// What fits less is of another kind altogether.
  private static let shareMin = 0.25

  /// - Parameters:
  ///   - line: the log's first line that is not empty.
  ///   - rejection: why the format refused it.
  static func closest(_ plans: [FormatPlan], _ line: [UInt8], _ rejections: [Rejection?]) -> Misfit?
  {
    // Of each ASCII character the other byte is zero.
    if line.count >= 8 && line.count(where: { $0 == 0 }) * 3 >= line.count {
      let isLittle = line.indices.count { $0 % 2 == 1 && line[$0] == 0 } * 4 >= line.count
      return Misfit(
        format: isLittle ? "utf-16le" : "utf-16be", detail: "", remedy: "", share: 1,
        isEncoding: true)
    }
    let keys = JSONKeys.paths(line)
    let misfits = zip(plans, rejections).compactMap { plan, rejection in
      misfit(plan, line, keys, rejection)
    }
    // Of equals the first one.
    let best = misfits.reduce(nil as Misfit?) { best, misfit in
      misfit.share > best?.share ?? -1 ? misfit : best
    }
    if let best, best.share >= shareMin || keys != nil { return best }
    return otherTable(line)
  }

  /// Of a table that neither commas nor tabs separate.
  private static func otherTable(_ line: [UInt8]) -> Misfit? {
    for delimiter in [UInt8(ascii: ";"), UInt8(ascii: "|")] {
      let table = TableSyntax(delimiter: delimiter, hasBackslashes: false, header: nil)
      guard let columns = TableReader.header(line, table), columns.count >= 3 else { continue }
      let sign = String(decoding: [delimiter], as: UTF8.self)
      return Misfit(
        format: "csv",
        detail:
          "the first line looks like the header of a table with '\(sign)' between its columns "
          + shown(columns),
        remedy:
          "say 'lines: {csv: {delimiter: \"\(sign)\"}}', and name these columns under 'fields'",
        share: shareMin)
    }
    return nil
  }

  private static func shown(_ names: [String]) -> String {
    names.prefix(keysShown).joined(separator: ", ")
      + (names.count > keysShown ? ", …" : "")
  }

  private static func misfit(
    _ plan: FormatPlan, _ line: [UInt8], _ keys: [String]?, _ rejection: Rejection?
  ) -> Misfit? {
    switch plan.format.syntax {
    case .json:
      guard let keys else {
        guard line.first == UInt8(ascii: "{") else { return nil }
        return Misfit(
          format: plan.format.name, detail: "the first line is cut off or is not valid JSON",
          remedy:
            "look at the file with a pager; a torn first line is quarantined, the rest is read",
          share: 0.01)
      }
      return named(plan, keys, rejection, of: "key")
    case .logfmt:
      let pairs = String(decoding: line, as: UTF8.self).split(separator: " ")
        .filter { $0.contains("=") && !$0.hasPrefix("\"") }
      guard pairs.count >= 2, keys == nil else { return nil }
      return named(
        plan, pairs.map { String($0.prefix { $0 != "=" }) }, rejection, of: "key")
    case .table(let table):
      guard keys == nil, let columns = TableReader.header(line, table), columns.count >= 3 else {
        return nil
      }
      return named(plan, columns, rejection, of: "column")
    case .pattern(let pattern):
      guard keys == nil else { return nil }
      return misfit(plan, pattern, line)
    }
  }

  /// Of a format whose values have names of their own.
  private static func named(
    _ plan: FormatPlan, _ names: [String], _ rejection: Rejection?, of kind: String
  ) -> Misfit {
    let wanted = plan.valueNames.enumerated().filter { !plan.isTrace($0.offset) }.map(\.element)
    let found = wanted.filter { names.contains($0) }
    let times = (plan.format.fields[.time] ?? []).map(\.text)
    var detail: String
    if times.contains(where: { names.contains($0) }), let rejection {
      detail = "the first line \(rejection.reason)"
    } else {
      detail = "no \(kind) of the first line is the time (\(times.joined(separator: " or ")))"
    }
    detail += "; its \(kind)s are \(shown(names))"
    return Misfit(
      format: plan.format.name, detail: detail,
      remedy: "put these \(kind)s where its 'fields' name others",
      share: Double(found.count) / Double(max(wanted.count, 1)))
  }

  /// Of a format of literal texts with values between them.
  private static func misfit(
    _ plan: FormatPlan, _ pattern: LinePattern, _ line: [UInt8]
  ) -> Misfit {
    var position = 0
    var value: String?
    for (index, piece) in pattern.pieces.enumerated() {
      switch piece {
      case .value(let name): value = name
      case .text(let text):
        let rest = line[min(position, line.count)...]
        let place = value == nil ? (rest.starts(with: text) ? position : nil) : find(text, in: rest)
        guard let place else {
          let expected = String(decoding: text, as: UTF8.self)
          let found = String(decoding: rest.prefix(textShown), as: UTF8.self)
          let behind = value.map { " behind the value '\($0)'" } ?? ""
          return Misfit(
            format: plan.format.name,
            detail: "the first line fits up to column \(position + 1), where '\(expected)' should "
              + "come\(behind), and not '\(found)\(rest.count > textShown ? "…" : "")'",
            remedy: "put the pattern of your server's configuration under its 'lines'",
            share: Double(index) / Double(pattern.pieces.count + 1))
        }
        position = place + text.count
        value = nil
      }
    }
    let rest = String(
      decoding: line[min(position, line.count)...].prefix(textShown), as: UTF8.self)
    return Misfit(
      format: plan.format.name,
      detail: value == nil && position < line.count
        ? "the first line fits, but goes on with '\(rest)'"
        : "the first line fits, but the time in it cannot be read",
      remedy: "put the pattern of your server's configuration under its 'lines'",
      share: Double(pattern.pieces.count) / Double(pattern.pieces.count + 1))
  }

  private static func find(_ text: [UInt8], in bytes: ArraySlice<UInt8>) -> Int? {
    guard bytes.count >= text.count else { return nil }
    return (bytes.startIndex...(bytes.endIndex - text.count)).first { start in
      bytes[start..<(start + text.count)].elementsEqual(text)
    }
  }
}

extension ValueSource {
  /// As a format file writes it.
  var text: String {
    switch self {
    case .value(let name): name
    case .duration(let name, let unit): "\(unit.rawValue):\(name)"
    case .query(let name): "query:\(name)"
    case .cookie(let name): "cookie:\(name)"
    case .method: "method"
    case .path: "path"
    case .joined(let parts):
      parts.map { part in
        switch part {
        case .text(let text): text
        case .source(let source): "{\(source.text)}"
        }
      }.joined()
    }
  }
}

/// The paths of the values of a JSON object.
enum JSONKeys {
  private static let pathsMax = 200

  /// - Returns: `nil` where the line is no object.
  static func paths(_ line: [UInt8]) -> [String]? {
    guard line.first(where: { $0 != 0x20 && $0 != 0x09 }) == 0x7B else { return nil }
    let block = Block(line)
    let indexer = JSONIndexer()
    return withExtendedLifetime((block, indexer)) { paths(block.bytes, indexer) }
  }

  private static func paths(_ bytes: ByteView, _ indexer: JSONIndexer) -> [String]? {
    guard let tokens = indexer.tokens(bytes, 0, bytes.count) else { return nil }
    var paths: [String] = []
    // The key of each open container; `nil` for an array's.
    var open: [String?] = []
    var key: String?
    var index = 0
    while index < tokens.count && paths.count < pathsMax {
      let position = tokens[index]
      let isKey = index + 1 < tokens.count && bytes[tokens[index + 1]] == 0x3A
      switch bytes[position] {
      case 0x7B, 0x5B:
        open.append(key)
        key = nil
      case 0x7D, 0x5D:
        if open.popLast() == nil { return nil }
      case 0x22 where isKey:
        let end = bytes.firstPosition(of: 0x22, from: position + 1)
        key = bytes.text(position + 1, end - position - 1)
        index += 1
      case 0x2C, 0x3A: break
      default:
        let path = (open.compactMap { $0 } + [key].compactMap { $0 }).joined(separator: ".")
        if !path.isEmpty && paths.last != path { paths.append(path) }
        key = nil
      }
      index += 1
    }
    return open.isEmpty ? paths : nil
  }
}
