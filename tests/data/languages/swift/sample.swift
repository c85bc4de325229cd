import Foundation

class Order: Base {
    init(id: Int, _ note: String = "", tags: String...) {
        self.id = id
    }

    convenience init?(text: String) {
        guard let id = Int(text), id > 0 else {
            return nil
        }
        self.init(id: id)
    }

    deinit {
        close()
    }

    static func build() -> Order {
        return Order(id: 1)
    }

    var label: String {
        if total > 10 {
            return "big"
        }
        return "small"
    }

    var total: Int {
        get { return amount }
        set { amount = newValue > 0 ? newValue : 0 }
    }

    subscript(index: Int) -> Int {
        return items[index]
    }

    static func == (a: Order, b: Order) -> Bool {
        return a.id == b.id && a.total == b.total
    }
}

extension Shop.Cart: Printable {
    func show(for name: String, by count: inout Int) throws {
        do {
            try render()
        } catch Failure.missing {
            count = 0
        } catch {
            throw error
        }
    }
}

struct Line {
    func size() -> Int { return 1 }
    enum Kind {
        case small
        case large
        func label() -> String { return "x" }
    }
}

protocol Shape {
    func area() -> Int
}

actor Store {
    func save() async {}
}

func countAll(_ items: [Int], limit: Int) -> Int {
    var n = 0
    outer: for item in items {
        if item > 3 && item < 9 || item == 12 {
            continue outer
        } else if item == 4 {
            n += countAll(items, limit: 1)
        } else {
            n += 1
        }
    }
    while n > limit {
        n -= 1
    }
    repeat {
        n += 1
    } while n < 2
    return n
}

func kind(_ code: Int) -> String {
    switch code {
    case 1, 2:
        return "low"
    case let n where n > 5:
        return "mid"
    default:
        return "many"
    }
}

func walk(_ items: [Int]) {
    let twice = { (x: Int) -> Int in x > 0 ? x * 2 : 0 }
    func local(q: Int) -> Int {
        return q
    }
    items.forEach { item in
        if item > 2 {
            print(twice(item))
        }
    }
}
