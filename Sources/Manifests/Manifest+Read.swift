internal import CivilTime
internal import Files
internal import Ledger
internal import Reports

extension Manifest {
  /// Manifests are read whole: one of a million logs has 250 MB.
  static let bytesMax = 1 << 30

  /// Reads the manifest of a folder.
  public static func read(folder: String) throws(ManifestError) -> Manifest {
    let path = "\(folder)/\(name)"
    return try read(bytes(path), path: path)
  }

  /// Reads a manifest strictly: nothing in it is passed over.
  ///
  /// - Parameter path: of the file, for errors.
  public static func read(_ bytes: [UInt8], path: String) throws(ManifestError) -> Manifest {
    do throws(ManifestError.Problem) {
      return try parse(bytes)
    } catch {
      throw ManifestError(path: path, problem: error)
    }
  }

  /// A manifest's bytes.
  static func bytes(_ path: String) throws(ManifestError) -> [UInt8] {
    var bytes: [UInt8] = []
    let outcome = FileContents.pass(over: path, bytesMax: bytesMax) { bytes += $0 }
    switch outcome {
    case .read: return bytes
    case .longer: throw ManifestError(path: path, problem: .endless)
    case .failed(let error) where error.isMissing:
      throw ManifestError(path: path, problem: .missing)
    case .failed(let error): throw ManifestError(path: path, problem: .unreadable(error.text))
    case .notAFile:
      throw ManifestError(path: path, problem: .unreadable("it is not a regular file"))
    }
  }

  private static func parse(_ bytes: [UInt8]) throws(ManifestError.Problem) -> Manifest {
    let count = bytes.count - end(.sha256([])).count
    guard count > 0 else { throw .endless }
    let found = ContentHash.sha256(Array(bytes[..<count]))
    let tail = bytes[count...]
    if !tail.elementsEqual(end(found)) {
      let digits = String(
        decoding: tail.dropFirst(digestName.utf8.count + 7).prefix(64), as: UTF8.self)
      guard let expected = ContentHash(hexadecimal: digits), tail.elementsEqual(end(expected))
      else {
        throw .endless
      }
      throw .damaged(expected: expected, found: found)
    }
    let value: JSONValue
    do throws(JSONReadError) {
      value = try JSONValue.read(bytes)
    } catch {
      throw .notJSON(error)
    }
    return try manifest(value)
  }

  private static func manifest(_ value: JSONValue) throws(ManifestError.Problem) -> Manifest {
    var members = try Members(value, "")
    let version = try members.count("manifest")
    guard version == Self.version else {
      guard version < Self.version else { throw .newer(version: version) }
      throw .invalid(member: "manifest", what: "expected \(Self.version), found \(version)")
    }
    var program = try Members(members.value("program"), "program")
    let name = try program.text("name")
    let from = try members.date("from")
    let to = try members.date("to")
    var manifest = Manifest(
      program: Program(name: name, version: try program.text("version")),
      pipeline: try members.text("pipeline"), rules: try members.value("rules"))
    try program.end()
    switch (from, to) {
    case (nil, nil): break
    case (let from?, let to?) where from <= to: manifest.dates = from...to
    default: throw .invalid(member: "from", what: "expected two days, not later than 'to', or none")
    }
    manifest.configuration = try members.list("configuration") {
      entry throws(ManifestError.Problem) in try ConfigurationFile(&entry)
    }
    manifest.inputs = try members.list("inputs") {
      entry throws(ManifestError.Problem) in try Input(&entry)
    }
    manifest.outputs = try members.list("outputs") {
      entry throws(ManifestError.Problem) in try Output(&entry)
    }
    _ = try members.hash(digestName)
    try members.end()
    var paths: Set<[UInt8]> = []
    for output in manifest.outputs where !paths.insert(Array(output.path.utf8)).inserted {
      throw .invalid(member: "outputs", what: "'\(output.path)' is named twice")
    }
    return manifest
  }
}

extension Manifest.ConfigurationFile {
  fileprivate init(_ entry: inout Members) throws(ManifestError.Problem) {
    let text = try entry.text("role")
    guard let role = Role(rawValue: text) else {
      let known = Role.allCases.map { "'\($0.rawValue)'" }.joined(separator: ", ")
      throw entry.invalid("role", "expected one of \(known), found '\(text)'")
    }
    self.init(
      role: role, path: try entry.path("path"), sha256: try entry.hash("sha256", bytes: 32),
      bytes: try entry.count("bytes"))
  }
}

