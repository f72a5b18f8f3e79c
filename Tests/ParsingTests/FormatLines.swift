import CivilTime
import Decoding
import Formats
import Parsing
import TestSupport
import Testing

/// What a log's text is read as by a format.
///
/// - Parameter linesInBlock: whether the text is dealt out in blocks of so many lines, each in memory
///   that ends soon behind it.
func reading(
  _ text: [UInt8], as format: LogFormat, lineBytesMax: Int = LogStream.lineBytesMaxDefault
) throws -> Reading {
  let folder = try TemporaryFolder()
  let stream = try LogStream(path: try folder.write(text, as: "log"), lineBytesMax: lineBytesMax)
  let recogniser = FormatRecogniser([format], lineBytesMax: lineBytesMax)
  let block = Block()
  var reading = Reading()
  guard stream.next(into: block) else { return reading }
  var parser = FormatParser(
    recogniser.recognise(block).plan, block, lineBytesMax: lineBytesMax)
  repeat {
    let before = reading.lines
    let counts = parser.parse(block) { call, line in
      reading.heard[before + line] = said(call, block.wholeBytes)
      reading.times[before + line] = call.time.microseconds
    } rejected: { rejection, line in
      reading.heard[before + line] = .rejected(rejection)
    }
    reading.lines += counts.lines
    reading.blank += counts.blank
    reading.ignored += counts.ignored
    reading.blocks += 1
  } while stream.next(into: block)
  #expect(
    reading.lines == reading.heard.count + reading.blank + reading.ignored,
    "a line is missing, or told twice")
  return reading
}

func reading(_ text: String, as yaml: String) throws -> Reading {
  try reading(Array(text.utf8), as: LogFormat(yaml: yaml, path: "f.yaml"))
}

func reading(_ text: [UInt8], as yaml: String) throws -> Reading {
  try reading(text, as: LogFormat(yaml: yaml, path: "f.yaml"))
}

/// What a single line is read as; `nil` for one that is blank or ignored.
func heard(_ line: String, as yaml: String) throws -> Heard? {
  try reading(line, as: yaml).heard[0]
}

func heard(_ line: [UInt8], as yaml: String) throws -> Heard? {
  try reading(line, as: yaml).heard[0]
}

/// A format file: its lines' syntax and what else it says.
func file(_ lines: String, _ rest: String) -> String { "format: f\nlines: \(lines)\n\(rest)\n" }

/// `2025-12-01T08:00:00Z`, as microseconds.
let eight: Int64 = 1_764_576_000_000_000
