public import Configuration
public import Contracts

extension Contract {
  /// Reads contract files.
  ///
  /// - Throws: all mistakes of all of them at once.
  public static func readAll(_ paths: [String]) throws(ConfigurationError) -> [Contract] {
    var contracts: [Contract] = []
    var problems: [ConfigurationProblem] = []
    for path in paths {
      do throws(ConfigurationError) {
        contracts.append(try Contract.read(path: path))
      } catch {
        problems += error.problems
      }
    }
    guard problems.isEmpty else { throw ConfigurationError(problems: problems) }
    return contracts
  }
}
