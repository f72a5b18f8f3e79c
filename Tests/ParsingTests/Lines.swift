import CivilTime
import Decoding
import Formats
import Parsing
import TestSupport

/// What a parser said of each line.
enum Heard: Hashable {
  case record([String: String])
  case rejected(Rejection)
}

/// What a record's line says.
func said(_ call: Call, _ bytes: ByteView) -> Heard {
  var fields: [String: String] = ["status": "\(call.status)", "items": "\(call.items)"]
  for field in Field.allCases where ![.time, .status, .items].contains(field) {
    let slice = call[field]
    if !slice.isEmpty { fields[field.name] = bytes.text(Int(slice.start), Int(slice.count)) }
  }
  return .record(fields)
}

/// All that a log's text was read as.
struct Reading {
  /// By line of the file, from 0; blank lines are absent.
  var heard: [Int: Heard] = [:]
  var times: [Int: Int64] = [:]
  var lines = 0
  var blank = 0
  var ignored = 0
  var blocks = 0
}

func reading(
  _ text: [UInt8], lineBytesMax: Int = LogStream.lineBytesMaxDefault
) throws -> Reading {
  let folder = try TemporaryFolder()
  let stream = try LogStream(
    path: try folder.write(text, as: "log"), lineBytesMax: lineBytesMax)
  let block = Block()
  var parser = JSONLinesParser(lineBytesMax: lineBytesMax)
  var reading = Reading()
  while stream.next(into: block) {
    let before = reading.lines
    let counts = parser.parse(block) { call, line in
      reading.heard[before + line] = said(call, block.bytes)
      reading.times[before + line] = call.time.microseconds
    } rejected: { rejection, line in
      reading.heard[before + line] = .rejected(rejection)
    }
    reading.lines += counts.lines
    reading.blank += counts.blank
    reading.blocks += 1
  }
  return reading
}

func reading(_ text: String) throws -> Reading { try reading(Array(text.utf8)) }

/// What a single line is read as; `nil` for a blank one.
func heard(_ line: String) throws -> Heard? { try reading(line).heard[0] }

func heard(_ line: [UInt8]) throws -> Heard? { try reading(line).heard[0] }

let time = "\"time\":\"2025-12-01T08:00:00Z\""

func fields(_ extra: [String: String] = [:]) -> Heard {
  .record(["status": "200", "items": "1"].merging(extra) { $1 })
}
