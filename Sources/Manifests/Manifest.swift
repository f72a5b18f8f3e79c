public import CivilTime
public import Ledger
public import Reports

/// What a folder of reports is and what it was made from, file by file, so that either party can check
/// it years later: `manifest.json` (docs/manifest.md). Sizes are bytes.
///
/// It names no time and no machine, so that equal reports have equal manifests.
public struct Manifest: Sendable, Hashable {
  /// What made the reports.
  public struct Program: Sendable, Hashable {
    public var name: String
    public var version: String

    public init(name: String = "duizhang", version: String) {
      self.name = name
      self.version = version
    }
  }

  /// A file that decides figures.
  public struct ConfigurationFile: Sendable, Hashable {
    /// In the order in which they are listed.
    public enum Role: String, Sendable, Hashable, CaseIterable {
      case contract, statement, format
    }

    public var role: Role
    /// As the run named it, from its working folder.
    public var path: String
    public var sha256: ContentHash
    public var bytes: Int

    public init(role: Role, path: String, sha256: ContentHash, bytes: Int) {
      self.role = role
      self.path = path
      self.sha256 = sha256
      self.bytes = bytes
    }
  }

  /// A log.
  public struct Input: Sendable, Hashable {
    /// The path, as reports name it.
    public var name: String
    /// Of the bytes as stored; `nil` without a workspace.
    public var sha256: ContentHash?
    /// As stored.
    public var bytes: Int
    /// Of the text, as a workspace tells logs apart; `nil` without one.
    public var textDigest: ContentHash?
    /// `nil` without a workspace.
    public var records: Int?

    public init(
      name: String, bytes: Int, sha256: ContentHash? = nil, textDigest: ContentHash? = nil,
      records: Int? = nil
    ) {
      self.name = name
      self.sha256 = sha256
      self.bytes = bytes
      self.textDigest = textDigest
      self.records = records
    }
  }

  /// A report.
  public struct Output: Sendable, Hashable {
    /// From the manifest's folder: names with `/` between them, none of them empty, `.` or `..`.
    public var path: String
    public var sha256: ContentHash
    public var bytes: Int
    /// A digest of all that it was made from, by which a later run can tell without making it again
    /// that it is still right.
    public var dependsOn: ContentHash?

    /// A path that ``Manifest/isInside(_:)`` refuses is a mistake of the caller.
    public init(path: String, sha256: ContentHash, bytes: Int, dependsOn: ContentHash? = nil) {
      precondition(Manifest.isInside(path), "'\(path)' is not the path of a report")
      self.path = path
      self.sha256 = sha256
      self.bytes = bytes
      self.dependsOn = dependsOn
    }
  }

  public static let name = "manifest.json"
  /// The list of digests beside it, as `sha256sum` reads it.
  public static let sumsName = "SHA256SUMS"
  /// Of what is written.
  static let version = 1

  public var program: Program
  /// The pipeline's name.
  public var pipeline: String
  /// The days that are reported; `nil`: all.
  public var dates: ClosedRange<CivilDate>?
  /// What counted, in the words of the contract files; an array's elements are a line each.
  public var rules: JSONValue
  /// Ordered by role and path.
  public var configuration: [ConfigurationFile]
  /// Ordered by name, then by the digests of text and file.
  public var inputs: [Input]
  /// Ordered by path, each of which is there once.
  public var outputs: [Output]

  public init(
    program: Program, pipeline: String, dates: ClosedRange<CivilDate>? = nil, rules: JSONValue,
    configuration: [ConfigurationFile] = [], inputs: [Input] = [], outputs: [Output] = []
  ) {
    self.program = program
    self.pipeline = pipeline
    self.dates = dates
    self.rules = rules
    self.configuration = configuration
    self.inputs = inputs
    self.outputs = outputs
  }

  /// Takes a set's reports in that are finished; write the manifest into the set when all are.
  ///
  /// - Parameters:
  ///   - folder: the set's, from the manifest's; `nil` where it is the same.
  ///   - dependsOn: for the name of a report, a digest of what it was made from.
  public mutating func add(
    _ set: ReportSet, in folder: String? = nil, dependsOn: (String) -> ContentHash? = { _ in nil }
  ) {
    outputs += set.contents.map { content in
      Output(
        path: folder.map { "\($0)/\(content.name)" } ?? content.name,
        sha256: ContentHash(bytes: content.sha256), bytes: content.bytes,
        dependsOn: dependsOn(content.name))
    }
  }

  /// The output of a path; `nil` where there is none.
  public func output(_ path: String) -> Output? {
    outputs.first { $0.path.utf8.elementsEqual(path.utf8) }
  }

  /// Puts the lists into the order in which they are written. All orders are by bytes.
  public mutating func sort() {
    configuration.sort {
      ($0.role.order, Text($0.path)) < ($1.role.order, Text($1.path))
    }
    inputs.sort {
      (Text($0.name), Text($0.textDigest), Text($0.sha256), $0.bytes)
        < (Text($1.name), Text($1.textDigest), Text($1.sha256), $1.bytes)
    }
    outputs.sort { Text($0.path) < Text($1.path) }
  }

  /// Whether a path can be a report's: it stays in the folder, whatever it is, and is none of the
  /// files that speak of the reports.
  public static func isInside(_ path: String) -> Bool {
    // By bytes: a line feed and what follows it may be one character.
    let names = path.utf8.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
    return names.allSatisfy { name in
      !name.isEmpty && !name.contains(0) && !name.elementsEqual(".".utf8)
        && !name.elementsEqual("..".utf8)
    } && ![Self.name, sumsName, "-"].contains { $0.utf8.elementsEqual(path.utf8) }
  }
}

/// A text that is compared by its bytes; no digest comes first.
private struct Text: Comparable {
  private let bytes: [UInt8]

  init(_ text: String) { bytes = Array(text.utf8) }
  init(_ hash: ContentHash?) { bytes = hash?.bytes ?? [] }

  static func < (one: Text, other: Text) -> Bool {
    one.bytes.lexicographicallyPrecedes(other.bytes)
  }
}

extension Manifest.ConfigurationFile.Role {
  fileprivate var order: Int { Self.allCases.firstIndex(of: self) ?? 0 }
}
