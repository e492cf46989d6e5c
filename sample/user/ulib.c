// The library of user programs: where they start, strings, numbers and lines.
#include "user/user.h"

int main(int argc, char **argv);

// exec leaves argc in a0 and argv in a1, and nothing to return to.
void start(int argc, char **argv)
{
  exit(main(argc, argv));
}

int strlen(const char *s)
{
  int n = 0;
  while (s[n])
    n++;
  return n;
}

int strcmp(const char *a, const char *b)
{
  while (*a && *a == *b)
    a++, b++;
  return (uchar)*a - (uchar)*b;
}

char *strcpy(char *dst, const char *src)
{
  char *d = dst;
  while ((*d++ = *src++) != 0)
    ;
  return dst;
}

// The first c in s, or 0.
char *strchr(const char *s, char c)
{
  for (; *s; s++)
    if (*s == c)
      return (char *)s;
  return 0;
}

void *memset(void *dst, int c, uint64 n)
{
  for (uchar *d = dst; n > 0; n--)
    *d++ = c;
  return dst;
}

void *memcpy(void *dst, const void *src, uint64 n)
{
  uchar *d = dst;
  for (const uchar *s = src; n > 0; n--)
    *d++ = *s++;
  return dst;
}

int memcmp(const void *a, const void *b, uint64 n)
{
  const uchar *x = a, *y = b;
  for (; n > 0; n--, x++, y++)
    if (*x != *y)
      return *x - *y;
  return 0;
}

int atoi(const char *s)
{
  int negative = *s == '-', value = 0;
  for (s += negative; '0' <= *s && *s <= '9'; s++)
    value = value * 10 + (*s - '0');
  return negative ? -value : value;
}

// Reads one line without its end into buf[max], cut off there. Its length; -1 at the end of the input.
int readline(int fd, char *buf, int max)
{
  int n = 0;
  char c;
  for (;;) {
    if (read(fd, &c, 1) != 1) {
      buf[n] = 0;
      return n > 0 ? n : -1;
    }
    if (c == '\n')
      break;
    if (n < max - 1)
      buf[n++] = c;
  }
  buf[n] = 0;
  return n;
}
