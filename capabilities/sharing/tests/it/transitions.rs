//! The transition tables, as files a person can read.

use std::fmt::Write;

use hufu_sharing::model::{application, grant, part};
use sea_orm::Iterable;

use crate::matrix::golden;

#[test]
fn sha_1_sha_3_transition_tables() {
    let mut table = String::new();
    macro_rules! write_table {
        ($title:literal, $module:ident) => {
            writeln!(table, "{}", $title).unwrap();
            for state in $module::State::iter() {
                for event in $module::Event::iter() {
                    if let Ok(next) = state.step(event) {
                        writeln!(table, "  {:<6} + {:<8} -> {}", state.name(), event.name(), next.name()).unwrap();
                    }
                }
            }
            table.push('\n');
        };
    }
    write_table!("application", application);
    write_table!("part", part);
    write_table!("grant", grant);
    golden("transitions.txt", &table);
}
