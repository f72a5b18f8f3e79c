extension Money {
  /// Reads a share of a whole as a fraction: `0.005`, or with a sign of its unit `0.5%`, `5‰`,
  /// `50‱`; at most 8 digits after the point.
  ///
  /// - Returns: `nil` where the text is anything else, or not between 0 and 1.
  public init?(share text: String) {
    let places: Int
    switch text.last {
    case "%": places = 2
    case "‰": places = 3
    case "‱": places = 4
    default: places = 0
    }
    guard let number = Money(text: places == 0 ? text : String(text.dropLast())), number.scale <= 8
    else { return nil }
    self.init(digits: number.digits, scale: number.scale + places)
    guard self >= .zero, self <= Money(1) else { return nil }
  }
}
