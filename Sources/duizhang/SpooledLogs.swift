import Counting
import Decoding
import Files
import Glibc
import Metering

/// Logs that can be read several times: standard input and pipes are copied to files without a name, gone with the
/// process however that ends.
struct SpooledLogs {
  let files: [InputFile]
  /// Of each copy's path, how the log is called.
  private let names: [String: String]

  /// - Parameter folder: where copies are kept.
  init(_ files: [InputFile], folder: String) throws(InputError) {
    var spooled: [InputFile] = []
    var names: [String: String] = [:]
    for file in files {
      guard !file.isStored else {
        spooled.append(file)
        continue
      }
      let (descriptor, bytes) = try Self.copy(file, to: folder)
      var copy = file
      copy.path = "/proc/self/fd/\(descriptor)"
      copy.sizeBytes = bytes
      copy.isStored = true
      names[copy.path] = file.path == "-" ? "stdin" : file.path
      spooled.append(copy)
    }
    self.files = spooled
    self.names = names
  }

  private static func copy(
    _ file: InputFile, to folder: String
  ) throws(InputError) -> (descriptor: Int32, bytes: Int) {
    func failure(
      _ error: SystemError, _ remedy: String, isOfLog: Bool = false
    ) -> InputError {
      InputError(
        path: isOfLog ? file.path == "-" ? "stdin" : file.path : folder,
        detail: unsafe String(cString: strerror(error.number)), remedy: remedy)
    }
    let mending =
      "standard input and pipes are kept there; free space, name another folder with TMPDIR, or name files"
    let source: Int32
    if file.path == "-" {
      source = STDIN_FILENO
    } else {
      switch FileDescriptor.openToRead(file.path) {
      case .success(let descriptor): source = descriptor
      case .failure(let error):
        throw failure(error, "check the path and its permissions", isOfLog: true)
      }
    }
    defer { if source != STDIN_FILENO { _ = FileDescriptor.close(source) } }
    let target: Int32
    switch FileDescriptor.createUnnamed(in: folder) {
    case .success(let descriptor): target = descriptor
    case .failure(let error): throw failure(error, mending)
    }
    var bytes = 0
    while true {
      let piece: [UInt8]
      switch FileDescriptor.read(source, bytesMax: 1 << 20) {
      case .success(let read): piece = read
      case .failure(let error): throw failure(error, "read it from a file", isOfLog: true)
      }
      if piece.isEmpty { return (target, bytes) }
      if let error = FileDescriptor.write(piece.span, to: target) {
        throw failure(error, mending)
      }
      bytes += piece.count
    }
  }

  /// A result that calls logs as the user did.
  func named(_ result: MeteringResult) -> MeteringResult {
    guard !names.isEmpty else { return result }
    var result = result
    result.sources = result.sources.renamed { names[$0] ?? $0 }
    for index in result.files.indices {
      if let name = names[result.files[index].path] { result.files[index].path = name }
    }
    for index in result.logs.indices {
      if let name = names[result.logs[index].name] { result.logs[index].name = name }
    }
    for index in result.damages.indices {
      if let name = names[result.damages[index].file.path] {
        result.damages[index].file.path = name
      }
    }
    return result
  }
}
