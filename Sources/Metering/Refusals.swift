import Counting
import Decoding
internal import Parsing

/// What ended a strict run, in words.
struct Refusals {
  let texts: [String]

  /// The first of the files that have something to refuse: its first quarantined line, and its
  /// damage, which may be why the line is cut.
  ///
  /// - Parameter quarantined: in order; all blocks of a file before that of its first line were
  ///   parsed, since they are dealt out in order and no worker leaves one unfinished.
  init(
    _ quarantined: [Quarantined], _ outcome: LogReader.Outcome, _ sources: SourceTable,
    _ files: [InputFile]
  ) {
    var texts: [String] = []
    // Lines that a damage makes doubtful are not to be mended.
    let line = quarantined.first { $0.rejection != .untrusted && $0.rejection != .torn }
    let lineFile = line.map { sources.location(of: $0.source).file }
    let damage = outcome.damages.min { $0.key < $1.key }
    if let line, let lineFile, damage.map({ lineFile <= $0.key }) ?? true {
      texts.append(
        "\(sources.text(of: line.source)): \(line.rejection.reason); "
          + "mend the line, or run without --strict, which counts the others")
    }
    if let damage, let first = damage.value.first, lineFile.map({ damage.key <= $0 }) ?? true {
      texts.append(
        "\(files[damage.key].path): \(first.text); "
          + "get a whole copy, or run without --strict, which counts what is readable")
    }
    self.texts = texts
  }
}
