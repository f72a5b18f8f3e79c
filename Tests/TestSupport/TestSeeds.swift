import Foundation

/// The seeds of a test of random cases: so many as `DUIZHANG_SEEDS` says, the one alone that `DUIZHANG_SEED` names, so
/// that a case is run again, or as many as usual.
///
/// - Parameter usual: how many where nothing is said.
public func testSeeds(_ usual: UInt64) -> [UInt64] {
  let environment = ProcessInfo.processInfo.environment
  if let seed = environment["DUIZHANG_SEED"].flatMap({ UInt64($0) }) { return [seed] }
  return Array(1...(environment["DUIZHANG_SEEDS"].flatMap { UInt64($0) } ?? usual))
}
