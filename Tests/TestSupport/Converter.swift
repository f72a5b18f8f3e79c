internal import Glibc

/// The C library's conversion of whole texts.
@safe
public final class Converter {
  private let descriptor: iconv_t

  public init(from source: String, to target: String) {
    guard let opened = unsafe iconv_open(target, source), Int(bitPattern: opened) != -1 else {
      preconditionFailure("no converter")
    }
    unsafe descriptor = unsafe opened
  }

  deinit { unsafe _ = iconv_close(descriptor) }

  /// `nil` where the bytes are not valid, or not whole.
  public func converted(_ bytes: [UInt8]) -> [UInt8]? {
    var input = bytes.map { CChar(bitPattern: $0) }
    var output = [CChar](repeating: 0, count: bytes.count * 4 + 4)
    let written: Int? = unsafe input.withUnsafeMutableBufferPointer { from in
      unsafe output.withUnsafeMutableBufferPointer { to in
        var source = from.baseAddress
        var target = to.baseAddress
        var sourceCount = from.count
        var targetCount = to.count
        unsafe _ = iconv(descriptor, nil, nil, nil, nil)
        let result = unsafe iconv(descriptor, &source, &sourceCount, &target, &targetCount)
        return result == -1 || sourceCount > 0 ? nil : to.count - targetCount
      }
    }
    return written.map { output[..<$0].map { UInt8(bitPattern: $0) } }
  }
}
