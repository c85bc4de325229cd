module Shop
  class Order < Base
    def initialize(id, note = nil, *tags, key:, size: 2, **rest, &block)
      @id = id
    end

    def self.build(id)
      new(id)
    end

    class << self
      def empty?
        true
      end
    end

    def ==(other)
      other.is_a?(Order) && id == other.id
    end

    def half = total / 2

    def count(items)
      return 0 if items.nil? || items.empty?

      items.each do |item|
        if item > 3
          next
        elsif item == 2
          yield item
        else
          puts item
        end
      end
      unless items.one?
        count(items.drop(1))
      end
    end

    def load(path)
      value = path ? read(path) : nil
      while value and not done?
        step
      end
      value
    rescue IOError, EOFError => e
      retry if e.temporary?
    rescue StandardError
      nil
    ensure
      close
    end

    def kind(code)
      case code
      when 1, 2 then :low
      when 3
        :three
      else
        :many
      end
    end

    def shape(data)
      case data
      in [x, y] if x > y
        :wide
      in {name:}
        :named
      end
    end
  end
end

module Deep::Down
  def helper
    twice = ->(x) { x * 2 }
    twice.call(3) rescue 0
  end
end

def Shop.open(a, b)
  until a > b
    a += 1
  end
end
