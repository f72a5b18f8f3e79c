internal import Files
internal import Glibc
public import Ledger
internal import Metering
internal import Shuffling
internal import Synchronization

/// A folder held against its manifest.
public struct ManifestCheck: Sendable {
  /// As it was named.
  public let folder: String
  /// `nil` where it cannot be relied on.
  public internal(set) var manifest: Manifest?
  /// Of `manifest.json`, all of it: what to compare with a copy that is kept elsewhere.
  public internal(set) var sha256: ContentHash?
  /// Files that are as the manifest says, itself and the list of digests included, and their bytes.
  public internal(set) var files = 0
  public internal(set) var bytes = 0
  /// Errors first.
  public internal(set) var problems: [ManifestProblem] = []

  public var isRight: Bool { !problems.contains(where: \.isError) }
}

extension Manifest {
  /// Checks a folder of reports: every byte of its manifest, of the list of digests and of all reports.
  /// Nothing is read into memory but the manifest.
  ///
  /// - Parameters:
  ///   - inputs: where else logs and configuration may lie than at their own paths, which are checked
  ///     too; `nil`: they are not.
  ///   - threads: on which files are read.
  public static func verify(
    folder: String, inputs: FileSearch? = nil, threads: Int = 1
  ) -> ManifestCheck {
    var check = ManifestCheck(folder: folder)
    let path = "\(folder)/\(name)"
    var problems: [ManifestProblem] = []
    do throws(ManifestError) {
      if case .outside(let target)? = leadsOut(name, of: folder) {
        problems.append(
          ManifestProblem(path: path, subject: .manifest, kind: .outside(target)))
      } else {
        let bytes = try bytes(path)
        let manifest = try read(bytes, path: path)
        check.manifest = manifest
        check.sha256 = .sha256(bytes)
        check.files = 1
        check.bytes = bytes.count
        problems += sumsProblems(folder, manifest.renderSums(bytes), &check)
        check.hold(manifest.items(in: folder, inputs), threads, &problems)
        problems += manifest.strangers(in: folder)
      }
    } catch {
      problems.append(
        ManifestProblem(path: path, subject: .manifest, kind: .manifest(error.problem)))
    }
    if problems.contains(where: \.isError),
      FileDescriptor.names(in: folder).contains(where: { isTemporary($0, of: name) })
    {
      problems.append(ManifestProblem(path: path, subject: .manifest, kind: .unfinished))
    }
    check.problems = problems.filter(\.isError) + problems.filter { !$0.isError }
    return check
  }

  /// The folders in a folder, itself included, that have a manifest, or a list of digests that names one
  /// which is missing; in the order of their paths. Links to folders are not followed, and folders that are on
  /// their way to their names are none yet.
  public static func folders(in folder: String) -> [String] {
    var folders = isManifestFolder(folder) ? [folder] : []
    for name in subfolders(folder) where !isTemporary(name, of: nil) {
      folders += self.folders(in: "\(folder)/\(name)")
    }
    return folders
  }

  private static func isManifestFolder(_ folder: String) -> Bool {
    if FileDescriptor.ownKind("\(folder)/\(name)") != nil { return true }
    var head: [UInt8] = []
    _ = FileContents.pass(over: "\(folder)/\(sumsName)", bytesMax: bytesMax) { piece in
      head += piece.prefix(max(sumsLine(.sha256([]), name).utf8.count - head.count, 0))
    }
    return head.suffix(name.utf8.count + 2).elementsEqual(" \(name)\n".utf8)
  }

  private static func subfolders(_ folder: String) -> [String] {
    FileDescriptor.names(in: folder).filter {
      $0 != "." && $0 != ".." && FileDescriptor.ownKind("\(folder)/\($0)") == S_IFDIR
    }.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
  }

  // MARK: - What is checked

  private static func sumsProblems(
    _ folder: String, _ expected: [UInt8], _ check: inout ManifestCheck
  ) -> [ManifestProblem] {
    let path = "\(folder)/\(sumsName)"
    var found: [UInt8] = []
    let outcome = FileContents.pass(over: path, bytesMax: bytesMax) { found += $0 }
    let kind: ManifestProblem.Kind
    switch (leadsOut(sumsName, of: folder), outcome) {
    case (let link?, _): kind = link
    case (_, .failed(let error)): kind = error.isMissing ? .missing : .unreadable(error.text)
    case (_, .notAFile): kind = .notAFile
    case _ where found == expected:
      check.files += 1
      check.bytes += found.count
      return []
    default: kind = difference(found, expected)
    }
    return [ManifestProblem(path: path, subject: .sums, kind: kind)]
  }

  /// The first line that differs.
  private static func difference(_ found: [UInt8], _ expected: [UInt8]) -> ManifestProblem.Kind {
    let start = zip(found, expected).prefix { $0 == $1 }.count
    let line = expected[..<start].count { $0 == 0x0A }
    guard start < expected.count else { return .sums(line: line + 1, expected: nil) }
    let lines = expected.split(separator: 0x0A)
    return .sums(line: line + 1, expected: String(decoding: lines[line], as: UTF8.self))
  }

  /// A file to be held against its size and digest.
  struct Item: Sendable {
    var path: String
    var subject: ManifestProblem.Subject
    var bytes: Int
    var sha256: ContentHash?
    /// The folder that it must not lead out of, and its path from there.
    var inside: (folder: String, path: String)?
    /// Where else it may be.
    var search: FileSearch?

