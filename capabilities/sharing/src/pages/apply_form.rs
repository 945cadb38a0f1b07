//! The typed form of an application: from pairs of a browser to the model and back.
//!
//! Ticked fields come as `field=CODE|name`, those asked unmasked as `clear=CODE|name`, texts of a resource as
//! `scope.CODE` and of a field as `why.CODE|name`, so that the form works without any script.

use chrono::NaiveDate;

use crate::model::form::{Asked, AskedField, Form};
use crate::model::grant::Quota;
use crate::model::way::{Way, Ways};

/// What a browser sends.
pub(super) type Pairs = Vec<(String, String)>;

/// First value of a name.
pub(super) fn first<'a>(pairs: &'a Pairs, name: &str) -> Option<&'a str> {
    pairs.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
}

/// All values of a name.
pub(super) fn all<'a>(pairs: &'a Pairs, name: &'a str) -> impl Iterator<Item = &'a str> {
    pairs.iter().filter(move |(key, _)| key == name).map(|(_, value)| value.as_str())
}

/// What step one says: resources with their fields.
pub(super) fn resources(pairs: &Pairs) -> Vec<Asked> {
    let codes: Vec<&str> = all(pairs, "code").collect();
    let asked = |code: &&str| {
        let own = |text: &str| text.split_once('|').filter(|(of, _)| of == code).map(|(_, name)| name.to_owned());
        let clear: Vec<String> = all(pairs, "clear").filter_map(own).collect();
        let field = |name: String| AskedField {
            unmasked: clear.contains(&name),
            reason: first(pairs, &format!("why.{code}|{name}")).unwrap_or_default().to_owned(),
            name,
        };
        Asked {
            code: (*code).to_owned(),
            row_scope: first(pairs, &format!("scope.{code}")).unwrap_or_default().to_owned(),
            fields: all(pairs, "field").filter_map(own).map(field).collect(),
        }
    };
    codes.iter().map(asked).collect()
}

/// Puts step two into a form. A number or date that cannot be read becomes one that the model refuses.
pub(super) fn apply_use(form: &mut Form, pairs: &Pairs) {
    let text = |name: &str| first(pairs, name).unwrap_or_default().trim().to_owned();
    let number = |name: &str| text(name).replace(',', "").parse::<i64>().unwrap_or(0);
    let day = |name: &str| text(name).parse::<NaiveDate>().ok();
    let typed = text("scenario_other");
    form.scenario = if typed.is_empty() { text("scenario") } else { typed };
    form.basis = text("basis");
    form.scope_of_use = text("scope_of_use");
    form.persons = all(pairs, "persons").map(str::to_owned).collect();
    form.ways = Ways::new(all(pairs, "ways").filter_map(|code| code.parse::<Way>().ok()));
    form.quota = Quota {
        rows_per_day: number("rows_per_day"),
        calls_per_minute: number("calls_per_minute"),
        rows_per_result: number("rows_per_result"),
    };
    form.from = day("from");
    form.until = day("until");
    form.system_name = text("system_name");
    form.filing_no = text("filing_no");
}

/// Which step shows the field of an error.
pub(super) fn step_of(field: &str) -> u8 {
    let place = field.split('.').next().unwrap_or_default();
    match place {
        "resources" | "fields" | "row_scope" | "reason" => 1,
        "bound" => 3,
        _ => 2,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sha_1_pairs_become_resources() {
        let pair = |key: &str, value: &str| (key.to_owned(), value.to_owned());
        let pairs = vec![
            pair("code", "A"),
            pair("code", "B"),
            pair("field", "A|xm"),
            pair("field", "B|dz"),
            pair("clear", "A|xm"),
            pair("why.A|xm", "核对"),
            pair("scope.B", "dz = 'x'"),
        ];
        let asked = resources(&pairs);
        assert_eq!(asked[0].fields, [AskedField { name: "xm".into(), unmasked: true, reason: "核对".into() }]);
        assert_eq!((asked[1].fields.len(), asked[1].row_scope.as_str()), (1, "dz = 'x'"));
    }
}
