/// Why a simulation could not be run.
public enum SimulationError: Error, Equatable, CustomStringConvertible {
  /// An option's value cannot be used; `problem` says what was expected.
  case option(name: String, problem: String)
  /// A file could not be created or written; `reason` is the system's.
  case cannotWrite(path: String, reason: String)
  /// A compression library refused its work, for lack of memory.
  case cannotCompress(path: String, library: String)
  /// A thread could not be started; `reason` is the system's.
  case cannotStartThread(reason: String)

  public var description: String {
    switch self {
    case .option(let name, let problem): "simulate: option \(name): \(problem)"
    case .cannotWrite(let path, let reason): "\(path): cannot be written: \(reason)"
    case .cannotCompress(let path, let library):
      "\(path): \(library) failed: is there memory left?"
    case .cannotStartThread(let reason): "simulate: no thread could be started: \(reason)"
    }
  }
}
