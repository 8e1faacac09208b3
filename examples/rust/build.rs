//! Where the library is: $LLMCS_LIB, or what `make` built in this repository.
use std::{env, path::PathBuf};

fn main() {
    let here = PathBuf::from(env::var("CARGO_MANIFEST_DIR").expect("cargo sets it"));
    let lib = env::var("LLMCS_LIB").map(PathBuf::from).unwrap_or_else(|_| here.join("../../build/lib"));
    println!("cargo:rustc-link-search=native={}", lib.display());
    println!("cargo:rustc-link-arg=-Wl,-rpath,{}", lib.display());
    println!("cargo:rerun-if-env-changed=LLMCS_LIB");
    println!("cargo:rerun-if-changed=build.rs");
}
