#!/usr/bin/env python3
"""INPUT_FILTER of doxygen: a header of include/ with its plain comments as doxygen's. Lines keep their numbers.

A comment before a declaration documents it, one after a field or a value documents that; the first of a file is the file's;
`/* ---- name */` begins a section. A declaration right below another one, without a comment of its own, shares that one's.
"""
import re
import sys

COMMENT = re.compile(r"/\*.*?\*/", re.S)
SECTION = re.compile(r"^/\* -{8,} (.*?) \*/$")
DECLARED = re.compile(r"^(?:LLMCS_API|LLMCS_SHOP_API) [^;(]*?(\w+)\(|^#define (\w+)")


def escaped(text):
    """Prose without doxygen's commands, HTML and emphasis. Lines of code (indented further) stay as they are."""
    lines = []
    for i, line in enumerate(text.split("\n")):
        code = i and re.match(r"^\s*\* {5,}", line)
        if not code:
            lead, rest = re.match(r"^(\s*\*(?= |$) ?|\s*)(.*)$", line, re.S).groups() if i else ("", line)
            rest = re.sub(r"([\\@#*%])", r"\\\1", rest)
            rest = re.sub(r"<(?=[A-Za-z/|!_])", r"\\<", rest)
            line = lead + rest
        lines.append(line)
    return "\n".join(lines)


def body(comment):
    return escaped(comment[2:-2])


def document(source):
    out, at, open_section, first = [], 0, False, True
    for found in COMMENT.finditer(source):
        before = source[at:found.start()]
        out.append(before)
        at = found.end()
        comment = found.group()
        line_start = source.rfind("\n", 0, found.start()) + 1
        code_before = source[line_start:found.start()].strip()
        after = source[found.end():]
        section = SECTION.match(comment)
        if first:
            out.append("/** @file" + body(comment) + "*/")
            first = False
        elif section:
            name = section[1][:1].upper() + section[1][1:]
            out.append(("/** @} */ " if open_section else "") + "/** @name %s */ /** @{ */" % escaped(name))
            open_section = True
        elif code_before and not code_before.endswith(("{", "(")) and not code_before.startswith(("#include", "#if", "#endif")):
            out.append("/**<" + body(comment) + "*/")
        elif not code_before and after.startswith("\n") and after[1:2].strip() and not of_group(after[1:]):
            out.append("/**" + body(comment) + "*/")
        else:
            out.append(comment)
    out.append(source[at:])
    return close_section(shared(unguarded("".join(out))), open_section)


def unguarded(text):
    """doxygen would take the guard of a file that another one includes as passed."""
    return re.sub(r"^#ifndef (\w+_H)\n#define \1$", "#if 1\n", text, flags=re.M)


def of_group(after):
    """Several constants follow, each with a comment of its own: the comment is of none of them."""
    lines = after.split("\n")
    return bool(re.match(r"#define \w+ .*/\*", lines[0]) and len(lines) > 1 and lines[1].startswith("#define "))


def shared(text):
    """Gives declarations without a comment the one above them, and *_init the customary sentence."""
    lines, previous, documented = text.split("\n"), None, False
    inside = False  # a comment
    for i, line in enumerate(lines):
        if inside or line.startswith("/**"):
            inside = "*/" not in line
            documented, previous = True, None
            continue
        if not line.strip():
            previous, documented = None, False
            continue
        declared = DECLARED.match(line)
        if declared:
            name = declared[1] or declared[2]
            macro = re.match(r"#define (\w+)_init\(", line)
            if documented:
                pass
            elif name.endswith("_init_sized"):
                lines[i] = "/** Sets every field to its default. struct_size: sizeof the struct. */ " + line
            elif macro:
                # A comment before a directive has to be a line of its own, so it goes to the end of the one above.
                lines[i - 1] += " /** %s_init_sized() with the size that your program was compiled with. */" % macro[1]
            elif name.endswith("_free") and not previous:
                lines[i] = "/** Frees the object and sets your variable to NULL; NULL is accepted. */ " + line
            elif previous and line.startswith("LLMCS"):
                lines[i] = "/** @copydoc %s */ " % previous + line
            previous, documented = name, False
        elif line.endswith((";", "}")) and line.startswith((" ", "}")) is False:
            documented = False
    return "\n".join(lines)


def close_section(text, is_open):
    if not is_open:
        return text
    end = text.rfind("#ifdef __cplusplus")
    end = text.rfind("#endif") if end < 0 else end
    return text[:end] + "/** @} */\n" + text[end:]


def main():
    with open(sys.argv[1], encoding="utf-8") as f:
        sys.stdout.write(document(f.read()))


if __name__ == "__main__":
    main()
