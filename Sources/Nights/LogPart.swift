internal import CivilTime
internal import Decoding
internal import Formats
internal import Parsing
internal import Segments

/// Whether one log is a part of another, by their segments.
enum LogPart {
  typealias DayFile = (day: CivilDate, path: String)

  /// Whether all records of a log stand in another one, at the same places.
  static func isPart(_ part: [DayFile], of whole: [DayFile]) throws(SegmentError) -> Bool {
    for day in part {
      guard let other = whole.first(where: { $0.day == day.day }) else { return false }
      guard try isPart(day, of: other) else { return false }
    }
    return true
  }

  private static func isPart(_ part: DayFile, of whole: DayFile) throws(SegmentError) -> Bool {
    let partReader = try SegmentReader(path: part.path, day: part.day, findsTraces: false)
    let wholeReader = try SegmentReader(path: whole.path, day: whole.day, findsTraces: false)
    let partBlock = Block()
    let wholeBlock = Block()
    var wholeNumber = -1
    while let number = try partReader.next(into: partBlock) {
      while wholeNumber < number {
        guard let next = try wholeReader.next(into: wholeBlock) else { return false }
        wholeNumber = next
      }
      guard wholeNumber == number else { return false }
      var known: [Int: [UInt8]] = [:]
      wholeReader.records { call, line in known[line] = text(call, wholeBlock.wholeBytes) }
      var holds = true
      partReader.records { call, line in
        if known[line] != text(call, partBlock.wholeBytes) { holds = false }
      }
      if !holds { return false }
    }
    return true
  }

  /// All that a record says of what is counted, as bytes: of one of the two, nothing else may have been kept.
  private static func text(_ call: Call, _ bytes: ByteView) -> [UInt8] {
    var text: [UInt8] = []
    for number in [Int(call.time.microseconds), call.status, call.items] {
      unsafe withUnsafeBytes(of: number) { unsafe text.append(contentsOf: $0) }
    }
    for field in Field.allCases.prefix(Int(Field.textCount)) where !field.isTrace {
      let slice = call[field]
      unsafe withUnsafeBytes(of: slice.count) { unsafe text.append(contentsOf: $0) }
      bytes.withSpan(Int(slice.start), Int(slice.count)) { span in
        for index in span.indices { text.append(span[index]) }
      }
    }
    return text
  }
}
