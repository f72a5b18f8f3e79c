internal import CivilTime
internal import Configuration
internal import Contracts
internal import Decoding
internal import Files
internal import Glibc
internal import Pipelines
internal import Reports

/// Looks for what would spoil a nightly run, before the first night: in the configuration, the files that
/// it names, and the machine.
///
/// It changes nothing: no folder, key or workspace is made.
public struct Doctor: Sendable {
  /// The pipeline file.
  let path: String
  let machine: Machine
  /// What a run takes where the pipeline does not say.
  let memoryBytesDefault: Int
  let programVersion: String

  public init(
    path: String, machine: Machine, memoryBytesDefault: Int, programVersion: String
  ) {
    self.path = path
    self.machine = machine
    self.memoryBytesDefault = memoryBytesDefault
    self.programVersion = programVersion
  }

  /// Looks at everything that can be looked at; where the pipeline file has mistakes, at the machine alone.
  public func examine() -> [Check] {
    let pipeline: PipelineFile
    do throws(ConfigurationError) {
      pipeline = try PipelineFile.read(path: path)
    } catch {
      return error.problems.map { .error("pipeline", $0.description) } + machineChecks
        + temporaryFolder(neededBytes: 0)
    }
    var checks: [Check] = [.ok("pipeline", "\(path) has no mistakes")]
    let contracts: [Contract]?
    do throws(RunError) {
      let read = try pipeline.readContracts()
      checks.append(.ok("contracts", "\(read.count) read, without mistakes"))
      contracts = read
    } catch {
      checks += error.messages.map { .error("contracts", $0) }
      contracts = nil
    }
    let (logChecks, logs) = self.logs(pipeline)
    checks += logChecks
    let (statementChecks, statements) = self.statements(pipeline, contracts ?? [])
    checks += statementChecks
    if let contracts {
      checks += terms(contracts)
      checks += prices(contracts, pipeline, logs, statements)
      checks += keys(contracts, pipeline)
    }
    let neededBytes = 2 * newestDayBytes(logs)
    checks += places(pipeline, logs)
    checks += folder("out", pipeline.absoluteOut, neededBytes: neededBytes)
    if let workspace = pipeline.absoluteWorkspace {
      checks += folder("workspace", workspace, neededBytes: neededBytes)
      checks += self.workspace(workspace)
    }
    checks += temporaryFolder(neededBytes: neededBytes)
    checks += metrics(pipeline)
    if let hook = pipeline.hook {
      checks.append(
        hook.problem(pipelinePath: path).map { .error("hook", $0) }
          ?? .ok("hook", "'\(hook.command[0])' can be started"))
    }
    return checks + memory(pipeline) + machineChecks
  }
}

// MARK: - The machine

extension Doctor {
  private static let openFilesMin = 256

  private var machineChecks: [Check] {
    var checks: [Check] = []
    let today = Zone.utc.date(of: machine.now)
    checks.append(
      today.components.year < 2025
        ? .error(
          "clock",
          "the machine's clock says \(machine.now.rfc3339(in: .utc)); set it, by NTP for instance")
        : .ok("clock", machine.now.rfc3339(in: .utc)))
    checks.append(
      Zone(identifier: "Asia/Shanghai") == nil
        ? .error("time zones", "the time-zone data is not there; install tzdata")
        : .ok("time zones", "known"))
    if let openFilesMax = machine.openFilesMax {
      checks.append(
        openFilesMax < Self.openFilesMin
          ? .warning(
            "open files",
            "\(openFilesMax) may be open at a time, which may be too few; 'ulimit -n 1024' before "
              + "the run, or LimitNOFILE= in the unit, allows more")
          : .ok("open files", "\(openFilesMax) may be open at a time"))
    }
    checks.append(
      machine.userID == 0
        ? .warning(
          "user",
          "this is root, who may do what the nightly user may not; run it, and this, as a user of "
            + "its own: runuser -u duizhang -- duizhang doctor …")
        : .ok("user", "number \(machine.userID), who is not root"))
    return checks
  }

  private func memory(_ pipeline: PipelineFile) -> [Check] {
    let wanted = pipeline.memory?.bytes ?? memoryBytesDefault
    guard let limit = machine.memoryBytes else { return [] }
    let words =
      "a run takes \(Size.text(wanted)) of the \(Size.text(limit)) that a process can have"
    if wanted > limit {
      return [
        .error(
          "memory", "\(words), and would be ended; say less with 'memory', or allow more")
      ]
    }
    // Decoders of logs with large windows take more.
    if wanted > limit / 4 * 3 {
      return [
        .warning(
          "memory", "\(words), which leaves little for all else; say less with 'memory'")
      ]
    }
    return [.ok("memory", words)]
  }
}
