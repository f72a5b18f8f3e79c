internal import Foundation

extension String {
  /// The text in Unicode's composed form (NFC).
  ///
  /// Strings that differ in composition alone are equal, and which of them a report shows must not
  /// depend on which was read first.
  var composed: String {
    utf8.allSatisfy { $0 < 0x80 } ? self : precomposedStringWithCanonicalMapping
  }
}
