/* Namespaces, classes and references of C++. */
extern "C" __attribute__((noinline)) void stop(void *p) { asm volatile("" : : "r"(p) : "memory"); }

namespace kernel {
enum class State : unsigned char { Unused, Sleeping, Running = 7 };
enum Colour { Red, Green };

struct Point {
  int x;
  int y;
};

class Object {
public:
  explicit Object(int id) : id(id) { count++; }
  virtual int kind() const { return 1; }
  static int count;
  int id;
};
int Object::count = 5;

namespace memory {
class Page : public Object {
public:
  Page(int id, Point &at) : Object(id), at(at), where{id, -id} {}
  int kind() const override { return 2; }
  __attribute__((noinline)) int total(int more, const Point &by);
  State state = State::Running;
  Point &at;
  Point where;
  Page *next = nullptr;
  bool dirty : 1 = true;
  Colour colour = Green;
  char32_t letter = U'\u00e9';

private:
  int secret = 42;
};

int pages = 3;

int Page::total(int more, const Point &by) {
  static int calls = 11;
  int sum = id + more + secret + at.x + by.y + calls++;
  stop(this);
  return sum;
}

template <typename T> struct Box {
  T value;
  __attribute__((noinline)) T doubled() {
    stop(this);
    return value + value;
  }
};
} // namespace memory

namespace {
int hidden = 77;
}
} // namespace kernel

extern "C" int main() {
  kernel::Point here{3, 4};
  kernel::memory::Page page(9, here);
  kernel::memory::Box<long> box{21};
  return page.total(1, here) + static_cast<int>(box.doubled()) + kernel::hidden + kernel::memory::pages + page.kind();
}
