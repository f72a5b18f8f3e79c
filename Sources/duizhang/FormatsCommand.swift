import ArgumentParser
import Configuration
import Formats

struct FormatsCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "formats",
    abstract: "The formats that logs are told by, and the files that describe them.",
    discussion: """
      Without a name, lists the built-in formats. With one, prints its file, to be copied and changed \
      for logs that are almost like it.

      Example: duizhang formats nginx-combined > ours.yaml
      duizhang check --format ours.yaml access.log
      """)

  @Argument(help: ArgumentHelp("A built-in format, whose file is printed.", valueName: "name"))
  var name: String?

  func run() throws {
    guard let name else {
      let width = BuiltInFormats.all.map(\.name.count).max() ?? 0
      for format in BuiltInFormats.all {
        print(
          format.name + String(repeating: " ", count: width - format.name.count), "", format.title)
      }
      return
    }
    guard let file = BuiltInFormats.files.first(where: { $0.name == name }) else {
      let nearest = nearestName(to: name, among: BuiltInFormats.files.map(\.name))
      throw ValidationError(
        "'\(name)' is no built-in format" + (nearest.map { "; did you mean '\($0)'?" } ?? ""))
    }
    print(file.yaml, terminator: "")
  }
}
