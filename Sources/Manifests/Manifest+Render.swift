internal import CivilTime
internal import Ledger
public import Reports

extension Manifest {
  /// The file's bytes: a member a line, an entry of a list a line, the lists in order. The last member
  /// is the SHA-256 of all bytes before its line.
  public func render() -> [UInt8] {
    var sorted = self
    sorted.sort()
    var text = "{\n"
    for member in sorted.members {
      text += "  \(JSONValue.string(member.name).renderLine()): "
      if case .array(let entries) = member.value, !entries.isEmpty {
        text += "[\n" + entries.map { "    " + $0.renderLine() }.joined(separator: ",\n") + "\n  ]"
      } else {
        text += member.value.renderLine()
      }
      text += ",\n"
    }
    let bytes = Array(text.utf8)
    return bytes + Self.end(.sha256(bytes))
  }

  /// `SHA256SUMS`: a line for the manifest, then one for each report in the manifest's order.
  ///
  /// - Parameter rendered: the manifest's bytes.
  public func renderSums(_ rendered: [UInt8]) -> [UInt8] {
    var sorted = self
    sorted.sort()
    var text = Self.sumsLine(.sha256(rendered), Self.name)
    for output in sorted.outputs { text += Self.sumsLine(output.sha256, output.path) }
    return Array(text.utf8)
  }

  /// A file's line as `sha256sum` writes it: a name with a backslash or a line end is escaped, which a
  /// backslash at the line's begin tells.
  static func sumsLine(_ hash: ContentHash, _ path: String) -> String {
    var escaped: [UInt8] = []
    for byte in path.utf8 {
      switch byte {
      case UInt8(ascii: "\\"): escaped += "\\\\".utf8
      case 0x0A: escaped += "\\n".utf8
      case 0x0D: escaped += "\\r".utf8
      default: escaped.append(byte)
      }
    }
    let mark = escaped.count == path.utf8.count ? "" : "\\"
    return "\(mark)\(hash.hexadecimal)  \(String(decoding: escaped, as: UTF8.self))\n"
  }

  static let digestName = "manifest_sha256"

  /// The last two lines.
  static func end(_ hash: ContentHash) -> [UInt8] {
    Array("  \"\(digestName)\": \"\(hash.hexadecimal)\"\n}\n".utf8)
  }

  private var members: [JSONValue.Member] {
    [
      .init("manifest", .number(Self.version)),
      .init(
        "program", ["name": .string(program.name), "version": .string(program.version)]),
      .init("pipeline", .string(pipeline)),
      .init("from", dates.map { .string("\($0.lowerBound)") } ?? .null),
      .init("to", dates.map { .string("\($0.upperBound)") } ?? .null),
      .init("rules", rules),
      .init("configuration", .array(configuration.map(\.json))),
      .init("inputs", .array(inputs.map(\.json))),
      .init("outputs", .array(outputs.map(\.json))),
    ]
  }
}

extension ReportSet {
  /// Writes a manifest and `SHA256SUMS`, to appear behind all that the set has so far.
  ///
  /// - Parameter manifest: names what is to be in the folder when the set has appeared.
  public func write(_ manifest: Manifest) throws(OutputError) {
    let bytes = manifest.render()
    try write(manifest.renderSums(bytes), to: Manifest.sumsName)
    try write(bytes, to: Manifest.name)
  }
}

extension Manifest.ConfigurationFile {
  fileprivate var json: JSONValue {
    [
      "role": .string(role.rawValue), "path": .string(path),
      "sha256": .string(sha256.hexadecimal), "bytes": .number(bytes),
    ]
  }
}

extension Manifest.Input {
  fileprivate var json: JSONValue {
    var members: [JSONValue.Member] = [.init("name", .string(name))]
    if let sha256 { members.append(.init("sha256", .string(sha256.hexadecimal))) }
    members.append(.init("bytes", .number(bytes)))
    if let textDigest { members.append(.init("text_digest", .string(textDigest.hexadecimal))) }
    if let records { members.append(.init("records", .number(records))) }
    return .object(members)
  }
}

extension Manifest.Output {
  fileprivate var json: JSONValue {
    var members: [JSONValue.Member] = [
      .init("path", .string(path)), .init("sha256", .string(sha256.hexadecimal)),
      .init("bytes", .number(bytes)),
    ]
    if let dependsOn { members.append(.init("depends_on", .string(dependsOn.hexadecimal))) }
    return .object(members)
  }
}
