// printf for user programs. Output is collected, so that a line is one write and stays whole among others' lines.
#include <stdarg.h>

#include "user/user.h"

struct output {
  int fd;
  int n;
  char buf[128];
};

static void flush(struct output *out)
{
  if (out->n > 0)
    write(out->fd, out->buf, out->n);
  out->n = 0;
}

static void put(struct output *out, char c)
{
  out->buf[out->n++] = c;
  if (out->n == sizeof(out->buf))
    flush(out);
}

static void number(struct output *out, uint64 value, uint base, int negative)
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
    put(out, digits[--n]);
}

static void signed_number(struct output *out, long value)
{
  number(out, value < 0 ? -(uint64)value : (uint64)value, 10, value < 0);
}

static void format_all(int fd, const char *format, va_list args)
{
  struct output out = {.fd = fd};
  for (const char *f = format; *f; f++) {
    if (*f != '%') {
      put(&out, *f);
      continue;
    }
    int wide = *++f == 'l';
    if (wide)
      f++;
    if (*f == 0)
      break;
    switch (*f) {
    case 'd':
      signed_number(&out, wide ? va_arg(args, long) : va_arg(args, int));
      break;
    case 'u':
      number(&out, wide ? va_arg(args, uint64) : va_arg(args, uint), 10, 0);
      break;
    case 'x':
      number(&out, wide ? va_arg(args, uint64) : va_arg(args, uint), 16, 0);
      break;
    case 'p':
      put(&out, '0');
      put(&out, 'x');
      number(&out, va_arg(args, uint64), 16, 0);
      break;
    case 's':
      for (const char *s = va_arg(args, const char *); *s; s++)
        put(&out, *s);
      break;
    case 'c':
      put(&out, va_arg(args, int));
      break;
    default:
      put(&out, '%');
      if (*f != '%')
        put(&out, *f);
    }
  }
  flush(&out);
}

void fprintf(int fd, const char *format, ...)
{
  va_list args;
  va_start(args, format);
  format_all(fd, format, args);
  va_end(args);
}

void printf(const char *format, ...)
{
  va_list args;
  va_start(args, format);
  format_all(1, format, args);
  va_end(args);
}
