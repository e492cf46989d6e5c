#include "shapes.h"

// A static of the same name as in main.c, and a struct with another shape.
static long limit = 7;
struct local {
  char a;
  struct { int inner; } named;
};
struct local pair = {'x', {3}};

__attribute__((noinline)) long
limited(long value)
{
  return value < limit ? square(value) : limit;
}
