# Runs inside gdb, on a program that QEMU has stopped at its start: stops at the places in $XV6_DEBUG_STOPS and writes gdb's
# registers, memory, call stack and variables, as JSON to $XV6_DEBUG_OUT; until $XV6_DEBUG_END.
import json
import os

import gdb
from gdb_common import connect, is_scalar, is_variable, write


def describe(symbol, frame):
    try:
        value = symbol.value(frame)
        if value.is_optimized_out:
            return {"lost": True}
        if is_scalar(value.type):
            return {"value": str(int(value)), "size": value.type.sizeof}
        if value.address is not None:
            return {"address": str(int(value.address))}
        return {"lost": True}
    except gdb.error as error:
        return {"error": str(error)}


def variables(frame):
    found = []
    try:
        block = frame.block()
    except RuntimeError:
        return found
    while block is not None and not block.is_static and not block.is_global:
        for symbol in block:
            if is_variable(symbol):
                found.append([symbol.name, describe(symbol, frame)])
        if block.function is not None:
            break
        block = block.superblock
    return found


def word(value):
    return str(int(value) & 0xFFFFFFFFFFFFFFFF)


def register(frame, name):
    try:
        value = frame.read_register(name)
        return None if value.is_optimized_out else word(value)
    except gdb.error:
        return None


def frames():
    found = []
    frame = gdb.newest_frame()
    while frame is not None and len(found) < 40:
        sal = frame.find_sal()
        found.append(
            {
                "pc": word(frame.pc()),
                "sp": register(frame, "sp"),
                "s0": register(frame, "fp"),
                "s1": register(frame, "s1"),
                "name": frame.name(),
                "inlined": frame.type() == gdb.INLINE_FRAME,
                "line": sal.line if sal.symtab else 0,
                "variables": variables(frame),
            }
        )
        try:
            frame = frame.older()
        except gdb.error:
            break
    return found


def memory(low, high):
    try:
        return [str(low), gdb.selected_inferior().read_memory(low, high - low).tobytes().hex()]
    except gdb.error:
        return None


def evaluate(expression):
    return str(int(gdb.parse_and_eval("(unsigned long)(%s)" % expression)))


def main():
    connect()
    points = []
    for place in json.loads(os.environ["XV6_DEBUG_STOPS"]):
        points.append(gdb.Breakpoint(place, internal=True))
    end = gdb.Breakpoint(os.environ["XV6_DEBUG_END"], internal=True)
    regions = []
    for line in gdb.execute("maint info sections", to_string=True).splitlines():
        words = line.split()
        if " ALLOC" in line and " READONLY" not in line and " CODE" not in line:
            regions.append([int(x, 16) for x in words[1].split("->")])
    states = []
    expressions = json.loads(os.environ["XV6_DEBUG_EXPRESSIONS"])
    stride = int(os.environ["XV6_DEBUG_STRIDE"])
    each = int(os.environ.get("XV6_DEBUG_EACH", "3"))
    for _ in range(int(os.environ.get("XV6_DEBUG_COUNT", "20"))):
        # From the first stop on, so many instructions at a time, where that is asked for.
        gdb.execute("stepi %d" % stride if stride and states else "continue", to_string=True)
        if end.hit_count > 0:
            break
        for point in points:
            if point.is_valid() and point.hit_count >= each:
                point.enabled = False
        frame = gdb.newest_frame()
        sp = int(frame.read_register("sp")) & 0xFFFFFFFFFFFFFFFF
        page = sp & ~0xFFF
        # At its entry a function's frame lies below sp; the page below the stack's is not mapped.
        stack = [max(page, (sp & ~7) - 1024), page + 0x1000]
        states.append(
            {
                "pc": word(frame.pc()),
                "x": ["0"] + [word(frame.read_register("x%d" % n)) for n in range(1, 32)],
                "memory": [m for m in (memory(low, high) for low, high in regions + [stack] if low < high) if m],
                "frames": frames(),
                "values": [[expression, evaluate(expression)] for expression in expressions],
            }
        )
        if not any(point.enabled for point in points):
            break
    write(states)
    gdb.execute("kill")


main()
