internal import CSimdJSON
import Decoding

/// simdjson's first stage: where the tokens of a text begin, its UTF-8 and strings checked.
@safe
final class JSONIndexer {
  private let indexer: OpaquePointer

  init() {
    guard let created = unsafe duizhang_json_indexer_create() else {
      preconditionFailure("out of memory")
    }
    unsafe indexer = unsafe created
  }

  deinit { unsafe duizhang_json_indexer_destroy(indexer) }

  /// The tokens of a range of bytes, valid until the next are looked for; `nil` where simdjson does
  /// not accept them.
  func tokens(_ bytes: ByteView, _ start: Int, _ count: Int) -> Tokens? {
    var tokens: UnsafePointer<UInt32>?
    var tokenCount = 0
    let code = unsafe bytes.withAddress { base in
      unsafe duizhang_json_index(indexer, base + start, count, &tokens, &tokenCount)
    }
    guard code == 0, let tokens = unsafe tokens else { return nil }
    return unsafe Tokens(base: tokens, count: tokenCount)
  }
}

/// The positions of a line's tokens as simdjson keeps them; valid until its next run.
@safe
struct Tokens {
  private let base: UnsafePointer<UInt32>
  let count: Int

  init(base: UnsafePointer<UInt32>, count: Int) {
    unsafe self.base = unsafe base
    self.count = count
  }

  /// One past the last token stands the length of the text, and once more; the two positions behind
  /// that can be read, and mean nothing.
  @inline(__always)
  subscript(index: Int) -> Int {
    assert(index >= 0 && index <= count + 3)
    return unsafe Int(base[index])
  }
}

extension ByteView {
  /// Whether a range is valid UTF-8.
  func isUTF8(_ start: Int, _ count: Int) -> Bool {
    unsafe withAddress { base in unsafe duizhang_json_is_utf8(base + start, count) != 0 }
  }
}
