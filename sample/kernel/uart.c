// The serial port: a 16550A, as its data sheet and QEMU have it. One byte at a time goes each way.
#include "defs.h"
#include "memlayout.h"
#include "proc.h"
#include "spinlock.h"

// Registers are one byte each. Reading and writing the same address may reach different ones.
#define RBR 0  // read: the byte that came in
#define THR 0  // write: the byte to send
#define IER 1  // which interrupts are on
#define FCR 2  // write: control of the queues
#define LCR 3  // line format
#define LSR 5  // line status
#define DLL 0  // divisor of the clock, low byte, while LCR_DLAB
#define DLM 1  // and high byte

#define IER_RX 1
#define IER_TX 2
#define FCR_ENABLE 1
#define FCR_CLEAR 6
#define LCR_8BITS 3
#define LCR_DLAB 0x80
#define LSR_RX_READY 1
#define LSR_TX_IDLE 0x20

#define REG(r) (*(volatile uchar *)(UART0 + (r)))

// What processes write waits here until the port has sent it.
#define TXSIZE 64
static struct {
  struct spinlock lock;
  char buf[TXSIZE];
  uint head;  // next byte to send is buf[head % TXSIZE]
  uint tail;  // next free place
} tx;

void uartinit(void)
{
  REG(IER) = 0;
  REG(LCR) = LCR_DLAB;
  REG(DLL) = 3;  // 38400 baud; an emulated line takes no notice
  REG(DLM) = 0;
  REG(LCR) = LCR_8BITS;
  REG(FCR) = FCR_ENABLE | FCR_CLEAR;
  REG(IER) = IER_RX | IER_TX;
  initlock(&tx.lock, "uart");
}

// Sends waiting bytes while the port accepts them. The port interrupts when it is idle again. Call with tx.lock held.
static void transmit(void)
{
  while (tx.head != tx.tail && (REG(LSR) & LSR_TX_IDLE)) {
    REG(THR) = tx.buf[tx.head++ % TXSIZE];
    wakeup(&tx.head);
  }
}

// Queues one byte of a process and returns; sleeps while the queue is full.
void uartputc(int c)
{
  stop_if_panicked();
  acquire(&tx.lock);
  while (tx.tail - tx.head == TXSIZE)
    sleep(&tx.head, &tx.lock);
  tx.buf[tx.tail++ % TXSIZE] = c;
  transmit();
  release(&tx.lock);
}

// Sends one byte of the kernel and waits for the port: works without interrupts and without a process.
void uartputc_sync(int c)
{
  push_off();
  stop_if_panicked();
  while (!(REG(LSR) & LSR_TX_IDLE))
    ;
  REG(THR) = c;
  pop_off();
}

void uartintr(void)
{
  while (REG(LSR) & LSR_RX_READY)
    consoleintr(REG(RBR));
  acquire(&tx.lock);
  transmit();
  release(&tx.lock);
}
