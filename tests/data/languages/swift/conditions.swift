class App {
  func handle(name: String) -> Int {
    switch name {
    #if os(iOS)
    case "a":
      return 1
    #endif
    default:
      return 2
    }
  }

  func load() {
    if let item = try? cache?.item {
      use(item)
    }
    finish()
  }
}