extension Manifest.Input {
  fileprivate init(_ entry: inout Members) throws(ManifestError.Problem) {
    self.init(name: try entry.path("name"), bytes: try entry.count("bytes"))
    if entry.has("sha256") { sha256 = try entry.hash("sha256", bytes: 32) }
    if entry.has("text_digest") { textDigest = try entry.hash("text_digest") }
    if entry.has("records") { records = try entry.count("records") }
  }
}

extension Manifest.Output {
  fileprivate init(_ entry: inout Members) throws(ManifestError.Problem) {
    let path = try entry.path("path")
    guard Manifest.isInside(path) else {
      throw entry.invalid("path", "'\(path)' is not the path of a report in this folder")
    }
    self.init(
      path: path, sha256: try entry.hash("sha256", bytes: 32), bytes: try entry.count("bytes"))
    if entry.has("depends_on") { dependsOn = try entry.hash("depends_on") }
  }
}

/// An object's members, each of which is taken once.
private struct Members {
  private var members: [String: JSONValue] = [:]
  /// What the object is called in errors; empty for the document.
  private let name: String

  init(_ value: JSONValue, _ name: String) throws(ManifestError.Problem) {
    guard case .object(let members) = value else {
      throw .invalid(member: name.isEmpty ? "document" : name, what: "expected an object")
    }
    self.name = name
    for member in members { self.members[member.name] = member.value }
  }

  func invalid(_ member: String, _ what: String) -> ManifestError.Problem {
    .invalid(member: name.isEmpty ? member : "\(name).\(member)", what: what)
  }

  func has(_ member: String) -> Bool { members[member] != nil }

  mutating func value(_ member: String) throws(ManifestError.Problem) -> JSONValue {
    guard let value = members.removeValue(forKey: member) else {
      throw invalid(member, "is missing")
    }
    return value
  }

  mutating func text(_ member: String) throws(ManifestError.Problem) -> String {
    guard case .string(let text) = try value(member) else {
      throw invalid(member, "expected a text")
    }
    return text
  }

  /// A text that the system can take for a path.
  mutating func path(_ member: String) throws(ManifestError.Problem) -> String {
    let text = try text(member)
    guard !text.isEmpty, !text.utf8.contains(0) else { throw invalid(member, "expected a path") }
    return text
  }

  mutating func count(_ member: String) throws(ManifestError.Problem) -> Int {
    guard case .number(let number) = try value(member), number >= 0 else {
      throw invalid(member, "expected a whole number from 0")
    }
    return number
  }

  /// - Parameter bytes: of the digest; `nil`: any number.
  mutating func hash(
    _ member: String, bytes: Int? = nil
  ) throws(ManifestError.Problem) -> ContentHash {
    let text = try text(member)
    guard let hash = ContentHash(hexadecimal: text), bytes == nil || hash.bytes.count == bytes
    else {
      let digits = bytes.map { "\($0 * 2) hexadecimal digits" } ?? "hexadecimal digits"
      throw invalid(member, "expected \(digits) in lower case")
    }
    return hash
  }

  mutating func date(_ member: String) throws(ManifestError.Problem) -> CivilDate? {
    let value = try value(member)
    if case .null = value { return nil }
    guard case .string(let text) = value, let date = CivilDate(text: text) else {
      throw invalid(member, "expected a day such as 2025-12-01, or null")
    }
    return date
  }

  mutating func list<Entry>(
    _ member: String, _ read: (inout Members) throws(ManifestError.Problem) -> Entry
  ) throws(ManifestError.Problem) -> [Entry] {
    guard case .array(let values) = try value(member) else {
      throw invalid(member, "expected a list")
    }
    var entries: [Entry] = []
    for (index, value) in values.enumerated() {
      var members = try Members(value, "\(member)[\(index)]")
      entries.append(try read(&members))
      try members.end()
    }
    return entries
  }

  /// Refuses members that this version does not know.
  func end() throws(ManifestError.Problem) {
    guard let member = members.keys.min() else { return }
    throw invalid(member, "is not known to version \(Manifest.version) of manifests")
  }
}
