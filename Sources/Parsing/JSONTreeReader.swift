import Decoding

/// Reads a line that is a JSON object and takes values out of it by their paths. The whole line is
/// checked (RFC 8259), however deep.
final class JSONTreeReader {
  /// A key on the way to a value, or the value's own.
  private struct Node {
    var keys: [(name: [UInt8], node: Int)] = []
    var slot = FormatPlan.none
    /// Whether it is asked for only by fields that decide no count.
    var isTrace = false
  }

  private struct Frame {
    var isObject: Bool
    var node: Int
  }

  private enum Verdict { case fine, unreadable }

  private var nodes = [Node()]
  private var frames: [Frame] = []
  /// The first backslash at or behind the text last looked at; in the block, so that it is sought once
  /// for many lines that have none.
  private var backslash = -1

  init(_ plan: FormatPlan, findsTraces: Bool) {
    for (slot, name) in plan.valueNames.enumerated() {
      let isTrace = plan.isTrace(slot)
      if isTrace && !findsTraces { continue }
      add(
        name.split(separator: ".", omittingEmptySubsequences: false).map { Array($0.utf8) }, slot,
        isTrace: isTrace)
      // Some loggers write the path as one key.
      if name.contains(".") { add([Array(name.utf8)], slot, isTrace: isTrace) }
    }
  }

  private func add(_ path: [[UInt8]], _ slot: Int, isTrace: Bool) {
    var node = 0
    for name in path {
      if let known = nodes[node].keys.first(where: { $0.name == name }) {
        node = known.node
      } else {
        nodes[node].keys.append((name, nodes.count))
        node = nodes.count
        nodes.append(Node())
      }
    }
    nodes[node].slot = slot
    nodes[node].isTrace = isTrace
  }

  /// Prepares for the lines of another block.
  func begin() { backslash = -1 }

  /// Reads a line.
  ///
  /// - Parameters:
  ///   - tokens: those of the line alone.
  ///   - decode: takes the slot of a text with escapes; false where they are none.
  /// - Returns: why it is no record; `nil` where it was read.
  func read(
    _ bytes: ByteView, _ line: Range<Int>, _ tokens: Tokens, into values: Slots,
    decode: (Int) -> Bool
  ) -> Rejection? {
    let end = line.upperBound
    @inline(__always) func token(_ number: Int) -> Int { tokens[number] &+ line.lowerBound }
    guard bytes[token(0)] == 0x7B else { return .notAnObject }
    if backslash < line.lowerBound {
      backslash = bytes.firstPosition(of: 0x5C, from: line.lowerBound)
    }
    frames.removeAll(keepingCapacity: true)
    frames.append(Frame(isObject: true, node: 0))
    var frame = frames[0]
    var cursor = 1
    var isFresh = true
    scan: while true {
      guard token(cursor) < end else { return .invalidJSON }
      if isFresh && bytes[token(cursor)] == (frame.isObject ? 0x7D : 0x5D) {
        isFresh = false
      } else {
        var node = frame.isObject ? -1 : isFresh ? frame.node : -1
        if frame.isObject {
          let key = token(cursor)
          let colon = token(cursor + 1)
          guard bytes[key] == 0x22, colon < end, bytes[colon] == 0x3A,
            let close = JSONWalk.closingQuote(bytes, from: key, before: colon)
          else { return .invalidJSON }
          let hasEscapes = backslash < close
          if hasEscapes && !checkEscapes(bytes, key + 1, close) { return .invalidJSON }
          if frame.node >= 0 {
            node = child(of: frame.node, bytes, key + 1, close, hasEscapes: hasEscapes)
          }
          cursor += 2
          guard token(cursor) < end else { return .invalidJSON }
        }
        let start = token(cursor)
        if bytes[start] == 0x7B || bytes[start] == 0x5B {
          let isObject = bytes[start] == 0x7B
          if isObject, node >= 0, nodes[node].slot >= 0, nodes[node].keys.isEmpty,
            !nodes[node].isTrace
          {
            return .unreadableField
          }
          frame = Frame(isObject: isObject, node: node)
          frames.append(frame)
          cursor += 1
          isFresh = true
          continue scan
        }
        let slot = node >= 0 ? nodes[node].slot : FormatPlan.none
        guard
          let verdict = scalar(
            bytes, start, before: min(token(cursor + 1), end), slot, values, decode)
        else { return .invalidJSON }
        if verdict == .unreadable { return .unreadableField }
        cursor += 1
        isFresh = false
      }
      while true {
        let separator = token(cursor)
        guard separator < end else { return .invalidJSON }
        cursor += 1
        if bytes[separator] == 0x2C { continue scan }
        guard bytes[separator] == (frame.isObject ? 0x7D : 0x5D) else { return .invalidJSON }
        frames.removeLast()
        guard let outer = frames.last else {
          return token(cursor) >= end ? nil : .invalidJSON
        }
        frame = outer
        isFresh = false
      }
    }
  }

  /// Reads a text, number or literal.
  ///
  /// - Returns: whether a field can have it; `nil` where it is not valid.
  private func scalar(
    _ bytes: ByteView, _ start: Int, before next: Int, _ slot: Int, _ values: Slots,
    _ decode: (Int) -> Bool
  ) -> Verdict? {
    guard bytes[start] == 0x22 else {
      guard let value = JSONWalk.bare(bytes, from: start, before: next) else { return nil }
      guard slot >= 0 else { return .fine }
      switch value {
      case .number(let slice), .boolean(let slice): values[slot] = slice
      default: values[slot] = .absent
      }
      return .fine
    }
    guard let close = JSONWalk.closingQuote(bytes, from: start, before: next) else { return nil }
    let hasEscapes = backslash < close
    if hasEscapes && !checkEscapes(bytes, start + 1, close) { return nil }
    guard slot >= 0 else { return .fine }
    values[slot] = Slice(start: start + 1, count: close - start - 1)
    return hasEscapes && !decode(slot) ? .unreadable : .fine
  }

  /// Whether the escapes of a text are valid.
  private func checkEscapes(_ bytes: ByteView, _ start: Int, _ end: Int) -> Bool {
    let isValid = Escapes.areValid(bytes, start, end)
    backslash = bytes.firstPosition(of: 0x5C, from: end)
    return isValid
  }

  private func child(
    of node: Int, _ bytes: ByteView, _ start: Int, _ end: Int, hasEscapes: Bool
  ) -> Int {
    if hasEscapes {
      let name = Escapes.decoded(bytes, start, end)
      return nodes[node].keys.first { $0.name == name }?.node ?? -1
    }
    let count = end - start
    search: for (name, child) in nodes[node].keys where name.count == count {
      for index in 0..<count where bytes[start + index] != name[index] { continue search }
      return child
    }
    return -1
  }
}
