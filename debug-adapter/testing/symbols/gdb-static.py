# Runs inside gdb: writes what gdb knows of the program's lines, functions, scopes and types as JSON to $XV6_DEBUG_OUT.
import json
import os

import gdb
from gdb_common import code_sections, is_variable, write


def describe(type):
    """A type as text for comparison: structures by name, or by their members if they have no name."""
    code = type.code
    plain = type.unqualified()
    # The qualifiers of an array are those of its elements.
    if code != gdb.TYPE_CODE_ARRAY and type != plain:
        prefix = "const " if type == plain.const() else "volatile " if type == plain.volatile() else "const volatile "
        return prefix + describe(plain)
    if code == gdb.TYPE_CODE_TYPEDEF:
        return "typedef " + type.name
    if code == gdb.TYPE_CODE_PTR:
        return "*" + describe(type.target())
    if code == gdb.TYPE_CODE_ARRAY:
        low, high = type.range()
        return "[%s]%s" % (high - low + 1 if high >= low else "", describe(type.target()))
    if code == gdb.TYPE_CODE_FUNC:
        parameters = [describe(f.type) for f in type.fields()] + (["..."] if str(type).endswith("...)") else [])
        return "function %s(%s)" % (describe(type.target()), ", ".join(parameters))
    if code == gdb.TYPE_CODE_STRUCT:
        return "struct " + (type.tag or nameless(type))
    if code == gdb.TYPE_CODE_UNION:
        return "union " + (type.tag or nameless(type))
    if code == gdb.TYPE_CODE_ENUM:
        return "enum " + (type.tag or nameless(type))
    if code == gdb.TYPE_CODE_VOID:
        return "void"
    return str(plain)


def nameless(type):
    return json.dumps(record(type), separators=(",", ":"))


def record(type):
    if type.code == gdb.TYPE_CODE_ENUM:
        return {"size": type.sizeof, "values": [[f.name, str(f.enumval)] for f in type.fields()]}
    if type.code in (gdb.TYPE_CODE_STRUCT, gdb.TYPE_CODE_UNION):
        return {
            "size": type.sizeof,
            "members": [[f.name or "", f.bitpos, f.bitsize, describe(f.type)] for f in type.fields()],
        }
    return {"size": type.sizeof, "target": describe(type.strip_typedefs())}


def locations(place):
    point = gdb.Breakpoint(place, internal=True)
    found = sorted(str(location.address) for location in point.locations)
    point.delete()
    return found


def lines():
    """The addresses at which the line changes, and a symtab of each unit."""
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
        "parameters": [[s.name, describe(s.type)] for s in block if s.is_argument],
        "body": locations("-source %s -function %s" % (file, symbol.name)),
    }


def named_type(symbol):
    kinds = {gdb.TYPE_CODE_STRUCT: "struct ", gdb.TYPE_CODE_UNION: "union ", gdb.TYPE_CODE_ENUM: "enum "}
    is_tag = symbol.type.code in kinds and symbol.type.tag == symbol.name
    return [(kinds[symbol.type.code] if is_tag else "") + symbol.name, record(symbol.type)]


def scope(address):
    block, chain = gdb.block_for_pc(int(address)), []
    while block is not None and not block.is_static and not block.is_global:
        chain.append(sorted(s.name for s in block if is_variable(s)))
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
            out["globals"].append([symbol.name, describe(symbol.type), str(int(symbol.value().address))])
    # Those of type units belong to no code.
    for name in set(json.loads(os.environ["XV6_DEBUG_TYPES"])) - set(name for name, _ in out["types"]):
        try:
            out["types"].append([name, record(gdb.lookup_type(name))])
        except gdb.error:
            pass
    for file, rows in out["rows"].items():
        for line in sorted(set(line for line, _ in rows)):
            out["breaks"].append([file, line, locations("%s:%d" % (file, line))])
    out["scopes"] = [scope(address) for address, file, _ in changes if file is not None]
    write(out)


main()
