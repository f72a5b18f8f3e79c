internal import CivilTime
internal import Glibc

extension Instant {
  /// What the system's clock says.
  static func systemNow() -> Instant {
    var time = timespec()
    unsafe clock_gettime(CLOCK_REALTIME, &time)
    return Instant(microseconds: Int64(time.tv_sec) * 1_000_000 + Int64(time.tv_nsec) / 1_000)
  }
}

/// This machine's name, as `hostname` says it.
func systemHostName() -> String {
  var bytes = [CChar](repeating: 0, count: 256)
  let length = bytes.count - 1
  guard unsafe gethostname(&bytes, length) == 0 else { return "unknown" }
  return String(decoding: bytes.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
}
