import Decoding

/// How values say what they cannot hold as it is; decoded into the annex.
///
/// Where what comes out is not UTF-8, as of a scan or of a TLS handshake on a plain port, the value
/// stays as it is written.
enum TextDecoding {
  /// `\xHH`, and a backslash before what it takes away the meaning of, or `n`, `r`, `t`: nginx's
  /// default and Apache's; `\uHHHH` too, as logfmt's quotes have it. A backslash that begins none of
  /// these stands for itself.
  static func backslashes(_ bytes: ByteView, _ slice: Slice, into annex: inout Annex) -> Slice {
    let start = annex.end
    var position = Int(slice.start)
    let end = position + Int(slice.count)
    while position < end {
      let byte = bytes[position]
      position += 1
      guard byte == 0x5C, position < end else {
        annex.append(byte)
        continue
      }
      let kind = bytes[position]
      position += 1
      switch kind {
      case 0x78:
        if position + 2 <= end, let high = digit(bytes[position]),
          let low = digit(bytes[position + 1])
        {
          annex.append(high << 4 | low)
          position += 2
        } else {
          annex.append(byte)
          annex.append(kind)
        }
      case 0x75:
        if let (scalar, count) = scalar(bytes, position, end) {
          for byte in UTF8.encode(scalar)! { annex.append(byte) }
          position += count
        } else {
          annex.append(byte)
          annex.append(kind)
        }
      case 0x22, 0x5C, 0x27, 0x2F: annex.append(kind)
      case 0x6E: annex.append(0x0A)
      case 0x72: annex.append(0x0D)
      case 0x74: annex.append(0x09)
      case 0x62: annex.append(0x08)
      case 0x66: annex.append(0x0C)
      case 0x76: annex.append(0x0B)
      default:
        annex.append(byte)
        annex.append(kind)
      }
    }
    return validated(bytes, start, annex, or: slice)
  }

  /// JSON's escapes.
  ///
  /// - Returns: `nil` where one is none that JSON has, or half a surrogate pair.
  static func json(_ bytes: ByteView, _ slice: Slice, into annex: inout Annex) -> Slice? {
    let start = Int(slice.start)
    let end = start + Int(slice.count)
    guard Escapes.areValid(bytes, start, end), let text = Escapes.decoded(bytes, start, end) else {
      return nil
    }
    let place = annex.end
    annex.append(text)
    // What does not fit has no place that anyone may look at.
    return Slice(start: place, count: annex.end - place)
  }

  /// `""` for a quotation mark within quotes (RFC 4180).
  static func doubledQuotes(_ bytes: ByteView, _ slice: Slice, into annex: inout Annex) -> Slice {
    let start = annex.end
    var position = Int(slice.start)
    let end = position + Int(slice.count)
    while position < end {
      annex.append(bytes[position])
      position += bytes[position] == 0x22 ? 2 : 1
    }
    return Slice(start: start, count: annex.end - start)
  }

  /// `%HH` in a URL (RFC 3986), and in a query `+` for a space.
  ///
  /// - Parameter isPath: a slash that is written `%2F` stays so, since it separates no segments.
  static func percent(
    _ bytes: ByteView, _ slice: Slice, isPath: Bool, into annex: inout Annex
  ) -> Slice {
    let start = annex.end
    var position = Int(slice.start)
    let end = position + Int(slice.count)
    while position < end {
      let byte = bytes[position]
      position += 1
      if byte == 0x25, position + 2 <= end, let high = digit(bytes[position]),
        let low = digit(bytes[position + 1]), !(isPath && high << 4 | low == 0x2F)
      {
        annex.append(high << 4 | low)
        position += 2
      } else {
        annex.append(byte == 0x2B && !isPath ? 0x20 : byte)
      }
    }
    return validated(bytes, start, annex, or: slice)
  }

  private static func validated(
    _ bytes: ByteView, _ start: Int, _ annex: Annex, or slice: Slice
  ) -> Slice {
    let count = annex.end - start
    return bytes.isUTF8(start, count) ? Slice(start: start, count: count) : slice
  }

  /// The character that four hexadecimal digits behind `\u` stand for, or such a pair of surrogates, and
  /// how many bytes they take.
  private static func scalar(
    _ bytes: ByteView, _ start: Int, _ end: Int
  ) -> (Unicode.Scalar, count: Int)? {
    func code(_ start: Int) -> UInt32? {
      guard start + 4 <= end else { return nil }
      var code: UInt32 = 0
      for position in start..<(start + 4) {
        guard let digit = digit(bytes[position]) else { return nil }
        code = code << 4 | UInt32(digit)
      }
      return code
    }
    guard let first = code(start) else { return nil }
    if let scalar = Unicode.Scalar(first) { return (scalar, 4) }
    guard first & 0xFC00 == 0xD800, start + 10 <= end, bytes[start + 4] == 0x5C,
      bytes[start + 5] == 0x75, let second = code(start + 6), second & 0xFC00 == 0xDC00,
      let scalar = Unicode.Scalar(0x10000 + (first & 0x3FF) << 10 + second & 0x3FF)
    else { return nil }
    return (scalar, 10)
  }

  private static func digit(_ byte: UInt8) -> UInt8? {
    switch byte {
    case 0x30...0x39: byte - 0x30
    case 0x41...0x46: byte - 0x37
    case 0x61...0x66: byte - 0x57
    default: nil
    }
  }
}
