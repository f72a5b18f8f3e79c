public import Ledger

/// Something that is not as a manifest says.
public struct ManifestProblem: Sendable, Hashable, CustomStringConvertible {
  /// What a file is to a manifest.
  public enum Subject: Sendable, Hashable {
    case manifest, sums, report, configuration, input
    /// No manifest names it.
    case other
  }

  public enum Kind: Sendable, Hashable {
    case missing
    /// It is missing, and without a digest no copy of it can be told.
    case lost
    /// The system's reason.
    case unreadable(String)
    /// A folder, a pipe or a device.
    case notAFile
    /// A link leads out of the folder, to this path.
    case outside(String)
    /// In bytes.
    case size(expected: Int, found: Int)
    case content(expected: ContentHash, found: ContentHash)
    /// The manifest itself cannot be relied on, and nothing was checked by it.
    case manifest(ManifestError.Problem)
    /// The list of digests has another line than the manifest asks for, counted from 1; `nil`: none is
    /// expected there.
    case sums(line: Int, expected: String?)
    /// Reports were appearing when a run ended, or still are.
    case unfinished
    /// Notes: a file that no manifest names, and one that a run has left which was killed.
    case unnamed, leftover
    /// A note: so many logs were told by their sizes alone.
    case sizesOnly(files: Int)
  }

  /// As it can be opened.
  public var path: String
  public var subject: Subject
  public var kind: Kind

  /// Whether it is not as the manifest says; else it is only worth knowing.
  public var isError: Bool {
    switch kind {
    case .unnamed, .leftover, .sizesOnly: false
    default: true
    }
  }

  public var description: String { "\(path): \(what); \(remedy)" }

  var what: String {
    switch kind {
    case .missing: "is missing"
    case .lost: "is missing, and the manifest has no SHA-256 by which a copy could be found"
    case .unreadable(let reason): "cannot be read: \(reason)"
    case .notAFile: "is not a file"
    case .outside(let path): "is a link that leads out of the folder, to \(path)"
    case .size(let expected, let found): "expected \(expected) bytes, found \(found)"
    case .content(let expected, let found):
      "expected SHA-256 \(expected.hexadecimal), found \(found.hexadecimal)"
    case .manifest(let problem): ManifestError(path: path, problem: problem).what
    case .sums(let line, let expected?):
      "line \(line) is not what \(Manifest.name) asks for: '\(expected)'"
    case .sums(let line, nil): "line \(line) is one too many"
    case .unfinished:
      "a run ended, or still is, while its reports were appearing: some files are its, and some those of "
        + "the run before"
    case .unnamed: "is named by no manifest"
    case .leftover: "was left by a run that did not end, or is still being written"
    case .sizesOnly(let files):
      "has no SHA-256 of \(files) logs, which were held against their sizes alone"
    }
  }

  var remedy: String {
    switch (kind, subject) {
    case (.manifest(let problem), _): ManifestError(path: path, problem: problem).remedy
    case (.unfinished, _): "run again"
    case (.leftover, _): "the next run removes it"
    case (.unnamed, _): "nothing vouches for it"
    case (.sizesOnly, _): "runs with a workspace state it"
    case (.lost, _): "put the file back where it was"
    case (.missing, .input), (.missing, .configuration):
      "say with --logs in which folder it, or a copy under any name, is now"
    case (_, .input), (_, .configuration):
      "it is another file than the one that was counted with; find that by its content with --logs"
    case (_, .sums):
      "restore it from a copy; where all else is right, the manifest is what holds"
    case (.unreadable, _): "check that it may be read"
    case (.outside, _): "put the file itself in its place"
    default: "restore it from a copy, or run again with the same logs and files"
    }
  }
}
