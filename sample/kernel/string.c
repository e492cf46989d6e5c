// Memory and strings. gcc calls memset, memmove and memcpy on its own too, so they must keep their C meaning.
#include "defs.h"

void *memset(void *dst, int c, uint64 n)
{
  // Whole words where possible: pages are filled far more often than anything else.
  uchar *d = dst;
  if (((uint64)d | n) % sizeof(uint64) == 0) {
    uint64 word = (uchar)c * 0x0101010101010101UL;
    for (uint64 i = 0; i < n / sizeof(uint64); i++)
      ((uint64 *)d)[i] = word;
    return dst;
  }
  while (n-- > 0)
    *d++ = c;
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

void *memmove(void *dst, const void *src, uint64 n)
{
  uchar *d = dst;
  const uchar *s = src;
  if (s < d && d < s + n) {  // overlapping: from the end, so that nothing is overwritten before it is read
    while (n-- > 0)
      d[n] = s[n];
  } else if (((uint64)d | (uint64)s | n) % sizeof(uint64) == 0) {
    for (uint64 i = 0; i < n / sizeof(uint64); i++)
      ((uint64 *)d)[i] = ((const uint64 *)s)[i];
  } else {
    for (uint64 i = 0; i < n; i++)
      d[i] = s[i];
  }
  return dst;
}

void *memcpy(void *dst, const void *src, uint64 n)
{
  return memmove(dst, src, n);
}

int strlen(const char *s)
{
  int n = 0;
  while (s[n])
    n++;
  return n;
}

int strncmp(const char *a, const char *b, uint64 n)
{
  for (; n > 0; n--, a++, b++)
    if (*a != *b || *a == 0)
      return (uchar)*a - (uchar)*b;
  return 0;
}

// Copies at most n - 1 characters and always ends the copy with a zero.
char *safestrcpy(char *dst, const char *src, int n)
{
  int i = 0;
  for (; i < n - 1 && src[i]; i++)
    dst[i] = src[i];
  if (n > 0)
    dst[i] = 0;
  return dst;
}
