//! Who may do what here, as a table a person can read. Set `HUFU_WRITE_GOLDEN=1` to write it anew.

use std::fmt::Write;

use hufu_kernel::actor::{Actor, Role, UnitLevel, UnitRef};
use hufu_kernel::ids::{AccountId, UnitId};
use hufu_kernel::policy::{Policy, Resource, Value};
use hufu_sharing::POLICY;

fn unit(code: &str) -> UnitRef {
    let id = UnitId::generate();
    UnitRef { path: format!("/{id}/"), id, code: code.into(), name: code.into(), level: UnitLevel::City }
}

struct Sides {
    asker: UnitRef,
    provider: UnitRef,
    bureau: UnitRef,
    other: UnitRef,
}

impl Sides {
    fn resource(&self, action: &str, applicant: &AccountId) -> Resource {
        let kind = match action.split('.').nth(1).unwrap() {
            "application" => "Application",
            "part" => "ApplicationPart",
            "consent" => "StandingConsent",
            "grant" => "DataGrant",
            "query" => "DataQuery",
            other => panic!("{other}"),
        };
        let mut resource = Resource::new(kind, "x").of_unit(&self.asker);
        if matches!(kind, "Application" | "ApplicationPart" | "DataGrant") {
            resource = resource.with("competent", Value::Unit(self.bureau.clone()));
        }
        if matches!(kind, "ApplicationPart" | "DataGrant") {
            resource = resource.with("provider", Value::Unit(self.provider.clone()));
        }
        if matches!(kind, "Application" | "ApplicationPart") {
            resource = resource.with("applicant", Value::Account(applicant.to_string()));
        }
        if kind == "Application" {
            resource = resource.with("providers", Value::Units(vec![self.provider.clone()]));
        }
        resource
    }
}

#[test]
fn sha_1_sha_3_authorization_matrix() {
    let policy = Policy::load(&[POLICY]).unwrap();
    let sides = Sides { asker: unit("asker"), provider: unit("provider"), bureau: unit("bureau"), other: unit("other") };
    let mut table = String::from("A asker's unit, a the applicant, P provider, B competent bureau, - nobody; another unit never\n\n");
    let roles: Vec<&str> = Role::ALL.iter().map(|role| role.code()).collect();
    writeln!(table, "{:34}{}", "", roles.join("   ")).unwrap();
    for action in policy.actions() {
        write!(table, "{action:34}").unwrap();
        for role in Role::ALL {
            let may = |unit: &UnitRef, own: bool| {
                let actor = Actor { account: AccountId::generate(), login: "x".into(), name: "某".into(), unit: unit.clone(), roles: vec![role] };
                let applicant = if own { actor.account.clone() } else { AccountId::generate() };
                let decision = policy.decide(&actor, &action, &sides.resource(&action, &applicant)).unwrap();
                assert!(decision.errors.is_empty(), "{action}: {:?}", decision.errors);
                decision.allowed
            };
            assert!(!may(&sides.other, false), "{action} {}", role.code());
            let mut cell = String::new();
            for (letter, unit, own) in [("A", &sides.asker, false), ("a", &sides.asker, true), ("P", &sides.provider, false), ("B", &sides.bureau, false)] {
                if may(unit, own) && !(letter == "a" && cell == "A") {
                    cell.push_str(letter);
                }
            }
            write!(table, "{:5}", if cell.is_empty() { "-" } else { &cell }).unwrap();
        }
        table = table.trim_end().to_owned();
        table.push('\n');
    }
    golden("authz.txt", &table);
}

pub(crate) fn golden(file: &str, text: &str) {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it").join(file);
    if std::env::var_os("HUFU_WRITE_GOLDEN").is_some() {
        std::fs::write(&path, text).unwrap();
    }
    let kept = std::fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(kept, text, "{file} differs: read the change, then write it with HUFU_WRITE_GOLDEN=1");
}
