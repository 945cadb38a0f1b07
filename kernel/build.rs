//! Pages need the built front end: a release without it must not come to be, a debug build may.

use std::path::Path;

const MANIFEST: &str = "../web/dist/manifest.json";
const ORDER: &str = "web/dist is absent: run `npm --prefix web ci && npm --prefix web run build` first";

fn main() {
    println!("cargo::rerun-if-changed={MANIFEST}");
    println!("cargo::rerun-if-changed=templates");
    if Path::new(MANIFEST).exists() {
        return;
    }
    let debug = std::env::var("PROFILE").is_ok_and(|profile| profile == "debug");
    println!("cargo::{}={ORDER}", if debug { "warning" } else { "error" });
}
