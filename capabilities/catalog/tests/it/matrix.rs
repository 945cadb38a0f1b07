//! The authorization matrix of the catalogue, as a golden file that a person can read.
//!
//! `UPDATE_GOLDEN=1` writes it anew; the difference is what a reviewer looks at.

use std::path::Path;

use hufu_catalog::{ACTIONS, POLICY};
use hufu_kernel::actor::{Actor, Role, UnitLevel, UnitRef};
use hufu_kernel::ids::{AccountId, UnitId};
use hufu_kernel::policy::matrix::{Row, print};
use hufu_kernel::policy::{Policy, Resource, Value};

fn unit(name: &str, parent: Option<&UnitRef>) -> UnitRef {
    let id = UnitId::generate();
    let above = parent.map_or("/", |parent| parent.path.as_str());
    UnitRef { path: format!("{above}{id}/"), id, code: name.into(), name: name.into(), level: UnitLevel::City }
}

#[test]
fn cat_3_authorization_matrix() {
    let policy = Policy::load(&[POLICY]).unwrap();
    let named: Vec<String> = ACTIONS.iter().map(|(action, _)| (*action).to_owned()).collect();
    assert_eq!(policy.actions(), named, "every action has a name on screen, in order");
    let city = unit("云江市", None);
    let own = unit("市民政局", Some(&city));
    let below = unit("市救助站", Some(&own));
    let other = unit("市人社局", Some(&city));
    let entry = |unit: &UnitRef, published: bool| Resource::new("CatalogResource", "e").of_unit(unit).with("published", Value::Truth(published));
    let of_kind = |kind: &'static str, unit: &UnitRef| Resource::new(kind, "x").of_unit(unit);
    let rows: Vec<Row> = ACTIONS
        .iter()
        .map(|(action, _)| {
            let cases = match *action {
                "catalog.resource.seed" => vec![("own unit", of_kind("Cart", &own))],
                action if action.starts_with("catalog.cart.") => {
                    vec![("own unit", of_kind("Cart", &own)), ("other unit", of_kind("Cart", &other))]
                }
                action if action.starts_with("catalog.source.") => vec![
                    ("own unit", of_kind("DataSource", &own)),
                    ("unit below", of_kind("DataSource", &below)),
                    ("other unit", of_kind("DataSource", &other)),
                ],
                _ => vec![
                    ("own unit, draft", entry(&own, false)),
                    ("own unit, published", entry(&own, true)),
                    ("unit below, draft", entry(&below, false)),
                    ("other unit, draft", entry(&other, false)),
                    ("other unit, published", entry(&other, true)),
                ],
            };
            Row { action, cases }
        })
        .collect();
    let actor = |role: Role| Actor {
        account: AccountId::generate(),
        login: "x".into(),
        name: "x".into(),
        unit: own.clone(),
        roles: vec![role],
    };
    let out = print(&policy, &rows, actor).unwrap();
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/authz.txt");
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(&golden, &out).unwrap();
    }
    let expected = std::fs::read_to_string(&golden).unwrap_or_default();
    assert!(out == expected, "the matrix changed; look at it, then UPDATE_GOLDEN=1\n{out}");
}
