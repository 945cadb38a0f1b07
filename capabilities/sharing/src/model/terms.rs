//! What a provider decides about the fields it was asked for, and what remains as a grant's terms.

use std::collections::BTreeMap;

use hufu_kernel::time::Timestamp;

use super::grant::Quota;
use super::refusal::Refusal;

/// Masks that a decision may always choose instead of the profile's: they never show more.
pub const STRICTER: [&str; 2] = ["full", "null"];

/// One asked field as the decision finds it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AskedField {
    pub id: i64,
    /// Chinese name, for messages.
    pub title: String,
    /// Asked without a mask.
    pub unmasked: bool,
    /// What the profile gives for its kind, grade and the asker's role.
    pub profile_mask: String,
}

/// What is decided about one field. Absent from a decision means: as asked, masked by the profile.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Choice {
    pub give: bool,
    #[serde(default)]
    pub reason: String,
    /// `full` or `null` instead of the profile's mask.
    #[serde(default)]
    pub mask: Option<String>,
    /// Give the clear value until then.
    #[serde(default)]
    pub clear_until: Option<Timestamp>,
}

/// Choices about a part's fields, and what is narrowed besides.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Decision {
    pub fields: BTreeMap<i64, Choice>,
    pub until: Option<Timestamp>,
    pub quota: Option<Quota>,
}

/// A field that will be given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Given {
    pub id: i64,
    pub mask: String,
    pub clear_until: Option<Timestamp>,
}

/// The outcome: what is given, and whether it is less than was asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Terms {
    pub given: Vec<Given>,
    pub refused: Vec<i64>,
    pub until: Timestamp,
    pub quota: Quota,
    pub reduced: bool,
}

/// What was asked of a part as a whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Whole {
    pub until: Timestamp,
    pub quota: Quota,
    /// Does the provider's CDO decide here? Only then may a clear value be given.
    pub by_cdo: bool,
}

/// Joins asking and decision. A field asked unmasked is given masked unless the CDO says until when it is clear.
pub fn settle(asked: &[AskedField], whole: Whole, decision: &Decision) -> Result<Terms, Refusal> {
    let mut given = Vec::new();
    let mut refused = Vec::new();
    let mut reduced = false;
    for field in asked {
        let Some(choice) = decision.fields.get(&field.id) else {
            reduced |= field.unmasked;
            given.push(Given { id: field.id, mask: field.profile_mask.clone(), clear_until: None });
            continue;
        };
        if !choice.give {
            if choice.reason.trim().is_empty() {
                return Err(Refusal::FieldReasonMissing(field.title.clone()));
            }
            refused.push(field.id);
            continue;
        }
        let clear_until = clear(field, choice, whole)?;
        let stricter = choice.mask.as_deref().filter(|mask| STRICTER.contains(mask));
        reduced |= stricter.is_some() || (field.unmasked && clear_until.is_none());
        let mask = stricter.unwrap_or(&field.profile_mask).to_owned();
        given.push(Given { id: field.id, mask, clear_until });
    }
    if given.is_empty() {
        return Err(Refusal::NothingGiven);
    }
    let until = decision.until.map_or(whole.until, |until| until.min(whole.until));
    let quota = decision.quota.map_or(whole.quota, |quota| quota.narrowed(whole.quota));
    reduced |= !refused.is_empty() || until < whole.until || quota != whole.quota;
    Ok(Terms { given, refused, until, quota, reduced })
}

fn clear(field: &AskedField, choice: &Choice, whole: Whole) -> Result<Option<Timestamp>, Refusal> {
    let Some(until) = choice.clear_until else { return Ok(None) };
    if !field.unmasked {
        return Err(Refusal::ClearNotAsked(field.title.clone()));
    }
    if !whole.by_cdo {
        return Err(Refusal::ClearNeedsCdo(field.title.clone()));
    }
    Ok(Some(until.min(whole.until)))
}

#[cfg(test)]
mod tests {
    use super::*;

    const QUOTA: Quota = Quota { rows_per_day: 100, calls_per_minute: 10, rows_per_result: 100 };

    fn asked() -> Vec<AskedField> {
        let field = |id, unmasked| AskedField { id, title: format!("项{id}"), unmasked, profile_mask: "keep(1,0)".into() };
        vec![field(1, false), field(2, true)]
    }

    fn whole(by_cdo: bool) -> Whole {
        Whole { until: Timestamp::from_millis(1000), quota: QUOTA, by_cdo }
    }

    fn give() -> Choice {
        Choice { give: true, reason: String::new(), mask: None, clear_until: None }
    }

    fn decide(by_cdo: bool, choices: Vec<(i64, Choice)>) -> Result<Terms, Refusal> {
        settle(&asked(), whole(by_cdo), &Decision { fields: choices.into_iter().collect(), ..Decision::default() })
    }

    #[test]
    fn sha_9_clear_needs_asking_the_cdo_and_an_end() {
        let until = Some(Timestamp::from_millis(500));
        let clear = Choice { clear_until: until, ..give() };
        assert_eq!(decide(false, vec![(2, clear.clone())]), Err(Refusal::ClearNeedsCdo("项2".into())));
        assert_eq!(decide(true, vec![(1, clear.clone())]), Err(Refusal::ClearNotAsked("项1".into())));
        let terms = decide(true, vec![(2, clear)]).unwrap();
        assert_eq!(terms.given[1].clear_until, until);
        assert_eq!(terms.given[1].mask, "keep(1,0)", "the mask that returns when the clear time is over");
        assert_eq!(decide(true, vec![]).unwrap().given[1].clear_until, None, "never by default");
    }

    #[test]
    fn sha_9_clear_ends_with_the_grant_at_the_latest() {
        let late = Choice { clear_until: Some(Timestamp::from_millis(9999)), ..give() };
        assert_eq!(decide(true, vec![(2, late)]).unwrap().given[1].clear_until, Some(Timestamp::from_millis(1000)));
    }

    #[test]
    fn sha_1_a_field_refused_needs_its_reason() {
        let no = Choice { give: false, ..give() };
        assert_eq!(decide(false, vec![(1, no.clone())]), Err(Refusal::FieldReasonMissing("项1".into())));
        let reasoned = Choice { reason: "与用途无关".into(), ..no };
        let terms = decide(false, vec![(1, reasoned.clone())]).unwrap();
        assert_eq!((terms.refused, terms.given.len()), (vec![1], 1));
        assert_eq!(decide(false, vec![(1, reasoned.clone()), (2, reasoned)]), Err(Refusal::NothingGiven));
    }

    #[test]
    fn sha_3_a_decision_only_narrows() {
        let wide = Quota { rows_per_day: 1_000_000, calls_per_minute: 1, rows_per_result: 100 };
        let decision =
            Decision { until: Some(Timestamp::from_millis(2000)), quota: Some(wide), ..Decision::default() };
        let terms = settle(&asked(), whole(false), &decision).unwrap();
        assert_eq!(terms.until, Timestamp::from_millis(1000));
        assert_eq!(terms.quota, Quota { calls_per_minute: 1, ..QUOTA });
    }

    #[test]
    fn sha_4_a_mask_outside_the_profile_is_never_weaker() {
        let weak = Choice { mask: Some("clear".into()), ..give() };
        assert_eq!(decide(true, vec![(1, weak)]).unwrap().given[0].mask, "keep(1,0)");
        let strong = Choice { mask: Some("null".into()), ..give() };
        assert_eq!(decide(true, vec![(1, strong)]).unwrap().given[0].mask, "null");
    }
}
