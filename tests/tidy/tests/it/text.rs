//! What must and what must not stand in the files.

use hufu_tidy::{files, root, shown};

#[test]
fn architecture_names_every_room_and_no_other() {
    let page = std::fs::read_to_string(root().join("ARCHITECTURE.md")).unwrap();
    let manifests = files(&["Cargo.toml"]);
    for manifest in manifests.iter().filter(|path| path.parent() != Some(&root())) {
        let room = shown(manifest.parent().unwrap());
        assert!(page.contains(&format!("`{room}`")), "ARCHITECTURE.md does not name `{room}`");
    }
    for word in page.split('`').skip(1).step_by(2).filter(|word| word.contains('/') && !word.contains([' ', '*', '<'])) {
        assert!(root().join(word.trim_end_matches('/')).exists(), "ARCHITECTURE.md names `{word}`, which is not there");
    }
}

/// Rows leave through `gate::open` alone: nobody else scans a source's provider or opens an engine of its own.
#[test]
fn sha_4_no_ungoverned_way() {
    const WAYS_PAST: [&str; 4] = [".provider(", "SessionContext::new", "ListingTable::", ".sample("];
    let mut wrong = Vec::new();
    for path in files(&[".rs"]) {
        let name = shown(&path);
        if name.starts_with("gate/") || name.contains("/tests/") || name.contains("/benches/") || name.starts_with("tests/") {
            continue;
        }
        let text = std::fs::read_to_string(&path).unwrap();
        for (number, line) in text.lines().enumerate() {
            if WAYS_PAST.iter().any(|way| line.contains(way)) && !line.trim_start().starts_with("//") {
                wrong.push(format!("{name}:{}: {}", number + 1, line.trim()));
            }
        }
    }
    assert!(wrong.is_empty(), "rows may only leave through the gate:\n{}", wrong.join("\n"));
}

/// Colours live in the style sheet, nowhere else.
#[test]
fn no_colour_literal_outside_the_style_sheet() {
    for path in files(&[".html"]) {
        let text = std::fs::read_to_string(&path).unwrap();
        for (number, line) in text.lines().enumerate() {
            let coloured = line.contains("style=\"") && line.contains('#') && line.contains("color");
            assert!(!coloured, "{}:{}: colour outside the style sheet", shown(&path), number + 1);
        }
    }
}

#[test]
fn rules_of_writing() {
    for path in files(&[".rs"]) {
        let name = shown(&path);
        let text = std::fs::read_to_string(&path).unwrap();
        let ignored = ["#[ig", "nore"].concat();
        let panics = ["#[should_", "panic"].concat();
        assert!(!text.contains(&ignored), "{name}: a test that is not run is not kept");
        assert!(!text.contains(&panics), "{name}: assert the error instead");
    }
}
