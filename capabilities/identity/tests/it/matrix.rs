//! The authorization matrix of identity, as a golden file that a person can read.
//!
//! `UPDATE_GOLDEN=1` writes it anew; the difference is what a reviewer looks at.

use std::path::Path;

use hufu_identity::{ACTIONS, POLICY, policy};
use hufu_kernel::actor::{Actor, Role, UnitLevel, UnitRef};
use hufu_kernel::ids::{AccountId, UnitId};
use hufu_kernel::policy::matrix::{Row, print};
use hufu_kernel::policy::{Policy, Resource};

struct Place {
    own: UnitRef,
    bureau: UnitRef,
    other: UnitRef,
    elsewhere: UnitRef,
    elsewhere_bureau: UnitRef,
}

fn unit(name: &str, level: UnitLevel, parent: Option<&UnitRef>) -> UnitRef {
    let id = UnitId::generate();
    let above = parent.map_or("/", |parent| parent.path.as_str());
    UnitRef { path: format!("{above}{id}/"), id, code: name.into(), name: name.into(), level }
}

fn place(in_bureau: bool) -> Place {
    let province = unit("省", UnitLevel::Province, None);
    let city = unit("市", UnitLevel::City, Some(&province));
    let bureau = unit("市数据局", UnitLevel::City, Some(&city));
    let department = unit("市民政局", UnitLevel::City, Some(&city));
    let other = unit("市人社局", UnitLevel::City, Some(&city));
    let next = unit("邻市", UnitLevel::City, Some(&province));
    let elsewhere_bureau = unit("邻市数据局", UnitLevel::City, Some(&next));
    let elsewhere = unit("邻市民政局", UnitLevel::City, Some(&next));
    Place { own: if in_bureau { bureau.clone() } else { department }, bureau, other, elsewhere, elsewhere_bureau }
}

fn rows(place: &Place, me: &AccountId) -> Vec<Row> {
    let someone = AccountId::generate();
    let asker = AccountId::generate();
    let here = std::slice::from_ref(&place.bureau);
    let there = std::slice::from_ref(&place.elsewhere_bureau);
    let people = |with_self: bool| {
        let mut cases = vec![
            ("own unit", policy::person(Some(&someone), &place.own, here)),
            ("other unit, same area", policy::person(Some(&someone), &place.other, here)),
            ("other area", policy::person(Some(&someone), &place.elsewhere, there)),
        ];
        if with_self {
            cases.insert(0, ("oneself", policy::person(Some(me), &place.own, here)));
        }
        cases
    };
    let changes = || {
        vec![
            ("own unit", policy::change("c", &asker, &someone, &place.own, &place.bureau)),
            ("other unit, same area", policy::change("c", &asker, &someone, &place.other, &place.bureau)),
            ("other area", policy::change("c", &asker, &someone, &place.elsewhere, &place.elsewhere_bureau)),
            ("about oneself", policy::change("c", &asker, me, &place.own, &place.bureau)),
            ("proposed by oneself", policy::change("c", me, &someone, &place.own, &place.bureau)),
        ]
    };
    let units = || -> Vec<(&'static str, Resource)> {
        vec![
            ("own unit", policy::org_unit(&place.own, here)),
            ("other unit, same area", policy::org_unit(&place.other, here)),
            ("other area", policy::org_unit(&place.elsewhere, there)),
        ]
    };
    ACTIONS
        .iter()
        .map(|(action, _)| {
            let cases = match *action {
                "identity.change.decide" | "identity.change.withdraw" => changes(),
                action if action.starts_with("identity.unit.") || action.starts_with("identity.house.") => units(),
                _ => people(true),
            };
            Row { action, cases }
        })
        .collect()
}

#[test]
fn who_3_authorization_matrix() {
    let policy = Policy::load(&[POLICY]).unwrap();
    let declared: Vec<String> = policy.actions();
    let named: Vec<String> = ACTIONS.iter().map(|(action, _)| (*action).to_owned()).collect();
    assert_eq!(declared, named, "every action has a name on screen, in order");
    let mut out = String::new();
    for (title, in_bureau) in [("sitting in the bureau", true), ("sitting in a department", false)] {
        let place = place(in_bureau);
        let me = AccountId::generate();
        let actor = |role: Role| Actor {
            account: me.clone(),
            login: "x".into(),
            name: "x".into(),
            unit: place.own.clone(),
            roles: vec![role],
        };
        out.push_str(&format!("# {title}\n\n{}\n", print(&policy, &rows(&place, &me), actor).unwrap()));
    }
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/authz.txt");
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(&golden, &out).unwrap();
    }
    let expected = std::fs::read_to_string(&golden).unwrap_or_default();
    assert!(out == expected, "the matrix changed; look at it, then UPDATE_GOLDEN=1\n{out}");
}
