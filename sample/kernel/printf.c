// printf and panic. Both must work at any time, in a trap and before the console has a reader.
#include <stdarg.h>

#include "defs.h"
#include "riscv.h"
#include "spinlock.h"

static struct {
  struct spinlock lock;  // keeps lines of several harts apart
} pr;

// 0, or one more than the number of the hart that panicked.
volatile int panicked;

static void number(uint64 value, uint base, int negative)
{
  char digits[24];
  int n = 0;
  do {
    digits[n++] = "0123456789abcdef"[value % base];
    value /= base;
  } while (value != 0);
  if (negative)
    digits[n++] = '-';
  while (n > 0)
    consputc(digits[--n]);
}

static void signed_number(long value)
{
  number(value < 0 ? -(uint64)value : (uint64)value, 10, value < 0);
}

static void pointer(uint64 value)
{
  consputc('0');
  consputc('x');
  for (int shift = 60; shift >= 0; shift -= 4)
    consputc("0123456789abcdef"[(value >> shift) & 0xf]);
}

static void text(const char *s)
{
  for (s = s ? s : "(null)"; *s; s++)
    consputc(*s);
}

// Knows %d %u %x, the same with l for 64 bits, %p %s %c %%.
int printf(const char *format, ...)
{
  int locking = !panicked;
  if (locking)
    acquire(&pr.lock);

  va_list args;
  va_start(args, format);
  for (const char *f = format; *f; f++) {
    if (*f != '%') {
      consputc(*f);
      continue;
    }
    int wide = *++f == 'l';
    if (wide)
      f++;
    if (*f == 0)
      break;
    switch (*f) {
    case 'd':
      signed_number(wide ? va_arg(args, long) : va_arg(args, int));
      break;
    case 'u':
      number(wide ? va_arg(args, uint64) : va_arg(args, uint), 10, 0);
      break;
    case 'x':
      number(wide ? va_arg(args, uint64) : va_arg(args, uint), 16, 0);
      break;
    case 'p':
      pointer(va_arg(args, uint64));
      break;
    case 's':
      text(va_arg(args, char *));
      break;
    case 'c':
      consputc(va_arg(args, int));
      break;
    default:
      consputc('%');
      if (*f != '%')
        consputc(*f);
    }
  }
  va_end(args);

  if (locking)
    release(&pr.lock);
  return 0;
}

// No interrupt may wake the hart again: a stopped kernel should keep its state for whoever looks at it.
static void __attribute__((noreturn)) stop_hart(void)
{
  intr_off();
  csr_write(sie, 0);
  for (;;)
    wait_for_interrupt();
}

// Says what is wrong and stops this hart; the others follow at their next interrupt or lock.
void panic(const char *message)
{
  intr_off();
  stop_if_panicked();  // another hart was first
  panicked = cpuid() + 1;
  printf("panic: %s\n", message);
  stop_hart();
}

void stop_if_panicked(void)
{
  if (panicked && panicked != cpuid() + 1)
    stop_hart();
}

void printfinit(void)
{
  initlock(&pr.lock, "pr");
}
