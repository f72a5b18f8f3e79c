import CivilTime
import Decoding
import Parsing
import TestSupport

/// What a parser said of each line.
enum Heard: Hashable {
  case record([String: String])
  case rejected(Rejection)
}

/// Keeps what it receives.
struct Listener: CallSink {
  var heard: [Int: Heard] = [:]
  var times: [Int: Int64] = [:]
  private var bytes: ByteView

  init(_ block: Block) { bytes = block.bytes }

  mutating func receive(_ call: Call, line: Int) {
    var fields: [String: String] = ["status": "\(call.status)", "items": "\(call.items)"]
    func add(_ name: String, _ slice: Slice) {
      if !slice.isEmpty { fields[name] = bytes.text(Int(slice.start), Int(slice.count)) }
    }
    add("licensee", call.licensee)
    add("user", call.user)
    add("conversation", call.conversation)
    add("request_id", call.requestID)
    add("event", call.event)
    add("module", call.module)
    add("scenario", call.scenario)
    add("app", call.app)
    add("origin", call.origin)
    add("client_ip", call.clientIP)
    heard[line] = .record(fields)
    times[line] = call.time.microseconds
  }

  mutating func receive(_ rejection: Rejection, line: Int) { heard[line] = .rejected(rejection) }
}

/// All that a log's text was read as.
struct Reading {
  /// By line of the file, from 0; blank lines are absent.
  var heard: [Int: Heard] = [:]
  var times: [Int: Int64] = [:]
  var lines = 0
  var blank = 0
  var blocks = 0
}

func reading(_ text: [UInt8]) throws -> Reading {
  let folder = try TemporaryFolder()
  let stream = try LogStream(path: try folder.write(text, as: "log"))
  let block = Block()
  let parser = JSONLinesParser()
  var reading = Reading()
  while stream.next(into: block) {
    var listener = Listener(block)
    let (lines, blank) = parser.parse(block, into: &listener)
    for (line, heard) in listener.heard { reading.heard[reading.lines + line] = heard }
    for (line, time) in listener.times { reading.times[reading.lines + line] = time }
    reading.lines += lines
    reading.blank += blank
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
