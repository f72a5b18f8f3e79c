internal import Counting
internal import Detection
internal import Foundation
public import Ledger
internal import Metering
internal import Nights

/// Holds a workspace against its raw logs, counted anew by a pipeline's contracts.
///
/// Making one reads and checks the pipeline's files, so that a mistake in them is told before hours of reading.
public struct WorkspaceProof: Sendable {
  private let terms: Terms
  private let metering: MeteringOptions
  private let origin: NightlyCount.Origin
  private let scratch: String

  /// - Parameters:
  ///   - workspace: where it lies.
  ///   - scratch: a folder in which another one is made for the count, and removed.
  ///   - options: of which dates and month mean nothing.
  public init(
    workspace: String, _ pipeline: PipelineFile, scratch: String, options: NightlyRun.Options
  ) throws(RunError) {
    terms = try NightlyRun.terms(pipeline)
    var metering = options.metering
    metering.encoding = metering.encoding ?? pipeline.encoding
    metering.formats = pipeline.formats
    metering.wantsRows = true
    metering.findsPlaces = true
    metering.detects = terms.hasContracts && pipeline.detection?.isOn ?? false
    // What was taken in was taken in with all that is wrong with it.
    metering.isStrict = false
    self.metering = metering
    origin = NightlyCount.Origin(pipeline, terms, options)
    self.scratch = Paths.absolute(scratch)
    // In folders of others, a run would find what is counted here.
    for other in [workspace, pipeline.out] + pipeline.logs
    where (self.scratch + "/").hasPrefix(Paths.absolute(other) + "/") {
      throw .usage("\(self.scratch): lies in \(other); name a folder for the count that is apart")
    }
  }

  /// Reads what the workspace holds, and makes the folder for the count.
  ///
  /// - Parameter workspace: opened to read.
  public func count(_ workspace: Workspace) throws(RunError) -> Count {
    let folder = "\(scratch)/duizhang-verify-\(UUID().uuidString.lowercased())"
    do {
      try FileManager.default.createDirectory(
        atPath: folder, withIntermediateDirectories: false, attributes: [.posixPermissions: 0o700])
    } catch {
      throw .usage(
        "\(scratch): no folder can be made in it; name one that is there and may be written to, with "
          + "--scratch or TMPDIR")
    }
    do throws(WorkspaceError) {
      return Count(
        try RawProof(
          workspace, scratch: folder, terms: terms, options: metering, origin: origin),
        folder: folder)
    } catch {
      try? FileManager.default.removeItem(atPath: folder)
      throw .workspace(error)
    }
  }

  /// The count aside, whose folder is removed with it.
  public final class Count: Sendable {
    private let proof: RawProof
    private let folder: String

    fileprivate init(_ proof: RawProof, folder: String) {
      self.proof = proof
      self.folder = folder
    }

    deinit { try? FileManager.default.removeItem(atPath: folder) }

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
  }
}