    /// - Returns: what is wrong with it; `nil` where nothing is.
    func fault() -> ManifestProblem.Kind? {
      if let inside, let fault = Manifest.leadsOut(inside.path, of: inside.folder) { return fault }
      let fault = FileContents.fault(path, bytes: bytes, sha256: sha256)
      if sha256 == nil && fault == .missing { return .lost }
      guard fault != nil, let search, let sha256, search.finds(sha256, bytes: bytes) else {
        return fault
      }
      return nil
    }
  }

  private func items(in folder: String, _ inputs: FileSearch?) -> [Item] {
    var items = outputs.map { output in
      Item(
        path: "\(folder)/\(output.path)", subject: .report, bytes: output.bytes,
        sha256: output.sha256, inside: (folder, output.path))
    }
    guard let inputs else { return items }
    items += configuration.map { file in
      Item(
        path: file.path, subject: .configuration, bytes: file.bytes, sha256: file.sha256,
        search: inputs)
    }
    items += self.inputs.map { log in
      Item(
        path: log.name, subject: .input, bytes: log.bytes, sha256: log.sha256, search: inputs)
    }
    return items
  }

  /// What is wrong with where a path in a folder leads to; `nil` where it stays inside, or to nothing.
  fileprivate static func leadsOut(_ path: String, of folder: String) -> ManifestProblem.Kind? {
    guard case .success(let root) = FileDescriptor.realPath(folder),
      case .success(let real) = FileDescriptor.realPath("\(folder)/\(path)")
    else { return nil }
    let inside = Array((root == "/" ? root : root + "/").utf8)
    return real.utf8.starts(with: inside) ? nil : .outside(real)
  }

  /// Files of the folder that the manifest does not name, but for those of folders that have their own.
  private func strangers(in folder: String) -> [ManifestProblem] {
    var named = Set(outputs.map { Array($0.path.utf8) })
    named.insert(Array(Self.name.utf8))
    named.insert(Array(Self.sumsName.utf8))
    return Self.files(folder, "").compactMap { path in
      guard !named.contains(Array(path.utf8)) else { return nil }
      return ManifestProblem(
        path: "\(folder)/\(path)", subject: .other,
        kind: Self.isTemporary(path, of: nil) ? .leftover : .unnamed)
    }
  }

  /// Paths from a folder, each with what it begins with.
  private static func files(_ folder: String, _ prefix: String) -> [String] {
    let folders = Set(subfolders(folder))
    var paths: [String] = []
    for name in FileDescriptor.names(in: folder).sorted(by: {
      $0.utf8.lexicographicallyPrecedes($1.utf8)
    }) where name != "." && name != ".." {
      if !folders.contains(name) {
        paths.append(prefix + name)
      } else if !isManifestFolder("\(folder)/\(name)") {
        paths += files("\(folder)/\(name)", "\(prefix)\(name)/")
      }
    }
    return paths
  }

  /// Whether a file's name is that of a report which is being written: `.<name>.<numbers>.part`.
  ///
  /// - Parameter report: its name; `nil`: any.
  private static func isTemporary(_ path: String, of report: String?) -> Bool {
    let name = path.split(separator: "/").last ?? ""
    return name.hasPrefix(".\(report.map { "\($0)." } ?? "")") && name.hasSuffix(".part")
  }
}

extension ManifestCheck {
  /// Checks files on several threads, the largest first.
  fileprivate mutating func hold(
    _ items: [Manifest.Item], _ threads: Int, _ problems: inout [ManifestProblem]
  ) {
    let order = items.indices.sorted { items[$0].bytes > items[$1].bytes }
    let found = Faults()
    Workers.run(max(min(threads, items.count), 1)) { _ in
      while let index = found.next(of: order) {
        if let fault = items[index].fault() { found.add(fault, index) }
      }
    }
    let faults = found.faults
    var unhashed = 0
    for (index, item) in items.enumerated() {
      if let fault = faults[index] {
        problems.append(ManifestProblem(path: item.path, subject: item.subject, kind: fault))
      } else {
        files += 1
        // What is right has the size that it is stated to have; of sparse files there is no end.
        let (sum, overflows) = bytes.addingReportingOverflow(item.bytes)
        bytes = overflows ? .max : sum
        if item.sha256 == nil { unhashed += 1 }
      }
    }
    if unhashed > 0 {
      problems.append(
        ManifestProblem(
          path: "\(folder)/\(Manifest.name)", subject: .manifest, kind: .sizesOnly(files: unhashed))
      )
    }
  }

  /// What several threads find.
  private final class Faults: Sendable {
    private let taken = Atomic<Int>(0)
    private let all = Mutex<[Int: ManifestProblem.Kind]>([:])

    /// The next item to look at; `nil` at the end.
    func next(of order: [Int]) -> Int? {
      let place = taken.wrappingAdd(1, ordering: .relaxed).oldValue
      return place < order.count ? order[place] : nil
    }

    func add(_ fault: ManifestProblem.Kind, _ index: Int) { all.withLock { $0[index] = fault } }

    var faults: [Int: ManifestProblem.Kind] { all.withLock { $0 } }
  }
}
