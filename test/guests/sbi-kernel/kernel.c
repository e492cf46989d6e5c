// A kernel in supervisor mode that asks its firmware for everything: RISC-V SBI specification 2.0. It prints what it was told in
// the device tree (Devicetree Specification 0.4, section 5), turns on Sv39, takes timer interrupts, starts the other harts,
// exchanges interrupts with them, sees them stop, and powers off.

typedef unsigned long word;
typedef unsigned char byte;

enum {
    PUTCHAR = 1,
    BASE = 0x10,
    TIME = 0x54494D45,
    IPI = 0x735049,
    HSM = 0x48534D,
    SRST = 0x53525354,
    DBCN = 0x4442434E
};
enum { HART_START, HART_STOP, HART_STATUS };
enum { STOPPED = 1 };
enum { SOFTWARE = 1, TIMER = 5 };
enum { HARTS = 8, TICKS = 3, MILLISECOND = 10000 };

struct result {
    long error;
    word value;
};

static struct result sbi(word extension, word function, word x, word y, word z)
{
    register word a0 asm("a0") = x;
    register word a1 asm("a1") = y;
    register word a2 asm("a2") = z;
    register word a6 asm("a6") = function;
    register word a7 asm("a7") = extension;
    asm volatile("ecall" : "+r"(a0), "+r"(a1) : "r"(a2), "r"(a6), "r"(a7) : "memory");
    return (struct result){a0, a1};
}

static int has_console;

static void print(const char *text)
{
    word length = 0;
    while (text[length]) length++;
    if (has_console) {
        sbi(DBCN, 0, length, (word)text, 0);
        return;
    }
    for (word i = 0; i < length; i++) sbi(PUTCHAR, 0, (byte)text[i], 0, 0);
}

static void print_number(word n)
{
    char digits[21];
    int at = 20;
    digits[at] = 0;
    do digits[--at] = '0' + n % 10;
    while (n /= 10);
    print(digits + at);
}

static word big_endian(const byte *at)
{
    return (word)at[0] << 24 | at[1] << 16 | at[2] << 8 | at[3];
}

static int same(const char *a, const char *b)
{
    while (*a && *a == *b) a++, b++;
    return *a == *b;
}

// The value of the first property with that name, in any node; 0 if there is none.
static const byte *property(const byte *tree, const char *name)
{
    const byte *at = tree + big_endian(tree + 8);
    const char *strings = (const char *)tree + big_endian(tree + 12);
    for (;;) {
        word token = big_endian(at);
        at += 4;
        if (token == 1) {
            while (*at++) {}
            at = (const byte *)(((word)at + 3) & ~3ul);
        } else if (token == 3) {
            if (same(strings + big_endian(at + 4), name)) return at + 8;
            at += 8 + ((big_endian(at) + 3) & ~3ul);
        } else if (token == 9) {
            return 0;
        }
    }
}

static volatile int ticks;
static volatile int interrupts[HARTS];
static volatile word opaque[HARTS];
static word page_table[512] __attribute__((aligned(4096)));

void tick(void)
{
    ticks++;
    word now;
    asm volatile("rdtime %0" : "=r"(now));
    sbi(TIME, 0, ticks < TICKS ? now + MILLISECOND : ~0ul, 0, 0);
}

static word hart_id(void)
{
    word id;
    asm volatile("mv %0, tp" : "=r"(id));
    return id;
}

void on_interrupt(word cause)
{
    if ((cause & 15) == TIMER) tick();
    if ((cause & 15) == SOFTWARE) {
        asm volatile("csrc sip, %0" ::"r"(1 << SOFTWARE));
        interrupts[hart_id()]++;
    }
}

// With interrupts off in between: one that came after the look, and before the wfi, would be slept through.
static void wait_while(volatile int *at, int value)
{
    while (*at == value) {
        asm volatile("csrci sstatus, 2");
        if (*at == value) asm volatile("wfi");
        asm volatile("csrsi sstatus, 2");
    }
}

static void take_interrupts(word hart)
{
    extern char trap_vector[];
    asm volatile("mv tp, %0" ::"r"(hart));
    asm volatile("csrw stvec, %0" ::"r"(trap_vector));
    asm volatile("csrs sie, %0" ::"r"(1 << SOFTWARE | 1 << TIMER));
    asm volatile("csrsi sstatus, 2");
}

// Memory at its own addresses, in one page of a GiB, and once more at 0x40000000.
static void turn_on_paging(void)
{
    page_table[2] = 0x80000 << 8 << 2 | 0xcf;
    page_table[1] = page_table[2];
    asm volatile("csrw satp, %0; sfence.vma" ::"r"(8ul << 60 | (word)page_table >> 12) : "memory");
}

void hart_main(word hart, word given)
{
    take_interrupts(hart);
    opaque[hart] = given;
    sbi(IPI, 0, 1, 0, 0);
    wait_while(&interrupts[hart], 0);
    sbi(HSM, HART_STOP, 0, 0, 0);
}

static void meet(word hart)
{
    extern char start_hart[];
    int before = interrupts[0];
    sbi(HSM, HART_START, hart, (word)start_hart, 100 + hart);
    wait_while(&interrupts[0], before);
    sbi(IPI, 0, 1ul << hart, 0, 0);
    while (sbi(HSM, HART_STATUS, hart, 0, 0).value != STOPPED) {}
    print("hart ");
    print_number(hart);
    print(" was given ");
    print_number(opaque[hart]);
    print(" and has stopped\n");
}

void main(word hart, const byte *tree)
{
    const byte *initrd = property(tree, "linux,initrd-start");
    const byte *arguments = property(tree, "bootargs");
    has_console = sbi(BASE, 3, DBCN, 0, 0).value != 0;
    print("\nsbi kernel on hart ");
    print_number(hart);
    print("\nbootargs: ");
    print(arguments ? (const char *)arguments : "none");
    print("\ninitrd: ");
    print(initrd ? (const char *)big_endian(initrd) : "none");
    print("\n");
    turn_on_paging();
    take_interrupts(hart);
    sbi(TIME, 0, 0, 0, 0);
    while (ticks < TICKS) wait_while(&ticks, ticks);
    print_number(ticks);
    print(" ticks\n");
    for (word other = 1; sbi(HSM, HART_STATUS, other, 0, 0).error == 0; other++) meet(other);
    print("bye\n");
    sbi(SRST, 0, 0, 0, 0);
}
