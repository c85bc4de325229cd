#include <vector>

namespace geo {
namespace detail {
int clamp(int value, int low = 0) { return value < low ? low : value; }
}  // namespace detail

class Shape : public Base {
 public:
  Shape(int a, int b) : a_(a), b_(b) {}
  virtual ~Shape() { release(); }
  Shape(const Shape&) = delete;
  bool operator==(const Shape& other) const { return a_ == other.a_ && b_ == other.b_; }
  operator bool() const { return a_ != 0; }
  int area() const;
  template <typename T>
  T scale(T factor, T&&... rest) {
    return factor * a_;
  }

  struct Point {
    int x() { return 1; }
  };

 private:
  int a_, b_;
};
}  // namespace geo

namespace app::core {
static int count = 0;
void reset() { count = 0; }
}  // namespace app::core

int geo::Shape::area() const {
  int total = 0;
  for (const auto& side : sides()) {
    if (side.open() or side.empty()) {
      continue;
    } else if (side.size() > 3) {
      total += 2;
    }
  }
  return total;
}

template <class K>
K& geo::Table<K>::at(int index) try {
  return items_[index];
} catch (const std::out_of_range&) {
  if (strict_) {
    throw;
  }
  return fallback_;
} catch (...) {
  return fallback_;
}

int run(std::vector<int> items) {
  auto twice = [](int x) { return x > 0 ? x * 2 : 0; };
  std::for_each(items.begin(), items.end(), [&](int item) {
    if (item > 3) {
      twice(item);
    }
  });
  switch (items.size()) {
    case 0:
      return 0;
    case 1: {
      while (count < 3) {
        count++;
      }
      break;
    }
    default:
      goto done;
  }
done:
  return run(items);
}

extern "C" {
int entry(void) { return 1; }
}
