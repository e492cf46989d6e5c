/* Values that depend on how a compiler describes their place: bit fields, and arrays whose length is known at run time. */
__asm__(".section .text.entry, \"ax\"\n.globl entry\nentry:\n\tla sp, stack_top\n\tcall main\nspin:\tj spin\n.text");

typedef enum { COLD, WARM, HOT } heat;
enum tilt { LEFT = -1, LEVEL, RIGHT };
enum tiny { NO, YES } __attribute__((packed));
typedef unsigned long word;
typedef _Bool flag;
typedef signed char little;

struct plain {
  signed char sc : 4;
  unsigned char uc : 5;
  char c : 7;
  short s : 9;
  unsigned short us : 13;
  int i : 17;
  unsigned u : 30;
  int : 0;
  int i32 : 32;
  unsigned one : 1;
  int minus : 1;
  long l : 41;
  unsigned long ul : 63;
  long long ll : 33;
  unsigned long long ull : 64;
  _Bool b : 1;
  flag f : 1;
  heat h : 2;
  enum tilt t : 2;
  enum tiny y : 1;
  word w : 37;
  little li : 3;
  const volatile int cv : 5;
};

struct packed {
  unsigned char a : 3;
  long b : 62;
  int c : 31;
  signed char d : 7;
  _Bool e : 1;
  unsigned long f : 64;
  short g : 11;
  enum tilt h : 2;
  unsigned i : 20;
  char j : 7;
  heat k : 2;
} __attribute__((packed));

struct mixed {
  char before;
  int a : 3;
  char between;
  unsigned b : 11;
  struct {
    signed char x : 3;
    unsigned y : 6;
  };
  struct {
    int low : 4;
    long high : 40;
  } inner;
  long last : 40;
};

union both {
  int a : 3;
  unsigned b : 12;
  long c : 50;
  signed char d : 8;
  struct {
    int low : 4;
    int high : 4;
  } part;
};

/* Each with a twin that has other values in every field. */
struct plain plain1 = {
    -3, 21, 77, -200, 5000, -50000, 0x2aaaaaaa, -123456789, 1, -1, -0xdeadbeef1L, 0x7000000000000001UL, -0x80000001LL,
    0xfedcba9876543210ULL, 1, 0, HOT, LEFT, YES, 0x1234567890UL, -4, -16};
struct plain plain2 = {
    7, 10, 50, 255, 8191, 65535, 0x15555555, 2147483647, 0, 0, 0xdeadbeef1L, 0x0fffffffffffffffUL, 0x7fffffff,
    1, 0, 1, WARM, RIGHT, NO, 0x0edcba0987UL, 3, 15};
struct packed packed1 = {
    5, -0x123456789abcdefL, -0x3fffffff, -63, 1, 0x8123456789abcdefUL, -1000, LEFT, 0xabcde, 100, HOT};
struct packed packed2 = {
    2, 0x1fffffffffffffffL, 0x2aaaaaaa, 63, 0, 0x7edcba9876543210UL, 1023, RIGHT, 0x54321, 27, WARM};
struct mixed mixed1 = {'a', -4, 'b', 2000, {-4, 33}, {-8, -0x7000000000L}, -0x7654321098L};
struct mixed mixed2 = {'z', 3, 'y', 47, {3, 30}, {7, 0x7000000000L}, 0x7654321098L};
union both both1 = {.c = -0x1234567890abcL};
union both both2 = {.c = 0x1edcba9876543L};

int cells[2][3] = {{1, 2, 3}, {4, 5, 6}};
extern int elsewhere[];

__attribute__((noinline)) void stop(void *p) { __asm__ volatile("" : : "r"(p) : "memory"); }

__attribute__((noinline)) int sum(int n, int m, int a[n][m]) {
  int total = 0;
  for (int i = 0; i < n; i++)
    for (int j = 0; j < m; j++)
      total += a[i][j];
  stop(a);
  return total + n + m;
}

__attribute__((noinline)) word lengths(int n, unsigned char k) {
  int v[n];
  long grid[k][n + 1];
  int(*rows)[n] = &v;
  short text[n * 2];
  for (int i = 0; i < n; i++)
    v[i] = 10 * i;
  for (int i = 0; i < k; i++)
    for (int j = 0; j <= n; j++)
      grid[i][j] = 100 * i + j;
  for (int i = 0; i < 2 * n; i++)
    text[i] = -i;
  stop(v);
  stop(grid);
  stop(rows);
  stop(text);
  return sizeof v + sizeof grid + sizeof text + n + k;
}

int main(void) { return sum(2, 3, cells) + lengths(5, 2) + elsewhere[0]; }

__asm__(".bss\n.balign 16\n.space 4096\nstack_top:\n.globl elsewhere\n.balign 8\nelsewhere:\n.space 8\n.text");
