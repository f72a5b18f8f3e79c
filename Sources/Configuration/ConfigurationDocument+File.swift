internal import Foundation

extension ConfigurationDocument {
  /// The text of a configuration file.
  ///
  /// - Throws: ``ConfigurationError`` with one problem: the file cannot be read, is too large to
  ///   be configuration, or is not UTF-8.
  package static func text(path: String) throws(ConfigurationError) -> String {
    func unreadable(_ detail: String) -> ConfigurationError {
      ConfigurationError(problems: [
        ConfigurationProblem(
          kind: .unreadableFile, file: path, line: nil, column: nil, key: "", detail: detail)
      ])
    }
    let bytes: [UInt8]
    do {
      let handle = try FileHandle(forReadingFrom: URL(fileURLWithPath: path))
      defer { try? handle.close() }
      bytes = try Array(handle.read(upToCount: bytesMax + 1) ?? Data())
    } catch {
      throw unreadable(reason(error))
    }
    guard bytes.count <= bytesMax else {
      throw unreadable("larger than \(bytesMax >> 20) MiB, which no configuration file is")
    }
    if let text = String(validating: bytes, as: UTF8.self) { return text }
    throw ConfigurationError(problems: [
      ConfigurationProblem(
        kind: .syntax, file: path, line: firstLineNotUTF8(bytes), column: nil, key: "",
        detail: "is not UTF-8; save the file in that encoding")
    ])
  }

  /// What the system says, without the path, which stands before it.
  private static func reason(_ error: any Error) -> String {
    let error = error as NSError
    if let cause = error.userInfo[NSUnderlyingErrorKey] as? NSError,
      cause.domain == NSPOSIXErrorDomain
    {
      return unsafe String(cString: strerror(Int32(cause.code)))
    }
    if error.domain == NSPOSIXErrorDomain {
      return unsafe String(cString: strerror(Int32(error.code)))
    }
    return error.localizedDescription
  }

  static func firstLineNotUTF8(_ bytes: [UInt8]) -> Int {
    var decoder = UTF8()
    var iterator = bytes.makeIterator()
    var line = 1
    while true {
      switch decoder.decode(&iterator) {
      case .scalarValue(let scalar): if scalar == "\n" { line += 1 }
      case .emptyInput, .error: return line
      }
    }
  }

  /// A path as written in a configuration file: relative to the folder of that file.
  package static func resolve(_ path: String, against file: String) -> String {
    guard !path.hasPrefix("/"), let slash = file.lastIndex(of: "/") else { return path }
    return String(file[...slash]) + path
  }
}
