# Runs inside gdb, on a stopped QEMU: at many addresses of a program's code, with a distinct value in each register, writes
# the caller's registers and the locations of variables, as JSON to $XV6_DEBUG_OUT. Each word of memory is its inverted
# address.
import json
import os
import struct

import gdb
from gdb_common import code_sections, connect, is_scalar, is_variable, write

registers = json.loads(os.environ["XV6_DEBUG_REGISTERS"])
mask = 0xFFFFFFFFFFFFFFFF
preserved = [2, 3, 4, 8, 9] + list(range(18, 28))
names = ["zero", "ra", "sp", "gp", "tp", "t0", "t1", "t2", "fp", "s1"]
names += ["a%d" % n for n in range(8)] + ["s%d" % n for n in range(2, 12)] + ["t%d" % n for n in range(3, 7)]


def place_of(symbol, frame):
    """The address in memory, else the bytes as a number, else that it is lost."""
    try:
        value = symbol.value(frame)
        if value.is_optimized_out:
            return {"lost": True}
        if value.address is not None:
            return {"address": str(int(value.address))}
        if not is_scalar(value.type):
            return {"composite": True}
        # A pointer to what is in no memory, which gdb can follow though it is nowhere.
        is_synthetic = "<synthetic pointer>" in value.format_string()
        return {"lost": True} if is_synthetic else {"value": str(int(value))}
    except gdb.error as error:
        return {"error": str(error)}


def variables(frame):
    found = []
    block = frame.block()
    while block is not None and not block.is_static and not block.is_global:
        found.extend([s.name, place_of(s, frame)] for s in block if is_variable(s))
        if block.superblock is None or block.superblock.is_static:
            break
        block = block.superblock
    return found


def caller(frame):
    """The registers of the caller that calls preserve; none if gdb knows of no caller."""
    try:
        older = frame.older()
        while older is not None and older.type() == gdb.INLINE_FRAME:
            older = older.older()
        # The function around inlined ones comes before its caller.
        older = older if frame.function() is None or older is None or older.pc() != frame.pc() else older.older()
        return None if older is None else [[n, str(int(older.read_register(names[n])) & mask)] for n in preserved]
    except gdb.error:
        return None


def describe(pc):
    # Else it would be the pc of whichever frame was looked at last.
    gdb.newest_frame().select()
    gdb.execute("set $pc = %d" % pc)
    frame = gdb.newest_frame()
    return {"pc": str(pc), "caller": caller(frame), "variables": variables(frame)}


def places():
    """The first and the last instruction of each row of the line table, of functions written in C."""
    found = set()
    for low, high in code_sections():
        last = None
        for pc in range(low, high, 2):
            sal = gdb.find_pc_line(pc)
            if sal.symtab is None or sal.line == 0 or not sal.symtab.filename.endswith(".c") or sal.pc == last:
                continue
            last = sal.pc
            found.update((sal.pc, sal.last - 1))
    return sorted(pc for pc in found if gdb.block_for_pc(pc) is not None and gdb.block_for_pc(pc).superblock is not None)


def main():
    connect()
    for number, value in enumerate(registers):
        if number > 0:
            gdb.execute("set $x%d = %s" % (number, value))
    for low, high in json.loads(os.environ["XV6_DEBUG_MEMORY"]):
        words = range(int(low), int(high), 8)
        gdb.selected_inferior().write_memory(int(low), struct.pack("<%dQ" % len(words), *(~word & mask for word in words)))
    step = int(os.environ["XV6_DEBUG_STRIDE"])
    write([describe(pc) for pc in places()[::step]])
    gdb.execute("kill")


main()
