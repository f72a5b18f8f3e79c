public import Decoding
public import Formats

/// Tells a log's format by its first lines: each format reads them, and the one that gets most out of
/// them is the log's.
public struct FormatRecogniser: Sendable {
  /// Lines that are looked at.
  public static let linesMax = 100
  static let bytesMax = 64 * 1024

  /// Formats made ready, in the order in which they are preferred where two read the same.
  private struct Candidates: Sendable {
    let formats: [LogFormat]
    /// Of those formats that need no header.
    let plans: [FormatPlan?]
    /// Which of them may have been meant; those that the user has described need not be guessed.
    let areGuesses: [Bool]

    init(_ formats: [LogFormat]) {
      self.formats = formats
      plans = formats.map { $0.takesHeader ? nil : FormatPlan($0) }
      areGuesses = formats.map { formats.count > 1 && BuiltInFormats.all.contains($0) }
    }

    static let builtIn = Candidates(BuiltInFormats.all)
  }

  /// `nil`: the built-in ones.
  private let given: Candidates?
  private let canonical = FormatPlan(.canonical)
  private let lineBytesMax: Int
  /// A record of so many fields is canonical without asking how other formats would read it.
  private static let fieldsClear = 6

  /// - Parameter formats: those to tell apart, the preferred ones first; `nil`: the built-in ones.
  public init(_ formats: [LogFormat]?, lineBytesMax: Int = LogStream.lineBytesMaxDefault) {
    precondition(formats?.isEmpty != true, "there is no format to tell")
    given = formats.map { Candidates($0) }
    self.lineBytesMax = lineBytesMax
  }

  /// What a log's first block says of its format.
  public func recognise(_ block: Block) -> Recognition {
    let sample = block.sample(lines: Self.linesMax, bytes: Self.bytesMax)
    if given == nil {
      // Most logs; the files of other formats are not even read.
      let trial = trial(canonical, sample, isGuess: true)
      if trial.records > 0 && trial.records * 2 >= trial.lines
        && trial.fields >= trial.records * Self.fieldsClear
      {
        return Recognition(trial, trials: [trial])
      }
    }
    let candidates = given ?? .builtIn
    let header = sample.firstLine
    let trials = candidates.formats.indices.map { index in
      let plan =
        candidates.plans[index] ?? FormatPlan(candidates.formats[index], headerLine: header)
      return trial(plan, sample, isGuess: candidates.areGuesses[index])
    }
    let best = trials.indices.max {
      // Of equals the first one.
      trials[$0].score != trials[$1].score ? trials[$0].score < trials[$1].score : $0 > $1
    }
    var recognition = Recognition(trials[best ?? 0], trials: trials)
    if recognition.isUnknown {
      recognition.misfit = Misfit.closest(
        trials.map(\.plan), header, trials.map { $0.firstRejection?.rejection })
    }
    return recognition
  }

  private func trial(_ plan: FormatPlan, _ sample: Block, isGuess: Bool) -> Recognition.Trial {
    var trial = Recognition.Trial(plan: plan)
    func note(_ rejection: Rejection, _ line: Int) {
      if trial.firstRejection == nil { trial.firstRejection = (line + 1, rejection) }
    }
    // Canonical lines are read by the general reader too, so that their fields are counted as others'.
    var parser = FormatParser(
      plan, sample, isGuess: isGuess, lineBytesMax: lineBytesMax)
    let counts = parser.parse(sample) { _, _ in
      trial.records += 1
    } rejected: {
      note($0, $1)
    }
    trial.records += counts.ignored
    trial.ignored = counts.ignored
    trial.firstIgnored = parser.firstIgnored
    trial.fields = parser.fieldCount
    trial.lines = counts.lines - counts.blank
    return trial
  }
}

/// What a log's first lines say of its format.
public struct Recognition: Sendable {
  /// How one format got on with the lines.
  public struct Trial: Sendable {
    public var plan: FormatPlan
    /// Lines that are neither blank nor a header.
    public var lines = 0
    /// Lines that are records, those that the format ignores too.
    public var records = 0
    /// Records of these that the format takes for none that counts.
    public var ignored = 0
    /// Method and path of the first one of these.
    public var firstIgnored: String?
    /// Fields that the records have values for, all together.
    public var fields = 0
    /// The first line, from 1, that is no record.
    public var firstRejection: (line: Int, rejection: Rejection)?

    init(plan: FormatPlan) { self.plan = plan }

    /// Lines that are read count where two formats find as much in them.
    var score: Int { 1_000 * fields + records + (isEmptyTable ? 1 : 0) }

    /// Whether the log is a header that names the time, and nothing else as yet.
    var isEmptyTable: Bool {
      guard lines == 0, let header = plan.header else { return false }
      return (plan.format.fields[.time] ?? []).contains { source in
        if case .value(let name) = source { header.contains(name) } else { false }
      }
    }
  }

  /// How the log's format got on; of a log that no format reads, how the first one did.
  public let trial: Trial
  /// How to read the log.
  public var plan: FormatPlan { trial.plan }
  /// Other formats that describe the same lines.
  public let alike: [String]
  /// Whether some line is a record of some format, or would be but for one field.
  public let hasRecord: Bool
  /// Of a log that no format reads, which one comes closest, and what does not fit.
  public internal(set) var misfit: Misfit?

  init(_ best: Trial, trials: [Trial]) {
    trial = best
    alike = trials.filter { trial in
      trial.plan.format.name != best.plan.format.name
        && best.plan.format.syntax.hasShape(of: trial.plan.format.syntax)
    }.map(\.plan.format.name)
    hasRecord = trials.contains { trial in
      if trial.records > 0 || trial.isEmptyTable { return true }
      switch trial.firstRejection?.rejection {
      case .unreadableTime, .unreadableStatus, .unreadableItems, .unreadableField: return true
      default: return false
      }
    }
  }

  /// Whether there are lines, and no format makes a record of any.
  public var isUnknown: Bool { trial.records == 0 && trial.lines > 0 }
}

extension LineSyntax {
  /// Whether both cut lines at the same texts, whatever they call the values between them.
  fileprivate func hasShape(of other: LineSyntax) -> Bool {
    guard case .pattern(let own) = self, case .pattern(let others) = other else { return false }
    return own.pieces.map(Self.text) == others.pieces.map(Self.text)
  }

  private static func text(_ piece: LinePattern.Piece) -> [UInt8]? {
    if case .text(let text) = piece { text } else { nil }
  }
}

extension LogFormat {
  /// Whether the log's first line has the columns' names.
  var takesHeader: Bool {
    if case .table(let table) = syntax { table.header == nil } else { false }
  }
}
