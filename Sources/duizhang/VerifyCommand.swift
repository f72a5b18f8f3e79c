import ArgumentParser
import Ledger
import Manifests
import Pipelines
import Reports

struct VerifyCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "verify",
    abstract: "Checks folders of reports against their manifests.",
    discussion: """
      Looks for manifest.json in each folder and in the folders in it, and holds every byte of it, of \
      SHA256SUMS and of all reports against the SHA-256 that it states. Nothing else is needed, neither \
      logs nor a network. For each folder that is right, standard output has a line with the SHA-256 of \
      its manifest.json, to be compared with one that is kept elsewhere; else a line for each thing \
      that is wrong, with what was expected and found, and what to do. Files that no manifest names are \
      noted.

      --inputs checks the logs and the files of configuration too, where the run found them; --logs \
      says in which folders they are now, under whatever names.

      docs/manifest.md has the format. Without this program, 'sha256sum -c SHA256SUMS' checks the files.

      Exit status 1: something is not as a manifest says; 3: a folder has no manifest.

      Example: duizhang verify reports --logs /archive/2025
      """)

  @Argument(help: ArgumentHelp("Folders of reports.", valueName: "folder"))
  var folders: [String]

  @Flag(help: "Check logs and files of configuration too, at the paths that the run named.")
  var inputs = false

  @Option(
    help: ArgumentHelp(
      "Check logs and files of configuration too, and look in this folder for those that are not where "
        + "they were. May be given several times.", valueName: "folder"))
  var logs: [String] = []

  @OptionGroup(title: "Run") var execution: ThreadArguments

  private var diagnostics: Diagnostics { execution.diagnostics }

  func run() throws {
    for folder in folders + logs where !FileSearch.isFolder(folder) {
      diagnostics.say(
        .error, "\(folder): expected a folder; check the path and that it may be read")
      throw ExitStatus.input
    }
    let search = inputs || !logs.isEmpty ? FileSearch(folders: logs) : nil
    var isRight = true
    var isComplete = true
    for folder in folders {
      let found = Manifest.folders(in: Self.withoutSlash(folder))
      if found.isEmpty {
        isComplete = false
        diagnostics.say(
          .error,
          "\(folder): has no \(Manifest.name), in no folder in it either; name a folder that 'duizhang "
            + "run' wrote reports to")
      }
      for folder in found {
        let check = Manifest.verify(folder: folder, inputs: search, threads: execution.count())
        report(check)
        isRight = isRight && check.isRight
      }
    }
    if !isRight { throw ExitStatus.needsPerson }
    if !isComplete { throw ExitStatus.input }
  }

  /// Notes and what is right are left out with `--quiet`.
  private func report(_ check: ManifestCheck) {
    for problem in check.problems where problem.isError || !diagnostics.isQuiet {
      print("\(problem.isError ? "error" : "note"): \(problem)".onOneLine)
    }
    guard check.isRight, let sha256 = check.sha256, !diagnostics.isQuiet else { return }
    let grouped = MeteringSummary.grouped
    print(
      "\(check.folder): \(grouped(check.files)) files, \(grouped(check.bytes)) bytes; "
        .onOneLine + "\(Manifest.name) is \(sha256.hexadecimal)")
  }

  private static func withoutSlash(_ path: String) -> String {
    var path = path
    while path.utf8.count > 1 && path.hasSuffix("/") { path.removeLast() }
    return path
  }
}

extension String {
  /// A name may have line ends, and may not make a line of its own.
  fileprivate var onOneLine: String {
    printable.replacing("\n", with: "\\n").replacing("\t", with: "\\t")
  }
}
