// Types of every kind that C has, as a kernel uses them.
typedef unsigned long uint64;
typedef unsigned int uint;
typedef unsigned short ushort;
typedef uint64 pte_t;
typedef pte_t *pagetable_t;

enum state { UNUSED, USED, SLEEPING = 4, ZOMBIE = -1 };
enum { ANSWER = 42, HUGE = 0x100000000 };

struct flags {
  uint valid : 1;
  int level : 3;
  uint64 wide : 40;
  unsigned char tail;
};

union word {
  uint64 whole;
  uint half[2];
  struct {
    ushort low;
    short high;
  };
};

struct node {
  struct node *next;
  enum state state;
  const char *name;
  volatile int ticks;
  union word word;
  struct flags flags;
  long (*visit)(struct node *, int, ...);
  int grid[2][3];
};

struct unknown;

static inline long
square(long x)
{
  long result = x * x;
  return result;
}

static inline __attribute__((always_inline)) long
sum_of_squares(long a, long b)
{
  long first = square(a);
  return first + square(b);
}
