internal import Files
internal import Glibc

/// A program that is started with a text on its standard input, and waited for. The unsafe calls that
/// this needs are here.
///
/// Of this process's open files it gets standard error alone, also as its standard output: all others are
/// closed when it starts (`O_CLOEXEC`), the workspace's lock too.
struct ChildProcess {
  enum End: Hashable {
    case exited(Int32)
    /// A signal ended it.
    case signalled(Int32)
    /// It was ended, with all that it had started, since it took too long.
    case timedOut
  }

  /// From the root, or relative to the working folder.
  var program: String
  var arguments: [String]
  var environment: [String: String]
  var input: [UInt8]
  /// Milliseconds until it gets SIGTERM.
  var timeLimitMilliseconds: Int
  /// Milliseconds from SIGTERM to SIGKILL.
  var graceMilliseconds = 5_000

  private static let pollMilliseconds = 10

  /// Starts the program and waits for its end.
  ///
  /// - Throws: ``SystemError`` where it could not be started.
  func run() throws(SystemError) -> End {
    // Where it is ignored, as some who start us have it, nobody learns how a child ended.
    _ = signal(SIGCHLD, SIG_DFL)
    // A program that does not read its input is no reason to end.
    _ = signal(SIGPIPE, SIG_IGN)
    let ends = try Self.pipe()
    var feed = Feed(descriptor: ends.writer, rest: input[...])
    defer { feed.close() }
    let spawned = spawn(input: ends.reader)
    _ = FileDescriptor.close(ends.reader)
    let process = try spawned.get()
    if waits(for: process, milliseconds: timeLimitMilliseconds, &feed) {
      return Self.reap(process)
    }
    // The whole group: a shell's children too. It is there at least until the process is reaped.
    _ = kill(-process, SIGTERM)
    _ = waits(for: process, milliseconds: graceMilliseconds, &feed)
    _ = kill(-process, SIGKILL)
    _ = Self.reap(process)
    return .timedOut
  }

  /// What is yet to be written to a program's standard input, as it takes it.
  private struct Feed {
    var descriptor: Int32?
    var rest: ArraySlice<UInt8>

    init(descriptor: Int32, rest: ArraySlice<UInt8>) {
      self.descriptor = descriptor
      self.rest = rest
    }

    /// Writes what can be written now; at the end, or where nobody reads, the input ends.
    mutating func write() {
      while let descriptor, !rest.isEmpty {
        let count = unsafe rest.withUnsafeBytes {
          unsafe Glibc.write(descriptor, $0.baseAddress, $0.count)
        }
        if count < 0, errno == EINTR { continue }
        if count < 0, errno == EAGAIN { return }
        guard count > 0 else { break }
        rest = rest.dropFirst(count)
      }
      close()
    }

    mutating func close() {
      if let descriptor { _ = FileDescriptor.close(descriptor) }
      descriptor = nil
    }
  }

  /// A pipe that other programs do not get, and whose writer never waits.
  private static func pipe() throws(SystemError) -> (reader: Int32, writer: Int32) {
    var ends: [Int32] = [0, 0]
    guard unsafe Glibc.pipe(&ends) == 0 else { throw SystemError(number: errno) }
    for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
    _ = fcntl(ends[1], F_SETFL, O_NONBLOCK)
    return (ends[0], ends[1])
  }

  private func spawn(input descriptor: Int32) -> Result<pid_t, SystemError> {
    var actions = unsafe posix_spawn_file_actions_t()
    var attributes = posix_spawnattr_t()
    unsafe posix_spawn_file_actions_init(&actions)
    unsafe posix_spawnattr_init(&attributes)
    defer {
      unsafe posix_spawn_file_actions_destroy(&actions)
      unsafe posix_spawnattr_destroy(&attributes)
    }
    unsafe posix_spawn_file_actions_adddup2(&actions, descriptor, STDIN_FILENO)
    unsafe posix_spawn_file_actions_adddup2(&actions, STDERR_FILENO, STDOUT_FILENO)
    // Which this process may ignore, and shells and their pipes must not.
    var defaults = sigset_t()
    unsafe sigemptyset(&defaults)
    unsafe sigaddset(&defaults, SIGPIPE)
    unsafe posix_spawnattr_setsigdefault(&attributes, &defaults)
    // Threads of ours that block signals would start a program that SIGTERM does not end.
    var blocked = sigset_t()
    unsafe sigemptyset(&blocked)
    unsafe posix_spawnattr_setsigmask(&attributes, &blocked)
    unsafe posix_spawnattr_setpgroup(&attributes, 0)
    unsafe posix_spawnattr_setflags(
      &attributes,
      Int16(POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETPGROUP))
    let variables = environment.map { "\($0.key)=\($0.value)" }.sorted()
    var process = pid_t()
    let number = unsafe Self.withPointers([program] + arguments) { arguments in
      unsafe Self.withPointers(variables) { variables in
        unsafe posix_spawn(&process, program, &actions, &attributes, arguments, variables)
      }
    }
    return number == 0 ? .success(process) : .failure(SystemError(number: number))
  }

  /// Texts as C has them: pointers, with a null one at their end.
  private static func withPointers<Result>(
    _ texts: [String], _ body: (UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>) -> Result
  ) -> Result {
    var pointers = unsafe texts.map { unsafe strdup($0) } + [nil]
    defer { for index in unsafe pointers.indices { unsafe free(pointers[index]) } }
    return unsafe pointers.withUnsafeMutableBufferPointer { buffer in
      guard let base = buffer.baseAddress else { preconditionFailure("a null pointer is in it") }
      return unsafe body(base)
    }
  }

  /// Whether the process ends in time; it is not reaped, so that its number stays its own.
  private func waits(for process: pid_t, milliseconds: Int, _ feed: inout Feed) -> Bool {
    var waited = 0
    while true {
      feed.write()
      var information = unsafe siginfo_t()
      let result = unsafe waitid(
        P_PID, id_t(process), &information, WEXITED | WNOHANG | WNOWAIT)
      if result == 0, unsafe information.si_signo == SIGCHLD { return true }
      if result < 0, errno != EINTR { return true }
      guard waited < milliseconds else { return false }
      usleep(UInt32(Self.pollMilliseconds) * 1_000)
      waited += Self.pollMilliseconds
    }
  }

  private static func reap(_ process: pid_t) -> End {
    var status: Int32 = 0
    while unsafe waitpid(process, &status, 0) < 0 {
      guard errno == EINTR else { return .exited(0) }
    }
    let signal = status & 0x7F
    return signal == 0 ? .exited((status >> 8) & 0xFF) : .signalled(signal)
  }
}
