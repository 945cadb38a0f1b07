//! The authorization matrix as text that a person can read: which role may do what, to whose things.
//!
//! ```text
//! sharing.application.submit          R1 R2 R3 R4 R5 R6 R7 R8 R9
//!   own unit                           ·  ·  ·  ✓  ·  ·  ·  ·  ·
//!   other unit                         ·  ·  ·  ·  ·  ·  ·  ·  ·
//! ```
//! Each capability keeps its own as a golden file, so that a change of a policy is seen as what it changes.

use std::fmt::Write as _;

use super::{Policy, Resource};
use crate::actor::{Actor, Role};
use crate::error::Result;

/// Width of the first column.
const LABEL_CHARS: usize = 44;

/// One action with the things it is tried on, each under a name (`own unit`, `other unit`).
#[derive(Clone, Debug)]
pub struct Row {
    pub action: &'static str,
    pub cases: Vec<(&'static str, Resource)>,
}

/// Prints the rows for one actor per role; `actor` places them.
pub fn print(policy: &Policy, rows: &[Row], actor: impl Fn(Role) -> Actor) -> Result<String> {
    let actors: Vec<(Role, Actor)> = Role::ALL.into_iter().map(|role| (role, actor(role))).collect();
    let mut out = String::new();
    for row in rows {
        let _ = write!(out, "{:<LABEL_CHARS$}", row.action);
        for (role, _) in &actors {
            let _ = write!(out, " {}", role.code());
        }
        out.push('\n');
        for (name, resource) in &row.cases {
            let _ = write!(out, "{:<LABEL_CHARS$}", format!("  {name}"));
            for (_, actor) in &actors {
                let allowed = policy.decide(actor, row.action, resource)?.allowed;
                out.push_str(if allowed { "  ✓" } else { "  ·" });
            }
            out.push('\n');
        }
    }
    Ok(out)
}
