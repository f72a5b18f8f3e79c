public import Decoding

extension Block {
  /// Hands on all lines as rejected for one reason, but those that are blank or too long.
  ///
  /// - Parameter rejected: takes the number of a line, from 0, and why; the block tells where it begins.
  public func rejectLines(
    _ rejection: Rejection, lineBytesMax: Int, _ rejected: (Rejection, Int) -> Void
  ) -> LineCounts {
    let bytes = self.bytes
    var cursor = LineCursor(bytes: bytes, skipsByteOrderMark: index == 0)
    var counts = LineCounts(blankBytes: cursor.start)
    while let line = cursor.next() {
      let isCutOff = endsInOverlongLine && line.upperBound == count
      if !isCutOff && line.allSatisfy({ JSONWalk.isWhiteSpace(bytes[$0]) }) {
        counts.blank += 1
        counts.blankBytes += min(cursor.start, count) - line.lowerBound
      } else {
        rejectedLineStart = line.lowerBound
        rejected(isCutOff || line.count > lineBytesMax ? .tooLong : rejection, counts.lines)
      }
      counts.lines += 1
    }
    return counts
  }
}
