package import Decoding
package import Formats
package import Parsing

/// The formats of a run's logs. The first block of a log tells; who has a later one waits for that.
package final class FileFormats: @unchecked Sendable {
  private let monitor = Monitor()
  private let recogniser: FormatRecogniser
  private var found: [Recognition?]
  /// How each file is read, once that is known.
  private var planOfFile: [FormatPlan?]
  /// Files that are tables with a header which is not to be trusted.
  private var filesOfDoubtfulHeader: Set<Int> = []
  /// The block of each file that tells; not the first one where that is a single line of no format,
  /// such as the zeros that a truncated log begins with.
  private var tellingBlock: [Int]
  /// One plan for all logs of a format with the same header, so that a thread keeps its parser.
  private var plans: [PlanKey: FormatPlan] = [:]

  private struct PlanKey: Hashable {
    var format: LogFormat
    var headerLine: [UInt8]?
  }

  package init(_ formats: [LogFormat]?, fileCount: Int, _ lineBytesMax: Int) {
    recogniser = FormatRecogniser(formats, lineBytesMax: lineBytesMax)
    found = Array(repeating: nil, count: fileCount)
    planOfFile = Array(repeating: nil, count: fileCount)
    tellingBlock = Array(repeating: 0, count: fileCount)
  }

  package var recognitions: [Recognition?] { monitor.withLock { found } }

  /// How to read a block of a file.
  package func reading(of block: Block, ofFile file: Int) -> BlockReading {
    let known = monitor.withLock { () -> BlockReading? in
      while planOfFile[file] == nil && tellingBlock[file] != block.index { monitor.wait() }
      if let plan = planOfFile[file] {
        let isDoubtful = filesOfDoubtfulHeader.contains(file)
        return BlockReading(plan: plan, trust: isDoubtful ? .untrusted : block.trust)
      }
      // What may be wrong tells no more than the first such block did.
      guard block.trust != .trusted, let plan = found[file]?.plan else { return nil }
      tellingBlock[file] = block.index + 1
      monitor.signalAll()
      return BlockReading(plan: shared(plan), trust: block.trust)
    }
    if let known { return known }
    let recognition = recogniser.recognise(block)
    return monitor.withLock {
      let plan = shared(recognition.plan)
      found[file] = recognition
      let isDoubtful = block.trust != .trusted
      // A table's first line names its columns, and no other does.
      let isTable = plan.headerLine != nil
      if recognition.isUnknown && recognition.trial.lines == 1 || isDoubtful && !isTable {
        tellingBlock[file] = block.index + 1
      } else {
        planOfFile[file] = plan
        if isDoubtful { filesOfDoubtfulHeader.insert(file) }
      }
      monitor.signalAll()
      return BlockReading(plan: plan, trust: block.trust)
    }
  }

  private func shared(_ plan: FormatPlan) -> FormatPlan {
    let key = PlanKey(format: plan.format, headerLine: plan.headerLine)
    if let known = plans[key] { return known }
    plans[key] = plan
    return plan
  }
}

/// How a block is to be read.
package struct BlockReading {
  package var plan: FormatPlan
  /// The block's own, or what its table's header makes of it.
  package var trust: Block.Trust

  /// Whether no part of a record can be taken for a whole one.
  var hasClosedRecords: Bool {
    if case .json = plan.format.syntax { true } else { false }
  }
}

/// One thread's parsers: that of canonical lines, and one for each format it has met.
package final class Parsers {
  private final class Box {
    var parser: FormatParser

    init(_ parser: consuming FormatParser) { self.parser = parser }
  }

  private let lineBytesMax: Int
  private var canonical: JSONLinesParser
  private var others: [ObjectIdentifier: Box] = [:]
  /// Where the headers of many tables all differ, not all their parsers are kept.
  private static let othersMax = 64

  private let findsPlaces: Bool
  private let findsTraces: Bool

  package init(findsPlaces: Bool, findsTraces: Bool = false, lineBytesMax: Int) {
    self.findsPlaces = findsPlaces
    self.findsTraces = findsTraces
    self.lineBytesMax = lineBytesMax
    canonical = JSONLinesParser(findsTraces: findsTraces, lineBytesMax: lineBytesMax)
  }

  package func parse(
    _ block: Block, _ reading: BlockReading, record: (Call, Int) -> Void,
    rejected: (Rejection, Int) -> Void
  ) -> LineCounts {
    switch reading.trust {
    case .trusted: break
    case .torn where reading.hasClosedRecords: break
    case .torn: return block.rejectLines(.torn, lineBytesMax: lineBytesMax, rejected)
    case .untrusted: return block.rejectLines(.untrusted, lineBytesMax: lineBytesMax, rejected)
    }
    let plan = reading.plan
    if plan.isCanonical { return canonical.parse(block, record: record, rejected: rejected) }
    let box = box(plan, block)
    return box.parser.parse(block, record: record, rejected: rejected)
  }

  private func box(_ plan: FormatPlan, _ block: Block) -> Box {
    if let known = others[ObjectIdentifier(plan)] { return known }
    if others.count >= Self.othersMax { others.removeAll() }
    let box = Box(
      FormatParser(
        plan, block, findsPlaces: findsPlaces, findsTraces: findsTraces,
        lineBytesMax: lineBytesMax))
    others[ObjectIdentifier(plan)] = box
    return box
  }
}
