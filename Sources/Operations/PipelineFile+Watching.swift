public import Pipelines
internal import Reports

extension PipelineFile {
  /// Tells those who watch over the pipeline how a run ended: writes its metrics, and starts its hook.
  ///
  /// - Returns: what went wrong on the way, for people. It changes nothing of the run.
  public func tell(_ facts: RunFacts) -> [String] {
    var warnings: [String] = []
    if let metrics {
      do throws(OutputError) {
        try MetricsFile(path: metrics).write(facts)
      } catch {
        warnings.append("metrics: \(error)")
      }
    }
    if let hook, Hook.isCalled(status: facts.status), let warning = hook.run(facts) {
      warnings.append(warning)
    }
    return warnings
  }
}
