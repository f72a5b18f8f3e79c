internal import CivilTime
internal import Configuration
internal import Formats
internal import Parsing

@testable internal import Decoding

/// Lines of every built-in format, together and alone; the first byte says which format.
struct FormatsTarget: FuzzTarget {
  static let name = "formats"

  enum Heard: Equatable {
    case record(fields: [[UInt8]], time: Instant, status: Int, items: Int)
    case rejected(Rejection)
    case none
  }

  private let block = Block()
  private let single = Block()
  private let plans = BuiltInFormats.all.map { FormatPlan($0) }
  private let recogniser = FormatRecogniser(BuiltInFormats.all)

  mutating func check(_ input: [UInt8]) {
    guard let first = input.first, input.count <= Block.bytesMax else { return }
    let text = Array(input.dropFirst())
    fill(block, text, index: 0)
    let recognition = recogniser.recognise(block)
    require(
      recognition.trial.records <= recognition.trial.lines, "a record is a line, each once")
    if recognition.isUnknown {
      require(recognition.trial.records == 0, "of an unknown format no line is a record")
    }
    var plan = plans[Int(first) % plans.count]
    if case .table = plan.format.syntax {
      plan = FormatPlan(plan.format, headerLine: block.firstLine)
    }
    checkLines(text, plan)
  }

  /// A line says the same among others and alone, and every line is accounted for.
  private func checkLines(_ text: [UInt8], _ plan: FormatPlan) {
    let lines = text.split(separator: 0x0A, omittingEmptySubsequences: false)
      .dropLast(text.last ?? 0x0A == 0x0A ? 1 : 0)
    var parser = FormatParser(plan, block)
    let together = heard(&parser, block, text, index: 1)
    require(together.count == lines.count, "every line is heard")
    for (number, line) in lines.enumerated() {
      var fresh = FormatParser(plan, single)
      let alone = heard(&fresh, single, Array(line) + [0x0A], index: 1)
      require(
        alone == [together[number]],
        "'\(String(decoding: line, as: UTF8.self))' says \(alone), among others \(together[number])"
      )
    }
  }

  private func fill(_ block: Block, _ text: [UInt8], index: Int) {
    unsafe text.withUnsafeBytes { unsafe block.storage.copyMemory(from: $0) }
    block.count = text.count
    block.index = index
    block.terminate()
  }

  private func heard(
    _ parser: inout FormatParser, _ block: Block, _ text: [UInt8], index: Int
  ) -> [Heard] {
    fill(block, text, index: index)
    var heard: [Int: Heard] = [:]
    var last = -1
    func note(_ said: Heard, _ line: Int) {
      require(line > last, "lines come in order, each once")
      last = line
      heard[line] = said
    }
    let bytes = block.wholeBytes
    let counts = parser.parse(block) { call, line in
      let fields = Field.allCases.prefix(Int(Field.textCount)).map { field in
        let slice = call[field]
        let (start, count) = (Int(slice.start), Int(slice.count))
        require(
          start + count <= text.count || start + count <= bytes.count && start > text.count,
          "a slice lies in the block or in its annex")
        let field = bytes.withSpan(start, count) { span in span.indices.map { span[$0] } }
        require(String(validating: field, as: UTF8.self) != nil, "a field is UTF-8")
        return field
      }
      note(.record(fields: fields, time: call.time, status: call.status, items: call.items), line)
    } rejected: { rejection, line in
      note(.rejected(rejection), line)
    }
    require(
      counts.lines == heard.count + counts.blank + counts.ignored,
      "lines are records, rejected, ignored or blank")
    return (0..<counts.lines).map { heard[$0] ?? .none }
  }
}

/// A format file: it is refused with the line of each mistake, or is one that lines can be read by.
struct FormatFileTarget: FuzzTarget {
  static let name = "formatfile"

  private let block = Block([0x31, 0x20, 0x22, 0x61, 0x22, 0x3D, 0x5C, 0x78, 0x34, 0x31])

  mutating func check(_ input: [UInt8]) {
    guard let text = configurationText(input) else { return }
    do throws(ConfigurationError) {
      let format = try LogFormat(yaml: text, path: "folder/format.yaml")
      require(!format.name.isEmpty, "a format has a name")
      require(format.fields[.time]?.isEmpty == false, "a format says where the time is")
      var parser = FormatParser(FormatPlan(format, headerLine: block.firstLine), block)
      var heard = 0
      let counts = parser.parse(block) { _, _ in
        heard += 1
      } rejected: { _, _ in
        heard += 1
      }
      require(
        counts.lines == heard + counts.blank + counts.ignored, "the line is accounted for")
    } catch {
      checkProblems(error, in: text)
    }
  }
}
