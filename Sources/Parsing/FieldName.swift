import Decoding
import Formats

/// Tells which known field a key names.
enum FieldName {
  /// What a key names: a ``Field``'s raw value, or `unknown`, whose text has a place too and is
  /// never read.
  typealias Code = UInt8
  static let unknown: Code = 31

  /// What a key names to those who ask for no traces.
  @inline(__always)
  static func code(_ code: Code, findsTraces: Bool) -> Code {
    !findsTraces && Field(rawValue: code)?.isTrace ?? false ? unknown : code
  }

  /// What the key at `start` names.
  ///
  /// - Parameter count: bytes of the key with both quotation marks and the colon, which stand
  ///   without white space between them.
  @inline(__always)
  static func code(_ bytes: ByteView, _ start: Int, count: Int) -> Code {
    guard count <= 16 else { return unknown }
    // Names are compared with those of their length alone, as words with zeros behind the name.
    let key = bytes.words(at: start, count: count)
    switch count {
    case 6:
      // "app":
      if key.first == 0x0000_3A22_7070_6122 && key.second == 0 { return Field.app.rawValue }
    case 7:
      // "user":
      if key.first == 0x003A_2272_6573_7522 && key.second == 0 { return Field.user.rawValue }
      // "path":
      if key.first == 0x003A_2268_7461_7022 && key.second == 0 { return Field.path.rawValue }
      // "time":
      if key.first == 0x003A_2265_6D69_7422 && key.second == 0 { return Field.time.rawValue }
    case 8:
      // "event":
      if key.first == 0x3A22_746E_6576_6522 && key.second == 0 { return Field.event.rawValue }
      // "items":
      if key.first == 0x3A22_736D_6574_6922 && key.second == 0 { return Field.items.rawValue }
    case 9:
      // "module":
      if key.first == 0x2265_6C75_646F_6D22 && key.second == 0x0000_0000_0000_003A {
        return Field.module.rawValue
      }
      // "origin":
      if key.first == 0x226E_6967_6972_6F22 && key.second == 0x0000_0000_0000_003A {
        return Field.origin.rawValue
      }
      // "status":
      if key.first == 0x2273_7574_6174_7322 && key.second == 0x0000_0000_0000_003A {
        return Field.status.rawValue
      }
    case 11:
      // "question":
      if key.first == 0x6F69_7473_6575_7122 && key.second == 0x0000_0000_003A_226E {
        return Field.question.rawValue
      }
      // "licensee":
      if key.first == 0x6573_6E65_6369_6C22 && key.second == 0x0000_0000_003A_2265 {
        return Field.licensee.rawValue
      }
      // "scenario":
      if key.first == 0x6972_616E_6563_7322 && key.second == 0x0000_0000_003A_226F {
        return Field.scenario.rawValue
      }
    case 12:
      // "client_ip":
      if key.first == 0x5F74_6E65_696C_6322 && key.second == 0x0000_0000_3A22_7069 {
        return Field.clientIP.rawValue
      }
    case 13:
      // "user_agent":
      if key.first == 0x6761_5F72_6573_7522 && key.second == 0x0000_003A_2274_6E65 {
        return Field.userAgent.rawValue
      }
      // "latency_ms":
      if key.first == 0x7963_6E65_7461_6C22 && key.second == 0x0000_003A_2273_6D5F {
        return Field.latency.rawValue
      }
      // "request_id":
      if key.first == 0x7473_6575_7165_7222 && key.second == 0x0000_003A_2264_695F {
        return Field.requestID.rawValue
      }
    case 15:
      // "conversation":
      if key.first == 0x7372_6576_6E6F_6322 && key.second == 0x003A_226E_6F69_7461 {
        return Field.conversation.rawValue
      }
    default: break
    }
    return unknown
  }

  /// What a key written otherwise names; `nil` stands for one that is no text.
  static func code(ofKey name: [UInt8]?) -> Code {
    guard let name else { return unknown }
    return Field.allCases.first { Array($0.name.utf8) == name }?.rawValue ?? unknown
  }
}
