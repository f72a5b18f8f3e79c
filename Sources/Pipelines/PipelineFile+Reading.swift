internal import CivilTime
public import Configuration
internal import Contracts
internal import Decoding
internal import Detection
internal import Formats
internal import Nights

extension PipelineFile {
  static let keys = [
    "pipeline", "logs", "formats", "encoding", "contracts", "time_zone", "statements", "workspace",
    "keep_segments",
    "out",
    "headers",
    "bom", "quarantined_share", "privacy_key", "detection", "threads", "memory", "metrics", "hook",
    "hook_time_limit",
  ]
  private static let detectionKeys = ["without", "false_discovery_rate"]
  static let threadsMax = 1_024
  static let keptDaysMax = 36_500

  /// Reads a pipeline file.
  ///
  /// - Throws: all mistakes of the file at once, each with its line.
  public static func read(path: String) throws(ConfigurationError) -> PipelineFile {
    try PipelineFile(yaml: ConfigurationDocument.text(path: path), path: path)
  }

  /// Reads the text of a pipeline file; `path` says against which folder its paths are resolved.
  ///
  /// - Throws: all mistakes of the text at once, each with its line.
  public init(yaml text: String, path: String) throws(ConfigurationError) {
    let document = ConfigurationDocument(yaml: text, file: path)
    let pipeline = document.root?.mapping(keys: Self.keys).flatMap { PipelineFile($0, path: path) }
    try document.check()
    guard let pipeline else {
      // Every reader that gives up reports why.
      preconditionFailure("a pipeline was refused without a reason")
    }
    self = pipeline
  }

  private init?(_ file: ConfigurationMapping, path: String) {
    func resolved(_ text: String) -> String { ConfigurationDocument.resolve(text, against: path) }
    func resolved(_ value: ConfigurationValue?) -> String? { value?.text().map(resolved) }
    let name = file.required("pipeline", expected: "the job's name")?.text()
    let logs = file.required("logs", expected: "files, directories or globs")?
      .texts(of: "file, directory or glob")
    formats = file["formats"].map { Self.formats($0, path: path) }
    formatFiles = (file["formats"]?.elementsOrOne() ?? []).compactMap(\.scalarText)
      .filter { !Self.isBuiltIn($0) }.map(resolved)
    encoding = file["encoding"].flatMap(Self.encoding)
    contracts = (file["contracts"]?.texts(of: "contract file") ?? []).map(resolved)
    zone = file["time_zone"].flatMap { Self.zone($0, hasContracts: file["contracts"] != nil) }
    statements = (file["statements"]?.elements(expected: "a list of statements") ?? [])
      .compactMap { StatementFile($0, path: path) }
    workspace = resolved(file["workspace"])
    keepSegmentsDays = file["keep_segments"].flatMap {
      Self.keptDays($0, hasWorkspace: file["workspace"] != nil)
    }
    let out = resolved(file.required("out", expected: "the directory for reports"))
    headers = file["headers"]?.choice(of: Headers.self) ?? .en
    bom = file["bom"]?.boolean() ?? false
    quarantinedShare = file["quarantined_share"]?.fraction() ?? .zero
    privacyKey = resolved(file["privacy_key"])
    if let value = file["detection"] {
      detection = Self.detection(value)
    } else {
      detection = DetectionSettings()
    }
    threads = file["threads"]?.integer(1...Self.threadsMax, of: "a number of threads")
    if let value = file["memory"] {
      memory = value.scalarText.flatMap { ByteCount(text: $0) }
      if memory == nil { value.reject(expected: "a size such as 512M or 1G") }
    }
    metrics = file["metrics"].flatMap(Self.metrics).map(resolved)
    hook = Hook(file, path: path)
    self.path = path
    guard let name, let logs, let out else { return nil }
    self.name = name
    self.logs = logs.map(resolved)
    self.out = out
  }

  /// Names of built-in formats, or format files.
  private static func formats(_ value: ConfigurationValue, path: String) -> [LogFormat] {
    var formats: [LogFormat] = []
    for element in value.elementsOrOne() {
      guard let text = element.text(expected: "a built-in format or a format file") else {
        continue
      }
      do throws(ConfigurationError) {
        let name = isBuiltIn(text) ? text : ConfigurationDocument.resolve(text, against: path)
        formats.append(try LogFormat.find(name))
      } catch {
        for problem in error.problems { element.contradict(problem.description) }
      }
    }
    return formats
  }

  private static func isBuiltIn(_ format: String) -> Bool {
    BuiltInFormats.all.contains { $0.name == format }
  }

