//! `hufu demo`: the invented city 云江市. All its people are synthetic.

pub mod city;
pub mod entries;
pub mod epidemic;
pub mod people;
