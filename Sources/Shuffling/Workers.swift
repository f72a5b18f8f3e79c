internal import Glibc

/// Runs a body on a number of threads and waits for all of them.
package enum Workers {
  private final class Task: Sendable {
    let index: Int
    let body: @Sendable (Int) -> Void

    init(index: Int, body: @escaping @Sendable (Int) -> Void) {
      self.index = index
      self.body = body
    }
  }

  /// - Parameter body: called once for each index below `count`, each on a thread of its own.
  package static func run(_ count: Int, _ body: @escaping @Sendable (Int) -> Void) {
    var threads: [pthread_t] = []
    var left = [0]
    for index in 1..<max(count, 1) {
      let task = unsafe Unmanaged.passRetained(Task(index: index, body: body))
      var thread = pthread_t()
      let code = unsafe pthread_create(
        &thread, nil,
        { argument in
          guard let argument = unsafe argument else { return nil }
          let task = unsafe Unmanaged<Task>.fromOpaque(argument).takeRetainedValue()
          task.body(task.index)
          return nil
        }, task.toOpaque())
      if code == 0 {
        threads.append(thread)
      } else {
        // Without another thread, this one does its share, too.
        unsafe task.release()
        left.append(index)
      }
    }
    for index in left { body(index) }
    for thread in threads { pthread_join(thread, nil) }
  }
}
