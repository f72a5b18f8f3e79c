import CivilTime
import Testing

@testable import Configuration
@testable import Contracts

@Suite struct ContractValuesTests {
  @Test(arguments: [
    ("512M", 536_870_912), ("1G", 1_073_741_824), ("65536", 65_536), ("64KiB", 65_536),
    ("64kb", 65_536), ("1.5G", 1_610_612_736), ("2t", 2_199_023_255_552), ("1B", 1),
    ("0.5K", 512),
  ])
  func byteCount(text: String, bytes: Int) {
    #expect(ByteCount(text: text)?.bytes == bytes)
  }

  @Test(arguments: [
    "", "M", "0", "0M", "-1M", "1 M", "1X", "1.1", "0.3K", "1MM", "1e3", "99999999999G",
    "9223372036854775808", "１M",
  ])
  func noByteCount(text: String) {
    #expect(ByteCount(text: text) == nil)
  }

  @Test(arguments: [
    ("0.35", "0.35"), ("50000.00", "50000"), ("-12", "-12"), ("0.10", "0.1"), ("-0", "0"),
    ("000.5", "0.5"),
    ("123456789012345678.123456789012345678", "123456789012345678.123456789012345678"),
  ])
  func money(text: String, written: String) throws {
    #expect(try #require(Money(text: text)).description == written)
  }

  @Test(arguments: [
    "", "-", ".5", "5.", "1,000", "1e2", "+1", "1 ", "0x1", "1.2.3", "--1", "１",
    "1234567890123456789", "0.1234567890123456789",
  ])
  func noMoney(text: String) {
    #expect(Money(text: text) == nil)
  }

  @Test(arguments: [
    ("0.005", 2, "0.01"), ("0.004", 2, "0.00"), ("-0.005", 2, "-0.01"), ("-0.004", 2, "0.00"),
    ("12.3", 2, "12.30"), ("999.995", 2, "1000.00"), ("7", 0, "7"), ("7.5", 0, "8"),
  ])
  func rounding(text: String, places: Int, rounded: String) throws {
    #expect(try #require(Money(text: text)).text(places: places) == rounded)
  }

  @Test func moneyIsExact() throws {
    let tenth = try #require(Money(text: "0.1"))
    let fifth = try #require(Money(text: "0.2"))
    #expect(tenth + fifth == Money(text: "0.3"))
    #expect(tenth - fifth == Money(text: "-0.1"))
    #expect(tenth < fifth && !(fifth < tenth))
    #expect(tenth * 10 == Money(1))
  }

  @Test(arguments: [
    ("10.0.0.0/8", "10.255.255.255", true), ("10.0.0.0/8", "11.0.0.0", false),
    ("10.0.0.0/8", "::ffff:10.1.2.3", true), ("192.168.1.7", "192.168.1.7", true),
    ("192.168.1.7", "192.168.1.8", false), ("0.0.0.0/0", "8.8.8.8", true),
    ("0.0.0.0/0", "2001:db8::1", false), ("2001:db8::/32", "2001:db8:ffff::1", true),
    ("2001:db8::/32", "2001:db9::1", false), ("::/0", "10.0.0.1", true), ("::1", "::1", true),
  ])
  func network(text: String, address: String, contains: Bool) throws {
    let network = try #require(Network(text: text))
    #expect(try network.contains(#require(IPAddress(text: address))) == contains)
  }

  @Test(arguments: [
    "", "10.0.0.0/33", "10.0.0.0/-1", "10.0.0.0/+8", "10.0.0.1/8", "10.0.0/8", "256.0.0.0/8",
    "10.0.0.0/8/8", "2001:db8::1/32", "1::2::3", ":::", "1:2:3:4:5:6:7:8:9", "12345::", "g::",
    "10.0.0.0/ 8", "localhost",
  ])
  func noNetwork(text: String) {
    #expect(Network(text: text) == nil)
  }

  @Test(arguments: [
    ("2026-01-01", false), ("2026-01-02", true), ("2026-01-03", false), ("2026-01-04", true),
    ("1969-12-29", true), ("1969-12-28", false),
  ])
  func workingDays(date: String, expected: Bool) throws {
    let calendar = try WorkingDays(holidays: [day("2026-01-01")], working: [day("2026-01-04")])
    #expect(try calendar.isWorkingDay(day(date)) == expected)
  }

  @Test(arguments: [
    ("untt", "unit"), ("Unit", "unit"), ("unti", "unit"), ("scenarios", "scenario"),
    ("pricee", "price"),
    ("colour", nil), ("x", nil), ("", nil), (String(repeating: "unit", count: 50), nil),
  ])
  func nearestNames(text: String, nearest: String?) {
    #expect(nearestName(to: text, among: ["unit", "price", "scenario", "enabled"]) == nearest)
  }

  @Test(arguments: [
    ("", "", 0), ("a", "", 1), ("abc", "abc", 0), ("abc", "acb", 1), ("kitten", "sitting", 3),
    ("ca", "abc", 3), ("unit", "untt", 1), ("会话", "会活", 1),
  ])
  func editDistances(left: String, right: String, distance: Int) {
    #expect(editDistance(Array(left), Array(right)) == distance)
    #expect(editDistance(Array(right), Array(left)) == distance)
  }
}
