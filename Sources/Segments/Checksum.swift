internal import CXXHash

/// The checksum XXH64 with seed 0 (github.com/Cyan4973/xxHash/blob/dev/doc/xxhash_spec.md).
enum XXH64 {
  static func checksum(_ bytes: [UInt8]) -> UInt64 {
    unsafe bytes.withUnsafeBytes { unsafe checksum($0) }
  }

  static func checksum(_ bytes: UnsafeRawBufferPointer) -> UInt64 {
    unsafe CXXHash.XXH64(bytes.baseAddress, bytes.count, 0)
  }
}

/// XXH3 with 128 bits and seed 0, of the same specification: tells texts apart, but for chance. Not one that
/// resists an attacker.
package enum XXH3 {
  /// - Returns: 16 bytes, in the specification's canonical order.
  package static func digest(_ bytes: Span<UInt8>) -> [UInt8] {
    unsafe bytes.withUnsafeBytes { bytes in
      let hash = unsafe duizhang_xxh3(bytes.baseAddress, bytes.count)
      return unsafe withUnsafeBytes(of: (hash.high64.bigEndian, hash.low64.bigEndian)) {
        unsafe Array($0)
      }
    }
  }
}
