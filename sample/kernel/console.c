// The console: a line editor between the serial port and the processes that read from it.
//   backspace  erases a character        Ctrl-U  erases the line
//   Ctrl-D     ends the input            Ctrl-P  lists the processes
#include "defs.h"
#include "file.h"
#include "memlayout.h"
#include "proc.h"
#include "sleeplock.h"

#define CTRL(letter) ((letter) - '@')
#define BACKSPACE 0x100  // not a character: tells consputc to erase the last one
#define DELETE 0x7f      // what the backspace key of most terminals sends

#define INPUT 128
static struct {
  struct spinlock lock;
  // The indexes only grow; a byte is at its index % INPUT. A reader may read the bytes below `committed`.
  char buf[INPUT];
  uint read;
  uint committed;
  uint edit;
} cons;

static struct sleeplock output;  // keeps the output of several processes apart

void consputc(int c)
{
  if (c == BACKSPACE) {
    uartputc_sync('\b');
    uartputc_sync(' ');
    uartputc_sync('\b');
  } else {
    uartputc_sync(c);
  }
}

static int consolewrite(int user, uint64 src, int n)
{
  int i = 0;
  acquiresleep(&output);
  for (char c; i < n && either_copyin(&c, user, src + i, 1) == 0; i++)
    uartputc(c);
  releasesleep(&output);
  return i;
}

// Reads up to the end of one line. Ctrl-D alone on its line reads as 0 bytes: the end.
static int consoleread(int user, uint64 dst, int n)
{
  int got = 0;
  acquire(&cons.lock);
  while (got < n) {
    while (cons.read == cons.committed) {
      if (killed(myproc())) {
        release(&cons.lock);
        return -1;
      }
      sleep(&cons.read, &cons.lock);
    }
    char c = cons.buf[cons.read++ % INPUT];
    if (c == CTRL('D')) {
      if (got > 0)
        cons.read--;  // text came before it: the next read will see the end
      break;
    }
    if (either_copyout(user, dst + got, &c, 1) < 0)
      break;
    got++;
    if (c == '\n')
      break;
  }
  release(&cons.lock);
  return got;
}

static void erase(void)
{
  cons.edit--;
  consputc(BACKSPACE);
}

static void type(int c)
{
  if (c == 0 || cons.edit - cons.read == INPUT)
    return;
  if (c == '\r')
    c = '\n';
  if (c != CTRL('D'))
    consputc(c);
  cons.buf[cons.edit++ % INPUT] = c;
  if (c == '\n' || c == CTRL('D') || cons.edit - cons.read == INPUT) {
    cons.committed = cons.edit;
    wakeup(&cons.read);
  }
}

// One character arrived.
void consoleintr(int c)
{
  acquire(&cons.lock);
  switch (c) {
  case CTRL('P'):
    procdump();
    break;
  case CTRL('U'):
    while (cons.edit != cons.committed)
      erase();
    break;
  case CTRL('H'):
  case DELETE:
    if (cons.edit != cons.committed)
      erase();
    break;
  default:
    type(c);
  }
  release(&cons.lock);
}

void consoleinit(void)
{
  initlock(&cons.lock, "cons");
  initsleeplock(&output, "console output");
  printfinit();
  uartinit();
  devsw[CONSOLE].read = consoleread;
  devsw[CONSOLE].write = consolewrite;
}
