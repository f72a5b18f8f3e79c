extension String {
  /// The text without what would change a terminal, which callers may have put into their calls, and
  /// whoever names files into their names: U+FFFD for each control character but line ends and tabs.
  public var printable: String {
    String(
      UnicodeScalarView(
        unicodeScalars.map {
          $0.properties.generalCategory == .control && $0 != "\n" && $0 != "\t" ? "\u{FFFD}" : $0
        }))
  }
}
