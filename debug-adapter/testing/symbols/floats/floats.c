// A kernel that calculates with floating point and does nothing else: values in f0 to f31, kept there and saved in calls.
asm(".section .text.entry\n"
    ".globl _entry\n"
    "_entry:\n"
    "  la sp, stack + 4096\n"
    "  li t0, 0x2000\n"
    "  csrs mstatus, t0\n"
    "  call main\n"
    "  j .\n");

char stack[4096] __attribute__((aligned(16)));
float scale = 1.5f;
volatile double out;

__attribute__((noinline)) double
leaf(double x)
{
  out = x;
  return x * 0.5;
}

__attribute__((noinline)) double
middle(double x, float y)
{
  double sum = x + y;
  double half = leaf(sum);
  return half + sum;
}

__attribute__((noinline)) float
narrow(float y)
{
  out = y;
  return y * scale;
}

int
main(void)
{
  double result = middle(2.25, scale);
  out = result + narrow(scale);
  for (;;)
    ;
}
