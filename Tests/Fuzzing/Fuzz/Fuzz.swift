internal import CFuzzing
internal import Glibc

/// Something that reads what others wrote, and what must hold whatever they wrote.
///
/// The target's name is that of its folder in `Corpus` and of its dictionary.
protocol FuzzTarget: SendableMetatype {
  static var name: String { get }
  init()
  /// Reads an input; where a property does not hold, ``require(_:_:)`` ends the process.
  mutating func check(_ input: [UInt8])
}

/// Ends the process, and so tells libFuzzer that the input is one to keep.
func require(
  _ condition: Bool, _ property: @autoclosure () -> String, file: StaticString = #fileID,
  line: UInt = #line
) {
  if !condition { fatalError("does not hold: \(property())", file: file, line: line) }
}

/// The target that is fuzzed, which libFuzzer's callback cannot capture.
private nonisolated(unsafe) var current: (any FuzzTarget)?

@main
enum Fuzz {
  /// Tells the target, so that the processes that libFuzzer starts for `-merge` have the same.
  static let variable = "DUIZHANG_FUZZ_TARGET"

  static func main() {
    let name = unsafe getenv(variable).map { unsafe String(cString: $0) } ?? ""
    guard let target = allTargets.first(where: { $0.name == name }) else {
      // What scripts ask for.
      for target in allTargets { print(target.name) }
      exit(name == "list" ? 0 : 2)
    }
    unsafe current = target.init()
    var count = CommandLine.argc
    var arguments: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>? =
      unsafe CommandLine.unsafeArgv
    let status = unsafe LLVMFuzzerRunDriver(&count, &arguments) { bytes, count in
      unsafe current?.check(Array(UnsafeBufferPointer(start: bytes, count: count)))
      return 0
    }
    exit(status)
  }
}
