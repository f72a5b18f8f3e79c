/// What a chunk file holds, as its header says.
public struct ChunkFileKind: Sendable, Hashable {
  /// Four ASCII letters, the first in the lowest byte.
  let code: UInt32
  /// The columns of each of its chunks.
  public let columns: [Column]

  /// - Parameter code: four ASCII letters.
  public init(_ code: String, _ columns: [Column]) {
    let letters = Array(code.utf8)
    precondition(letters.count == 4)
    self.code = letters.reversed().reduce(0) { $0 << 8 | UInt32($1) }
    self.columns = columns
  }
}

/// Where things lie in a file of chunks; `docs/workspace.md` has all of it.
enum ChunkFileFormat {
  /// `‰DZF\r\n^Z\n`: no text, and spoilt by whatever changes line ends or drops the eighth bit.
  static let magic: [UInt8] = [0x89, 0x44, 0x5A, 0x46, 0x0D, 0x0A, 0x1A, 0x0A]
  /// `DZFEND\r\n`
  static let endMagic: [UInt8] = [0x44, 0x5A, 0x46, 0x45, 0x4E, 0x44, 0x0D, 0x0A]
  static let version: UInt32 = 1
  static let headerBytes = 32
  static let entryBytes = 16
  static let footerBytes = 40
  /// Bytes of chunks after which a file is as large as one may be.
  static let bytesMax = 1 << 48

  /// The header, which is known before anything else is.
  static func header(_ kind: ChunkFileKind, label: Int64) -> [UInt8] {
    var bytes = magic
    append(version, to: &bytes)
    append(kind.code, to: &bytes)
    append(UInt64(bitPattern: label), to: &bytes)
    append(XXH64.checksum(bytes), to: &bytes)
    return bytes
  }

  static func append<Number: FixedWidthInteger>(_ number: Number, to bytes: inout [UInt8]) {
    for shift in stride(from: 0, to: Number.bitWidth, by: 8) {
      bytes.append(UInt8(truncatingIfNeeded: number >> Number(shift)))
    }
  }

  static func number<Number: FixedWidthInteger>(
    _ bytes: [UInt8], _ offset: Int, as type: Number.Type = Number.self
  ) -> Number {
    var number: Number = 0
    for index in (0..<Number.bitWidth / 8).reversed() {
      number = number << 8 | Number(truncatingIfNeeded: bytes[offset + index])
    }
    return number
  }
}

extension String {
  /// The folder that a path lies in.
  var folderOfPath: String {
    guard let slash = utf8.lastIndex(of: 0x2F) else { return "." }
    return slash == startIndex ? "/" : String(self[..<slash])
  }
}
