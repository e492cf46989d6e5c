#include "shapes.h"

extern char stack[];
extern long through(long (*function)(long), long argument);
extern long limited(long value);
extern long leaf(long value);

int counter = 5;
static long limit = 1000;
struct node nodes[3];
pagetable_t root;
_Bool ready;
const char *names[] = {"one", "two", "three"};
char letters[];
char letters[4];

static long
visit(struct node *node, int depth, ...)
{
  node->ticks += depth;
  return node->ticks;
}

__attribute__((noinline)) long
deepest(long value)
{
  static long calls;
  calls++;
  return leaf(value) + calls; // deepest line
}

__attribute__((noinline)) long
middle(long value, struct node *node)
{
  long local = value * 3;
  uint64 shifted = (uint)local >> 1;
  for (int i = 0; i < 2; i++) {
    long term = deepest(local + i);
    local += term;
    node->grid[i][1] = (int)term;
  }
  return local + through(deepest, shifted); // middle line
}

__attribute__((noinline)) long
fill(struct node *list, int count)
{
  char text[16];
  long total = 0;
  for (int i = 0; i < count; i++) {
    struct node *node = &list[i];
    node->next = i + 1 < count ? &list[i + 1] : 0;
    node->state = i == 0 ? USED : ZOMBIE;
    node->name = names[i];
    node->word.whole = 0x1122334455667788 + i;
    node->flags.valid = i & 1;
    node->flags.level = -i;
    node->flags.wide = (uint64)i << 33;
    node->visit = visit;
    text[i] = (char)('a' + i);
    total += node->visit(node, i) + sum_of_squares(i, total);
  }
  letters[0] = text[0];
  return total + middle(total, list); // fill line
}

__attribute__((noinline)) int
trapped(int cause)
{
  counter += cause;
  return counter;
}

int
main(void)
{
  ready = limited(3) > 0;
  long total = fill(nodes, 3);
  struct unknown *opaque = (struct unknown *)stack;
  root = (pagetable_t)opaque;
  if (total > limit)
    counter = trapped((int)total);
  else
    counter = ANSWER;
  return counter;
}
