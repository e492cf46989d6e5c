# Run inside gdb: writes what gdb knows of the program's lines, functions, scopes and types as JSON to $XV6_DEBUG_OUT.
import json
import os

import gdb


def describe(type):
    """A type spelt so that it can be compared: what it leads to without qualifiers, structures by name only."""
    code = type.code
    if code == gdb.TYPE_CODE_TYPEDEF:
        return "typedef " + type.name
    if code == gdb.TYPE_CODE_PTR:
        return "*" + describe(type.target().unqualified())
    if code == gdb.TYPE_CODE_ARRAY:
        low, high = type.range()
        return "[%s]%s" % (high - low + 1 if high >= low else "", describe(type.target().unqualified()))
    if code == gdb.TYPE_CODE_FUNC:
        return "function " + describe(type.target().unqualified())
    if code == gdb.TYPE_CODE_STRUCT:
        return "struct " + (type.tag or "")
    if code == gdb.TYPE_CODE_UNION:
        return "union " + (type.tag or "")
    if code == gdb.TYPE_CODE_ENUM:
        return "enum " + (type.tag or "")
    if code == gdb.TYPE_CODE_VOID:
        return "void"
    return str(type.unqualified())


def record(type):
    if type.code == gdb.TYPE_CODE_ENUM:
        return {"size": type.sizeof, "values": [[f.name, str(f.enumval)] for f in type.fields()]}
    if type.code in (gdb.TYPE_CODE_STRUCT, gdb.TYPE_CODE_UNION):
        return {
            "size": type.sizeof,
            "members": [[f.name or "", f.bitpos, f.bitsize, describe(f.type.unqualified())] for f in type.fields()],
        }
    return {"size": type.sizeof, "target": describe(type.strip_typedefs().unqualified())}


def is_value(symbol):
    """Whether a symbol is a variable, and not a label, a function or a type."""
    constant = (gdb.SYMBOL_LOC_CONST, gdb.SYMBOL_LOC_CONST_BYTES)
    if symbol.addr_class in (gdb.SYMBOL_LOC_UNRESOLVED, gdb.SYMBOL_LOC_LABEL) or str(symbol.type) == "__CORE_ADDR":
        return False
    is_constant = symbol.addr_class in constant and symbol.type.code != gdb.TYPE_CODE_ENUM
    return symbol.is_variable or symbol.is_argument or is_constant


def code_sections():
    for line in gdb.execute("maint info sections", to_string=True).splitlines():
        if " CODE" in line:
            yield [int(x, 16) for x in line.split()[1].split("->")]


def locations(place):
    point = gdb.Breakpoint(place, internal=True)
    found = sorted(str(location.address) for location in point.locations)
    point.delete()
    return found


def lines():
    """Where the line changes, and a symtab of each unit."""
    changes, symtabs = [], {}
    for low, high in code_sections():
        last = None
        for pc in range(low, high, 2):
            sal = gdb.find_pc_line(pc)
            known = sal.symtab is not None and sal.line != 0
            place = [sal.symtab.fullname() if known else None, sal.line if known else 0]
            if known:
                symtabs.setdefault((sal.symtab.static_block().start, place[0]), sal.symtab)
            if place != last:
                changes.append([str(pc)] + place)
                last = place
    return changes, list(symtabs.values())


def function(symbol):
    block = gdb.block_for_pc(int(symbol.value().address))
    while not block.superblock.is_static:
        block = block.superblock
    file = symbol.symtab.fullname()
    return {
        "name": symbol.name,
        "low": str(block.start),
        "file": file,
        "line": symbol.line,
        "type": describe(symbol.type),
        "parameters": [[s.name, describe(s.type.unqualified())] for s in block if s.is_argument],
        "body": locations("-source %s -function %s" % (file, symbol.name)),
    }


def named_type(symbol):
    kinds = {gdb.TYPE_CODE_STRUCT: "struct ", gdb.TYPE_CODE_UNION: "union ", gdb.TYPE_CODE_ENUM: "enum "}
    is_tag = symbol.type.code in kinds and symbol.type.tag == symbol.name
    return [(kinds[symbol.type.code] if is_tag else "") + symbol.name, record(symbol.type)]


def scope(address):
    block, chain = gdb.block_for_pc(int(address)), []
    while block is not None and not block.is_static and not block.is_global:
        chain.append(sorted(s.name for s in block if is_value(s)))
        block = block.superblock
    return [address, chain]


def main():
    changes, symtabs = lines()
    out = {"lines": changes, "functions": [], "types": [], "globals": [], "rows": {}, "breaks": []}
    blocks = {}
    for symtab in symtabs:
        for block in (symtab.global_block(), symtab.static_block()):
            blocks[(block.start, block.end, block.is_global)] = block
        rows = out["rows"].setdefault(symtab.fullname(), [])
        rows.extend([entry.line, str(entry.pc)] for entry in symtab.linetable() if entry.line)
    for symbol in (symbol for block in blocks.values() for symbol in block):
        if symbol.is_function:
            out["functions"].append(function(symbol))
        elif symbol.addr_class == gdb.SYMBOL_LOC_TYPEDEF:
            out["types"].append(named_type(symbol))
        elif symbol.is_variable and symbol.addr_class == gdb.SYMBOL_LOC_STATIC:
            out["globals"].append([symbol.name, describe(symbol.type.unqualified()), str(int(symbol.value().address))])
    for file, rows in out["rows"].items():
        for line in sorted(set(line for line, _ in rows)):
            out["breaks"].append([file, line, locations("%s:%d" % (file, line))])
    out["scopes"] = [scope(address) for address, file, _ in changes if file is not None]
    with open(os.environ["XV6_DEBUG_OUT"], "w") as file:
        json.dump(out, file)


main()
