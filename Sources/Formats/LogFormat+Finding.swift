public import Configuration

extension LogFormat {
  /// The built-in format of a name, or the one that a file describes.
  ///
  /// - Throws: all mistakes of the file, or that there is neither.
  public static func find(_ nameOrPath: String) throws(ConfigurationError) -> LogFormat {
    if let known = BuiltInFormats.all.first(where: { $0.name == nameOrPath }) { return known }
    do throws(ConfigurationError) {
      return try read(path: nameOrPath)
    } catch {
      guard error.problems.first?.kind == .unreadableFile else { throw error }
      let names = BuiltInFormats.all.map(\.name)
      let nearest =
        nearestName(to: nameOrPath, among: names).map { "; did you mean '\($0)'?" } ?? ""
      throw ConfigurationError(problems: [
        .contradiction(
          file: nameOrPath, line: nil, key: "",
          detail: "is neither a built-in format nor a file that can be read\(nearest) "
            + "('duizhang formats' lists the built-in ones)")
      ])
    }
  }

  /// Several formats, each once.
  ///
  /// - Throws: all mistakes of all files.
  public static func findAll(_ namesOrPaths: [String]) throws(ConfigurationError) -> [LogFormat] {
    var formats: [LogFormat] = []
    var problems: [ConfigurationProblem] = []
    for name in namesOrPaths {
      do throws(ConfigurationError) {
        let format = try find(name)
        if !formats.contains(format) { formats.append(format) }
      } catch {
        problems += error.problems
      }
    }
    if !problems.isEmpty { throw ConfigurationError(problems: problems) }
    return formats
  }
}
