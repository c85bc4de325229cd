class Order
  def before(a)
    a ? 1 : 2
  end

  def broken(a, = )
    foo(]
  end

  def after(a, b)
    while a < b
      a += 1
    end
    a
  end
end
