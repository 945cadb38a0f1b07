//! Who may do what, decided by Cedar. A decision is a value with its reasons; an erring policy denies.
//!
//! Each capability brings a `policy.cedar` and a schema fragment; the kernel adds the words they share:
//!
//! ```text
//! Account (principal, in its Roles)   Unit (in its parent Units)   Action::"sharing.application.submit"
//! ```
//! so that a policy reads: `permit(principal in Role::"R4", action == Action::"…", resource)
//! when { resource.unit == principal.unit };` and a subtree is `resource.unit in principal.unit`.

pub mod matrix;

use std::collections::{BTreeMap, HashSet};
use std::str::FromStr;

use cedar_policy::{
    Authorizer, Context, Decision as CedarDecision, Entities, Entity, EntityId, EntityTypeName, EntityUid, PolicySet,
    Request, RestrictedExpression, Schema, ValidationMode, Validator,
};

use crate::actor::{Actor, Role, UnitRef};
use crate::error::{Error, Result};

/// The words that every policy shares.
pub const BASE_SCHEMA: &str = r#"
entity Role;
entity Unit in [Unit];
entity Account in [Role] { unit: Unit, level: String };
"#;

/// The kernel's own rules: messages, jobs, the audit pages.
pub const KERNEL: PolicyText = PolicyText {
    capability: "kernel",
    policies: include_str!("policy.cedar"),
    schema: include_str!("policy.cedarschema"),
};

/// One capability's rules.
#[derive(Clone, Copy, Debug)]
pub struct PolicyText {
    pub capability: &'static str,
    pub policies: &'static str,
    pub schema: &'static str,
}

/// What is acted upon, with the attributes that its policies ask for.
#[derive(Clone, Debug)]
pub struct Resource {
    pub kind: &'static str,
    pub id: String,
    pub attributes: BTreeMap<&'static str, Value>,
}

/// An attribute of a resource.
#[derive(Clone, Debug)]
pub enum Value {
    Text(String),
    Number(i64),
    Truth(bool),
    Unit(UnitRef),
    Units(Vec<UnitRef>),
    Account(String),
    Texts(Vec<String>),
}

impl Resource {
    pub fn new(kind: &'static str, id: impl Into<String>) -> Self {
        Self { kind, id: id.into(), attributes: BTreeMap::new() }
    }

    pub fn with(mut self, name: &'static str, value: Value) -> Self {
        self.attributes.insert(name, value);
        self
    }

    /// The owning unit, under the attribute name every policy uses.
    pub fn of_unit(self, unit: &UnitRef) -> Self {
        self.with("unit", Value::Unit(unit.clone()))
    }
}

/// Allowed or not, and by which policies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision {
    pub allowed: bool,
    /// `@id` annotations (or positions) of the policies that decided.
    pub reasons: Vec<String>,
    pub errors: Vec<String>,
}

/// All policies of the house.
#[derive(Debug)]
pub struct Policy {
    policies: PolicySet,
    schema: Schema,
}

impl Policy {
    /// Joins all capabilities' texts and validates them strictly against the joined schema.
    pub fn load(texts: &[PolicyText]) -> Result<Self, String> {
        let mut schema_text = String::from(BASE_SCHEMA);
        let mut policy_text = String::new();
        for text in texts {
            schema_text.push_str(text.schema);
            policy_text.push_str(text.policies);
        }
        let (schema, _) = Schema::from_cedarschema_str(&schema_text).map_err(|error| error.to_string())?;
        let policies = PolicySet::from_str(&policy_text).map_err(|error| error.to_string())?;
        let checked = Validator::new(schema.clone()).validate(&policies, ValidationMode::Strict);
        if !checked.validation_passed() {
            let faults: Vec<String> = checked.validation_errors().map(ToString::to_string).collect();
            return Err(faults.join("; "));
        }
        Ok(Self { policies, schema })
    }

    /// Every action that some schema declares, sorted: the rows of the authorization matrix.
    pub fn actions(&self) -> Vec<String> {
        let mut actions: Vec<String> = self.schema.actions().map(|uid| uid.id().unescaped().to_owned()).collect();
        actions.sort();
        actions.dedup();
        actions
    }

