package shop.orders

import kotlin.math.max

open class Order(val id: Int, note: String = "") : Base(id) {
    init {
        if (id < 0) {
            fail()
        }
    }

    constructor(text: String) : this(text.toInt()) {
        log(text)
    }

    companion object {
        fun build(id: Int) = Order(id)
    }

    var total: Int = 0
        get() {
            return if (field > 0) field else 0
        }
        set(value) {
            field = value
        }

    fun half(): Int = total / 2

    operator fun plus(other: Order): Order {
        return this
    }

    inner class Line {
        fun size(a: Int, vararg rest: String, c: Int = 3) = a
    }
}

object Registry {
    fun find(key: String?): Int? {
        val found = key ?: return null
        return try {
            found.toInt()
        } catch (e: NumberFormatException) {
            null
        } finally {
            close()
        }
    }
}

interface Shape {
    fun area(): Int
    fun name() = "shape"
}

fun <T> List<T>.countAll(limit: Int): Int {
    var n = 0
    outer@ for (item in this) {
        if (n > 3 && n < 9 || n == 12) {
            continue@outer
        } else if (n == 4) {
            n += countAll(1)
        } else {
            n++
        }
    }
    while (n > limit) {
        n--
    }
    do {
        n++
    } while (n < 2)
    return n
}

fun kind(code: Int): String = when (code) {
    1, 2 -> "low"
    in 3..9 -> if (code > 5) "mid" else "three"
    else -> "many"
}

fun walk(items: List<Int>) {
    val twice = { x: Int -> if (x > 0) x * 2 else 0 }
    val thrice = fun(x: Int): Int { return x * 3 }
    fun local(q: Int) = q
    items.forEach {
        if (it > 2) {
            twice(it)
        }
    }
}
