/// How a conversation ended (rule 10).
public enum Ending: UInt8, Sendable, Hashable, CaseIterable {
  case close, idle, maxDuration, open, stillOpen

  /// The word that reports use.
  public var text: String {
    switch self {
    case .close: "close"
    case .idle: "idle"
    case .maxDuration: "max_duration"
    case .open: "open"
    case .stillOpen: "still_open"
    }
  }
}

/// A conversation, found; its references are valid while it is handed on.
struct Conversation {
  /// Its first message, whose attribution it has (rule 9).
  var first: MessageReference
  var startTime: Int64
  /// The times of its rule.
  var timing: Attributions.Timing
  /// Time of the last successful message.
  var lastTime: Int64
  /// Time of the last message that kept it open: a failed one too where the rule says `extend`.
  var lastActivity: Int64
  var messages = 0
  /// Messages that are neither opening nor closing events.
  var contentMessages = 0
  var failedMessages = 0
  var isClosed = false
}

/// What a scan does with what it finds.
protocol ConversationSink {
  mutating func take(_ conversation: Conversation, ending: Ending)
  /// A successful message of a conversation.
  mutating func countMessage()
  /// A failed call of a conversation.
  mutating func countFailure()
  /// A failed call while no conversation was open.
  mutating func takeStrayFailure(_ message: MessageReference)
  /// A closing event with nothing to close.
  mutating func takeStrayClose(_ message: MessageReference)
}

/// Groups records of one identity after another into conversations (rules 7 to 10).
///
/// Records come sorted by identity, then in the order in which they are taken, duplicates left
/// out. The scan holds one conversation and nothing else.
struct ConversationScan {
  private let order: MessageOrder
  /// The time of the last record of the whole input.
  private let inputEnd: Int64
  private var open: Conversation?

  init(order: MessageOrder, inputEnd: Int64) {
    self.order = order
    self.inputEnd = inputEnd
  }

  /// Ends the conversation that is open, since records of another identity follow or none at all.
  mutating func endIdentity(_ sink: inout some ConversationSink) {
    guard let conversation = open else { return }
    open = nil
    let isOpen = inputEnd - conversation.lastActivity <= conversation.timing.idleTimeout
    sink.take(conversation, ending: conversation.isClosed ? .close : isOpen ? .stillOpen : .idle)
  }

  /// Ends the conversation that is open, since a record that is counted elsewhere starts another one or is
  /// of none.
  mutating func end(before message: MessageReference, _ sink: inout some ConversationSink) {
    let ending = ending(message.time, order.entry(message).role) ?? .idle
    if let conversation = open.take() { sink.take(conversation, ending: ending) }
  }

  /// Whether a record of a time could still be of the conversation.
  func isOpen(at time: Int64) -> Bool {
    guard let open else { return false }
    return time - open.lastActivity <= open.timing.idleTimeout
  }

  /// Takes the next record of the present identity.
  ///
  /// - Parameter hold: makes a reference that stays valid while the conversation is open.
  mutating func take(
    _ message: MessageReference, _ sink: inout some ConversationSink,
    hold: (MessageReference) -> MessageReference = { $0 }
  ) {
    let time = message.time
    guard message.isSuccess else {
      takeFailure(message, &sink)
      return
    }
    let entry = order.entry(message)
    let role = entry.role
    if open != nil {
      let ending = ending(time, role)
      if role == .close && ending != nil {
        sink.takeStrayClose(message)
        return
      }
      if let ending, let conversation = open.take() { sink.take(conversation, ending: ending) }
    } else if role == .close {
      sink.takeStrayClose(message)
      return
    }
    sink.countMessage()
    if open == nil {
      open = Conversation(
        first: hold(message), startTime: time, timing: order.attributions.timing(entry),
        lastTime: time, lastActivity: time)
    }
    // Changed where it is: a conversation is too large to be taken out for each message.
    open?.lastTime = time
    open?.lastActivity = time
    open?.messages += 1
    if role == .message { open?.contentMessages += 1 }
    open?.isClosed = role == .close
  }

  /// Why a message starts a new conversation rather than joining the one that is open; `nil` where
  /// it joins.
  @inline(__always)
  private func ending(_ time: Int64, _ role: Attribution.Role) -> Ending? {
    guard let open else { return nil }
    if open.isClosed { return .close }
    if time - open.lastActivity > open.timing.idleTimeout { return .idle }
    if role == .open { return .open }
    return time - open.startTime > open.timing.maxDuration ? .maxDuration : nil
  }

  private mutating func takeFailure(
    _ message: MessageReference, _ sink: inout some ConversationSink
  ) {
    guard var conversation = open,
      message.time - conversation.lastActivity <= conversation.timing.idleTimeout
    else {
      sink.takeStrayFailure(message)
      return
    }
    sink.countFailure()
    conversation.failedMessages += 1
    if conversation.timing.failuresExtend && !conversation.isClosed {
      conversation.lastActivity = message.time
    }
    open = conversation
  }
}
