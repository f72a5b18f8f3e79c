package import Configuration

extension ConfigurationValue {
  /// An amount in yuan, not negative, with at most 12 digits before and 8 after the point, so
  /// that sums and products of amounts stay exact.
  package func amount(positive: Bool = false) -> Money? {
    guard let text = scalarText, let money = Money(text: text), money.scale <= 8,
      money.digits < Money.power(12 + money.scale), positive ? money > .zero : money >= .zero
    else {
      reject(
        expected: positive
          ? "an amount above 0, such as \"12345.60\"" : "an amount of at least 0, such as \"0.35\"")
      return nil
    }
    return money
  }

  /// A share between 0 and 1: `0.005`, or with a sign of its unit `0.5%`, `5‰`, `50‱`.
  package func fraction() -> Money? {
    guard let fraction = scalarText.flatMap({ Money(share: $0) }) else {
      reject(expected: "a share between 0 and 1, such as \"0.5%\" or \"0.005\"")
      return nil
    }
    return fraction
  }
}
