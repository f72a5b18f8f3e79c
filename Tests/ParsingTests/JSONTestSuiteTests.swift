import Foundation
import Parsing
import TestSupport
import Testing

/// nst/JSONTestSuite (`../shared/fixtures/jsontestsuite`): each document as the value of a field that
/// no one uses.
@Suite struct JSONTestSuiteTests {
  @Test(.enabled(if: SharedFixtures.folder != nil, "../shared/fixtures is absent"))
  func whatMustBeReadAndWhatMustNot() throws {
    let folder = try #require(SharedFixtures.folder) + "/jsontestsuite"
    let names = try FileManager.default.contentsOfDirectory(atPath: folder).sorted()
    var read = 0
    var refused = 0
    for name in names where name.hasSuffix(".json") {
      let document = [UInt8](try Data(contentsOf: URL(fileURLWithPath: "\(folder)/\(name)")))
      // A document of several lines is no line of a log.
      var line = document
      while line.last == 0x0A { line.removeLast() }
      if line.contains(0x0A) { continue }
      let heard = try heard(
        Array("{\(time),\"user\":\"u\",\"unused\":".utf8) + line + Array("}".utf8))
      switch name.prefix(2) {
      case "y_":
        #expect(heard == fields(["user": "u"]), "\(name)")
        read += 1
      case "n_":
        // None of these turns valid where it stands here.
        if case .rejected = heard {
          refused += 1
        } else {
          Issue.record("\(name) was read: \(String(decoding: document, as: UTF8.self).prefix(80))")
        }
      default:
        #expect(heard != nil, "\(name)")
      }
    }
    #expect(read > 80)
    #expect(refused > 150)
  }
}