    pub fn decide(&self, actor: &Actor, action: &str, resource: &Resource) -> Result<Decision> {
        let ask = || -> Result<Decision, Box<dyn std::error::Error + Send + Sync>> {
            let principal = uid("Account", actor.account.as_str())?;
            let target = uid(resource.kind, &resource.id)?;
            let entities = entities(actor, resource, principal.clone(), target.clone())?;
            let action = uid("Action", action)?;
            let request = Request::new(principal, action, target, Context::empty(), Some(&self.schema))?;
            let answer = Authorizer::new().is_authorized(&request, &self.policies, &entities);
            let errors: Vec<String> = answer.diagnostics().errors().map(ToString::to_string).collect();
            let reasons = answer.diagnostics().reason().map(|id| self.label(id)).collect();
            let allowed = answer.decision() == CedarDecision::Allow && errors.is_empty();
            Ok(Decision { allowed, reasons, errors })
        };
        ask().map_err(Error::internal)
    }

    fn label(&self, id: &cedar_policy::PolicyId) -> String {
        self.policies.annotation(id, "id").map_or_else(|| id.to_string(), str::to_owned)
    }
}

type AnyError = Box<dyn std::error::Error + Send + Sync>;

fn entities(actor: &Actor, resource: &Resource, principal: EntityUid, target: EntityUid) -> Result<Entities, AnyError> {
    let mut seen: BTreeMap<String, Entity> = BTreeMap::new();
    unit_chain(&mut seen, &actor.unit)?;
    let mut roles = HashSet::new();
    for role in Role::ALL {
        let role_uid = uid("Role", role.code())?;
        seen.insert(role_uid.to_string(), Entity::new_no_attrs(role_uid.clone(), HashSet::new()));
        if actor.has(role) {
            roles.insert(role_uid);
        }
    }
    let facts = [
        ("unit".to_owned(), RestrictedExpression::new_entity_uid(uid("Unit", actor.unit.id.as_str())?)),
        ("level".to_owned(), RestrictedExpression::new_string(level_word(&actor.unit))),
    ];
    seen.insert(principal.to_string(), Entity::new(principal, facts.into_iter().collect(), roles)?);

    let mut attributes = Vec::new();
    for (name, value) in &resource.attributes {
        let expression = match value {
            Value::Text(text) => RestrictedExpression::new_string(text.clone()),
            Value::Number(number) => RestrictedExpression::new_long(*number),
            Value::Truth(truth) => RestrictedExpression::new_bool(*truth),
            Value::Account(id) => RestrictedExpression::new_entity_uid(uid("Account", id)?),
            Value::Texts(texts) => {
                RestrictedExpression::new_set(texts.iter().cloned().map(RestrictedExpression::new_string))
            }
            Value::Units(units) => {
                let mut uids = Vec::new();
                for unit in units {
                    unit_chain(&mut seen, unit)?;
                    uids.push(RestrictedExpression::new_entity_uid(uid("Unit", unit.id.as_str())?));
                }
                RestrictedExpression::new_set(uids)
            }
            Value::Unit(unit) => {
                unit_chain(&mut seen, unit)?;
                RestrictedExpression::new_entity_uid(uid("Unit", unit.id.as_str())?)
            }
        };
        attributes.push(((*name).to_owned(), expression));
    }
    // An account may itself be the resource; then it is already there with the actor's attributes.
    if !seen.contains_key(&target.to_string()) {
        seen.insert(target.to_string(), Entity::new(target, attributes.into_iter().collect(), HashSet::new())?);
    }
    Ok(Entities::from_entities(seen.into_values(), None)?)
}

fn unit_chain(seen: &mut BTreeMap<String, Entity>, unit: &UnitRef) -> Result<(), AnyError> {
    let mut parent: Option<EntityUid> = None;
    for id in unit.chain() {
        let here = uid("Unit", id)?;
        seen.entry(here.to_string())
            .or_insert_with(|| Entity::new_no_attrs(here.clone(), parent.iter().cloned().collect()));
        parent = Some(here);
    }
    Ok(())
}

fn level_word(unit: &UnitRef) -> String {
    use crate::actor::UnitLevel as L;
    match unit.level {
        L::Province => "province",
        L::City => "city",
        L::County => "county",
        L::Township => "township",
        L::Village => "village",
    }
    .to_owned()
}

fn uid(kind: &str, id: &str) -> Result<EntityUid, AnyError> {
    Ok(EntityUid::from_type_name_and_id(EntityTypeName::from_str(kind)?, EntityId::new(id)))
}
