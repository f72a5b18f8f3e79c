import CLZ4
import CZlib
import Foundation

/// The text of a log file, by the C libraries' own readers.
func logText(_ path: String) throws -> Data {
  if path.hasSuffix(".gz") { return gunzip(path) }
  let data = try Data(contentsOf: URL(fileURLWithPath: path))
  return path.hasSuffix(".lz4") ? unlz4([UInt8](data)) : data
}

private func gunzip(_ path: String) -> Data {
  var result = Data()
  guard let file = unsafe gzopen(path, "rb") else { return result }
  defer { unsafe gzclose(file) }
  var buffer = [UInt8](repeating: 0, count: 1 << 16)
  while true {
    let count = unsafe buffer.withUnsafeMutableBytes {
      unsafe gzread(file, $0.baseAddress, UInt32($0.count))
    }
    if count <= 0 { return result }
    result.append(contentsOf: buffer[..<Int(count)])
  }
}

private func unlz4(_ bytes: [UInt8]) -> Data {
  var context: OpaquePointer?
  guard unsafe LZ4F_isError(LZ4F_createDecompressionContext(&context, UInt32(LZ4F_VERSION))) == 0
  else { return Data() }
  defer { unsafe LZ4F_freeDecompressionContext(context) }
  var result = Data()
  var buffer = [UInt8](repeating: 0, count: 1 << 18)
  var position = 0
  while position < bytes.count {
    var written = buffer.count
    var read = bytes.count - position
    let status = unsafe buffer.withUnsafeMutableBytes { output in
      unsafe bytes[position...].withUnsafeBytes { input in
        unsafe LZ4F_decompress(
          context, output.baseAddress, &written, input.baseAddress, &read, nil)
      }
    }
    if LZ4F_isError(status) != 0 { return Data() }
    result.append(contentsOf: buffer[..<written])
    position += read
  }
  return result
}
