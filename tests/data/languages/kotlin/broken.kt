fun before(a: Int): Int {
    return if (a > 1) 1 else 2
}

fun broken(a: Int) {
    val x = = 3
    a a ]
}

fun after(a: Int, b: Int): Int {
    while (a < b) {
        step()
    }
    return a
}