  /// `off`, or what is to be other than usual.
  private static func detection(_ value: ConfigurationValue) -> DetectionSettings? {
    var settings = DetectionSettings()
    if value.scalarText != nil {
      let expected = "on, off, or a mapping with the keys \(detectionKeys.joined(separator: ", "))"
      return value.boolean(expected: expected) ?? true ? settings : nil
    }
    guard let mapping = value.mapping(keys: detectionKeys) else { return settings }
    for element in mapping["without"]?.elementsOrOne() ?? [] {
      guard let kind = element.choice(of: Finding.Kind.self) else { continue }
      if DetectionSettings.tested.contains(kind) {
        settings.without.insert(kind)
      } else {
        element.contradict(
          "\(kind.rawValue) comes of the contract's lists; leave out the list instead")
      }
    }
    if let rate = mapping["false_discovery_rate"] {
      if let share = rate.fraction(), let number = Double(share.text(places: 9)), number > 0 {
        settings.falseDiscoveryRate = number
      } else {
        rate.reject(expected: "a share above 0, such as 0.001 or 0.1%")
      }
    }
    return settings
  }

  /// A file that node_exporter reads: it takes those that end with `.prom`.
  private static func metrics(_ value: ConfigurationValue) -> String? {
    guard let text = value.text() else { return nil }
    guard text.hasSuffix(".prom"), !text.hasSuffix("/.prom"), text != ".prom" else {
      value.reject(
        expected: "a file whose name ends with .prom, as node_exporter's textfile collector wants")
      return nil
    }
    return text
  }

  private static func keptDays(_ value: ConfigurationValue, hasWorkspace: Bool) -> Int? {
    guard hasWorkspace else {
      value.contradict("only together with 'workspace', whose segments it is about")
      return nil
    }
    guard let text = value.scalarText, text.hasSuffix("d"), let days = Int(text.dropLast()),
      "\(days)d" == text, (NightlyCount.keepDaysMin...keptDaysMax).contains(days)
    else {
      value.reject(
        expected:
          "a number of days from \(NightlyCount.keepDaysMin)d to \(keptDaysMax)d, such as 400d")
      return nil
    }
    return days
  }

  private static func encoding(_ value: ConfigurationValue) -> TextEncoding? {
    let encoding = value.scalarText.flatMap { TextEncoding(name: $0) }
    if encoding == nil { value.reject(expected: TextEncoding.namesText) }
    return encoding
  }

  private static func zone(_ value: ConfigurationValue, hasContracts: Bool) -> Zone? {
    if hasContracts {
      value.contradict("not together with contracts, each of which says which zone holds")
      return nil
    }
    guard let zone = value.scalarText.flatMap({ Zone(identifier: $0) }) else {
      value.reject(expected: "an IANA time zone such as Asia/Shanghai")
      return nil
    }
    return zone
  }
}

extension Hook {
  /// The hook of a pipeline; `nil` where it has none, or a wrong one, which is then reported.
  init?(_ file: ConfigurationMapping, path: String) {
    let limit = file["hook_time_limit"]
    guard let value = file["hook"] else {
      limit?.contradict("only together with 'hook', the program that it is for")
      return nil
    }
    line = value.line
    timeLimit = limit.flatMap(Self.timeLimit) ?? Self.timeLimitDefault
    let expected = "a program, or a list of a program and its arguments"
    let elements = value.elementsOrOne()
    // A script may have lines.
    command = elements.compactMap { $0.text(expected: expected, lines: true, tabs: true) }
    guard let program = command.first, command.count == elements.count else {
      if elements.isEmpty { value.reject(expected: expected) }
      return nil
    }
    if program.contains("/") {
      command[0] = ConfigurationDocument.resolve(program, against: path)
    }
  }

  private static func timeLimit(_ value: ConfigurationValue) -> Interval? {
    guard let limit = value.interval(positive: true) else { return nil }
    guard limit <= timeLimitMax else {
      value.reject(expected: "at most \(timeLimitMax.text)")
      return nil
    }
    return limit
  }
}

extension StatementFile {
  init?(_ value: ConfigurationValue, path: String) {
    guard let mapping = value.mapping(keys: ["contract", "file", "columns"]) else { return nil }
    let number = mapping.required("contract", expected: "the contract's number")
    let contract = number?.text()
    line = number?.line ?? value.line
    let file = mapping.required("file", expected: "the statement's CSV file")?.text()
    columns = [:]
    let names = mapping["columns"]?.mapping(keys: Column.allCases.map(\.rawValue))
    for column in Column.allCases {
      guard let name = names?[column.rawValue], let header = name.text() else { continue }
      if columns.values.contains(header) {
        name.contradict("column '\(header)' is already named for something else")
      }
      columns[column] = header
    }
    guard let contract, let file else { return nil }
    self.contract = contract
    self.file = ConfigurationDocument.resolve(file, against: path)
  }
}
