//! The only SQL of this capability, as SeaORM entities and the few questions asked of them.

/// An entity without relations, as all of ours are.
macro_rules! alone {
    () => {
        #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
        pub enum Relation {}

        impl ActiveModelBehavior for ActiveModel {}
    };
}

pub mod account;
pub mod change;
pub mod places;
pub mod profile;
pub mod reason;
pub mod session;
pub mod token;
