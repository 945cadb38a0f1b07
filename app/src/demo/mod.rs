//! `hufu demo`: the invented city 云江市. All its people are synthetic.

pub(crate) mod city;
pub(crate) mod entries;
pub(crate) mod epidemic;
pub(crate) mod people;
pub(crate) mod tables;
