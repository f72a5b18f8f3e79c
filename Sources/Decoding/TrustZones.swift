/// Where a log's text is not to be trusted, as far as it is not handed out yet.
struct TrustZones {
  private struct Zone {
    /// Of the text's bytes, the line ends added at tears included.
    var range: Range<Int>
    var trust: Block.Trust
  }

  /// By where they begin; they may overlap.
  private var zones: [Zone] = []

  var isEmpty: Bool { zones.isEmpty }

  mutating func mark(_ range: Range<Int>, _ trust: Block.Trust) {
    let index = zones.firstIndex { $0.range.lowerBound > range.lowerBound } ?? zones.endIndex
    if index > 0, zones[index - 1].trust == trust,
      zones[index - 1].range.upperBound >= range.lowerBound
    {
      let known = zones[index - 1].range
      zones[index - 1].range =
        known.lowerBound..<max(known.upperBound, range.upperBound)
    } else {
      zones.insert(Zone(range: range, trust: trust), at: index)
    }
  }

  /// Forgets what lies before an offset.
  mutating func drop(before offset: Int) { zones.removeAll { $0.range.upperBound <= offset } }

  /// The worst that is known of a range.
  func trust(of range: Range<Int>) -> Block.Trust {
    zones.lazy.filter { $0.range.overlaps(range) }.map(\.trust).max() ?? .trusted
  }

  /// How many bytes the first lines have that are alike: all to be trusted, or all in one zone. A line
  /// that is partly in a zone is in it.
  ///
  /// - Parameters:
  ///   - bytes: lines, the last one perhaps without its end.
  ///   - offset: where they begin in the text.
  func linesAlike(_ bytes: ByteView, at offset: Int) -> Int {
    let first = zones.first { $0.range.upperBound > offset }
    guard let range = first?.range, range.lowerBound < offset + bytes.count else {
      return bytes.count
    }
    if range.lowerBound > offset,
      let end = bytes.position(behindLast: 0x0A, from: 0, to: range.lowerBound - offset)
    {
      return end
    }
    let last = min(range.upperBound - offset, bytes.count) - 1
    return min(bytes.firstPosition(of: 0x0A, from: last) + 1, bytes.count)
  }
}
