# Run inside gdb: writes what gdb knows of the program's lines, functions, scopes and types as JSON to $XV6_DEBUG_OUT.
import json
import os

import gdb

BLOCKS = {}


def describe(type):
    """A type spelt so that it can be compared: its kind, and what it leads to, but structures by name only."""
    code = type.code
    qualifiers = ""
    bare = type.unqualified()
    if str(type) != str(bare):
        text = str(type)
        qualifiers = ("const " if "const" in text.split("*")[-1].split() or text.startswith("const ") else "") + (
            "volatile " if "volatile" in text.split("*")[-1].split() or text.startswith("volatile ") else ""
        )
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
    return str(bare)


def record(type):
    if type.code == gdb.TYPE_CODE_ENUM:
        return {"size": type.sizeof, "values": [[f.name, str(f.enumval)] for f in type.fields()]}
    if type.code in (gdb.TYPE_CODE_STRUCT, gdb.TYPE_CODE_UNION):
        return {
            "size": type.sizeof,
            "members": [[f.name or "", f.bitpos, f.bitsize, describe(f.type.unqualified())] for f in type.fields()],
        }
    return {"size": type.sizeof, "target": describe(type.strip_typedefs().unqualified())}


def variables(block):
    constant = (gdb.SYMBOL_LOC_CONST, gdb.SYMBOL_LOC_CONST_BYTES)
    return sorted(
        s.name
        for s in block
        if (s.is_variable or s.is_argument or (s.addr_class in constant and s.type.code != gdb.TYPE_CODE_ENUM))
        and s.addr_class not in (gdb.SYMBOL_LOC_UNRESOLVED, gdb.SYMBOL_LOC_LABEL)
    )


def main():
    objfile = gdb.objfiles()[0]
    out = {"lines": [], "functions": [], "types": [], "globals": [], "breaks": []}
    text = [l.split() for l in gdb.execute("maint info sections", to_string=True).splitlines() if " CODE" in l]
    for words in text:
        low, high = (int(x, 16) for x in words[1].split("->"))
        last = None
        pc = low
        while pc < high:
            sal = gdb.find_pc_line(pc)
            name = sal.symtab.fullname() if sal.symtab and sal.line else None
            # `last` is the last address of the row, not the one behind it.
            row = [pc, name, sal.line if name else 0, (sal.last + 1) if sal.last else None]
            if last != row[1:]:
                out["lines"].append([str(row[0]), row[1], row[2]])
                last = row[1:]
            pc += 2

    symtabs, seen, line_files = [], set(), {}
    for words in text:
        low, high = (int(x, 16) for x in words[1].split("->"))
        pc = low
        while pc < high:
            sal = gdb.find_pc_line(pc)
            if sal.symtab and sal.line:
                line_files.setdefault(sal.symtab.fullname(), set()).add(sal.line)
                key = sal.symtab.global_block().start if sal.symtab.is_valid() else 0
                if key not in seen:
                    seen.add(key)
                    symtabs.append(sal.symtab)
            pc += 2

    types = set()
    for symtab in symtabs:
        for block in (symtab.global_block(), symtab.static_block()):
            for symbol in block:
                if symbol.is_function:
                    function_block = gdb.block_for_pc(int(symbol.value().address))
                    start = function_block.start
                    gdb_break = gdb.Breakpoint("*%d" % start)
                    gdb_break.delete()
                    out["functions"].append(
                        {
                            "name": symbol.name,
                            "low": str(start),
                            "file": symbol.symtab.fullname(),
                            "line": symbol.line,
                            "type": describe(symbol.type),
                            "parameters": [
                                [s.name, describe(s.type.unqualified())] for s in function_block if s.is_argument
                            ],
                        }
                    )
                elif symbol.addr_class == gdb.SYMBOL_LOC_TYPEDEF:
                    type = symbol.type
                    kind = {gdb.TYPE_CODE_STRUCT: "struct ", gdb.TYPE_CODE_UNION: "union ", gdb.TYPE_CODE_ENUM: "enum "}
                    is_tag = type.code in kind and type.tag == symbol.name
                    entry = json.dumps([(kind[type.code] if is_tag else "") + symbol.name, record(type)])
                    if entry not in types:
                        types.add(entry)
                        out["types"].append(json.loads(entry))
                elif symbol.is_variable and symbol.addr_class == gdb.SYMBOL_LOC_STATIC:
                    address = int(symbol.value().address)
                    out["globals"].append([symbol.name, describe(symbol.type.unqualified()), str(address)])

    def bodies():
        for function in out["functions"]:
            point = gdb.Breakpoint(
                "-source %s -function %s" % (function["file"], function["name"]), internal=True
            )
            function["body"] = sorted(str(l.address) for l in point.locations)
            point.delete()

    bodies()
    for name in sorted(line_files):
        lines = sorted(line_files[name])
        for line in lines:
            point = gdb.Breakpoint("%s:%d" % (name, line), internal=True)
            out["breaks"].append([name, line, sorted(str(l.address) for l in point.locations)])
            point.delete()

    scopes = []
    for address, name, line in out["lines"]:
        if name is None:
            continue
        block = gdb.block_for_pc(int(address))
        chain = []
        while block is not None and not block.is_static and not block.is_global:
            names = variables(block)
            chain.append([names, block.function.name if block.function else None])
            if block.function is not None and chain:
                inlined = block.superblock is not None and not block.superblock.is_static and not block.superblock.is_global
                if not inlined:
                    break
            block = block.superblock
        scopes.append([address, chain])
    out["scopes"] = scopes
    with open(os.environ["XV6_DEBUG_OUT"], "w") as file:
        json.dump(out, file)


main()
