func before(a: Int) -> Int {
    return a > 1 ? 1 : 2
}

func broken(a: Int) {
    let x = = 3
    a a ]
}

func after(a: Int, b: Int) -> Int {
    while a < b {
        step()
    }
    return a
}
