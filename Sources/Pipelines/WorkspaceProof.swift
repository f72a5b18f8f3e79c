internal import Counting
internal import Foundation
public import Ledger
internal import Metering
internal import Nights

/// Holds a workspace against its raw logs, counted anew by a pipeline's contracts.
public final class WorkspaceProof: Sendable {
  private let proof: RawProof
  private let scratch: String

  /// - Parameters:
  ///   - workspace: opened to read.
  ///   - scratch: a folder in which another one is made for the count, and removed with the proof.
  ///   - options: of which dates and month mean nothing.
  /// - Throws: ``RunError``; then nothing is left in the folder.
  public init(
    _ workspace: Workspace, _ pipeline: PipelineFile, scratch: String, options: NightlyRun.Options
  ) throws(RunError) {
    let terms = try NightlyRun.terms(pipeline)
    var metering = options.metering
    metering.encoding = metering.encoding ?? pipeline.encoding
    metering.formats = pipeline.formats
    metering.wantsRows = true
    metering.findsPlaces = true
    // What was taken in was taken in with all that is wrong with it.
    metering.isStrict = false
    let folder = Paths.absolute(scratch)
    try Self.refuse(folder, workspace, pipeline)
    let own = "\(folder)/duizhang-verify-\(UUID().uuidString.lowercased())"
    self.scratch = own
    do {
      try FileManager.default.createDirectory(
        atPath: own, withIntermediateDirectories: false, attributes: [.posixPermissions: 0o700])
    } catch {
      throw .usage(
        "\(scratch): no folder can be made in it; name one that is there and may be written to, with "
          + "--scratch or TMPDIR")
    }
    do throws(WorkspaceError) {
      proof = try RawProof(
        workspace, scratch: own, terms: terms, options: metering,
        origin: NightlyCount.Origin(pipeline, terms, options))
    } catch {
      try? FileManager.default.removeItem(atPath: own)
      throw .workspace(error)
    }
  }

  deinit { try? FileManager.default.removeItem(atPath: scratch) }

  /// Bytes of all logs as stored.
  public var storedBytes: Int { proof.storedBytes }

  /// How far the reading has come: bytes as stored.
  public var storedBytesTaken: Int { proof.storedBytesTaken }

  /// Counts and compares; to be called once.
  ///
  /// - Returns: each difference, and what was equal, as a line.
  /// - Throws: ``RunError`` where counting is not possible.
  public func run() throws(RunError) -> (problems: [WorkspaceProblem], proven: String) {
    let outcome = try RunError.stored { () throws in try proof.run() }
    func counted(_ count: Int, _ noun: String) -> String {
      "\(MeteringSummary.grouped(count)) \(noun)\(count == 1 ? "" : "s")"
    }
    var texts = [
      "\(counted(outcome.logs, "log")) with \(counted(outcome.records, "record"))",
      counted(outcome.days, "day"),
    ]
    if outcome.months > 0 { texts.append(counted(outcome.months, "closed month")) }
    return (
      outcome.problems,
      "counted anew from the raw logs, and equal: " + texts.joined(separator: ", ")
    )
  }

  /// Refuses folders of others, in which a run would find what is counted here.
  private static func refuse(
    _ folder: String, _ workspace: Workspace, _ pipeline: PipelineFile
  ) throws(RunError) {
    let others = [workspace.path] + pipeline.logs + [pipeline.out]
    for other in others where (folder + "/").hasPrefix(Paths.absolute(other) + "/") {
      throw .usage("\(folder): lies in \(other); name a folder for the count that is apart")
    }
  }
}
