//! The hand-written half against the C headers: a C program prints sizes and offsets, and declares every function again,
//! which does not compile where the headers say otherwise.
use llmcs::ffi;
use std::{env, fs, path::PathBuf, process::Command};

fn run_c(source: &str) -> String {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR"));
    let (file, program) = (folder.join("layout.c"), folder.join("layout"));
    fs::write(&file, source).unwrap();
    let include = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../include");
    let compiler = env::var("CC").unwrap_or_else(|_| "cc".into());
    let mut words = compiler.split_whitespace();
    let compiled = Command::new(words.next().unwrap())
        .args(words)
        .args(["-std=c11", "-Werror", "-I"])
        .args([&include, &file])
        .arg("-o")
        .arg(&program)
        .output()
        .unwrap();
    assert!(compiled.status.success(), "{}", String::from_utf8_lossy(&compiled.stderr));
    String::from_utf8(Command::new(program).output().unwrap().stdout).unwrap()
}

#[test]
fn structs_functions_and_statuses_are_those_of_the_headers() {
    let mut source = String::from("#include <llmcs_shop.h>\n#include <stdio.h>\n");
    for signature in ffi::SIGNATURES {
        source += &format!("{signature};\n");
    }
    source += "int main(void) {\n";
    for (name, _, fields) in ffi::layouts() {
        source += &format!("printf(\"{name} %zu\\n\", sizeof({name}));\n");
        for (field, _) in fields {
            source += &format!("printf(\"{name}.{field} %zu\\n\", offsetof({name}, {field}));\n");
        }
    }
    for (_, name) in llmcs::STATUSES {
        let (c, lower) = (c_status(name), name);
        source += &format!("printf(\"{lower} %d\\n\", LLMCS_{c});\n");
    }
    source += "return 0; }\n";
    let found = run_c(&source);
    let value = |key: &str| -> usize {
        let line = found.lines().find(|l| l.split(' ').next() == Some(key)).unwrap_or_else(|| panic!("{key}"));
        line.split(' ').nth(1).unwrap().parse().unwrap()
    };
    for (name, size, fields) in ffi::layouts() {
        // A header that has grown is longer; what the library makes may be, too.
        assert!(size <= value(name), "{name}: {size} bytes, in C {}", value(name));
        if !fields.iter().any(|(f, _)| *f == "struct_size") && ["llmcs_text", "llmcs_ids"].contains(&name) {
            assert_eq!(size, value(name), "{name} is frozen");
        }
        for (field, offset) in fields {
            assert_eq!(offset, value(&format!("{name}.{field}")), "{name}.{field}");
        }
    }
    for (status, name) in llmcs::STATUSES {
        assert_eq!(*status as usize, value(name), "{name}");
    }
    assert!(ffi::layouts().len() >= 14 && ffi::SIGNATURES.len() >= 39);
}

/// NoMem: LLMCS_NOMEM, ContextFull: LLMCS_CONTEXT_FULL.
fn c_status(name: &str) -> String {
    match name {
        "NoMem" => return "NOMEM".into(),
        "NoSpace" => return "NOSPACE".into(),
        _ => {}
    }
    let mut out = String::new();
    for (i, c) in name.chars().enumerate() {
        if i > 0 && c.is_uppercase() {
            out.push('_');
        }
        out.push(c.to_ascii_uppercase());
    }
    out
}
