internal import Counting
internal import Decoding
internal import Ledger
internal import Manifests

extension Manifest {
  /// The manifest of a set of reports, without these.
  init(_ outcome: RangeOutcome, _ reports: RangeReports, inputs: [Input]) {
    self.init(
      program: Program(version: reports.programVersion), pipeline: outcome.pipeline.name,
      dates: outcome.terms.dates, rules: outcome.rules, configuration: reports.configuration,
      inputs: inputs)
  }
}

extension Manifest.Input {
  /// A log as a workspace has it.
  init(_ log: (name: LogName, file: LogFile)) {
    self.init(
      name: log.name.path, bytes: log.name.storedBytes, sha256: log.name.storedSHA256,
      textDigest: log.file.textDigest, records: log.file.records)
  }
}

extension Manifest.ConfigurationFile {
  /// The files that decide figures; not the pipeline's own, which says where they are and where the reports
  /// go, nor a privacy key, which a digest could help to guess. What came through a pipe cannot be read
  /// again, and is left out.
  static func all(of pipeline: PipelineFile) throws(RunError) -> [Manifest.ConfigurationFile] {
    let paths: [(Role, [String])] = [
      (.contract, pipeline.contracts),
      (.statement, pipeline.statements.map(\.file)), (.format, pipeline.formatFiles),
    ]
    var files: [Manifest.ConfigurationFile] = []
    for (role, paths) in paths {
      // Several contracts may share a statement.
      var known: Set<[UInt8]> = []
      for path in paths.map(pipeline.named)
      where known.insert(Array(path.utf8)).inserted && Paths.isFile(path) {
        guard let (digest, bytes) = FileContent.sha256(path) else {
          throw .input(
            InputError(
              path: path, detail: "cannot be read to its end", remedy: "check the file and its disk"
            ))
        }
        files.append(Self(role: role, path: path, sha256: digest, bytes: bytes))
      }
    }
    return files
  }
}
