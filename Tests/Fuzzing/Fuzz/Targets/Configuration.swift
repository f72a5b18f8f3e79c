internal import CivilTime
internal import Contracts
internal import Pipelines

@testable internal import Configuration

/// A contract file: it is refused with the line of each mistake, or is one that can be asked.
struct ContractTarget: FuzzTarget {
  static let name = "contract"

  mutating func check(_ input: [UInt8]) {
    guard let text = configurationText(input) else { return }
    do throws(ConfigurationError) {
      let contract = try Contract(yaml: text, path: "folder/contract.yaml")
      require(!contract.number.isEmpty && !contract.rules.isEmpty, "a contract has what it needs")
      ask(contract)
    } catch {
      checkProblems(error, in: text)
    }
  }

  private func ask(_ contract: Contract) {
    for day in [0, 20_000, 20_423, 2_932_896] as [Int32] {
      let date = CivilDate(daysSinceEpoch: day)
      let priced = contract.pricedDay(for: date)
      require(contract.rules.indices.contains(contract.rule(on: date).index), "a rule holds")
      _ = contract.holidays.isWorkingDay(priced)
      for price in contract.prices {
        let line = contract.price(module: price.module, scenario: price.scenario ?? "", on: date)
        require(line?.module ?? price.module == price.module, "a price is that of its module")
        _ = (price.price * 1_000_000_000_000).text(places: 2)
        _ = contract.meter(module: price.module, on: date)
      }
    }
    do throws(ConfigurationError) {
      let book = try ContractBook([contract])
      _ = book.index(forLicensee: contract.licensee.name, at: Instant(seconds: 1_764_547_200))
    } catch {
      require(!error.problems.isEmpty, "an error has a reason")
    }
  }
}

/// A pipeline file, likewise.
struct PipelineTarget: FuzzTarget {
  static let name = "pipeline"

  mutating func check(_ input: [UInt8]) {
    guard let text = configurationText(input) else { return }
    do throws(ConfigurationError) {
      let pipeline = try PipelineFile(yaml: text, path: "folder/pipeline.yaml")
      require(!pipeline.name.isEmpty && !pipeline.logs.isEmpty, "a pipeline has what it needs")
      let paths = pipeline.logs + pipeline.contracts + [pipeline.out]
      for path in paths {
        require(path.hasPrefix("/") || path.hasPrefix("folder/"), "a path is that of the folder")
      }
      require(pipeline.memory.map { $0.bytes > 0 } ?? true, "memory is positive")
    } catch {
      checkProblems(error, in: text)
    }
  }
}

/// The text of a file; of one that is not UTF-8 only the line is told.
func configurationText(_ input: [UInt8]) -> String? {
  if let text = String(validating: input, as: UTF8.self) { return text }
  let line = ConfigurationDocument.firstLineNotUTF8(input)
  require(line >= 1 && line <= 1 + input.count { $0 == 0x0A }, "a byte lies in the file")
  return nil
}

/// Every mistake lies in the file and has words.
func checkProblems(_ error: ConfigurationError, in text: String) {
  require(!error.problems.isEmpty, "an error has a reason")
  // The line breaks of YAML 1.1, and the line behind the last.
  let breaks: [Unicode.Scalar] = ["\n", "\r", "\u{85}", "\u{2028}", "\u{2029}"]
  let lines = 2 + text.unicodeScalars.count { breaks.contains($0) }
  for problem in error.problems {
    require((1...lines).contains(problem.line ?? 0), "a mistake lies in the file: \(problem)")
    require((problem.column ?? 1) >= 1, "a column counts from 1: \(problem)")
    require(!problem.message.isEmpty, "a mistake has words")
  }
}
