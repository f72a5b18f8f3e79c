import CivilTime
import Foundation

extension Instant {
  /// What the system's clock says.
  static var now: Instant {
    Instant(microseconds: Int64(Date().timeIntervalSince1970 * 1_000_000))
  }
}
