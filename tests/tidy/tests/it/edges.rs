//! Five storeys: a crate uses only what stands below it.

use std::process::Command;

/// Height of each crate; an edge must lead strictly downwards. Capabilities stand in the order in which they may call each other.
const STOREYS: [(&str, u32); 10] = [
    ("hufu-crypto", 0),
    ("hufu-ledger", 1),
    ("hufu-mask", 1),
    ("hufu-gate", 2),
    ("hufu-kernel", 3),
    ("hufu-identity", 4),
    ("hufu-catalog", 5),
    ("hufu-sharing", 6),
    ("hufu", 9),
    ("hufu-tidy", 9),
];
/// Used by tests alone, wherever they stand.
const FOR_TESTS: [&str; 1] = ["hufu-test-servers"];
/// What an engine may never know.
const NOT_IN_ENGINES: [&str; 10] =
    ["axum", "datafusion", "rand", "reqwest", "rusqlite", "sea-orm", "serde_json", "tokio", "tower", "tracing"];

fn packages() -> Vec<serde_json::Value> {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version", "1", "--no-deps", "--offline"])
        .current_dir(hufu_tidy::root())
        .output()
        .unwrap();
    let metadata: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    metadata["packages"].as_array().unwrap().clone()
}

fn height(name: &str) -> Option<u32> {
    STOREYS.iter().find(|(crate_name, _)| *crate_name == name).map(|(_, height)| *height)
}

#[test]
fn every_edge_leads_downwards() {
    let mut wrong = Vec::new();
    for package in packages() {
        let name = package["name"].as_str().unwrap();
        if FOR_TESTS.contains(&name) {
            continue;
        }
        let own = height(name).unwrap_or_else(|| panic!("{name} has no storey: give it one here and in ARCHITECTURE.md"));
        for dependency in package["dependencies"].as_array().unwrap() {
            let below = dependency["name"].as_str().unwrap();
            if let Some(other) = height(below)
                && dependency["kind"].is_null()
                && other >= own
            {
                wrong.push(format!("{name} -> {below}"));
            }
        }
    }
    assert!(wrong.is_empty(), "forbidden edges: {wrong:?}");
}

#[test]
fn engines_know_bytes_and_values_only() {
    let mut wrong = Vec::new();
    for package in packages() {
        let name = package["name"].as_str().unwrap();
        if !package["manifest_path"].as_str().unwrap().contains("/engines/") {
            continue;
        }
        for dependency in package["dependencies"].as_array().unwrap() {
            let below = dependency["name"].as_str().unwrap();
            if dependency["kind"].is_null() && NOT_IN_ENGINES.contains(&below) {
                wrong.push(format!("{name} -> {below}"));
            }
        }
    }
    assert!(wrong.is_empty(), "engines that know too much: {wrong:?}");
}

#[test]
fn every_crate_takes_the_workspace_lints() {
    for package in packages() {
        let manifest = std::fs::read_to_string(package["manifest_path"].as_str().unwrap()).unwrap();
        assert!(manifest.contains("[lints]\nworkspace = true"), "{}", package["name"]);
    }
}
