# Shared by the scripts that run inside gdb.
import json
import os
import time

import gdb


def code_sections():
    for line in gdb.execute("maint info sections", to_string=True).splitlines():
        if " CODE" in line:
            yield [int(x, 16) for x in line.split()[1].split("->")]


def is_variable(symbol):
    """Whether a symbol is a variable, and not a label, a function, a type or an entry of the assembler's."""
    other = (gdb.SYMBOL_LOC_LABEL, gdb.SYMBOL_LOC_UNRESOLVED, gdb.SYMBOL_LOC_TYPEDEF)
    if symbol.addr_class in other or str(symbol.type) == "__CORE_ADDR":
        return False
    # Enumerators are constants too, which no attribute of theirs tells.
    constant = (gdb.SYMBOL_LOC_CONST, gdb.SYMBOL_LOC_CONST_BYTES)
    is_constant = symbol.addr_class in constant and symbol.type.code != gdb.TYPE_CODE_ENUM
    return symbol.is_variable or symbol.is_argument or is_constant


def is_scalar(type):
    return type.strip_typedefs().code in (
        gdb.TYPE_CODE_INT,
        gdb.TYPE_CODE_PTR,
        gdb.TYPE_CODE_ENUM,
        gdb.TYPE_CODE_CHAR,
        gdb.TYPE_CODE_BOOL,
    )


def connect():
    """Connects to the QEMU at $XV6_DEBUG_PORT, which needs a moment until it listens."""
    gdb.execute("set pagination off")
    gdb.execute("set confirm off")
    gdb.execute("set backtrace past-main on")
    gdb.execute("set backtrace past-entry on")
    command = "target remote 127.0.0.1:" + os.environ["XV6_DEBUG_PORT"]
    for _ in range(100):
        try:
            gdb.execute(command, to_string=True)
            return
        except gdb.error:
            time.sleep(0.1)
    gdb.execute(command)


def write(answer):
    with open(os.environ["XV6_DEBUG_OUT"], "w") as file:
        json.dump(answer, file)
