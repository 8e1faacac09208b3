"""llmcs.h and the parts that it includes, and other versions of them: structs that may grow have more at their ends."""

import os
import re

# These have no struct_size: only the library makes them, callers reach them by pointers.
MADE_BY_THE_LIBRARY = ("llmcs_result", "llmcs_sequence", "llmcs_text_span", "llmcs_text_spans", "llmcs_span_result")
_STRUCT = re.compile(r"^typedef struct (llmcs_\w+) \{\n(.*?)^\} \1;$", re.S | re.M)


def read(folder, name="llmcs.h"):
    """The texts of a public header and of the parts that it includes, by their names."""
    with open(os.path.join(folder, name), encoding="utf-8") as f:
        texts = {name: f.read()}
    for part in re.findall(r'^#include "(llmcs_\w+\.h)"', texts[name], re.M):
        with open(os.path.join(folder, part), encoding="utf-8") as f:
            texts[part] = f.read()
    return texts


def joined(texts):
    return "\n".join(texts.values())


def without_comments(text):
    return re.sub(r"/\*.*?\*/", "", text, flags=re.S)


def growing(text):
    """The names of the structs that may grow."""
    return [
        name
        for name, body in _STRUCT.findall(text)
        if name in MADE_BY_THE_LIBRARY or body.lstrip().startswith("size_t struct_size;")
    ]


def frozen(text):
    """The names of all others."""
    return [name for name, _ in _STRUCT.findall(text) if name not in growing(text)]


def fields(text, name):
    """The names of a struct's fields, in order."""
    body = without_comments(next(body for n, body in _STRUCT.findall(text) if n == name))
    names = []
    for declaration in body.split(";"):
        pointer_to_function = re.search(r"\(\*(\w+)\)", declaration)
        if pointer_to_function:
            names.append(pointer_to_function.group(1))
        elif declaration.strip():
            names += [re.search(r"(\w+)(\[\w+\])?$", part.strip()).group(1) for part in declaration.split(",")]
    return names


def newer(text):
    """The header of a version to come: each struct that may grow has 24 bytes more."""

    def grow(match):
        if match.group(1) not in growing(text):
            return match.group(0)
        return match.group(0).replace(
            "\n} " + match.group(1), "\n    void *field_to_come;\n    uint64_t fields_to_come[2];\n} " + match.group(1)
        )

    return _STRUCT.sub(grow, text)
