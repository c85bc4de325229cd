package shop
package orders

class Order(val id: Int, note: String = "")(implicit log: Log) extends Base(id) {
  def this(text: String) = this(text.toInt)

  def half: Int = total / 2

  def +(other: Order): Order = this

  def abs(a: Int): Int

  def count(items: List[Int])(limit: Int*): Int = {
    var n = 0
    for (item <- items) {
      if (item > 3 && item < 9 || item == 12) {
        n += 1
      } else if (item == 4) {
        n += count(items)(1)
      } else {
        n -= 1
      }
    }
    while (n > 3) {
      n -= 1
    }
    n
  }
}

object Registry {
  def find(key: String): Option[Int] =
    try {
      Some(key.toInt)
    } catch {
      case e: NumberFormatException => None
      case _: Throwable => None
    } finally {
      close()
    }

  val twice = (x: Int) => if (x > 0) x * 2 else 0
}

trait Shape {
  def kind(code: Int): String = code match {
    case 1 | 2 => "low"
    case n if n > 5 => "mid"
    case _ => "many"
  }

  def walk(items: List[Int]): Unit = {
    def local(q: Int) = q
    items.foreach { item =>
      if (item > 2) {
        println(item)
      }
    }
    do {
      step()
    } while (more)
    for (i <- items if i > 1; j <- items) yield local(j)
  }
}
