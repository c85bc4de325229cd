#define GEO_EXPORT __attribute__((visibility("default")))

class GEO_EXPORT Shape : public Base {
 public:
  int size() const GEO_NOEXCEPT { return 1; }
};

GEO_EXPORT Shape::Shape(int a) : a_(a) {
  if (a) {
    reset();
  }
}
