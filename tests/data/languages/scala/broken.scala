object Order {
  def before(a: Int): Int = if (a > 1) 1 else 2

  def broken(a: , = {
    val x =
  }

  def after(a: Int, b: Int): Int = {
    while (a < b) {
      step()
    }
    a
  }
}
