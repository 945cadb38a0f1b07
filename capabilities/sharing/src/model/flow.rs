//! Who decides about an application, in which order: data, one file per jurisdiction.

use hufu_kernel::actor::Role;
use serde::Deserialize;

use super::grant::Quota;

/// The flow of one jurisdiction.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Flow {
    pub code: String,
    pub title: String,
    /// Fields of this grade and above need the steps marked `strict`.
    pub strict_from: String,
    pub period_days_max: i64,
    /// What a grant may have at most.
    pub quota: Quota,
    pub front: Vec<Step>,
    pub provider: Vec<Step>,
    /// For applications that ask for unconditional resources only.
    pub short: Vec<Step>,
}

#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Step {
    pub key: String,
    pub title: String,
    pub unit: Side,
    #[serde(deserialize_with = "role")]
    pub role: Role,
    #[serde(default)]
    pub when: When,
    /// Name of the limit in the jurisdiction's rules.
    pub limit: String,
    #[serde(default)]
    pub delegable: bool,
}

/// Whose unit decides.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Side {
    Applicant,
    Competent,
    Provider,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum When {
    #[default]
    Always,
    Strict,
    Plain,
}

/// A flow file that cannot be used. It stops the start: a missing step would be a missing approval.
#[derive(Debug, thiserror::Error)]
pub enum BadFlow {
    #[error("flow file")]
    Toml(#[from] toml::de::Error),
    #[error("flow `{code}`: `{list}` has no step that always applies")]
    Gap { code: String, list: &'static str },
    #[error("there is no flow `{0}`")]
    Unknown(String),
}

const FILES: [&str; 2] = [
    include_str!("../../../../rules/flows/d809.toml"),
    include_str!("../../../../rules/flows/yunjiang.toml"),
];

impl Flow {
    /// The built-in flow of a jurisdiction.
    pub fn embedded(code: &str) -> Result<Self, BadFlow> {
        for text in FILES {
            let flow = Self::parse(text)?;
            if flow.code == code {
                return Ok(flow);
            }
        }
        Err(BadFlow::Unknown(code.to_owned()))
    }

    pub fn parse(text: &str) -> Result<Self, BadFlow> {
        let flow: Self = toml::from_str(text)?;
        for (list, steps) in [("front", &flow.front), ("provider", &flow.provider), ("short", &flow.short)] {
            let covered = |strict| steps.iter().any(|step| !step.delegable && step.applies(strict));
            if !covered(true) || !covered(false) {
                return Err(BadFlow::Gap { code: flow.code.clone(), list });
            }
        }
        Ok(flow)
    }

    /// Steps before the providers. `consented`: a standing consent of the applicant's own office covers it.
    pub fn front_steps(&self, only_unconditional: bool, strict: bool, consented: bool) -> Vec<&Step> {
        let list = if only_unconditional { &self.short } else { &self.front };
        list.iter().filter(|step| step.applies(strict) && !(step.delegable && consented)).collect()
    }

    pub fn provider_steps(&self, strict: bool) -> Vec<&Step> {
        self.provider.iter().filter(|step| step.applies(strict)).collect()
    }
}

impl Step {
    fn applies(&self, strict: bool) -> bool {
        match self.when {
            When::Always => true,
            When::Strict => strict,
            When::Plain => !strict,
        }
    }
}

fn role<'de, D: serde::Deserializer<'de>>(from: D) -> Result<Role, D::Error> {
    let code = String::deserialize(from)?;
    code.parse().map_err(|()| serde::de::Error::custom(format!("unknown role `{code}`")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(steps: Vec<&Step>) -> Vec<&str> {
        steps.into_iter().map(|step| step.key.as_str()).collect()
    }

    #[test]
    fn sha_1_default_flow_has_all_four_steps() {
        let flow = Flow::embedded("d809").unwrap();
        assert_eq!(keys(flow.front_steps(false, true, false)), ["own_office", "competent"]);
        assert_eq!(keys(flow.provider_steps(true)), ["steward", "cdo"]);
        assert_eq!(keys(flow.provider_steps(false)), ["steward"]);
    }

    #[test]
    fn sha_1_unconditional_takes_the_short_way() {
        for code in ["d809", "yunjiang"] {
            let flow = Flow::embedded(code).unwrap();
            assert_eq!(keys(flow.front_steps(true, true, false)), ["competent"]);
        }
    }

    #[test]
    fn sha_1_demo_city_asks_bureau_and_cdo_under_a_standing_consent() {
        let flow = Flow::embedded("yunjiang").unwrap();
        assert_eq!(keys(flow.front_steps(false, true, true)), ["competent"]);
        assert_eq!(keys(flow.front_steps(false, true, false)), ["own_office", "competent"]);
        assert_eq!(keys(flow.provider_steps(true)), ["cdo"]);
        assert_eq!(keys(flow.provider_steps(false)), ["steward"]);
    }

    #[test]
    fn sha_1_a_flow_with_a_gap_is_refused() {
        let gap = include_str!("../../../../rules/flows/yunjiang.toml").replace("when = \"strict\"", "when = \"plain\"");
        assert!(matches!(Flow::parse(&gap), Err(BadFlow::Gap { list: "provider", .. })));
    }
}
