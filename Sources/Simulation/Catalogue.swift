/// The options' licensees, modules, scenarios and apps as numbered lists, with the misuse that is
/// planted among them.
struct Catalogue {
  struct Module {
    var name: String
    var licensee: Int
    var isItem: Bool
    var scenarios: [Int]
  }
  struct App {
    var name: String
    var licensee: Int
    var origin: String
    var sendsEvents: Bool
    var sendsPings: Bool
    var namesConversation: Bool
    var dashedRequestIDs: Bool
    /// Among the licensee's apps.
    var number: Int
  }
  struct Licensee {
    var name: String
    var contract: String?
    var firstUser: Int
    var userCount: Int
    var conversationModules: [Int]
    var itemModules: [Int]
    var apps: [Int]
    var conversationModuleTable: AliasTable
    var itemModuleTable: AliasTable?
    var appTable: AliasTable
    var disabledModule: Int
    var unlistedApp: Int
  }

  private(set) var licensees: [Licensee] = []
  private(set) var modules: [Module] = []
  private(set) var apps: [App] = []
  private(set) var scenarios: [String] = []
  /// The scenario on no contract's list.
  private(set) var unlistedScenario = 0
  private(set) var userCount = 0

  init(_ options: SimulationOptions) {
    let userCounts = options.userCounts
    unlistedScenario = scenario(MisuseKind.unlistedScenario.value)
    for (number, given) in options.licensees.enumerated() {
      let firstModule = modules.count
      for module in given.modules {
        modules.append(
          Module(
            name: module.name, licensee: number, isItem: module.meter == .item,
            scenarios: module.scenarios.map { scenario($0) }))
      }
      let byConversation = given.modules.indices.filter { given.modules[$0].meter == .conversation }
      let byItem = given.modules.indices.filter { given.modules[$0].meter == .item }
      let firstApp = apps.count
      for (appNumber, app) in given.apps.enumerated() {
        apps.append(
          App(
            name: app.name, licensee: number, origin: app.origin, sendsEvents: app.sendsEvents,
            sendsPings: app.sendsPings, namesConversation: app.namesConversation,
            dashedRequestIDs: app.dashedRequestIDs,
            number: appNumber))
      }
      modules.append(
        Module(
          name: MisuseKind.moduleNotEnabled.value, licensee: number, isItem: false,
          scenarios: modules[firstModule + byConversation[0]].scenarios))
      apps.append(
        App(
          name: MisuseKind.unlistedApp.value, licensee: number, origin: given.apps[0].origin,
          sendsEvents: false, sendsPings: false, namesConversation: true,
          dashedRequestIDs: false, number: 1))
      licensees.append(
        Licensee(
          name: given.name, contract: given.contract, firstUser: userCount,
          userCount: userCounts[number],
          conversationModules: byConversation.map { firstModule + $0 },
          itemModules: byItem.map { firstModule + $0 },
          apps: given.apps.indices.map { firstApp + $0 },
          conversationModuleTable: AliasTable(
            weights: byConversation.map { given.modules[$0].share }),
          itemModuleTable: byItem.isEmpty
            ? nil : AliasTable(weights: byItem.map { given.modules[$0].share }),
          appTable: AliasTable(weights: given.apps.map(\.share)),
          disabledModule: modules.count - 1, unlistedApp: apps.count - 1))
      userCount += userCounts[number]
    }
  }

  private mutating func scenario(_ name: String) -> Int {
    if let known = scenarios.firstIndex(of: name) { return known }
    scenarios.append(name)
    return scenarios.count - 1
  }

  /// Licensees under the first contract: those whose statements are written.
  func isOfFirstContract(_ licensee: Int) -> Bool {
    guard let first = licensees[0].contract else { return false }
    return licensees[licensee].contract == first
  }
}
