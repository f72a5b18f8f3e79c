internal import CivilTime
internal import Ledger
internal import Manifests
internal import Nights
internal import Reports

/// What a month's folder says of itself, by its manifest.
struct LastReport {
  private let folder: String
  private let manifest: Manifest

  /// - Returns: `nil` where the folder is not there, or its manifest says nothing that can be trusted.
  static func read(_ folder: String) -> LastReport? {
    guard let manifest = try? Manifest.read(folder: folder) else { return nil }
    return LastReport(folder: folder, manifest: manifest)
  }

  /// Whether all reports are there, and made from what there is now. Their bytes are not read:
  /// 'duizhang verify' does that.
  ///
  /// - Parameter state: a digest of all that they depend on but for the names of logs.
  func isCurrent(_ state: ContentHash, _ count: StoredCount) -> Bool {
    manifest.output(RangeReports.summary)?.dependsOn == state
      && manifest.inputs.allSatisfy { input in
        guard let digest = input.textDigest, let name = count.name(ofText: digest)
        else { return false }
        return name.path == input.name && name.storedSHA256 == input.sha256
          && name.storedBytes == input.bytes
      }
      && areThere
  }

  /// Whether the reports are of a count, whatever else they depend on.
  func isOf(_ counted: ContentHash) -> Bool {
    manifest.output(RangeReports.totals)?.dependsOn == counted && areThere
  }

  /// Whether they are a pipeline's reports of a month.
  func isOf(_ pipeline: String, _ month: CivilMonth) -> Bool {
    manifest.pipeline == pipeline && manifest.dates == month.first...month.last
  }

  /// Whether all files are there, by their sizes.
  private var areThere: Bool {
    manifest.outputs.allSatisfy { OutputFolder.sizeBytes(of: $0.path, in: folder) == $0.bytes }
  }

  /// A report that is there, where it was made from what is given.
  func content(of name: String, _ state: ContentHash) -> ReportContent? {
    guard let output = manifest.output(name), output.dependsOn == state,
      OutputFolder.sizeBytes(of: name, in: folder) == output.bytes
    else { return nil }
    return ReportContent(name: name, sha256: output.sha256.bytes, bytes: output.bytes)
  }

  /// What needs a person in it.
  var concerns: [String] {
    guard
      let bytes = try? Paths.contents(
        "\(folder)/\(RangeReports.summary)", bytesMax: 1 << 28, remedy: ""),
      case .object(let members)? = try? JSONValue.read(bytes),
      case .array(let texts)? = members.first(where: { $0.name == "needs_person" })?.value
    else { return [] }
    return texts.compactMap { if case .string(let text) = $0 { text } else { nil } }
  }

  /// SHA-256 of a folder's reports by name, as its manifest has them, and of the manifest itself.
  static func digests(_ folder: String) throws -> [String: String] {
    let manifest = try Manifest.read(folder: folder)
    let bytes = try Paths.contents(
      "\(folder)/\(Manifest.name)", bytesMax: 1 << 30, remedy: "write the month's reports anew")
    var digests = [Manifest.name: ContentHash.sha256(bytes).hexadecimal]
    for output in manifest.outputs { digests[output.path] = output.sha256.hexadecimal }
    return digests
  }
}
